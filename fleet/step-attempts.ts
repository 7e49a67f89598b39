/** What a history tells of one step: how often its activities were tried, and why again. */

import type { ActivityRecord } from './history-report.ts';
import type { StepReport } from './report.ts';

export interface StepAttempts {
  readonly activities: number;
  readonly attempts: number;
  /** Each reason once. */
  readonly failures: readonly string[];
}

/** A step's clock is that of its run, and activities are scheduled a moment after. */
const SLACK_MS = 1_000;

/** Undefined when the history knows nothing of it. */
export function attemptsOf(
  { name, at, startedAt, seconds = 0 }: StepReport,
  { isUndo, workflowId }: { readonly isUndo: boolean; readonly workflowId: string },
  activities: readonly ActivityRecord[],
): StepAttempts | undefined {
  if (startedAt === undefined) return undefined;
  const [from, to] = [startedAt - SLACK_MS, startedAt + seconds * 1000 + SLACK_MS];
  const own = activities.filter(
    (activity) =>
      activity.workflowId === workflowId &&
      // A run does a step of the same name again in each of its changes.
      activity.scheduledAt >= from &&
      activity.scheduledAt <= to &&
      isOf(activity.id, isUndo ? `undo-${name}` : name, at),
  );
  if (own.length === 0) return undefined;
  return {
    activities: own.length,
    attempts: own.reduce((sum, { attempts }) => sum + attempts, 0),
    failures: [...new Set(own.flatMap(({ failure }) => failure ?? []))],
  };
}

/** Behind a colon an id has the place, or a number. */
function isOf(id: string, step: string, at: string | undefined): boolean {
  if (at !== undefined) return id === `${step}:${at}`;
  return id.replace(/:\d+$/, '') === step;
}
