/** Telling who wants to hear of it, by a workflow of its own: a run neither waits for a receiver nor fails with it. */

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, log, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import { notificationOf, type Tellable, wantsToHear } from '../fleet/notification.ts';
import type { NotifyEvent, NotifyTarget } from '../fleet/spec.ts';
import { notifyFleet } from './notify-fleet.ts';

/**
 * Tells of an event, as the report is now, and notes in the report that it was told. Returns once Temporal has the
 * workflow that delivers, also in a run that is cancelled. That workflow's id is made of the fleet, the run and the
 * event (the second of a kind in a run has a number), and outlives a reset of the run: nothing is told twice.
 */
export async function notify(
  report: Tellable,
  all: readonly NotifyTarget[] | undefined,
  event: NotifyEvent,
): Promise<void> {
  const targets = (all ?? []).filter((target) => wantsToHear(target, event));
  if (targets.length === 0) return;
  const told = report.notifications ?? [];
  const before = told.filter((one) => one.event === event).length;
  const { firstExecutionRunId, runId } = workflowInfo();
  // The runs that keep a fleet follow one another, and each of them may repair it.
  const id = [
    event === 'repaired' ? runId : firstExecutionRunId,
    event,
    ...(before > 0 ? [before + 1] : []),
  ].join(':');
  const workflowId = `notify:${report.fleet.toLowerCase()}:${id}`;
  report.notifications = [...told, { event, workflowId }];
  const notification = notificationOf(report, event, { id, at: Date.now() });
  try {
    await CancellationScope.nonCancellable(() =>
      startChild(notifyFleet, {
        args: [{ notification, targets }],
        workflowId,
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        parentClosePolicy: ParentClosePolicy.ABANDON,
        memo: { fleet: report.fleet },
        staticSummary: `tell of ${report.fleet}: ${event}`,
      }),
    );
  } catch (error) {
    // Before its reset, the run has told of it.
    if (error instanceof WorkflowExecutionAlreadyStartedError) return;
    log.warn('nobody was notified', { workflowId, error });
  }
}
