/** Whether a day of a cron expression ever comes: Temporal takes one of which none does, and starts nothing. */

import { DAY_OF_MONTH, type Field, MONTH, WEEKDAY, YEAR } from './cron.ts';

const DAY_MS = 86_400_000;
/** Of each month, in a leap year. */
const LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Why none comes any more; undefined when one does. `fields` as `readCron` has them, without problems. */
export function neverComes(fields: string, now: Date): string | undefined {
  const [, , , days = '', months = '', weekdays = '', years = ''] = fields.split(' ');
  const [isDay, isMonth] = [inField(days, DAY_OF_MONTH), inField(months, MONTH)];
  const [isWeekday, isYear] = [inField(weekdays, WEEKDAY), inField(years, YEAR)];
  const hasDay = LENGTHS.some((length, at) => isMonth(at + 1) && fromTo(1, length).some(isDay));
  if (!hasDay) return 'it never comes: no month of it has such a day';
  // Somewhere it is yesterday still.
  const first = new Date(now.getTime() - DAY_MS);
  const left = fromTo(first.getUTCFullYear(), YEAR.most).filter(isYear);
  if (left.length === 0) return 'it never comes: its years are over';
  const isRight = (date: Date) =>
    isMonth(date.getUTCMonth() + 1) &&
    isDay(date.getUTCDate()) &&
    (isWeekday(date.getUTCDay()) || (date.getUTCDay() === 0 && isWeekday(SUNDAY_TOO)));
  const comes = left.some((year) => daysOf(year).some((date) => date >= startOf(first) && isRight(date)));
  return comes ? undefined : `it never comes: no such day is left until ${YEAR.most}`;
}

const SUNDAY_TOO = 7;

const fromTo = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);

function daysOf(year: number): Date[] {
  const [from, to] = [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)];
  return Array.from({ length: (to - from) / DAY_MS }, (_, at) => new Date(from + at * DAY_MS));
}

const startOf = (date: Date): Date => new Date(date.toISOString().slice(0, 10));

/** `*`, `x`, `x-y`, each with `/step` if wanted, and several with commas; `x/step` goes on to the end. */
function inField(text: string, { least, most }: Field): (value: number) => boolean {
  const ranges = text.split(',').map((part) => {
    const [range = '', step] = part.split('/');
    const [from = least, to = step === undefined && range !== '*' ? from : most] =
      range === '*' ? [] : range.split('-').map(Number);
    return { from, to, step: Number(step ?? 1) };
  });
  return (value) =>
    ranges.some(({ from, to, step }) => value >= from && value <= to && (value - from) % step === 0);
}
