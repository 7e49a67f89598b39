/** Calls that failed and are made again, and what they say of their steps. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { StepReport } from '../fleet/report.ts';

export interface PendingStep {
  /** StepName; for an undo, that of the step of a teardown that reads like it. */
  readonly name: string;
  /** The call, as Temporal names it. */
  readonly call?: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** AWS's code. */
  readonly code?: string;
  /** The call, AWS's code and words. */
  readonly reason?: string;
}

/** The calls of a run that have failed and are made again. */
export function pendingIn({ raw }: WorkflowExecutionDescription): PendingStep[] {
  return (raw.pendingActivities ?? [])
    .filter(({ attempt, lastFailure }) => Number(attempt) > 1 && lastFailure)
    .map(({ activityId, attempt, lastFailure }) => ({
      name: `${activityId}`.replace(/^undo-|:\d+$/g, ''),
      call: `${activityId}`,
      attempt: Number(attempt),
      code: lastFailure!.applicationFailureInfo?.type ?? undefined,
      reason: `${lastFailure!.message}`,
    }));
}

/** Why a step waits, if a call of it is made again; else what it says of itself. */
export function detailOf(step: StepReport, pending: readonly PendingStep[]): string | undefined {
  const again = retryOf(step, pending);
  if (!again) return step.detail;
  return `attempt ${again.attempt}${again.reason === undefined ? '' : `: ${again.reason}`}`;
}

export function retryOf(
  { name, state }: StepReport,
  pending: readonly PendingStep[],
): PendingStep | undefined {
  return state === 'running' ? pending.find((call) => call.name === name) : undefined;
}
