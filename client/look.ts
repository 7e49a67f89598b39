/** Looks: runs that ask AWS something and change nothing. Whoever asks waits for the answer, and not for a worker. */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationFailure,
  TimeoutFailure,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import type { LookFailure } from '../fleet/failures.ts';
import { lookFailed, type MusterError, noWorker } from './errors.ts';
import { pendingIn } from './pending-step.ts';
import type { Temporal } from './temporal.ts';
import { WorkerWait } from './worker-wait.ts';

/** Each look is worth that much of a worker's time, however long one was waited for before. */
const LEAST_QUEUED_MS = 3_000;
const LOOK_EVERY_MS = 1_000;
/** One call that has to be made again is nothing that anybody waits for. */
const TOLD_ATTEMPT = 3;

/** The answer of a look. Throws NoWorker when none takes it up, and LookFailed with the reason why AWS was not asked. */
export async function answerOf<T>(temporal: Temporal, fleet: string, look: WorkflowHandle): Promise<T> {
  return lookedFor<T>(temporal, look, (error, reason) => failureOf(fleet, error, reason));
}

/** The same of any look; `failed` tells what its failure means, with why AWS was asked again, if it was. */
export async function lookedFor<T>(
  temporal: Temporal,
  look: WorkflowHandle,
  failed: (error: WorkflowFailedError, reason: string | undefined) => MusterError,
): Promise<T> {
  const watch = new Watch(temporal, look);
  try {
    return (await look.result()) as T;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (await watch.end()) throw noWorker(temporal.taskQueue, temporal.address);
    throw failed(error, watch.reason);
  } finally {
    await watch.end();
  }
}

/** `reason` is why AWS was asked again, if it was. */
function failureOf(fleet: string, { cause, message }: WorkflowFailedError, reason: string | undefined) {
  if (cause instanceof TimeoutFailure) return lookFailed(fleet, reason ?? 'no answer in time', true);
  const [told] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
  const { wasAskedAgain } = (told ?? {}) as LookFailure;
  return lookFailed(fleet, cause?.message ?? message, wasAskedAgain);
}

/** Tells why AWS is asked again, and ends a look that no worker takes up. */
class Watch {
  /** The call that is made again, and AWS's words. */
  reason: string | undefined;
  private readonly stopped = new AbortController();
  private readonly hasEnded: Promise<boolean>;
  private readonly temporal: Temporal;
  private readonly wait: WorkerWait;

  constructor(temporal: Temporal, look: WorkflowHandle) {
    this.temporal = temporal;
    this.wait = temporal.workerWait ?? new WorkerWait();
    this.hasEnded = this.watch(look);
  }

  /** Answers whether no worker took the look up. */
  end(): Promise<boolean> {
    this.stopped.abort();
    return this.hasEnded;
  }

  private async watch(look: WorkflowHandle): Promise<boolean> {
    const { signal } = this.stopped;
    let queuedAt: number | undefined = Date.now();
    while (!signal.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return false;
      try {
        const description = await look.describe();
        this.tell(description);
        const isQueued = description.raw.pendingWorkflowTask?.state === QUEUED;
        queuedAt = isQueued ? (queuedAt ?? Date.now()) : undefined;
        if (!this.isInVain(queuedAt)) continue;
        await look.terminate('no worker took it up');
        return true;
      } catch {
        // Whoever waits for the answer hears what is wrong with Temporal.
      }
    }
    return false;
  }

  /** Whether a worker was waited for long enough. One that has died a moment ago leaves the look in the queue. */
  private isInVain(queuedAt: number | undefined): boolean {
    if (queuedAt !== undefined) {
      return this.wait.missed(queuedAt) && Date.now() - queuedAt >= LEAST_QUEUED_MS;
    }
    this.wait.met();
    return false;
  }

  private tell(description: WorkflowExecutionDescription): void {
    const again = pendingIn(description).find(({ attempt }) => attempt >= TOLD_ATTEMPT);
    if (again?.reason === undefined || again.reason === this.reason) return;
    this.reason = again.reason;
    this.temporal.onLookRetried?.(again.reason);
  }
}

/** PENDING_WORKFLOW_TASK_STATE_SCHEDULED (temporal.api.enums.v1). */
const QUEUED = 1;
