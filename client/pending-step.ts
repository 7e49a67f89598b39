/** Calls that failed and are made again, and what they say of their steps. */

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
