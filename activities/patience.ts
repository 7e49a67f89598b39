/** Waiting inside an activity: short, growing intervals, with heartbeats, so that a dead worker is noticed. */

import { Context } from '@temporalio/activity';

/**
 * How long to wait before the next look, in milliseconds: a twelfth of the time waited so far, so that nobody waits
 * more than a twelfth longer than needed, but never under `least` nor over `most`.
 */
export function nextPause(waitedMs: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, waitedMs / 12));
}

/** Sleeps, unless the activity is cancelled or its worker ends: then it throws CancelledFailure. */
export async function pause(ms: number): Promise<void> {
  const context = Context.current();
  context.heartbeat(context.info.heartbeatDetails);
  await context.sleep(ms);
}

/**
 * Looks until something is found, or until AWS has had time to make up its mind: reads lag behind writes by up to
 * minutes, so that one empty answer does not prove absence ("Eventual consistency in the Amazon EC2 API").
 */
export async function lookFor<T>(
  look: () => Promise<T | undefined>,
  patienceSeconds: number,
): Promise<T | undefined> {
  const started = Date.now();
  for (;;) {
    const found = await look();
    const waited = Date.now() - started;
    if (found !== undefined || waited >= patienceSeconds * 1000) return found;
    await pause(Math.min(nextPause(waited, 250, 5_000), patienceSeconds * 1000 - waited));
  }
}
