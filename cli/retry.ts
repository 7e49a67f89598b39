/** `muster retry NAME`: takes up again what the fleet's last run could not finish, and shows that. */

import { connect } from './connect.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';

export interface RetryCommandOptions extends RunOptions {
  readonly skip?: readonly string[];
}

export async function retry(fleet: string, options: RetryCommandOptions): Promise<number> {
  announce(fleet);
  const muster = await connect();
  try {
    return codeOf(await seeThrough(await muster.retry(fleet, options), options));
  } finally {
    await muster.close();
  }
}
