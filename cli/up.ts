/** `muster up FILE`: brings a fleet up and shows how, or attaches to the run that does. */

import type { FleetRun } from '../client/fleet-run.ts';
import { specFromFile } from '../client/specs.ts';
import { connect } from './connect.ts';
import { secondsOption } from './duration-option.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';
import { say } from './output.ts';

export interface UpCommandOptions extends RunOptions {
  /** How long the fleet is wanted, as it was typed. */
  readonly for?: string;
}

export async function up(file: string, options: UpCommandOptions): Promise<number> {
  const lease = secondsOption('--for', options.for);
  const checked = specFromFile(file);
  announce(checked.spec.name);
  const muster = await connect();
  try {
    const run = await muster.up(checked, { lease });
    if (lease !== undefined && run.met !== 'new') say(`--for ${options.for} ${forNothing(run)}`);
    return codeOf(await seeThrough(run, options));
  } finally {
    await muster.close();
  }
}

/** Why a lease that was asked for of a fleet that has a run already changes nothing, and what does. */
function forNothing({ fleet, met }: FleetRun): string {
  switch (met) {
    case 'keeping':
      return `changes nothing: the fleet is there with a lease; 'muster extend ${fleet} TIME' moves its end`;
    case 'ended':
      return `changes nothing: the fleet is there without a lease; 'muster down ${fleet}' takes it down`;
    default:
      return `changes nothing: the run under way was begun before; 'muster extend ${fleet} TIME' moves the end of its lease, if it has one`;
  }
}
