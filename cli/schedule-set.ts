/** `muster schedule set FILE`: makes the schedule of a fleet, or changes it. */

import { ScheduleError, SpecError } from '../client/errors.ts';
import { type CheckedSpec, specFromFile } from '../client/specs.ts';
import type { Mistake } from '../fleet/mistakes.ts';
import { checkSchedule } from '../fleet/read-schedule.ts';
import type { Overlap } from '../fleet/schedule.ts';
import { connect } from './connect.ts';
import { DONE } from './exit.ts';
import { jsonOf, print, printText, say, stderrColors, stdoutPage } from './output.ts';
import { asOption, crowdedWords, scheduleText } from './schedule-text.ts';

export interface ScheduleSetOptions {
  readonly cron?: string;
  readonly timezone?: string;
  readonly for?: string;
  readonly overlap?: string;
  readonly catchUp?: string;
  readonly pauseOnFailure?: boolean;
  readonly json?: boolean;
}

export async function scheduleSet(file: string, { json, ...written }: ScheduleSetOptions): Promise<number> {
  const mistakes: Mistake[] = [];
  let spec: CheckedSpec | undefined;
  try {
    spec = specFromFile(file);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    mistakes.push(...error.mistakes);
  }
  const reading = checkSchedule(written, new Date());
  mistakes.push(...(reading.mistakes ?? []).map(asOption));
  if (mistakes.length > 0) throw new ScheduleError(mistakes);

  const muster = await connect();
  try {
    // Without mistakes it is what the library takes.
    const input = { ...written, cron: written.cron!, for: written.for!, overlap: written.overlap as Overlap };
    const standing = await muster.schedules.set(spec!, input);
    if (json) print(jsonOf(standing));
    else printText(await scheduleText(standing, stdoutPage()));
    const crowded = crowdedWords(standing);
    if (crowded) say(`\n${stderrColors().yellow('!')} ${crowded}`);
    say(nextText(standing.fleet));
    return DONE;
  } finally {
    await muster.close();
  }
}

function nextText(fleet: string): string {
  return [
    '',
    `muster schedule trigger ${fleet}   has it come up now`,
    `muster schedule pause ${fleet}     has no time start it until 'resume'`,
    `muster schedule show ${fleet}      how it stands, and what became of the last runs`,
  ].join('\n');
}
