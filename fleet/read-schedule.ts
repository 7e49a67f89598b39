/** Reads a schedule as a program or a command line wrote it: all mistakes at once, in its own words. */

import { z } from 'zod';
import { readCron } from './cron.ts';
import { neverComes } from './cron-days.ts';
import { findingsOf, type Mistake, mistakeOf, nearest, shown, wanted } from './mistakes.ts';
import { OVERLAPS, type ScheduleRules } from './schedule.ts';
import { complain, duration, fields, flag, oneOf } from './schema-parts.ts';
import { zoneNamed, zoneNames } from './zones.ts';

const DEFAULT_ZONE = 'UTC';
/** Machines that should have been started hours ago cost money for nobody. */
const DEFAULT_CATCH_UP = 600;
/** Temporal takes less for so much. */
const LEAST_CATCH_UP = 10;
const YEAR = 365 * 86_400;

const FOR_INSTANCE = "for instance '0 8 * * 1-5': at eight, Monday to Friday";

const cron = (now: Date) =>
  z.string(wanted('a cron expression', FOR_INSTANCE)).transform((text, context) => {
    const { fields, problems } = readCron(text);
    const never = problems.length > 0 ? undefined : neverComes(fields, now);
    for (const problem of [...problems, ...(never === undefined ? [] : [never])]) {
      complain(context, [], `${shown(text)}: ${problem}`, FOR_INSTANCE);
    }
    return text.trim();
  });

const timezone = z
  .string(wanted('the name of a time zone', 'for instance Europe/Paris'))
  .transform((text, context) => {
    const zone = zoneNamed(text);
    if (zone !== undefined) return zone;
    const near = nearest(text, zoneNames());
    complain(
      context,
      [],
      `${shown(text)} is no time zone`,
      near === undefined ? 'for instance Europe/Paris, America/New_York or UTC' : `did you mean ${near}?`,
    );
    return z.NEVER;
  });

const schedule = (now: Date) =>
  fields('a schedule', {
    cron: cron(now),
    timezone: timezone.default(DEFAULT_ZONE),
    for: duration(1, YEAR, 'for instance 10h, 90m or 8h30m: a fleet that a schedule starts has to end'),
    overlap: oneOf(OVERLAPS).default('skip'),
    catchUp: duration(LEAST_CATCH_UP, YEAR, 'for instance 10m or 1h').default(DEFAULT_CATCH_UP),
    pauseOnFailure: flag().default(false),
  }).transform(({ for: lease, ...rest }): ScheduleRules => ({ ...rest, lease }));

export type ScheduleReading =
  | { readonly rules: ScheduleRules; readonly mistakes?: undefined }
  | { readonly mistakes: readonly Mistake[]; readonly rules?: undefined };

/** What never comes from `now` on is a mistake, too. */
export function checkSchedule(written: unknown, now: Date): ScheduleReading {
  const parsed = schedule(now).safeParse(written);
  if (parsed.success) return { rules: parsed.data };
  return {
    mistakes: findingsOf(parsed.error, written, () => undefined).map((finding) => mistakeOf(finding)),
  };
}
