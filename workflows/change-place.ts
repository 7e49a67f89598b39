/** changePlace: a change of what a fleet in several places has in one of them, for the run that keeps the fleet. */

import { workflowInfo } from '@temporalio/workflow';
import type { FleetReport } from '../fleet/report.ts';
import type { RunOwner } from '../fleet/tags.ts';
import type { ChangeOfPlaces } from './change-places.ts';
import type { Standing } from './changed.ts';
import { tellMembers } from './members.ts';
import { repairFleet } from './repair.ts';
import { scaleFleet } from './scale.ts';

export interface ChangePlaceRequest {
  readonly standing: Required<Pick<Standing, 'at' | 'identity' | 'report' | 'spec'>>;
  /** In whose name it launches: all that a fleet has is its own runs'. */
  readonly owner: RunOwner;
  readonly asked: ChangeOfPlaces;
}

/** The change's own account of itself, as every run of a fleet ends with one. */
export interface PlaceChanged extends FleetReport {
  /** What the fleet has there from now on; the run that it names knows all of its instances. */
  readonly now: FleetReport;
}

/** As of a fleet in one place. It does not fail: what has failed, and what is left of that, is told. */
export async function changePlace({ standing, owner, asked }: ChangePlaceRequest): Promise<PlaceChanged> {
  const there = { ...standing, owner, tellMembers };
  const { told, members } =
    asked.action === 'scale'
      ? await scaleFleet(there, asked.request)
      : await repairFleet(there, asked.request);
  if (!members) return { ...told, now: standing.report };
  tellMembers(members);
  const { workflowId, runId } = workflowInfo();
  return { ...told, now: { ...standing.report, workflowId, runId } };
}
