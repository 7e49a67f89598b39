/** `muster sweep`: what runs have left that can do nothing about it any more; shown, and with --yes removed. */

import type { Remains, SweepReport, Swept } from '../fleet/sweep.ts';
import { connect } from './connect.ts';
import { secondsOption } from './duration-option.ts';
import { DONE, LEFT_OVER } from './exit.ts';
import { type Colors, jsonOf, print, printText, say, stdoutColors } from './output.ts';

export interface SweepCommandOptions {
  readonly yes?: boolean;
  readonly region?: readonly string[];
  readonly olderThan?: string;
  readonly json?: boolean;
}

export async function sweep({ yes, region, olderThan, json }: SweepCommandOptions): Promise<number> {
  const seconds = secondsOption('--older-than', olderThan);
  const muster = await connect();
  try {
    say('looking through the roles and instance profiles of the account, instances and volumes …');
    const report = await muster.sweep({ remove: yes, regions: region, olderThan: seconds });
    if (json) print(jsonOf(report));
    else printText(sweepText(report, stdoutColors()));
    return report.swept.some(({ leftovers }) => leftovers.length > 0) ? LEFT_OVER : DONE;
  } finally {
    await muster.close();
  }
}

export function sweepText({ account, regions, removed, swept }: SweepReport, colors: Colors): string {
  const where = `account ${account}, ${regions.join(', ')}`;
  const orphaned = swept.filter(({ remove }) => remove);
  const spared = swept.filter(({ remove }) => !remove);
  const lines = [headline(orphaned, removed, where, colors)];
  for (const one of orphaned) lines.push('', ...orphanLines(one, removed, colors));
  if (spared.length > 0) lines.push('', colors.dim('left alone:'), ...spared.map(sparedLine));
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

function sparedLine({ remains, why }: Swept): string {
  return `  ${remains.fleet}, run ${remains.run}: ${namesOf(remains).length} things, as ${why}`;
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
