/** A schedule of a fleet: when it comes up, for how long, and what happens when a time cannot be kept. */

import type { Whereabouts } from './fleet-words.ts';
import type { FleetState } from './report.ts';

/** What a time does while the fleet of an earlier one is still there. */
export const OVERLAPS = ['skip', 'buffer-one', 'buffer-all', 'cancel-other'] as const;
export type Overlap = (typeof OVERLAPS)[number];

export const OVERLAP_WORDS: Record<Overlap, string> = {
  skip: 'a time that comes while the fleet of the last one is there is skipped',
  'buffer-one': 'a time that comes while the fleet of the last one is there waits for its end, one at most',
  'buffer-all':
    'times that come while the fleet of an earlier one is there wait for its end, one after the other',
  'cancel-other': 'a time that comes while the run of the last one is under way cancels that first',
};

/** A schedule without mistakes. */
export interface ScheduleRules {
  /** As it was written. */
  readonly cron: string;
  /** By whose clocks: a name such as `Europe/Paris`. */
  readonly timezone: string;
  /** Seconds for which the fleet is wanted each time, once it is complete. */
  readonly lease: number;
  readonly overlap: Overlap;
  /** Seconds: by how much a time that Temporal missed may be late. */
  readonly catchUp: number;
  /** Whether the first failed run pauses the schedule. */
  readonly pauseOnFailure: boolean;
}

/** The id of a fleet's schedule; of its runs it is followed by their time. */
export function scheduleId(name: string): string {
  return `${SCHEDULE_ID_PREFIX}${name.toLowerCase()}`;
}
export const SCHEDULE_ID_PREFIX = 'schedule:';

/** What the action of a schedule, and each run of it, carries beside its input; Temporal itself has the rest. */
export interface ScheduleMemo extends Pick<ScheduleRules, 'cron' | 'lease'>, Whereabouts {
  readonly fleet: string;
  readonly specHash: string;
  /** `3 × t3.micro`, in all of its places together. */
  readonly instances: string;
}

/** What `scheduledFleet` answers when it has not failed. */
export interface ScheduledEnd {
  readonly fleet: string;
  /** What became of the fleet, or that it was none of this run's. */
  readonly state: FleetState | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
  /** The fleet's run that it started, the first of its chain. */
  readonly runId?: string;
}
