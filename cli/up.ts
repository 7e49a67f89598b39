/** `muster up FILE`: brings a fleet up and shows how, or attaches to the run that does. */

import { Muster } from '../client/muster.ts';
import { specFromFile } from '../client/specs.ts';
import { secondsOption } from './duration-option.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';

export interface UpCommandOptions extends RunOptions {
  /** How long the fleet is wanted, as it was typed. */
  readonly for?: string;
}

export async function up(file: string, options: UpCommandOptions): Promise<number> {
  const lease = secondsOption('--for', options.for);
  const checked = specFromFile(file);
  announce(checked.spec.name);
  const muster = await Muster.connect();
  try {
    return codeOf(await seeThrough(await muster.up(checked, { lease }), options));
  } finally {
    await muster.close();
  }
}
