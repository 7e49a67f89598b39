/** `muster scale NAME COUNT`: gives a fleet more or fewer instances, and shows how. */

import type { ScaleOptions } from '../client/muster.ts';
import { placeIn } from '../fleet/places.ts';
import { exitCode, type FleetReport, instanceCountOf } from '../fleet/report.ts';
import { DEFAULT_CHOICE, isChoice, SCALE_CHOICES, type ScaleChoice, scaleMistake } from '../fleet/scale.ts';
import { counted, inWords } from '../fleet/words.ts';
import { connect } from './connect.ts';
import { UsageError } from './exit.ts';
import { codeOf, type RunOptions, seeThrough, tellReport, tellUnchanged } from './finish.ts';
import { announce } from './follow.ts';
import { say } from './output.ts';
import { assertWanted, isTerminal, nothingIfUnwanted } from './terminal.ts';
import { whereWords } from './where-words.ts';

export interface ScaleCommandOptions extends RunOptions {
  /** As it was typed. */
  readonly by?: string;
  /** Of a fleet in several places: in which of them. */
  readonly place?: string;
  readonly yes?: boolean;
}

/** `typed` is how many it is to have, or with a sign how many more or fewer than it has. */
export async function scale(fleet: string, typed: string, options: ScaleCommandOptions): Promise<number> {
  const { place, yes } = options;
  const by = checked(typed, options.by);
  announce(fleet);
  const muster = await connect();
  try {
    const from = isRelative(typed) ? placeIn(await muster.status(fleet), place) : undefined;
    const count = from ? countFrom(from, typed) : Number(typed);
    const wanted = { count, by, place };
    const beforeStart = async (now: FleetReport) => {
      if (from) assertStill(from, placeIn(now, place));
      if (!yes && isTerminal()) await agreeTo(now, wanted);
    };
    const run = await muster.scale(fleet, { ...wanted, beforeStart }).catch(nothingIfUnwanted);
    if (!run) return tellUnchanged(fleet, options);
    if (run.met === 'new') return codeOf(await seeThrough(run, options));
    say(`nothing to do: it has ${counted(count, 'instance')}${inWords(place)}\n`);
    const report = await muster.status(fleet);
    tellReport(report, options, muster.linkTo(report), { changeUrl: muster.linkToChange(report) });
    return exitCode(report);
  } finally {
    await muster.close();
  }
}

const isRelative = (typed: string): boolean => /^[+-]/.test(typed);

/** How many that makes. */
function countFrom(report: FleetReport, typed: string): number {
  const has = instanceCountOf(report);
  const count = has + Number(typed);
  const mistake = scaleMistake({ count, by: DEFAULT_CHOICE });
  if (!mistake) return count;
  const { fleet, state } = report;
  throw new UsageError(
    `the fleet '${fleet}' is ${state} and has ${counted(has, 'instance')}, and ${typed} makes that ${count}: ${mistake}`,
    `'muster status ${fleet}' shows it`,
  );
}

/** Another's change may have come in between: so many more than it had then may be fewer than it has now. */
function assertStill(then: FleetReport, now: FleetReport): void {
  const [had, has] = [instanceCountOf(then), instanceCountOf(now)];
  if (had === has) return;
  throw new UsageError(
    `the fleet '${now.fleet}' has ${counted(has, 'instance')} meanwhile, and not ${had}; nothing was changed`,
    'try it again',
  );
}

/** Says which instances would be terminated, if any, and rejects unless a person wants that. */
async function agreeTo(
  report: FleetReport,
  { count, by = DEFAULT_CHOICE, place }: ScaleOptions,
): Promise<void> {
  const has = instanceCountOf(placeIn(report, place));
  if (count > has) return;
  const ended = has - count;
  say(
    `\nThe fleet ${report.fleet} has ${counted(has, 'instance')} in ${whereWords(placeIn(report, place))}.`,
  );
  say(`${ended} of ${has} ${ended === 1 ? 'is' : 'are'} terminated: ${CHOICES[by]}.`);
  await assertWanted(ended === 1 ? 'Terminate it?' : 'Terminate them?');
  say('');
}

const CHOICES: Readonly<Record<ScaleChoice, string>> = {
  newest: 'the newest',
  oldest: 'the oldest',
  zone: 'each time the newest of the zone that has the most',
};

/** Answers the choice; throws all that is wrong at once. */
function checked(typed: string, by: string | undefined): ScaleChoice | undefined {
  const isChosen = by === undefined || isChoice(by);
  const mistakes = [
    countMistake(typed),
    isChosen ? undefined : `--by '${by}' is no choice: ${SCALE_CHOICES.join(', ')}`,
  ].filter((mistake) => mistake !== undefined);
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n  '));
  return isChosen ? by : undefined;
}

function countMistake(typed: string): string | undefined {
  if (!/^[+-]?\d{1,9}$/.test(typed)) return `${typed} is no count of instances, for instance 20, +2 or -1`;
  return isRelative(typed) ? undefined : scaleMistake({ count: Number(typed), by: DEFAULT_CHOICE });
}
