/** scheduledFleet: one time of a schedule. It brings the fleet up as a run of the fleet, and lasts as long as that. */

import {
  ApplicationFailureCategory,
  TerminatedFailure,
  TimeoutFailure,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import {
  ApplicationFailure,
  ChildWorkflowFailure,
  type ChildWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { bootstrapAbout } from '../fleet/bootstrap-about.ts';
import { FLEET_FAILED, FLEET_LEFT_OVER, RUN_LOST } from '../fleet/failures.ts';
import { leftoverWords } from '../fleet/leftovers.ts';
import { lookBySpec } from '../fleet/look-by-spec.ts';
import { minPlacesOf } from '../fleet/places.ts';
import type { FleetReport } from '../fleet/report.ts';
import { type BootstrapRequest, fleetWorkflowId } from '../fleet/run.ts';
import type { ScheduledEnd } from '../fleet/schedule.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { as, looking } from './activities.ts';
import { ownAttributes } from './attributes.ts';
import { bootstrapFleet } from './bootstrap-fleet.ts';
import { bootstrapPlaces } from './bootstrap-places.ts';
import { inspectFleet, inspectPlaces } from './inspect-fleet.ts';
import { isCancelled } from './run.ts';

const LOOK_DEADLINE = 300;

/**
 * Looks first: when a run of the fleet is under way or the fleet is there, this time is skipped, and nothing is
 * started. Otherwise the bootstrap runs as a child under the fleet's one id, and its whole chain is waited for: the
 * overlap policy of the schedule then counts the fleet's life, not only its start.
 *
 * Fails with FleetFailed and the report when that does, FleetLeftOver when an earlier run left something, RunLost when
 * the run was ended from outside, LookFailed when AWS could not be asked. A cancellation goes to the child, and is
 * waited for; after a termination the fleet's run goes on.
 */
export async function scheduledFleet(request: BootstrapRequest<FleetSpec>): Promise<ScheduledEnd> {
  const { spec } = request;
  const skipped = (reason: string): ScheduledEnd => {
    setCurrentDetails(`Skipped: ${reason}.`);
    return { fleet: spec.name, state: 'skipped', reason };
  };
  const reason = (await runUnderWay(spec.name)) ?? (await fleetThere(spec));
  if (reason !== undefined) return skipped(reason);

  const bootstrap = spec.places ? bootstrapPlaces : bootstrapFleet;
  let run: ChildWorkflowHandle<typeof bootstrap>;
  try {
    const { memo, ...about } = bootstrapAbout(request);
    run = await startChild(bootstrap, {
      args: [request],
      ...about,
      memo: { ...memo },
      typedSearchAttributes: ownAttributes(),
      workflowId: fleetWorkflowId(spec.name),
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return skipped('a run of the fleet had just begun');
  }
  const runId = run.firstExecutionRunId;
  setCurrentDetails(`The fleet's run is \`${run.workflowId}\`, from \`${runId}\` on; this one ends with it.`);
  try {
    const { state } = await run.result();
    return { fleet: spec.name, state, runId };
  } catch (error) {
    if (!(error instanceof ChildWorkflowFailure)) throw error;
    if (!isCancellation(error)) throw failureOf(spec.name, error);
    // Whoever cancels the fleet's own run has what they want, and the schedule goes on; this run's end is its own.
    if (isCancelled()) throw error;
    return { fleet: spec.name, state: 'cancelled', runId };
  }
}

const DOING: Record<string, string> = {
  bootstrapFleet: 'is bringing the fleet up',
  keepFleet: 'keeps the fleet until its lease is over',
  teardownFleet: 'is taking the fleet down',
  bootstrapPlaces: 'is bringing the fleet up',
  teardownPlaces: 'is taking the fleet down',
};

/** Why there can be no run now, if another one has the fleet. */
async function runUnderWay(fleet: string): Promise<string | undefined> {
  const { namespace, runId } = workflowInfo();
  const [known] = await looking.describeRuns.executeWithOptions(
    // Nothing is known of this run as one of the fleet's; the fleet's last one is what is asked for.
    { ...as('find', `the last run of ${fleet}`, LOOK_DEADLINE), activityId: 'find-run' },
    [{ runs: [{ fleet, run: runId, namespace }] }],
  );
  const last = known?.last;
  if (last?.status !== 'RUNNING') return undefined;
  return `run ${last.run} ${DOING[last.type] ?? 'has the fleet'}`;
}

/** Why the fleet need not be made, if it is there; remains of an earlier run are in the way of every time to come. */
async function fleetThere(spec: FleetSpec): Promise<string | undefined> {
  const request = lookBySpec(spec);
  const { state, leftovers } = request.places
    ? // One that cannot be looked at counts for the run as one that has failed.
      await inspectPlaces(request, request.places, minPlacesOf(spec))
    : await inspectFleet(request);
  if (state === 'complete') return 'the fleet is there already, and complete';
  if (state !== 'left-over') return undefined;
  throw failure(
    FLEET_LEFT_OVER,
    `an earlier run of the fleet left ${leftoverWords(leftovers)}; 'muster down ${spec.name}' removes it`,
  );
}

/** The words of the fleet's run, and its report, as this run's own. */
function failureOf(fleet: string, { cause }: ChildWorkflowFailure): ApplicationFailure {
  if (cause instanceof ApplicationFailure && cause.type === FLEET_FAILED) {
    return failure(FLEET_FAILED, cause.message, cause.details![0] as FleetReport);
  }
  const how =
    cause instanceof TerminatedFailure
      ? 'was terminated, so that it could undo nothing'
      : cause instanceof TimeoutFailure
        ? 'timed out, so that it could undo nothing'
        : `failed: ${cause?.message}`;
  return failure(RUN_LOST, `the fleet's run ${how}; 'muster retry ${fleet}' removes what it left`);
}

/** One that is the schedule's to show; to the worker it is no error of its own. */
function failure(type: string, message: string, ...details: FleetReport[]): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    details,
  });
}
