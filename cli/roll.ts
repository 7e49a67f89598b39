/** `muster roll FILE`: replaces a fleet's instances wave by wave, and shows how; `muster roll pause NAME` and its like. */

import { Muster } from '../client/muster.ts';
import { specFromFile } from '../client/specs.ts';
import { waveSizeOf } from '../fleet/roll.ts';
import { rollWords } from '../fleet/roll-words.ts';
import { secondsOption } from './duration-option.ts';
import { DONE, reportJson, UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough } from './finish.ts';
import { announce } from './follow.ts';
import { print, printText, say } from './output.ts';

export interface RollCommandOptions extends RunOptions {
  readonly image?: string;
  /** As they were typed. */
  readonly wave?: string;
  readonly pause?: string;
  readonly healthyWithin?: string;
  readonly healthyUrl?: string;
}

/** `target` is a spec's file, or with an image a fleet's name. */
export async function roll(target: string, options: RollCommandOptions): Promise<number> {
  const { image, wave, pause, healthyWithin, healthyUrl } = options;
  const size = wave === undefined ? undefined : waveSizeOf(wave);
  if (wave !== undefined && !size)
    throw new UsageError(`--wave ${wave}: a number of instances, or a part: 25%`);
  const pace = {
    wave: size,
    pause: secondsOption('--pause', pause),
    healthyWithin: secondsOption('--healthy-within', healthyWithin),
    healthyUrl,
  };
  const to = image === undefined ? specFromFile(target) : { fleet: target, image };
  announce('spec' in to ? to.spec.name : to.fleet);
  const muster = await Muster.connect();
  try {
    const run = await muster.roll(to, pace);
    if (run.met !== 'new') say('nothing to roll: its instances are of this spec');
    return codeOf(await seeThrough(run, { ...options, file: image === undefined ? target : undefined }));
  } finally {
    await muster.close();
  }
}

/** Pauses it after the wave at hand, or has it go on. */
export async function steerRoll(
  fleet: string,
  steer: 'pause' | 'resume',
  { json }: { json?: boolean },
): Promise<number> {
  const muster = await Muster.connect();
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
  const muster = await Muster.connect();
  try {
    const report = await seeThrough(await muster.steerRoll(fleet, 'abort'), options);
    // That it is as before is what was asked for here.
    return report?.state === 'cancelled' ? DONE : codeOf(report);
  } finally {
    await muster.close();
  }
}
