/** `muster sweep`: what runs have left that can do nothing about it any more; shown, and with --yes removed. */

import type { Remains, SweepReport, Swept } from '../fleet/sweep.ts';
import { counted } from '../fleet/words.ts';
import { connect } from './connect.ts';
import { secondsOption } from './duration-option.ts';
import { DONE, LEFT_OVER } from './exit.ts';
import { type Colors, jsonOf, print, printText, say, stdoutColors } from './output.ts';

export interface SweepCommandOptions {
  readonly yes?: boolean;
  readonly region?: readonly string[];
  readonly olderThan?: string;
  /** Whether healthy fleets are listed, too. */
  readonly all?: boolean;
  readonly json?: boolean;
}

export async function sweep({ yes, region, olderThan, all, json }: SweepCommandOptions): Promise<number> {
  const seconds = secondsOption('--older-than', olderThan);
  const muster = await connect();
  try {
    say('looking through the roles and instance profiles of the account, instances and volumes …');
    const report = await muster.sweep({ remove: yes, regions: region, olderThan: seconds });
    if (json) print(jsonOf(report));
    else printText(sweepText(report, stdoutColors(), all));
    return isLeft(report) ? LEFT_OVER : DONE;
  } finally {
    await muster.close();
  }
}

/** What was only looked for is there still. */
function isLeft({ removed, swept }: SweepReport): boolean {
  return swept.some(({ remove, leftovers }) => (removed ? leftovers.length > 0 : remove));
}

export function sweepText(
  { account, regions, removed, swept }: SweepReport,
  colors: Colors,
  all = false,
): string {
  const where = `account ${account}, ${regions.join(', ')}`;
  const orphaned = swept.filter(({ remove }) => remove);
  const spared = swept.filter(({ remove }) => !remove);
  const lines = [headline(orphaned, removed, where, colors)];
  for (const one of orphaned) lines.push('', ...orphanLines(one, removed, colors));
  if (spared.length > 0) lines.push('', colors.dim('left alone:'), ...sparedLines(spared, all));
  if (orphaned.length > 0 && !removed) lines.push('', '  next      muster sweep --yes   removes it');
  return lines.join('\n');
}

function headline(orphaned: readonly Swept[], removed: boolean, where: string, colors: Colors): string {
  const count = orphaned.reduce((sum, { remains }) => sum + namesOf(remains).length, 0);
  const left = orphaned.some(({ leftovers }) => leftovers.length > 0);
  const things = count === 1 ? '1 thing' : `${count} things`;
  if (count === 0) return `${colors.green('✓')} nothing is left by runs that have ended (${where})`;
  if (!removed) return `${colors.yellow('!')} ${things} left by runs that can do nothing about it (${where})`;
  if (left) return `${colors.red('✗')} not all of ${things} could be removed (${where})`;
  return `${colors.green('✓')} ${things} removed (${where})`;
}

function orphanLines({ remains, why, leftovers }: Swept, removed: boolean, colors: Colors): string[] {
  const { fleet, run, region } = remains;
  const lines = [`  ${colors.bold(fleet)}, run ${run} in ${region}: ${why}`];
  if (removed && leftovers.length > 0) {
    for (const { kind, id, reason, command } of leftovers) {
      lines.push(`    ${colors.red('left')} ${kind} ${id}: ${reason}`, `      ${command}`);
    }
  } else {
    const names = namesOf(remains);
    lines.push(...names.slice(0, MOST).map((name) => `    ${removed ? 'removed ' : ''}${name}`));
    if (names.length > MOST) lines.push(colors.dim(`    and ${names.length - MOST} more; --json has all`));
  }
  return lines;
}

/** What somebody should look at, line by line; healthy fleets, of which an account has many, in one. */
function sparedLines(spared: readonly Swept[], all: boolean): string[] {
  const told = spared.filter(({ healthy }) => all || !healthy);
  const healthy = new Set(spared.flatMap((one) => (told.includes(one) ? [] : one.remains.fleet)));
  if (healthy.size === 0) return told.map(sparedLine);
  const fleets = counted(healthy.size, 'fleet');
  return [...told.map(sparedLine), `  ${fleets}, complete or with a run under way; --all lists them`];
}

function sparedLine({ remains, why }: Swept): string {
  return `  ${remains.fleet}, run ${remains.run}: ${counted(namesOf(remains).length, 'thing')}, as ${why}`;
}

const MOST = 20;

function namesOf({ roles, profiles, instances, volumes }: Remains): string[] {
  return [
    ...roles.map((name) => `role ${name}`),
    ...profiles.map((name) => `profile ${name}`),
    ...instances.map((id) => `instance ${id}`),
    ...volumes.map((id) => `volume ${id}`),
  ];
}
