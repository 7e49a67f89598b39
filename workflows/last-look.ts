/** Before a run says what is left, AWS is asked once more: a removal whose answer was lost may have had its effect. */

import { sleep } from '@temporalio/workflow';
import type { LastLookRequest } from '../activities/last-look.ts';
import type { Leftover } from '../fleet/report.ts';
import { as, looking } from './activities.ts';

const LOOK_SECONDS = 60;

/**
 * Waits for `seconds` (AWS may go on showing for so long what is gone) and tells which of the leftovers are there
 * then. All of them, when AWS cannot be asked. `at` tells it from a look elsewhere at the same time.
 */
export async function stillLeft(
  request: Omit<LastLookRequest, 'patience'>,
  seconds: number,
  at?: string,
): Promise<readonly Leftover[]> {
  await sleep(seconds * 1000, { summary: 'until AWS shows what is left' });
  return lastLook({ ...request, patience: 0 }, at);
}

/** Those of the leftovers that AWS shows within the request's patience. All of them, when AWS cannot be asked. */
export async function lastLook(request: LastLookRequest, at?: string): Promise<readonly Leftover[]> {
  if (request.leftovers.length === 0 && !request.volumes) return [];
  const seconds = request.patience + LOOK_SECONDS;
  try {
    return await looking.lastLook.executeWithOptions(as('find', 'what is left', seconds, at), [request]);
  } catch {
    return request.leftovers;
  }
}
