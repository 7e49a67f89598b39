/** `muster schedule check NAME`: a fleet that is held against its spec every so often. */

import type { CheckScheduleStanding } from '../client/index.ts';
import type { ScheduledRun } from '../client/schedule-standing.ts';
import { type CheckState, everyMistake } from '../fleet/check-schedule.ts';
import { durationWords } from '../fleet/duration.ts';
import { timeWords } from '../fleet/zones.ts';
import { connect } from './connect.ts';
import { secondsOption } from './duration-option.ts';
import { DONE, UsageError } from './exit.ts';
import { jsonOf, type Page, print, printText, stdoutPage } from './output.ts';
import { tableText } from './table.ts';

export interface ScheduleCheckOptions {
  readonly every?: string;
  readonly repair?: boolean;
  readonly off?: boolean;
  readonly json?: boolean;
}

export async function scheduleCheck(fleet: string, options: ScheduleCheckOptions): Promise<number> {
  const { repair, off, json } = options;
  const every = secondsOption('--every', options.every);
  if (off && (every !== undefined || repair)) throw new UsageError('--off stands alone');
  if (repair && every === undefined)
    throw new UsageError('--repair goes with --every, for instance --every 1h');
  const mistake = every === undefined ? undefined : everyMistake(every);
  if (mistake) throw new UsageError(`--every ${options.every}: ${mistake}`);
  const muster = await connect();
  try {
    if (off) {
      await muster.checks.delete(fleet);
      if (json) print(jsonOf({ fleet, off: true }));
      else printText(`fleet ${fleet} is not checked on a schedule any more`);
      return DONE;
    }
    const standing =
      every === undefined
        ? await muster.checks.get(fleet)
        : await muster.checks.set(fleet, { every, repair });
    if (json) print(jsonOf(standing));
    else printText(checkText(standing, stdoutPage()));
    return DONE;
  } finally {
    await muster.close();
  }
}

function checkText({ fleet, every, repair, next, runs, uiUrl }: CheckScheduleStanding, page: Page): string {
  const { colors } = page;
  const what = repair ? 'checked and repaired' : 'checked';
  const rows = [
    ['next', next === undefined ? 'none: it is paused' : clocks(next)],
    ['last', runs[0] ? runWords(runs[0]) : 'none has come yet'],
    ...(uiUrl ? [['watch', colors.cyan(uiUrl)]] : []),
  ];
  const blocks = [
    `${colors.green('✓')} fleet ${colors.bold(fleet)} is ${what} every ${durationWords(every)}`,
    rows.map(([name, value]) => `  ${colors.dim(name!.padEnd(10))}${value}`).join('\n'),
  ];
  if (runs.length > 1) {
    const lines = runs.map((run) => [clocks(run.scheduledFor), runWords(run)]);
    blocks.push(tableText([['LAST CHECKS', 'WHAT CAME OF IT'], ...lines], page, { indent: '  ' }));
  }
  return blocks.join('\n\n');
}

export function checkTable(checks: readonly CheckScheduleStanding[], page: Page): string {
  const rows = checks.map(({ fleet, every, repair, next, runs: [last] }) => [
    fleet,
    `every ${durationWords(every)}${repair ? ', repaired' : ''}`,
    next === undefined ? 'paused' : clocks(next),
    last ? STATE_WORDS[last.state] : '-',
  ]);
  return tableText([['CHECKED', 'HOW OFTEN', 'NEXT', 'LAST'], ...rows], page, { least: ['HOW OFTEN'] });
}

const STATE_WORDS: Readonly<Record<ScheduledRun<CheckState>['state'], string>> = {
  same: 'as its spec says',
  repaired: 'put right',
  differs: 'differs',
  skipped: 'skipped',
  running: 'under way',
  cancelled: 'cancelled',
  failed: 'failed',
  forgotten: 'Temporal has no history of it any more',
};

function runWords({ state, reason }: ScheduledRun<CheckState>): string {
  return reason === undefined ? STATE_WORDS[state] : `${STATE_WORDS[state]}: ${reason}`;
}

/** By the reader's own clocks. */
function clocks(time: string): string {
  return timeWords(new Date(time), Intl.DateTimeFormat().resolvedOptions().timeZone);
}
