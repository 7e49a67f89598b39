/** The errands of schedules: a check or a repair, asked for by the library as a person would. */

import { ApplicationFailure, type Client } from '@temporalio/client';
import type { ErrandHost, RepairErrand, Skipped } from '../activities/errands.ts';
import { memoOf } from '../client/change.ts';
import { MusterError, type MusterErrorCode } from '../client/errors.ts';
import { Muster } from '../client/muster.ts';
import { type CheckEnd, checkScheduleId } from '../fleet/check-schedule.ts';
import { fleetWorkflowId } from '../fleet/run.ts';

export interface ErrandsOptions {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
}

export function errands(options: ErrandsOptions): ErrandHost {
  const muster = Muster.over({ ...options, uiUrl: undefined });
  return {
    check: (fleet) =>
      orSkipped(async () => {
        const report = await muster.check(fleet);
        const run = await options.client.workflow.getHandle(fleetWorkflowId(fleet)).describe();
        return { report, notify: memoOf(run).notify };
      }),
    repair: (fleet) => orSkipped(() => repair(muster, fleet)),
    lastTold: (fleet) => lastTold(options.client, fleet),
  };
}

/** By the last check of the schedule that has completed, as long as Temporal remembers it. */
async function lastTold(client: Client, fleet: string): Promise<string | undefined> {
  const { info } = await client.schedule.getHandle(checkScheduleId(fleet)).describe();
  const newestFirst = [...info.recentActions].sort((a, b) => b.takenAt.getTime() - a.takenAt.getTime());
  for (const { action } of newestFirst) {
    const { workflowId, firstExecutionRunId } = action.workflow;
    const handle = client.workflow.getHandle(workflowId, firstExecutionRunId);
    const status = await handle.describe().then(
      (run) => run.status.name,
      () => undefined,
    );
    if (status === 'COMPLETED') return ((await handle.result()) as CheckEnd).told;
  }
  return undefined;
}

/** Of a repair that is under way, whoever asked for it, the end is as good. */
async function repair(muster: Muster, fleet: string): Promise<RepairErrand> {
  try {
    return { report: await (await muster.repair(fleet)).result() };
  } catch (error) {
    if (!(error instanceof MusterError) || error.code !== 'FleetBusy') throw error;
    const run = await muster.attach(fleet);
    if (run.met !== 'running' || (await run.progress()).action !== 'repair') throw error;
    return { report: await run.result() };
  }
}

/** No fleet, or none that is complete: the next time may find it otherwise. */
const SKIPPED: readonly MusterErrorCode[] = ['FleetNotFound', 'FleetBusy', 'NotNow'];
/** A person has to do something first. */
const FINAL: readonly MusterErrorCode[] = ['HistoryGone', 'FleetLeftOver', 'ManyPlaces'];

async function orSkipped<T>(ask: () => Promise<T>): Promise<T | Skipped> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    const { code, message, mend } = error;
    if (SKIPPED.includes(code)) return { skipped: message };
    const words = mend ? `${message}; ${mend}` : message;
    throw ApplicationFailure.create({ type: code, message: words, nonRetryable: FINAL.includes(code) });
  }
}
