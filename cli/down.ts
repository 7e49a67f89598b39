/** `muster down NAME` and `muster release NAME`: take a fleet down and show how. */

import type { FleetRun } from '../client/fleet-run.ts';
import type { Muster } from '../client/muster.ts';
import { type FleetReport, instanceCountOf } from '../fleet/report.ts';
import { counted } from '../fleet/words.ts';
import { connect } from './connect.ts';
import { UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough, tellUnchanged } from './finish.ts';
import { announce } from './follow.ts';
import { say } from './output.ts';
import { isTerminal, isYes } from './terminal.ts';
import { whereWords } from './where-words.ts';

export interface DownCommandOptions extends RunOptions {
  readonly yes?: boolean;
  readonly region?: string;
}

export function down(fleet: string, options: DownCommandOptions): Promise<number> {
  return takeDown('down', fleet, options, (muster) => muster.down(fleet, options));
}

/** The same, for a fleet that has a lease and for no other. */
export function release(fleet: string, options: DownCommandOptions): Promise<number> {
  return takeDown('release', fleet, options, (muster) => muster.release(fleet));
}

async function takeDown(
  command: string,
  fleet: string,
  options: DownCommandOptions,
  start: (muster: Muster) => Promise<FleetRun>,
): Promise<number> {
  if (!options.yes && !isTerminal()) {
    throw new UsageError(
      `'muster ${command}' asks before it removes ${fleet}, and there is no terminal to ask`,
      'add --yes',
    );
  }
  const muster = await connect();
  try {
    if (!options.yes && !(await isWanted(await muster.status(fleet, options)))) {
      return tellUnchanged(fleet, options);
    }
    announce(fleet);
    return codeOf(await seeThrough(await start(muster), options));
  } finally {
    await muster.close();
  }
}

async function isWanted(report: FleetReport): Promise<boolean> {
  const { fleet, state, role, profile } = report;
  const where = whereWords(report);
  const what = [
    counted(instanceCountOf(report), 'instance'),
    ...(profile ? [`the instance profile ${profile.name}${profile.reused ? ' (in use, stays)' : ''}`] : []),
    ...(role ? [`the role ${role.name}${role.reused ? ' (in use, stays)' : ''}`] : []),
  ];
  say(`The fleet ${fleet}${where && ` in ${where}`} is ${state} and has ${what.join(', ')}.`);
  return isYes('Remove all of it?');
}
