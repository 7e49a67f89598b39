/** Looks: runs that ask AWS something and change nothing. Whoever asks waits for the answer, and not for a worker. */

import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { lookFailed, noWorker } from './errors.ts';
import type { Temporal } from './temporal.ts';

/** How long a look may stand in the queue. One whose worker has died a moment ago stands there until another comes. */
const QUEUED_SECONDS = 15;
const LOOK_EVERY_MS = 1_000;

/** The answer of a look. Throws NoWorker when none takes it up, and LookFailed with the reason why AWS was not asked. */
export async function answerOf<T>(temporal: Temporal, fleet: string, look: WorkflowHandle): Promise<T> {
  const answered = new AbortController();
  const ended = endUnlessTaken(look, answered.signal);
  try {
    return (await look.result()) as T;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    answered.abort();
    if (await ended) throw noWorker(temporal.taskQueue, temporal.address);
    throw lookFailed(fleet, error.cause?.message ?? error.message);
  } finally {
    answered.abort();
    await ended;
  }
}

/** Ends a look that no worker takes up, and answers whether it did. */
async function endUnlessTaken(look: WorkflowHandle, signal: AbortSignal): Promise<boolean> {
  let queuedUntil = Number.POSITIVE_INFINITY;
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return false;
    try {
      const { raw } = await look.describe();
      const isQueued = raw.pendingWorkflowTask?.state === QUEUED;
      const latest = Date.now() + QUEUED_SECONDS * 1000;
      queuedUntil = isQueued ? Math.min(queuedUntil, latest) : Number.POSITIVE_INFINITY;
      if (Date.now() < queuedUntil) continue;
      await look.terminate('no worker took it up');
      return true;
    } catch {
      // Whoever waits for the answer hears what is wrong with Temporal.
    }
  }
  return false;
}

/** PENDING_WORKFLOW_TASK_STATE_SCHEDULED (temporal.api.enums.v1). */
const QUEUED = 1;
