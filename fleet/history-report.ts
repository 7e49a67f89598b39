/** What the histories of a fleet's runs tell beside their report: who asked for what, and what workers did how often. */

export interface HistoryReport {
  /** In the order of their happening. */
  readonly asks: readonly Ask[];
  readonly activities: readonly ActivityRecord[];
}

/** Something that was asked of a run from outside. */
export interface Ask {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `up`, `scale to 5`, `pause the roll`, `cancel`, `terminate: by hand`. */
  readonly what: string;
  /** Temporal's identity of who asked: MUSTER_OWNER or user@host of a command, or the workflow that did. */
  readonly by: string;
}

/** An activity as Temporal handed it to workers, with all its attempts. */
export interface ActivityRecord {
  /** `createRole`. */
  readonly type: string;
  /** The id in its run: that of its step, with `undo-` before an undo's, and a place or a number behind a colon. */
  readonly id: string;
  readonly workflowId: string;
  /** Milliseconds since the epoch. */
  readonly scheduledAt: number;
  readonly attempts: number;
  readonly end: 'completed' | 'failed' | 'timed out' | 'cancelled' | 'open';
  /** Why the last attempt failed that did: AWS's code and words, where AWS refused it. */
  readonly failure?: string;
  /** Temporal's identity of the worker that had the last attempt. */
  readonly worker?: string;
}

/** All activities of one type. */
export interface ActivityCount {
  readonly type: string;
  readonly count: number;
  readonly attempts: number;
  /** Attempts that failed. */
  readonly failed: number;
}

/** Those that were tried the most come first. */
export function activityCounts(activities: readonly ActivityRecord[]): ActivityCount[] {
  const counts = new Map<string, ActivityCount>();
  for (const { type, attempts, end } of activities) {
    const so = counts.get(type) ?? { type, count: 0, attempts: 0, failed: 0 };
    counts.set(type, {
      type,
      count: so.count + 1,
      attempts: so.attempts + attempts,
      failed:
        so.failed +
        (end === 'completed' || end === 'cancelled'
          ? Math.max(0, attempts - 1)
          : end === 'open'
            ? 0
            : attempts),
    });
  }
  return [...counts.values()].sort((a, b) => b.attempts - a.attempts || a.type.localeCompare(b.type));
}
