/** `muster up FILE`: brings a fleet up and shows how, attaches to the run that does, or changes the fleet that is there. */

import { DiffersError } from '../client/errors.ts';
import type { FleetRun } from '../client/fleet-run.ts';
import type { Muster } from '../client/muster.ts';
import { type CheckedSpec, specFromFile } from '../client/specs.ts';
import type { FleetReport } from '../fleet/report.ts';
import { counted } from '../fleet/words.ts';
import { differenceText } from './change-text.ts';
import { connect } from './connect.ts';
import { secondsOption } from './duration-option.ts';
import { LEFT_OVER, UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough, tellUnchanged } from './finish.ts';
import { announce } from './follow.ts';
import { say } from './output.ts';
import { assertWanted, isTerminal, isYes, Unwanted } from './terminal.ts';

export interface UpCommandOptions extends RunOptions {
  /** How long the fleet is wanted, as it was typed. */
  readonly for?: string;
  readonly yes?: boolean;
}

export async function up(file: string, options: UpCommandOptions): Promise<number> {
  const lease = secondsOption('--for', options.for);
  const checked = specFromFile(file);
  announce(checked.spec.name);
  const muster = await connect();
  try {
    // Without anybody to ask it is not looked at beforehand: the run does that, and tells.
    const isAsked = !options.yes && isTerminal();
    const beforeStart = isAsked ? () => agreeTo(muster, checked, file) : undefined;
    const run = await muster
      .up(checked, { lease, beforeStart })
      .catch((error: unknown) => changeInstead(muster, checked, error, { ...options, file }));
    if (!run) return tellUnchanged(checked.spec.name, options);
    if (options.for !== undefined && run.met !== 'new') say(forNothing(run, options.for));
    const report = await seeThrough(run, { ...options, file });
    return report && isShortOfSpec(report) ? LEFT_OVER : codeOf(report);
  } finally {
    await muster.close();
  }
}

/** Shows what would be made, and rejects unless a person wants it. */
async function agreeTo(muster: Muster, checked: CheckedSpec, file: string): Promise<void> {
  const { sayPlan } = await import('./plan.ts');
  const { obstacles } = await sayPlan(muster, checked, file);
  if (obstacles.length > 0) {
    throw new UsageError(`${counted(obstacles.length, 'thing')} in the way; nothing was made`);
  }
  await assertWanted('\nMake it?');
  say('');
}

/** Why a lease that was asked for of a fleet that has a run already changes nothing, and what does. */
function forNothing({ fleet, met }: FleetRun, time: string): string {
  const extend = `'muster extend ${fleet} ${time}'`;
  switch (met) {
    case 'keeping':
      return `--for ${time} changes nothing: the fleet is there and has its lease; ${extend} moves the end of that by as much`;
    case 'ended':
      return `--for ${time} changes nothing: the fleet is there without a lease; ${extend} gives it one`;
    default:
      return `--for ${time} changes nothing: the run under way was begun before; when the fleet is complete ${extend} gives it a lease, or moves the end of the one that it has`;
  }
}

/** The run that changes the fleet that is there; none when a person does not want that, or the fleet. */
async function changeInstead(
  muster: Muster,
  checked: CheckedSpec,
  error: unknown,
  options: UpCommandOptions & { readonly file: string },
): Promise<FleetRun | undefined> {
  if (error instanceof Unwanted) return undefined;
  const canChange = error instanceof DiffersError && error.isInPlace;
  const { yes, file } = options;
  if (!canChange || !(yes || isTerminal())) throw error;
  say(differenceText(checked.spec.name, error.changes, { file, isAgreed: true }));
  if (!yes && !(await isYes('Change what can be changed in place?'))) return undefined;
  if (options.for) {
    const extend = `'muster extend ${checked.spec.name} ${options.for}' gives it one, or moves its end`;
    say(`--for ${options.for} changes nothing: a change leaves the fleet's lease as it is; ${extend}`);
  }
  return muster.change(checked);
}

/** It was changed as far as that is possible in place, and its file says more. */
function isShortOfSpec({ state, action, change }: FleetReport): boolean {
  return state === 'complete' && action === 'change' && change!.rest.length > 0;
}
