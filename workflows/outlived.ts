/** Volumes that outlive their machines, after a change that was taken back: what it had ended is not all told by it. */

import { CancellationScope, patched } from '@temporalio/workflow';
import { whereOf } from '../fleet/places.ts';
import { type FleetReport, runsOf } from '../fleet/report.ts';
import { type FleetSpec, hasLastingVolumes } from '../fleet/spec.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { as, looking } from './activities.ts';

/**
 * Names in the change's report those of the fleet, also of what the change has launched itself, where the spec has such;
 * what AWS does not tell now is no reason to fail.
 */
export async function nameOutlived(
  report: FleetReport,
  spec: FleetSpec,
  fleet: FleetReport,
  by: RunOwner,
): Promise<void> {
  if (!hasLastingVolumes(spec)) return;
  // Runs that were taken back before this look go on without it.
  if (!patched('outlived-volumes-named')) return;
  const options = {
    ...as('find', 'volumes that outlived their machines', spec.deadlines.step),
    activityId: 'outlived',
  };
  const owner = { fleet: fleet.fleet, runs: [...new Set([...runsOf(fleet), by.run])] };
  const request = { ...whereOf(spec), owner };
  const ids = await CancellationScope.nonCancellable(() =>
    looking.outlivedVolumes.executeWithOptions(options, [request]),
  ).catch((): string[] => []);
  const all = [...new Set([...(report.volumesKept ?? []), ...ids])];
  if (all.length > 0) report.volumesKept = all;
}
