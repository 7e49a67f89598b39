/** `muster down NAME`: takes a fleet down and shows how. */

import { createInterface } from 'node:readline/promises';
import { Muster } from '../client/muster.ts';
import type { FleetReport } from '../fleet/report.ts';
import { counted } from '../fleet/words.ts';
import { UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';
import { say } from './output.ts';

export interface DownCommandOptions extends RunOptions {
  readonly yes?: boolean;
  readonly region?: string;
}

export async function down(fleet: string, options: DownCommandOptions): Promise<number> {
  if (!options.yes && !process.stdin.isTTY) {
    throw new UsageError(
      `'muster down' asks before it removes ${fleet}, and there is no terminal to ask`,
      'add --yes',
    );
  }
  const muster = await Muster.connect();
  try {
    if (!options.yes && !(await isWanted(await muster.status(fleet, options)))) {
      say('Nothing was changed.');
      return 0;
    }
    announce(fleet);
    return codeOf(await seeThrough(await muster.down(fleet, options), options));
  } finally {
    await muster.close();
  }
}

async function isWanted({ fleet, state, instances, role, profile }: FleetReport): Promise<boolean> {
  const what = [
    counted(instances.length, 'instance'),
    ...(profile ? [`the instance profile ${profile.name}${profile.reused ? ' (in use, stays)' : ''}`] : []),
    ...(role ? [`the role ${role.name}${role.reused ? ' (in use, stays)' : ''}`] : []),
  ];
  say(`The fleet ${fleet} is ${state} and has ${what.join(', ')}.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question('Remove all of it? [y/N] ');
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
