/** `muster up FILE`: brings a fleet up and shows how, or attaches to the run that does. */

import { Muster } from '../client/muster.ts';
import { specFromFile } from '../client/specs.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';

export async function up(file: string, options: RunOptions): Promise<number> {
  const checked = specFromFile(file);
  announce(checked.spec.name);
  const muster = await Muster.connect();
  try {
    return codeOf(await seeThrough(await muster.up(checked), options));
  } finally {
    await muster.close();
  }
}
