/** What EC2 shows of a complete fleet that is being changed. */

import { workflowInfo } from '@temporalio/workflow';
import type { Survey, SurveyRequest } from '../activities/survey.ts';
import { whereOf } from '../fleet/places.ts';
import { type FleetReport, runsOf } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { as, looking } from './activities.ts';
import type { Standing } from './changed.ts';

/** Of what these runs launched: those that launched the fleet, unless told otherwise. */
export function survey(
  step: 'find' | 'verify',
  spec: FleetSpec,
  fleet: FleetReport,
  request: Pick<SurveyRequest, 'count' | 'patience' | 'choose'>,
  runs = runsOf(fleet),
): Promise<Survey> {
  const seconds = request.patience + spec.deadlines.step;
  return looking.survey.executeWithOptions(as(step, `what ${fleet.fleet} has`, seconds), [
    { ...whereOf(spec), owner: { fleet: fleet.fleet, runs }, ...request },
  ]);
}

/**
 * In whose name a change launches, once it has looked: a run that is reset has another id from then on, and what it had
 * launched under the one before would be nobody's. One that is made for another run launches in that one's.
 */
export function launcherOf(
  { owner, report: { fleet } }: Pick<Standing, 'owner' | 'report'>,
  { run = workflowInfo().runId }: Pick<Survey, 'run'> = {},
): RunOwner {
  return owner ?? { fleet, run };
}
