/** Checks on a schedule: how often a fleet is held against its spec, and what came of each time. */

/** A schedule of checks without mistakes. */
export interface CheckRules {
  /** Seconds from one check to the next. */
  readonly every: number;
  /** Whether what can be put right is put right. */
  readonly repair: boolean;
}

/** The id of the schedule of a fleet's checks; of its runs it is followed by their time. */
export function checkScheduleId(name: string): string {
  return `${CHECK_SCHEDULE_PREFIX}${name.toLowerCase()}`;
}
export const CHECK_SCHEDULE_PREFIX = 'checks:';

/** What `scheduledCheck` takes; the schedule's action carries it as its memo, too. */
export interface ScheduledCheckRequest extends CheckRules {
  readonly fleet: string;
}

/** What `scheduledCheck` answers when it has not failed. */
export interface CheckEnd {
  readonly fleet: string;
  readonly state: CheckState;
  /** What differs, why it was skipped, or why a repair failed. */
  readonly reason?: string;
  /** How many things differ still. */
  readonly differing: number;
  /** How many were put right. */
  readonly mended: number;
  /** Of what was told last as drift: the same is not told again. */
  readonly told?: string;
}

export type CheckState =
  /** As its spec says. */
  | 'same'
  /** Something differed, and was put right. */
  | 'repaired'
  /** Something differs. */
  | 'differs'
  /** There was no fleet to look at, or another run had it. */
  | 'skipped';

/** Less is no schedule but a loop. */
const LEAST_EVERY = 60;
const MOST_EVERY = 365 * 86_400;

/** What is wrong with a time between checks; undefined when nothing is. */
export function everyMistake(seconds: number): string | undefined {
  if (Number.isInteger(seconds) && seconds >= LEAST_EVERY && seconds <= MOST_EVERY) return undefined;
  return `${seconds} s is no time from one check to the next: 1 minute to 365 days, for instance 15m, 1h or 1d`;
}
