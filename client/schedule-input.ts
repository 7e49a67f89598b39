/** A schedule as a program writes it. */

import type { Overlap } from '../fleet/schedule.ts';

export interface ScheduleInput {
  /** Five fields (minute, hour, day of the month, month, weekday), six with a year, seven with a second before them. */
  cron: string;
  /** By whose clocks, for instance 'Europe/Paris'. Default: UTC. */
  timezone?: string;
  /** How long the fleet is wanted once it is complete: seconds, or '10h', '90m', '8h30m'. */
  for: number | string;
  /** What a time does while the fleet of an earlier one is still there. Default: skip. */
  overlap?: Overlap;
  /** By how much a time that Temporal missed may be late: seconds, or '1h'. Default: ten minutes. */
  catchUp?: number | string;
  /** Whether the first failed run pauses the schedule. */
  pauseOnFailure?: boolean;
}

/** Which times that have passed are to be run now. */
export interface BackfillInput {
  /** Both are part of it. */
  from: Date;
  to: Date;
  /** For these times; otherwise the schedule's. With `skip` only the first of them runs. */
  overlap?: Overlap;
}
