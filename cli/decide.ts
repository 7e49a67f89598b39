/** `muster retry NAME` and `muster rollback NAME`: a person's decision about a paused run. */

import { Muster } from '../client/muster.ts';
import type { Decision } from '../fleet/run.ts';
import { DONE } from './exit.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';

export async function decide(fleet: string, decision: Decision, options: RunOptions): Promise<number> {
  const muster = await Muster.connect();
  try {
    const report = await seeThrough(await muster.decide(fleet, decision), options);
    return decision === 'rollback' && report?.state === 'rolled-back' ? DONE : codeOf(report);
  } finally {
    await muster.close();
  }
}
