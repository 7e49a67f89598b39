/** `muster scale NAME COUNT`: gives a fleet more or fewer instances, and shows how. */

import { exitCode } from '../fleet/report.ts';
import { DEFAULT_CHOICE, isChoice, SCALE_CHOICES, type ScaleChoice, scaleMistake } from '../fleet/scale.ts';
import { counted } from '../fleet/words.ts';
import { connect } from './connect.ts';
import { UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough, tellReport } from './finish.ts';
import { announce } from './follow.ts';
import { say } from './output.ts';

export interface ScaleCommandOptions extends RunOptions {
  /** As it was typed. */
  readonly by?: string;
  /** Of a fleet in several places: in which of them. */
  readonly place?: string;
}

export async function scale(fleet: string, count: string, options: ScaleCommandOptions): Promise<number> {
  const { place } = options;
  const by = checked(count, options.by);
  announce(fleet);
  const muster = await connect();
  try {
    const run = await muster.scale(fleet, { count: Number(count), by, place });
    if (run.met === 'new') return codeOf(await seeThrough(run, options));
    const where = place === undefined ? '' : ` in ${place}`;
    say(`nothing to do: it has ${counted(Number(count), 'instance')}${where}\n`);
    const report = await muster.status(fleet);
    tellReport(report, options, muster.linkTo(report), { changeUrl: muster.linkToChange(report) });
    return exitCode(report);
  } finally {
    await muster.close();
  }
}

/** Answers the choice; throws all that is wrong at once. */
function checked(count: string, by: string | undefined): ScaleChoice | undefined {
  const isChosen = by === undefined || isChoice(by);
  const mistakes = [
    /^\d{1,9}$/.test(count)
      ? scaleMistake({ count: Number(count), by: DEFAULT_CHOICE })
      : `${count} is no count of instances, for instance 20`,
    isChosen ? undefined : `--by '${by}' is no choice: ${SCALE_CHOICES.join(', ')}`,
  ].filter((mistake) => mistake !== undefined);
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n  '));
  return isChosen ? by : undefined;
}
