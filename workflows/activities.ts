/** The activities as workflows call them: for each kind its timeouts and how it is retried. */

import { ActivityCancellationType, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type StepName, stepTitle } from '../fleet/steps.ts';

/**
 * A cancelled workflow waits for the answer of what is on its way: the default would go on at once, and roll back
 * while RunInstances still launches.
 */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Every activity beats every few seconds (activities/patience.ts): the work of a killed worker is soon taken up. */
const heartbeatTimeout = '20s';

/** One call or a few, made again soon. The error's kind decides whether, and a throttle after how long. */
export const quick = proxyActivities<Activities>({
  startToCloseTimeout: '90s',
  heartbeatTimeout,
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
  cancellationType,
});

/** A launch of many takes minutes at worst, and is never hurried: its account has two a second. */
export const launching = proxyActivities<Activities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '20s' },
  cancellationType,
});

/** Looks that go on for a while. */
export const looking = proxyActivities<Activities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
  cancellationType,
});

/** Undos are tried again whatever they met, for as long as the spec says. */
export const undoing = proxyActivities<Activities>({
  startToCloseTimeout: '30m',
  heartbeatTimeout,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
  cancellationType,
});

/** A receiver may be down for a night: it is tried for a day, by a workflow for which nobody waits. */
export const delivering = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '1d',
  heartbeatTimeout,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10m' },
  cancellationType,
});

/**
 * Looks for an end, whenever that comes. Each fails until there is one: the next attempt costs no history, and between two
 * no place in a worker. Nobody waits more than a tenth longer than needed, nor more than ten seconds.
 */
export const awaiting = proxyActivities<Activities>({
  startToCloseTimeout: '60s',
  heartbeatTimeout,
  retry: { initialInterval: '500ms', backoffCoefficient: 1.1, maximumInterval: '10s' },
  cancellationType,
});

/** Temporal takes 400 bytes, and its web UI shows less. */
const MOST_SUMMARY = 180;

/**
 * How one call of an activity is seen, by its step's title and what it is done with, and when it is given up: `seconds` include
 * all of its retries. `at` tells it from the same step elsewhere.
 */
export function as(step: StepName, what: string, seconds: number, at?: string): ActivityOptions {
  // Several are under way at once, and Temporal wants each to have an id of its own.
  const activityId = at === undefined ? step : `${step}:${at}`;
  const summary = summaryOf(step, what);
  return { activityId, summary, scheduleToCloseTimeout: seconds * 1000 };
}

/** The same for an undo. */
export function asUndo(step: StepName, what: string, seconds: number, at?: string): ActivityOptions {
  const options = as(step, what, seconds, at);
  return { ...options, summary: `undo: ${options.summary}`, activityId: `undo-${options.activityId}` };
}

function summaryOf(step: StepName, what: string): string {
  const words = `${stepTitle(step)}: ${what}`;
  return words.length <= MOST_SUMMARY ? words : `${words.slice(0, MOST_SUMMARY - 1)}…`;
}
