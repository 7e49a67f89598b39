/**
 * What Temporal's histories of a fleet's runs tell: who asked for what, and what workers did how often. No worker is
 * needed for that.
 */

import { type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { durationWords } from '../fleet/duration.ts';
import type { ActivityRecord, Ask, HistoryReport } from '../fleet/history-report.ts';
import type { FleetReport } from '../fleet/report.ts';
import {
  DECIDE_UPDATE,
  EXTEND_UPDATE,
  type Extension,
  KEEPER,
  SCALE_UPDATE,
  STEER_UPDATE,
} from '../fleet/run.ts';
import type { RunId } from './fleet-run.ts';
import { asMusterError, type Temporal } from './temporal.ts';

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

/** One run, oldest event first. */
interface RunEvents {
  readonly workflowId: string;
  readonly events: readonly HistoryEvent[];
}

/**
 * Of the run that is given, those that it continues, those that the report names, and those of its places. What Temporal
 * has forgotten is left out. Throws TemporalUnreachable.
 */
export async function historyOf(
  temporal: Temporal,
  report: FleetReport,
  last: RunId,
): Promise<HistoryReport> {
  try {
    const own = await fleetRuns(temporal, report, last);
    const places = await Promise.all(
      (report.places ?? [])
        .filter(({ workflowId }) => workflowId !== last.workflowId)
        .map(({ workflowId, runId }) => eventsOf(temporal, workflowId, runId)),
    );
    const all = [...own, ...places].flatMap((run) => run ?? []);
    return {
      asks: all.flatMap(asksOf).sort((a, b) => a.at - b.at),
      activities: all.flatMap(activitiesOf),
    };
  } catch (error) {
    throw asMusterError(temporal, error);
  }
}

async function fleetRuns(
  temporal: Temporal,
  { runs = [], scale }: FleetReport,
  { workflowId, runId, firstRunId = runId }: RunId,
): Promise<RunEvents[]> {
  const found = new Map<string, RunEvents>();
  const look = async (run: string): Promise<RunEvents | undefined> => {
    const known = found.get(run) ?? (await eventsOf(temporal, workflowId, run));
    if (known) found.set(run, known);
    return known;
  };
  for (const run of [...runs, ...(scale?.runId === undefined ? [] : [scale.runId])]) await look(run);
  for (let run: string | undefined = firstRunId; run !== undefined; ) {
    const known: RunEvents | undefined = await look(run);
    run = run === runId ? undefined : nextOf(known);
  }
  await look(runId);
  return [...found.values()];
}

function nextOf(run: RunEvents | undefined): string | undefined {
  return run?.events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
}

async function eventsOf(
  { client }: Temporal,
  workflowId: string,
  runId: string,
): Promise<RunEvents | undefined> {
  try {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    return { workflowId, events: events ?? [] };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

function asksOf({ events }: RunEvents): Ask[] {
  return events.flatMap((event): Ask[] => {
    const asked = askedBy(event);
    return asked ? [{ at: timeOf(event), ...asked }] : [];
  });
}

/** What runs ask of each other is their own affair: a fleet's of its places', one of the run that it goes on as. */
function askedBy(event: HistoryEvent): Omit<Ask, 'at'> | undefined {
  const started = event.workflowExecutionStartedEventAttributes;
  if (started) {
    const { workflowType, identity, parentWorkflowExecution: parent, continuedExecutionRunId } = started;
    const isPlace = parent?.workflowId?.startsWith('fleet:');
    // A keeper is begun by what is asked of it, and that is told.
    if (continuedExecutionRunId || isPlace || workflowType?.name === KEEPER) return undefined;
    return { what: `${workflowType?.name} started`, by: parent?.workflowId || identity || 'Temporal' };
  }
  const cancelled = event.workflowExecutionCancelRequestedEventAttributes;
  if (cancelled) {
    const { identity, externalWorkflowExecution: other } = cancelled;
    return other?.workflowId ? undefined : { what: 'cancel', by: identity || 'Temporal' };
  }
  const signaled = event.workflowExecutionSignaledEventAttributes;
  if (signaled) return { what: `signal ${signaled.signalName}`, by: signaled.identity || 'Temporal' };
  const updated = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest;
  if (updated) {
    const [payload] = updated.input?.args?.payloads ?? [];
    const argument = payload && defaultPayloadConverter.fromPayload(payload);
    return {
      what: updateWords(`${updated.input?.name}`, argument),
      by: updated.meta?.identity || 'Temporal',
    };
  }
  const terminated = event.workflowExecutionTerminatedEventAttributes;
  if (terminated) {
    const { reason, identity } = terminated;
    return { what: `terminate${reason ? `: ${reason}` : ''}`, by: identity || 'Temporal' };
  }
  return undefined;
}

function updateWords(name: string, argument: unknown): string {
  switch (name) {
    case SCALE_UPDATE:
      return `scale to ${(argument as { count?: number })?.count}`;
    case DECIDE_UPDATE:
      return `${argument}`;
    case STEER_UPDATE:
      return `${argument} the roll`;
    case EXTEND_UPDATE: {
      const extension = argument as Extension;
      return 'forGood' in extension ? 'extend for good' : `extend by ${durationWords(extension.seconds)}`;
    }
    default:
      return name;
  }
}

/** Temporal writes that an attempt began, and which it was, when it has ended for good. */
function activitiesOf({ workflowId, events }: RunEvents): ActivityRecord[] {
  const records = new Map<string, { -readonly [K in keyof ActivityRecord]: ActivityRecord[K] }>();
  const recordOf = (scheduledEventId: unknown) => records.get(`${scheduledEventId}`);
  for (const event of events) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      records.set(`${event.eventId}`, {
        type: `${scheduled.activityType?.name}`,
        id: `${scheduled.activityId}`,
        workflowId,
        scheduledAt: timeOf(event),
        attempts: 0,
        end: 'open',
      });
    }
    const started = event.activityTaskStartedEventAttributes;
    const begun = started && recordOf(started.scheduledEventId);
    if (begun) {
      begun.attempts = Number(started.attempt ?? 1);
      begun.worker = started.identity || undefined;
      begun.failure = wordsOf(started.lastFailure);
    }
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed) Object.assign(recordOf(completed.scheduledEventId) ?? {}, { end: 'completed' });
    const failed = event.activityTaskFailedEventAttributes;
    if (failed) {
      const failure = wordsOf(failed.failure);
      Object.assign(recordOf(failed.scheduledEventId) ?? {}, { end: 'failed', failure });
    }
    const timedOut = event.activityTaskTimedOutEventAttributes;
    if (timedOut) {
      const failure = wordsOf(timedOut.failure?.cause) ?? wordsOf(timedOut.failure);
      Object.assign(recordOf(timedOut.scheduledEventId) ?? {}, { end: 'timed out', failure });
    }
    const cancelled = event.activityTaskCanceledEventAttributes;
    if (cancelled) Object.assign(recordOf(cancelled.scheduledEventId) ?? {}, { end: 'cancelled' });
  }
  return [...records.values()];
}

function wordsOf(failure: { readonly message?: string | null } | null | undefined): string | undefined {
  return failure?.message || undefined;
}

function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1000 + Number(eventTime?.nanos ?? 0) / 1e6;
}
