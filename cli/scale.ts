/** `muster scale NAME COUNT`: gives a fleet more or fewer instances, and shows how. */

import { Muster } from '../client/muster.ts';
import type { ScaleChoice } from '../fleet/scale.ts';
import { counted } from '../fleet/words.ts';
import { UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';
import { say } from './output.ts';

export interface ScaleCommandOptions extends RunOptions {
  /** As it was typed. */
  readonly by?: string;
}

export async function scale(fleet: string, count: string, options: ScaleCommandOptions): Promise<number> {
  if (!/^\d{1,9}$/.test(count)) throw new UsageError(`${count} is no count of instances, for instance 20`);
  announce(fleet);
  const muster = await Muster.connect();
  try {
    // The library checks it, with all that it knows of choices.
    const by = options.by as ScaleChoice | undefined;
    const run = await muster.scale(fleet, { count: Number(count), by });
    if (run.met !== 'new') say(`nothing to do: it has ${counted(Number(count), 'instance')}`);
    return codeOf(await seeThrough(run, options));
  } finally {
    await muster.close();
  }
}
