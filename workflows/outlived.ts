/** Volumes that outlive their machines, after a change that was taken back: what it had ended is not all told by it. */

import { patched } from '@temporalio/workflow';
import { whereOf } from '../fleet/places.ts';
import type { FleetReport } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { Owner } from '../fleet/tags.ts';
import { as, looking } from './activities.ts';

/** Names them in the report, where the spec has such; what AWS does not tell now is no reason to fail. */
export async function nameOutlived(report: FleetReport, spec: FleetSpec, owner: Owner): Promise<void> {
  if (spec.instances.volumes.every((volume) => volume.deleteOnTermination)) return;
  // Runs that were taken back before this look go on without it.
  if (!patched('outlived-volumes-named')) return;
  const options = {
    ...as('find', 'volumes that outlived their machines', spec.deadlines.step),
    activityId: 'outlived',
  };
  const ids = await looking.outlivedVolumes
    .executeWithOptions(options, [{ ...whereOf(spec), owner }])
    .catch((): string[] => []);
  const all = [...new Set([...(report.volumesKept ?? []), ...ids])];
  if (all.length > 0) report.volumesKept = all;
}
