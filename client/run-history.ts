/** A run's history, read page by page as facts; and, while the run is under way, as it grows. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { RETRYING_SIGNAL } from '../fleet/attributes.ts';
import type { RunEnd } from '../fleet/event.ts';
import { FLEET_FAILED } from '../fleet/failures.ts';
import type { FleetReport } from '../fleet/report.ts';
import { KEEPER, type KeepRequest } from '../fleet/run.ts';
import type { CallFailure, RunFact } from '../fleet/run-fact.ts';
import { asMusterError, isOutage, isUnknown, type Temporal } from './temporal.ts';

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];
type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];
type Payloads = { readonly payloads?: readonly Payload[] | null } | null | undefined;
type Failure = NonNullable<NonNullable<HistoryEvent['activityTaskFailedEventAttributes']>['failure']>;

export interface ReadOptions {
  /** Waits for what comes, until the run has ended. */
  readonly follow?: boolean;
  /** Events in a page, where Temporal's own measure is not wanted. */
  readonly page?: number;
  /** How a call is made. */
  readonly ask?: <T>(call: () => Promise<T>) => Promise<T>;
}

/** For each the SDK has tried for about twenty seconds by itself. */
const MOST_OUTAGES = 15;
const AFTER_OUTAGE_MS = 250;

/**
 * A page at a time; none of a run that Temporal does not know any more. Throws TemporalUnreachable; while it follows only
 * when Temporal stays away.
 */
export async function* factsOf(
  temporal: Temporal,
  run: { readonly workflowId: string; readonly runId: string },
  { follow = false, page, ask = (call) => call() }: ReadOptions = {},
): AsyncGenerator<RunFact[], void> {
  const { client, namespace } = temporal;
  const reader = new Reader();
  let outages = 0;
  for (let token: Uint8Array | undefined; ; ) {
    try {
      const { history, nextPageToken } = await ask(() =>
        client.workflowService.getWorkflowExecutionHistory({
          namespace,
          execution: run,
          maximumPageSize: page,
          nextPageToken: token,
          waitNewEvent: follow,
        }),
      );
      outages = 0;
      yield reader.factsOf(history?.events ?? []);
      token = nextPageToken ?? undefined;
      if (!token?.length) return;
    } catch (error) {
      if (isUnknown(error)) return;
      const known = asMusterError(temporal, error);
      if (!follow || !isOutage(temporal, known) || ++outages > MOST_OUTAGES) throw known;
      await sleep(AFTER_OUTAGE_MS);
    }
  }
}

/** Takes a history's events in their order. */
export class Reader {
  /** The run's own clock: it stands while a worker goes on with the run. */
  #tookUpAt = 0;

