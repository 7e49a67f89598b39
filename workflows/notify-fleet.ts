/** notifyFleet: delivers one notification to all who want it, each for itself, and tells whom it reached. */

import { ApplicationFailureCategory } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  setCurrentDetails,
  TimeoutFailure,
} from '@temporalio/workflow';
import { NOT_DELIVERED } from '../fleet/failures.ts';
import { type Delivery, type NotifyReport, type NotifyRequest, receiverName } from '../fleet/notification.ts';
import type { NotifyTarget } from '../fleet/spec.ts';
import { delivering } from './activities.ts';

/** Fails with NotDelivered and its report when somebody could not be told, after all others were. */
export async function notifyFleet({ notification, targets }: NotifyRequest): Promise<NotifyReport> {
  const deliveries = targets.map((target): Delivery => ({ to: receiverName(target), state: 'trying' }));
  const show = () => setCurrentDetails(deliveries.map(line).join('\n'));
  show();

  await Promise.all(
    targets.map(async (target, at) => {
      deliveries[at] = { ...deliveries[at]!, ...(await outcomeOf(target, at)) };
      show();
    }),
  );

  const { id, event } = notification;
  const report: NotifyReport = { schema: 1, id, event, deliveries };
  const failed = deliveries.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return report;
  throw ApplicationFailure.create({
    type: NOT_DELIVERED,
    message: failed.map(({ to, detail }) => `${to}: ${detail}`).join('; '),
    nonRetryable: true,
    // It is told by the report; the worker need not log it as an error of its own.
    category: ApplicationFailureCategory.BENIGN,
    details: [report],
  });

  async function outcomeOf(target: NotifyTarget, at: number): Promise<Pick<Delivery, 'state' | 'detail'>> {
    const options = { activityId: `deliver-${at + 1}`, summary: receiverName(target) };
    try {
      const detail = await ('webhook' in target
        ? delivering.sendWebhook.executeWithOptions(options, [{ target, notification }])
        : delivering.putEvent.executeWithOptions(options, [{ target, notification }]));
      return { state: 'delivered', detail };
    } catch (error) {
      if (isCancellation(error)) throw error;
      return { state: 'failed', detail: whyFailed(error) };
    }
  }
}

/** What was answered last. */
function whyFailed(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const last = cause instanceof TimeoutFailure ? (cause.cause ?? cause) : cause;
  return last instanceof Error ? last.message : String(last);
}

function line({ to, state, detail }: Delivery): string {
  return `- ${to}: ${state}${detail ? ` (${detail})` : ''}`;
}
