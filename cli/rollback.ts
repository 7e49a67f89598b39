/** `muster rollback NAME`: has a paused run take back what it made, and shows that. */

import { connect } from './connect.ts';
import { DONE } from './exit.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';

export async function rollback(fleet: string, options: RunOptions): Promise<number> {
  announce(fleet);
  const muster = await connect();
  try {
    const report = await seeThrough(await muster.decide(fleet, 'rollback'), options);
    // That all is gone is what was asked for here.
    return report?.state === 'rolled-back' ? DONE : codeOf(report);
  } finally {
    await muster.close();
  }
}
