/** Waiting inside a workflow: how long one look may go on, and the words for what is waited for. */

import { ApplicationFailure } from '@temporalio/workflow';
import { DEADLINE_PASSED } from '../fleet/failures.ts';

/**
 * Milliseconds: a second at first, then as long as was waited so far, ten seconds at most. The history grows with the
 * logarithm of a wait, and whoever looks at the run learns soon why it waits.
 */
export function nextSlice(waitedMs: number): number {
  return Math.min(10_000, Math.max(1_000, waitedMs));
}

export function notYet(attempt: number, seconds: number, deadline: number): string {
  return `EC2 does not know the profile yet (attempt ${attempt}, ${Math.round(seconds)} s of ${deadline})`;
}

export function tooLate(what: string, reason?: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason === undefined ? what : `${what}: ${reason}`, DEADLINE_PASSED);
}
