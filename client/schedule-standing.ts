/** How a schedule stands: its rules, its next times, and what became of the last ones. */

import {
  type ScheduleDescription,
  type ScheduleExecutionResult,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { Overlap, ScheduledEnd, ScheduleMemo, ScheduleRules } from '../fleet/schedule.ts';
import { runLink, scheduleLink } from '../fleet/ui-link.ts';
import type { Temporal } from './temporal.ts';

/** Times are ISO 8601. */
export interface ScheduleStanding extends ScheduleRules {
  readonly fleet: string;
  /** Absent of a fleet in several places. */
  readonly region?: string;
  /** Of a fleet in several places: their names. */
  readonly places?: readonly string[];
  /** `3 × t3.micro`, in all of its places together. */
  readonly instances: string;
  readonly specHash: string;
  readonly paused: boolean;
  /** Why it is paused, or what was said last. */
  readonly note?: string;
  /**
   * The next times, five at most, as Temporal has computed them; none when no time comes any more. While it is paused they
   * are those that would come.
   */
  readonly next: readonly string[];
  /** The last runs, newest first. */
  readonly runs: readonly ScheduledRun[];
  /** Since the schedule was made: runs started, times skipped for an earlier run, times missed by too much. */
  readonly started: number;
  readonly skipped: number;
  readonly missed: number;
  readonly scheduleId: string;
  readonly uiUrl?: string;
}

export interface ScheduledRun<State extends string = ScheduledEnd['state']> {
  readonly scheduledFor: string;
  readonly startedAt: string;
  /** As a fleet's report has it; or the time was skipped, or it failed, or was ended from outside or is forgotten. */
  readonly state: State | 'running' | 'cancelled' | 'failed' | 'forgotten';
  /** Why it was skipped or failed. */
  readonly reason?: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly uiUrl?: string;
}

export interface TriggeredRun extends ScheduledRun {
  /**
   * How many runs that were asked for, or due, at the same moment were skipped for it. Temporal does not say whose run it
   * is then.
   */
  readonly skipped: number;
}

const MOST_TIMES = 5;

/** With so many of its last runs, at most. */
export async function standingOf(
  temporal: Temporal,
  description: ScheduleDescription,
  runs: number,
): Promise<ScheduleStanding> {
  const { scheduleId, policies, info, spec, state } = description;
  const { fleet, region, places, instances, specHash, cron, lease } = memoOf(description);
  return {
    fleet,
    ...(places ? { places } : { region }),
    instances,
    specHash,
    cron,
    timezone: spec.timezone ?? 'UTC',
    lease,
    overlap: policies.overlap!.toLowerCase().replaceAll('_', '-') as Overlap,
    catchUp: policies.catchupWindow / 1000,
    pauseOnFailure: policies.pauseOnFailure,
    paused: state.paused,
    note: state.note || undefined,
    next: info.nextActionTimes.slice(0, MOST_TIMES).map((time) => time.toISOString()),
    runs: await lastRuns(temporal, info.recentActions, runs),
    started: info.numActionsTaken,
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
    scheduleId,
    uiUrl: scheduleLink(temporal.uiUrl, temporal.namespace, scheduleId),
  };
}

export function memoOf({ action }: ScheduleDescription): ScheduleMemo {
  return action.memo as unknown as ScheduleMemo;
}

export function lastRuns<State extends string = ScheduledEnd['state']>(
  temporal: Temporal,
  actions: readonly ScheduleExecutionResult[],
  most: number,
): Promise<ScheduledRun<State>[]> {
  const newest = [...actions].sort((a, b) => b.takenAt.getTime() - a.takenAt.getTime()).slice(0, most);
  return Promise.all(newest.map((action) => runOf<State>(temporal, action)));
}

/** One run of a schedule, as Temporal has it now. */
export async function runOf<State extends string = ScheduledEnd['state']>(
  temporal: Temporal,
  action: ScheduleExecutionResult,
): Promise<ScheduledRun<State>> {
  const { workflowId, firstExecutionRunId: runId } = action.action.workflow;
  const handle = temporal.client.workflow.getHandle(workflowId, runId);
  return {
    scheduledFor: action.scheduledAt.toISOString(),
    startedAt: action.takenAt.toISOString(),
    ...(await endOf<State>(handle)),
    workflowId,
    runId,
    uiUrl: runLink(temporal.uiUrl, temporal.namespace, workflowId, runId),
  };
}

async function endOf<State extends string>(
  handle: WorkflowHandle,
): Promise<Pick<ScheduledRun<State>, 'state' | 'reason'>> {
  try {
    const { status } = await handle.describe();
    if (status.name === 'RUNNING') return { state: 'running' };
    if (status.name === 'CANCELLED') return { state: 'cancelled' };
    const { state, reason } = (await handle.result()) as { readonly state: State; readonly reason?: string };
    return { state, reason };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { state: 'forgotten' };
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { state: 'failed', reason: error.cause?.message ?? error.message };
  }
}
