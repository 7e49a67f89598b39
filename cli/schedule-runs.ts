/** `muster schedule trigger NAME` and `backfill NAME`: runs that a person starts. */

import { ScheduleError } from '../client/errors.ts';
import type { ScheduledRun, TriggeredRun } from '../client/schedule-standing.ts';
import { type Mistake, nearest, shown } from '../fleet/mistakes.ts';
import { OVERLAPS, type Overlap } from '../fleet/schedule.ts';
import { counted } from '../fleet/words.ts';
import { instantOf } from '../fleet/zones.ts';
import { connect } from './connect.ts';
import { DONE } from './exit.ts';
import { jsonOf, print, printText } from './output.ts';
import { asOption } from './schedule-text.ts';

export async function scheduleTrigger(fleet: string, { json }: { json?: boolean }): Promise<number> {
  const muster = await connect();
  try {
    const run = await muster.schedules.trigger(fleet);
    if (run && run.skipped > 0) tellShared(fleet, run, json);
    else tell(fleet, run ? [run] : [], json, 'it starts when the one under way has ended');
    return DONE;
  } finally {
    await muster.close();
  }
}

export interface BackfillOptions {
  readonly from?: string;
  readonly to?: string;
  readonly overlap?: string;
  readonly json?: boolean;
}

export async function scheduleBackfill(
  fleet: string,
  { from, to, overlap, json }: BackfillOptions,
): Promise<number> {
  const mistakes = [
    ...(isTime(from) ? [] : [timeMistake('--from', from)]),
    ...(isTime(to) ? [] : [timeMistake('--to', to)]),
    ...(overlap === undefined || isOverlap(overlap) ? [] : [overlapMistake(overlap)]),
  ];
  if (mistakes.length > 0) throw new ScheduleError(mistakes);
  const muster = await connect();
  try {
    const { timezone } = await muster.schedules.get(fleet);
    const runs = await muster.schedules.backfill(fleet, {
      from: instantOf(from!, timezone)!,
      to: instantOf(to!, timezone)!,
      overlap: overlap as Overlap | undefined,
    });
    tell(fleet, runs, json, 'no time of the schedule lies between the two, or it waits for one under way');
    return DONE;
  } catch (error) {
    throw error instanceof ScheduleError ? new ScheduleError(error.mistakes.map(asOption)) : error;
  } finally {
    await muster.close();
  }
}

/** In one zone it is a time if it is in any. */
function isTime(text: string | undefined): boolean {
  return instantOf(text ?? '', 'UTC') !== undefined;
}

function tell(
  fleet: string,
  started: readonly ScheduledRun[],
  json: boolean | undefined,
  none: string,
): void {
  if (json) print(jsonOf({ fleet, started }));
  else printText(startedWords(fleet, started, none));
}

/** Whose it is of those who have asked at once nobody knows. */
function tellShared(fleet: string, run: TriggeredRun, json: boolean | undefined): void {
  const { skipped } = run;
  if (json) print(jsonOf({ fleet, started: [run] }));
  else {
    printText(
      [
        `a run of the schedule ${fleet} has begun; ${skipped === 1 ? 'another' : `${skipped} others`} at the same moment ${skipped === 1 ? 'was' : 'were'} skipped for it`,
        ...whatNext(fleet, [run]),
      ].join('\n'),
    );
  }
}

function startedWords(fleet: string, started: readonly ScheduledRun[], none: string): string {
  if (started.length === 0) return `no run of the schedule ${fleet} has begun: ${none}`;
  return [
    `${counted(started.length, 'run')} of the schedule ${fleet} ${started.length === 1 ? 'has' : 'have'} begun`,
    ...whatNext(fleet, started),
  ].join('\n');
}

function whatNext(fleet: string, started: readonly ScheduledRun[]): string[] {
  return [
    ...started.map(({ workflowId }) => `  ${workflowId}`),
    `  muster status ${fleet}          how its fleet is`,
    `  muster schedule show ${fleet}   what became of its runs`,
  ];
}

function isOverlap(text: string): boolean {
  return (OVERLAPS as readonly string[]).includes(text);
}

function timeMistake(path: string, text: string | undefined): Mistake {
  const mend = "for instance 2026-11-26, 2026-11-26T08:00 by the schedule's clocks, or 2026-11-26T07:00Z";
  return { path, message: text === undefined ? 'missing' : `${shown(text)} is no time`, mend };
}

function overlapMistake(text: string): Mistake {
  const near = nearest(text, OVERLAPS);
  return {
    path: '--overlap',
    message: `${shown(text)} is not one of ${OVERLAPS.join(', ')}`,
    mend: near === undefined ? 'give one that is' : `did you mean ${near}?`,
  };
}
