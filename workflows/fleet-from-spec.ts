/** fleetFromSpec: a fleet for a program of any language, from its spec as people write it. */

import { ApplicationFailureCategory } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  getExternalWorkflowHandle,
  setCurrentDetails,
} from '@temporalio/workflow';
import { LOOK_FAILED } from '../fleet/failures.ts';
import type { Begun, FleetRunIds, FromSpecRequest } from '../fleet/from-spec.ts';
import type { FleetReport } from '../fleet/report.ts';
import { awaiting, looking } from './activities.ts';
import { fleetFailed, isCancelled } from './run.ts';

/**
 * Has the spec read and its fleet brought up as `muster up` does: by a run of the fleet's own, which is begun, or met when
 * it makes this very fleet; waits for its end, and answers its report. So does a fleet that is there by this spec.
 *
 * Fails with SpecMistakes and all of them; with the code of a MusterError when the fleet cannot be had now; with FleetFailed
 * and the report when the fleet's run has not made it. A cancellation is handed on to the fleet's run, and what that took
 * back is waited for.
 */
export async function fleetFromSpec(request: FromSpecRequest): Promise<FleetReport> {
  // Whether a run was begun has to be known before it can be cancelled.
  const { run, report } = await CancellationScope.nonCancellable(() => begin(request));
  if (report) return report;
  setCurrentDetails(`The fleet's run is \`${run.workflowId}\`, \`${run.runId}\`; this one ends with it.`);
  const end = await endOf(run);
  if (end.state === 'complete') return end;
  if (end.state === 'cancelled' && isCancelled()) throw new CancelledFailure('cancelled');
  throw fleetFailed(end);
}

const BEGIN_SECONDS = 300;

function begin(request: FromSpecRequest): Promise<Begun> {
  const summary = 'read the spec, and bring its fleet up';
  const options = { activityId: 'begin', summary, scheduleToCloseTimeout: BEGIN_SECONDS * 1000 };
  return asOwn(looking.begin.executeWithOptions(options, [request]));
}

async function endOf(run: FleetRunIds): Promise<FleetReport> {
  try {
    return await lookForEnd(run, 'end');
  } catch (error) {
    if (!isCancelled()) throw error;
    return CancellationScope.nonCancellable(async () => {
      await cancel(run);
      return lookForEnd(run, 'end-of-cancelled');
    });
  }
}

function lookForEnd(run: FleetRunIds, activityId: string): Promise<FleetReport> {
  const options = { activityId, summary: `of ${run.workflowId}` };
  return asOwn(awaiting.endOf.executeWithOptions(options, [run]));
}

async function cancel({ workflowId, runId }: FleetRunIds): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId, runId).cancel();
  } catch {
    // It has ended meanwhile, and its report tells how.
  }
}

/** An errand's failure in its own words, as this run's; to the worker it is no error of its own. */
async function asOwn<T>(errand: Promise<T>): Promise<T> {
  try {
    return await errand;
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancelled()) throw error;
    const { cause } = error;
    // When time is up, the last attempt's is the cause of that.
    const known = [cause, cause?.cause].find((one) => one instanceof ApplicationFailure);
    throw ApplicationFailure.create({
      type: known?.type ?? LOOK_FAILED,
      message: known?.message ?? error.message,
      nonRetryable: true,
      category: ApplicationFailureCategory.BENIGN,
      details: known?.details ?? [],
    });
  }
}
