/**
 * Tells a run when a call of its is made again and again. Temporal shows that of a run whose page somebody has opened; its
 * lists can only be asked for what a run says of itself (temporalio/ui #884).
 */

import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { RETRYING_SIGNAL } from '../fleet/attributes.ts';
import { FLEET_WORKFLOWS } from '../fleet/run.ts';

/** One failure, and one more, are nothing that somebody should look at. */
const ATTEMPTS = 3;
const PATIENCE_MS = 3_000;

export class RetryTeller implements ActivityInboundCallsInterceptor {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>) {
    try {
      return await next(input);
    } catch (error) {
      if (this.#isToBeTold(error)) await this.#tell();
      throw error;
    }
  }

  #isToBeTold(error: unknown): boolean {
    const { attempt, workflowType } = this.#context.info;
    if (attempt !== ATTEMPTS || !FLEET_WORKFLOWS.includes(workflowType ?? '')) return false;
    if (error instanceof CancelledFailure) return false;
    return !(error instanceof ApplicationFailure && error.nonRetryable);
  }

  /** Whether it could be told or not, the call is made again. */
  async #tell(): Promise<void> {
    const { client, info } = this.#context;
    const { workflowExecution: run, activityId } = info;
    if (!run) return;
    const handle = client.workflow.getHandle(run.workflowId, run.runId);
    await client
      .withDeadline(Date.now() + PATIENCE_MS, () => handle.signal(RETRYING_SIGNAL, activityId))
      .catch(() => undefined);
  }
}
