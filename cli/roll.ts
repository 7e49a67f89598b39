/** `muster roll FILE`: replaces a fleet's instances wave by wave, and shows how; `muster roll pause NAME` and its like. */

import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Muster } from '../client/muster.ts';
import type { RollOptions } from '../client/roll.ts';
import { type CheckedSpec, specFromFile } from '../client/specs.ts';
import { changeLines } from '../fleet/change-lines.ts';
import { LEASE_OVER } from '../fleet/failures.ts';
import { ROLE_NAME } from '../fleet/names.ts';
import { type FleetReport, instanceCountOf } from '../fleet/report.ts';
import { DEFAULT_WAVE, waveOf, waveSizeOf } from '../fleet/roll.ts';
import { rollWords } from '../fleet/roll-words.ts';
import { counted } from '../fleet/words.ts';
import { connect } from './connect.ts';
import { secondsOption } from './duration-option.ts';
import { DONE, reportJson, UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough, tellUnchanged } from './finish.ts';
import { announce, follow } from './follow.ts';
import { print, printText, say } from './output.ts';
import { assertWanted, isTerminal, nothingIfUnwanted } from './terminal.ts';
import { whereWords } from './where-words.ts';

export interface RollCommandOptions extends RunOptions {
  readonly image?: string;
  /** As they were typed. */
  readonly wave?: string;
  readonly pause?: string;
  readonly healthyWithin?: string;
  readonly healthyUrl?: string;
  readonly yes?: boolean;
}

/** `target` is a spec's file, or with an image a fleet's name. */
export async function roll(target: string, options: RollCommandOptions): Promise<number> {
  const { image, wave, pause, healthyWithin, healthyUrl, yes } = options;
  const size = wave === undefined ? undefined : waveSizeOf(wave);
  if (wave !== undefined && !size)
    throw new UsageError(`--wave ${wave}: a number of instances, or a part: 25%`);
  const pace = {
    wave: size,
    pause: secondsOption('--pause', pause),
    healthyWithin: secondsOption('--healthy-within', healthyWithin),
    healthyUrl,
  };
  const to = image === undefined ? specIn(target) : { fleet: target, image };
  const fleet = 'spec' in to ? to.spec.name : to.fleet;
  announce(fleet);
  const muster = await connect();
  try {
    const beforeStart = yes || !isTerminal() ? undefined : agreeTo(size);
    const run = await muster.roll(to, { ...pace, beforeStart }).catch(nothingIfUnwanted);
    if (!run) return tellUnchanged(fleet, options);
    if (run.met !== 'new') say('nothing to roll: its instances are of this spec');
    const file = image === undefined ? target : undefined;
    const after = (report: FleetReport) => untilTakenDown(muster, report, options);
    return codeOf(await seeThrough(run, { ...options, file, after }));
  } finally {
    await muster.close();
  }
}

/** Says what would be replaced, how, and why, and rejects unless a person wants that. */
function agreeTo(wave = DEFAULT_WAVE): NonNullable<RollOptions['beforeStart']> {
  return async (report, changes) => {
    const count = instanceCountOf(report);
    const size = waveOf(wave, count);
    const isOne = count === 1;
    const waves = counted(Math.ceil(count / size), 'wave');
    say(`\nThe fleet ${report.fleet} has ${counted(count, 'instance')} in ${whereWords(report)}.`);
    say(
      `${isOne ? 'It is' : 'All are'} replaced, in ${waves} of ${size}: of each wave the new ones are launched first, and when`,
    );
    say('they are healthy as many of the old ones are terminated.');
    if (changes.length === 0) say('What differs is, at most, which image its name stands for now.');
    for (const line of changeLines(changes)) say(`  ${line}`);
    await assertWanted(isOne ? 'Replace it?' : 'Replace them?');
    say('');
  };
}

/** A name without an image is no file of a spec. */
function specIn(target: string): CheckedSpec {
  if (!existsSync(target) && ROLE_NAME.test(target)) {
    throw new UsageError(
      `there is no file ${target}: a fleet is rolled by the file of its spec, or by its name and an image`,
      `if ${target} is a fleet's name: 'muster roll ${target} --image ami-...'`,
    );
  }
  return specFromFile(target);
}

/** Of a roll that the end of the lease has cut short, what became of the fleet: nothing of it is to be left. */
async function untilTakenDown(
  muster: Muster,
  report: FleetReport,
  options: RunOptions,
): Promise<FleetReport> {
  const { fleet, runId, error } = report;
  if (error?.code !== LEASE_OVER) return report;
  say(`\nthe lease of ${fleet} is over: it is taken down`);
  for (;;) {
    const run = await muster.attach(fleet);
    if (run.runId !== runId && run.met !== 'keeping') {
      const { state, leftovers } = run.met === 'ended' ? await run.result() : await follow(run, options);
      return { ...report, ...NOTHING, state: state === 'gone' ? report.state : state, leftovers };
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** What a fleet has that was taken down. */
const NOTHING: Partial<FleetReport> = {
  role: undefined,
  profile: undefined,
  instances: [],
  instanceCount: undefined,
  sources: undefined,
  wanted: undefined,
  lease: undefined,
};

/** From the end of a roll to the run that takes the fleet down. */
const LOOK_EVERY_MS = 100;

/** Pauses it after the wave at hand, or has it go on. */
export async function steerRoll(
  fleet: string,
  steer: 'pause' | 'resume',
  { json }: { json?: boolean },
): Promise<number> {
  const muster = await connect();
  try {
    const run = await muster.steerRoll(fleet, steer);
    const report = await run.progress();
    const how = report.roll ? `: ${rollWords(report.roll)}` : '';
    const words =
      steer === 'pause'
        ? `the roll of ${fleet} waits after this wave; until it is over other changes of the fleet are refused`
        : `the roll of ${fleet} goes on`;
    if (json) print(reportJson(report, run.uiUrl));
    else printText(`${words}${how}`);
    return DONE;
  } finally {
    await muster.close();
  }
}

export async function abortRoll(fleet: string, options: RunOptions): Promise<number> {
  announce(fleet);
  const muster = await connect();
  try {
    const report = await seeThrough(await muster.steerRoll(fleet, 'abort'), options);
    // That it is as before is what was asked for here.
    return report?.state === 'cancelled' ? DONE : codeOf(report);
  } finally {
    await muster.close();
  }
}
