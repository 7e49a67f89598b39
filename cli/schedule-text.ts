/** A schedule as a person reads it: its times in words, by its own clocks and by the reader's. */

import type { ScheduledRun, ScheduleStanding } from '../client/schedule-standing.ts';
import { readCron } from '../fleet/cron.ts';
import { durationWords } from '../fleet/duration.ts';
import { whereWords } from '../fleet/fleet-words.ts';
import type { Mistake } from '../fleet/mistakes.ts';
import { OVERLAP_WORDS } from '../fleet/schedule.ts';
import { counted } from '../fleet/words.ts';
import { timeWords } from '../fleet/zones.ts';
import type { Page } from './output.ts';
import { tableText } from './table.ts';

/** `at 08:00, Monday through Friday`. */
async function cronWords(cron: string): Promise<string> {
  const { fields, problems } = readCron(cron);
  if (problems.length > 0) return cron;
  // It takes a few milliseconds to load, and few commands need it.
  const { default: cronstrue } = await import('cronstrue');
  const words = cronstrue.toString(fields, { use24HourTimeFormat: true, logicalAndDayFields: true });
  return words.charAt(0).toLowerCase() + words.slice(1);
}

/** `here`: the reader's own zone. */
export async function scheduleText(
  standing: ScheduleStanding,
  page: Page,
  here = Intl.DateTimeFormat().resolvedOptions().timeZone,
): Promise<string> {
  const { colors } = page;
  const { fleet, cron, timezone, paused, note, next, runs, uiUrl } = standing;
  const mark = paused ? colors.yellow('‖') : colors.green('✓');
  const rows: [string, string][] = [
    ['times', `${await cronWords(cron)}, by the clocks of ${timezone}  ${colors.dim(cron)}`],
    [
      'fleet',
      `${standing.instances} in ${whereWords(standing)}, for ${durationWords(standing.lease)} each time`,
    ],
    ['overlap', OVERLAP_WORDS[standing.overlap] ?? standing.overlap],
    ['catch-up', `a time that Temporal missed may be ${durationWords(standing.catchUp)} late`],
    [
      'failure',
      standing.pauseOnFailure ? 'the first failed run pauses the schedule' : 'the schedule goes on',
    ],
    ['so far', soFar(standing)],
  ];
  if (uiUrl) rows.push(['watch', colors.cyan(uiUrl)]);
  const blocks = [
    `${mark} schedule ${colors.bold(fleet)} is ${paused ? `paused${note ? `: ${note}` : ''}` : 'on'}`,
    rows.map(([name, value]) => `  ${name.padEnd(10)}${value}`).join('\n'),
    next.length > 0
      ? tableText(
          [
            nextHead(paused ? 'WHEN RESUMED' : 'NEXT', timezone, here),
            ...next.map((time) => nextRow(time, timezone, here)),
          ],
          page,
          { indent: '  ' },
        )
      : '  no time is to come',
  ];
  if (runs.length > 0) {
    const head = [`LAST RUNS (${timezone})`, 'STATE'];
    blocks.push(tableText([head, ...runs.map((run) => runRow(run, timezone))], page, { indent: '  ' }));
  }
  return blocks.join('\n\n');
}

export async function scheduleTable(schedules: readonly ScheduleStanding[], page: Page): Promise<string> {
  const rows = await Promise.all(
    schedules.map(async ({ fleet, cron, timezone, lease, paused, next: [next], runs: [last] }) => [
      fleet,
      `${await cronWords(cron)} (${timezone})`,
      durationWords(lease),
      paused ? 'paused' : next === undefined ? 'none' : timeWords(new Date(next), timezone),
      last ? last.state : '-',
    ]),
  );
  return tableText([['FLEET', 'TIMES', 'FOR', 'NEXT', 'LAST RUN'], ...rows], page, {
    least: ['FOR', 'LAST RUN'],
  });
}

/** What to know of times that come before the fleet of the last one is gone; undefined when none does. */
export function crowdedWords({ next, lease, overlap }: ScheduleStanding): string | undefined {
  const times = next.map((time) => Date.parse(time));
  const isCrowded = times.slice(1).some((time, at) => time - times[at]! < lease * 1000);
  if (!isCrowded) return undefined;
  return `some of its times come before ${durationWords(lease)} are over: ${OVERLAP_WORDS[overlap]}`;
}

/** A mistake in what the library calls by name, as the command line calls it. */
export function asOption(mistake: Mistake): Mistake {
  if (mistake.file !== undefined || mistake.path.startsWith('--')) return mistake;
  return { ...mistake, path: `--${mistake.path.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` };
}

function soFar({ started, skipped, missed }: ScheduleStanding): string {
  const parts = [counted(started, 'run')];
  if (skipped > 0) parts.push(`${counted(skipped, 'time')} skipped for an earlier run`);
  if (missed > 0) parts.push(`${counted(missed, 'time')} missed by more than the catch-up`);
  return parts.join(', ');
}

function nextHead(what: string, zone: string, here: string): string[] {
  return zone === here ? [`${what} (${zone})`] : [`${what} (${zone})`, `HERE (${here})`];
}

function nextRow(time: string, zone: string, here: string): string[] {
  const instant = new Date(time);
  return (zone === here ? [zone] : [zone, here]).map((clocks) => timeWords(instant, clocks));
}

const STATE_WORDS: Partial<Record<ScheduledRun['state'], string>> = {
  running: 'under way',
  complete: 'came up',
  gone: 'came up, and went down in its time',
  forgotten: 'Temporal has no history of it any more',
};

function runRow({ scheduledFor, state, reason }: ScheduledRun, zone: string): string[] {
  const words = STATE_WORDS[state] ?? state;
  return [
    timeWords(new Date(scheduledFor), zone),
    reason === undefined ? words : `${words}: ${reason.replace(/\s+/g, ' ')}`,
  ];
}