  /** Of most events nothing is told. */
  factsOf(events: readonly HistoryEvent[]): RunFact[] {
    return events.flatMap((event) => {
      const at = millisOf(event.eventTime);
      if (event.workflowTaskStartedEventAttributes) this.#tookUpAt = at;
      const content = contentOf(event);
      // What was asked for comes before what the run has begun for it.
      const isUpdate = event.workflowExecutionUpdateAcceptedEventAttributes;
      return content ? [{ id: Number(event.eventId), at: isUpdate ? this.#tookUpAt : at, ...content }] : [];
    });
  }
}

type Content = RunFact extends infer Fact ? (Fact extends RunFact ? Omit<Fact, 'id' | 'at'> : never) : never;

function contentOf(event: HistoryEvent): Content | undefined {
  return runContent(event) ?? askedContent(event) ?? callContent(event) ?? endContent(event);
}

function runContent({ workflowExecutionStartedEventAttributes: begun }: HistoryEvent): Content | undefined {
  if (!begun) return undefined;
  const { workflowType, identity, parentWorkflowExecution: parent, continuedExecutionRunId } = begun;
  return {
    kind: 'began',
    type: workflowType!.name!,
    by: identity || undefined,
    parent: parent?.workflowId || undefined,
    continues: continuedExecutionRunId || undefined,
  };
}

function askedContent(event: HistoryEvent): Content | undefined {
  const {
    workflowExecutionUpdateAcceptedEventAttributes: accepted,
    workflowExecutionUpdateCompletedEventAttributes: completed,
    workflowExecutionSignaledEventAttributes: signaled,
    workflowExecutionCancelRequestedEventAttributes: cancelled,
  } = event;
  if (accepted) {
    const { meta, input } = accepted.acceptedRequest!;
    const argument = firstOf<unknown>(input?.args);
    const [update, request, by] = [meta!.updateId!, input!.name!, meta!.identity || undefined];
    return { kind: 'asked', update, request, argument, by };
  }
  if (completed) {
    const { meta, outcome } = completed;
    const answer = firstOf<Partial<FleetReport> | undefined>(outcome?.success);
    const report = answer?.steps ? (answer as FleetReport) : undefined;
    const reason = outcome?.failure ? failureOf(outcome.failure).reason : undefined;
    return { kind: 'answered', update: meta!.updateId!, report, reason };
  }
  if (signaled) {
    // A worker's word about a call: the call itself is told.
    if (signaled.signalName === RETRYING_SIGNAL) return undefined;
    return { kind: 'asked', request: signaled.signalName!, by: signaled.identity || undefined };
  }
  if (!cancelled) return undefined;
  const { identity, externalWorkflowExecution: other } = cancelled;
  const byRun = other?.workflowId ? { byRun: true as const } : {};
  return { kind: 'asked', request: 'cancel', by: identity || undefined, ...byRun };
}

function callContent(event: HistoryEvent): Content | undefined {
  const {
    activityTaskScheduledEventAttributes: scheduled,
    activityTaskStartedEventAttributes: started,
    activityTaskCompletedEventAttributes: completed,
    activityTaskFailedEventAttributes: failed,
    activityTaskTimedOutEventAttributes: timedOut,
    activityTaskCanceledEventAttributes: cancelled,
  } = event;
  if (scheduled) {
    const { activityId, activityType } = scheduled;
    return { kind: 'called', call: Number(event.eventId), activity: activityId!, type: activityType!.name! };
  }
  if (started) {
    const { scheduledEventId, attempt, identity, lastFailure } = started;
    const failure = lastFailure ? failureOf(lastFailure) : undefined;
    const [call, by] = [Number(scheduledEventId), identity || undefined];
    return { kind: 'attempted', call, attempt: Number(attempt), by, failure };
  }
  if (completed) {
    const call = Number(completed.scheduledEventId);
    return { kind: 'returned', call, how: 'done', launched: launchedBy(completed.result) };
  }
  const unsuccessful = failed ?? timedOut;
  if (unsuccessful) {
    const { scheduledEventId, failure } = unsuccessful;
    const call = Number(scheduledEventId);
    const said = failure && (timedOut ? (failure.cause ?? failure) : failure);
    return {
      kind: 'returned',
      call,
      how: 'failed',
      ...(timedOut && { timedOut: true }),
      failure: said ? failureOf(said) : undefined,
    };
  }
  return cancelled
    ? { kind: 'returned', call: Number(cancelled.scheduledEventId), how: 'cancelled' }
    : undefined;
}

function endContent(event: HistoryEvent): Content | undefined {
  const {
    workflowExecutionCompletedEventAttributes: completed,
    workflowExecutionFailedEventAttributes: failed,
    workflowExecutionCanceledEventAttributes: cancelled,
    workflowExecutionTerminatedEventAttributes: terminated,
    workflowExecutionTimedOutEventAttributes: timedOut,
    workflowExecutionContinuedAsNewEventAttributes: continued,
  } = event;
  const end = (
    how: RunEnd,
    more: Omit<Extract<Content, { kind: 'ended' }>, 'kind' | 'how'> = {},
  ): Content => ({
    kind: 'ended',
    how,
    ...more,
  });
  if (completed) return end('completed', { report: firstOf(completed.result) });
  if (failed) {
    const { message, applicationFailureInfo: info } = failed.failure!;
    if (info?.type !== FLEET_FAILED) return end('failed', { reason: message ?? undefined });
    return end('failed', { report: firstOf(info.details) });
  }
  if (cancelled) return end('cancelled');
  if (terminated) {
    const { reason, identity } = terminated;
    return end('terminated', { reason: reason || undefined, by: identity || undefined });
  }
  if (timedOut) return end('timed-out', { next: timedOut.newExecutionRunId || undefined });
  if (!continued) return undefined;
  const isKept = continued.workflowType?.name === KEEPER;
  const report = isKept ? firstOf<KeepRequest<FleetReport, unknown>>(continued.input).report : undefined;
  return end('continued', { next: continued.newExecutionRunId!, report });
}

function firstOf<T>(of: Payloads): T {
  const [first] = of?.payloads ?? [];
  return (first ? defaultPayloadConverter.fromPayload(first) : undefined) as T;
}

/** AWS's words stand in the failure that has its code. */
function failureOf(failure: Failure): CallFailure {
  const { message, applicationFailureInfo } = failure;
  return { code: applicationFailureInfo?.type ?? undefined, reason: `${message}` };
}

/** A launch answers the ids by their zones. */
function launchedBy(result: Payloads): Readonly<Record<string, number>> | undefined {
  const answer = firstOf<{ state?: string; ids?: Record<string, string[]> } | undefined>(result);
  if (answer?.state !== 'launched' || !answer.ids) return undefined;
  return Object.fromEntries(Object.entries(answer.ids).map(([zone, ids]) => [zone, ids.length]));
}

function millisOf(time: HistoryEvent['eventTime']): number {
  const { seconds, nanos } = time ?? {};
  return Number(seconds ?? 0) * 1000 + Math.floor((nanos ?? 0) / 1_000_000);
}
