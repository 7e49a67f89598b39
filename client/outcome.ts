/** A run's report, however the run ended. */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationFailure,
  CancelledFailure,
  ServiceError,
  TerminatedFailure,
  TimeoutFailure,
  WorkflowContinuedAsNewError,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { FLEET_FAILED } from '../fleet/failures.ts';
import { blankReport, type FleetReport } from '../fleet/report.ts';
import {
  type FleetMemo,
  KEEPER,
  type KeepRequest,
  nameInId,
  PROGRESS_QUERY,
  TEARDOWNS,
} from '../fleet/run.ts';
import { hadNotBegun } from './temporal.ts';
import { WorkerWait } from './worker-wait.ts';

/**
 * Waits for the end and answers the report: the result of a run that succeeded, the details of the failure of one that
 * did not. A run that was cancelled, terminated or timed out has neither; then a worker is asked what it makes of the
 * history. A run that no code of Muster's ended (terminated, timed out) is `lost`. One that goes on as another, as with a
 * lease, has told what it had to tell: give a handle that does not follow runs.
 */
export async function outcomeOf(handle: WorkflowHandle, wait?: WorkerWait): Promise<FleetReport> {
  try {
    return (await handle.result()) as FleetReport;
  } catch (error) {
    if (error instanceof WorkflowContinuedAsNewError) {
      return (await handedOn(handle, error.newExecutionRunId)) ?? lastWords(handle, wait);
    }
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    if (cause instanceof ApplicationFailure && cause.type === FLEET_FAILED) {
      return cause.details![0] as FleetReport;
    }
    const last = await lastWords(handle, wait);
    if (cause instanceof CancelledFailure)
      return { ...last, state: last.state === 'running' ? 'cancelled' : last.state };
    return { ...last, state: 'lost', error: { step: stepOf(last), ...whyLost(cause) } };
  }
}

/** What a run has handed to the one that keeps its fleet from then on: no worker is needed for that. */
async function handedOn(
  { client, workflowId }: WorkflowHandle,
  runId: string,
): Promise<FleetReport | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const { workflowType, input } = history?.events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  if (workflowType?.name !== KEEPER) return undefined;
  const [request] = input!.payloads!;
  return defaultPayloadConverter.fromPayload<KeepRequest<FleetReport, unknown>>(request!).report;
}

/**
 * What the history tells, through a worker. A run that ended before any worker took it up has done nothing, and tells
 * nothing; and when no worker comes, how the run ended is known all the same. That Temporal itself is away shows when
 * it is asked for that.
 */
async function lastWords(handle: WorkflowHandle, wait = new WorkerWait()): Promise<FleetReport> {
  const begun = Date.now();
  for (;;) {
    try {
      // Without a deadline one that no worker answers would be waited for, and asked anew, for minutes.
      return await handle.client.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
        handle.query<FleetReport>(PROGRESS_QUERY),
      );
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      // A worker that was killed is missed by Temporal for a while, and another may be on its way.
      if (hadNotBegun(error) || wait.missed(begun, true)) return blankOf(handle);
      await sleep(500);
    }
  }
}

const QUERY_PATIENCE_MS = 3_000;

async function blankOf(handle: WorkflowHandle): Promise<FleetReport> {
  const { memo, type, runId } = await handle.describe();
  const { fleet = nameInId(handle.workflowId), region } = memo as Partial<FleetMemo>;
  const action = TEARDOWNS.includes(type) ? 'down' : 'up';
  return blankReport({ fleet, region, action, workflowId: handle.workflowId, runId });
}

function stepOf({ steps }: FleetReport): string {
  return (
    steps.find(({ state }) => state === 'running' || state === 'paused')?.name ?? steps.at(-1)?.name ?? ''
  );
}

function whyLost(cause: Error | undefined): { code: string; message: string } {
  if (cause instanceof TerminatedFailure) {
    return {
      code: 'Terminated',
      message: `the run was terminated, so that it could undo nothing: ${cause.message}`,
    };
  }
  if (cause instanceof TimeoutFailure) {
    return { code: 'TimedOut', message: 'the run timed out, so that it could undo nothing' };
  }
  return { code: 'WorkflowFailed', message: cause?.message ?? 'for an unknown reason' };
}
