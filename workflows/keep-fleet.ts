/** keepFleet: the run of a complete fleet that has a lease. It waits, and goes on as the fleet's teardown. */

import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  defineQuery,
  defineUpdate,
  isCancellation,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { extended, extensionMistake, teardownOf, warnsAt } from '../fleet/lease.ts';
import { progressMarkdown } from '../fleet/progress-markdown.ts';
import type { FleetReport, LeaseReport } from '../fleet/report.ts';
import {
  EXTEND_UPDATE,
  type Extension,
  type KeepRequest,
  PROGRESS_QUERY,
  RELEASE_UPDATE,
} from '../fleet/run.ts';
import { notify } from './notify.ts';
import type { teardownFleet } from './teardown-fleet.ts';

const progressQuery = defineQuery<FleetReport>(PROGRESS_QUERY);
const extendUpdate = defineUpdate<LeaseReport | undefined, [Extension]>(EXTEND_UPDATE);
const releaseUpdate = defineUpdate<void>(RELEASE_UPDATE);

/**
 * Waits for the end of the lease, however long and however often workers and servers are restarted meanwhile: it is a
 * timer of Temporal's. Before that the lease can be extended, given up for good, or released. A cancellation releases it:
 * who cancels wants the fleet gone.
 */
export async function keepFleet(request: KeepRequest<FleetReport>): Promise<FleetReport> {
  const lease = new Lease(request);
  if (!(await lease.isOver())) return request.report;
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return lease.takeDown();
}

class Lease {
  private readonly request: KeepRequest<FleetReport>;
  private readonly report: FleetReport;
  private isReleased = false;
  /** Counts what has been asked of it, so that a wait ends with each. */
  private asked = 0;

  constructor(request: KeepRequest<FleetReport>) {
    this.request = request;
    this.report = request.report;
    setHandler(progressQuery, () => this.report);
    setHandler(extendUpdate, (extension) => this.extend(extension), {
      validator: (extension) => this.checkExtension(extension),
    });
    setHandler(releaseUpdate, () => this.release());
    this.show();
  }

  /** Resolves when the lease is over; to false when the fleet is to stay. */
  async isOver(): Promise<boolean> {
    for (;;) {
      const { lease } = this.report;
      if (this.isReleased) return true;
      if (!lease) return false;
      const now = Date.now();
      if (now >= lease.endsAt) return true;
      const warnAt = warnsAt(lease, this.request.completeAt);
      if (now >= warnAt && !lease.warned) await this.warn(lease);
      const seen = this.asked;
      const until = lease.warned ? lease.endsAt : warnAt;
      try {
        await condition(() => this.asked > seen, Math.max(1, until - now));
      } catch (error) {
        if (!isCancellation(error)) throw error;
        return true;
      }
      if (workflowInfo().continueAsNewSuggested) await this.goOn();
    }
  }

  /** The history ends here and a new one begins: a fleet may be extended for years. */
  private async goOn(): Promise<never> {
    await condition(allHandlersFinished);
    return makeContinueAsNewFunc<typeof keepFleet>({ memo: workflowInfo().memo })(this.request);
  }

  takeDown(): Promise<never> {
    const { completeAt, consistency, undo, notify } = this.request;
    const age = (Date.now() - completeAt) / 1000;
    const request = teardownOf(this.report, {
      patience: Math.max(0, Math.ceil(consistency - age)),
      undoDeadline: undo,
    });
    const options = { workflowType: 'teardownFleet', memo: workflowInfo().memo };
    return makeContinueAsNewFunc<typeof teardownFleet>(options)({ ...request, notify });
  }

  private checkExtension(extension: Extension): void {
    const { lease } = this.report;
    if (this.isReleased || !lease) throw ApplicationFailure.nonRetryable('the lease is over');
    const mistake = extensionMistake(extension, lease, Date.now());
    if (mistake) throw ApplicationFailure.nonRetryable(mistake);
  }

  private extend(extension: Extension): LeaseReport | undefined {
    this.report.lease = extended(this.report.lease!, extension);
    this.asked += 1;
    this.show();
    return this.report.lease;
  }

  private release(): void {
    this.isReleased = true;
    this.asked += 1;
  }

  private async warn(lease: LeaseReport): Promise<void> {
    lease.warned = true;
    this.show();
    await notify(this.report, this.request.notify, 'lease-ending');
  }

  private show(): void {
    setCurrentDetails(progressMarkdown(this.report));
  }
}
