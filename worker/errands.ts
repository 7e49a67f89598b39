/** The errands of schedules and of programs of other languages: asked for by the library as a person would. */

import { ApplicationFailure, type Client, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailureCategory } from '@temporalio/common';
import type { ErrandHost, RepairErrand, Skipped } from '../activities/errands.ts';
import { memoOf } from '../client/change.ts';
import { DiffersError, MusterError, type MusterErrorCode } from '../client/errors.ts';
import { Muster } from '../client/muster.ts';
import { outcomeOf } from '../client/outcome.ts';
import { type CheckEnd, checkScheduleId } from '../fleet/check-schedule.ts';
import { RUN_LOST, SPEC_MISTAKES } from '../fleet/failures.ts';
import type { Begun, FleetRunIds } from '../fleet/from-spec.ts';
import { formatMistakes } from '../fleet/mistakes.ts';
import type { FleetReport } from '../fleet/report.ts';
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
    begin: (sent, workflowId) => begin(muster, sent, workflowId),
    endOf: (run) => endOf(options.client, run),
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

/** A failure has to be small. */
const MOST_MISTAKES = 100;

/** As `muster up` does it, with a spec that has come by Temporal. */
async function begin(muster: Muster, sent: unknown, workflowId: string): Promise<Begun> {
  // What reads specs is loaded by workers alone that are asked to.
  const { readFromSpec } = await import('../fleet/read-from-spec.ts');
  const reading = readFromSpec(sent, workflowId);
  if (reading.mistakes) {
    const told = reading.mistakes.slice(0, MOST_MISTAKES);
    throw refused(SPEC_MISTAKES, formatMistakes(told), told);
  }
  try {
    for (;;) {
      const { met, fleet, workflowId, runId } = await muster.up(reading, { lease: reading.lease });
      if (met === 'new' || met === 'running') return { run: { fleet, workflowId, runId } };
      const report = await muster.status(fleet);
      if (report.state === 'complete') return { report };
      // Something has become of it since: what, the next 'up' tells.
    }
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    const { code, message, mend } = error;
    const words = mend ? `${message}; ${mend}` : message;
    const changes = error instanceof DiffersError ? [error.changes] : [];
    if (PASSING.includes(code))
      throw ApplicationFailure.create({ type: code, message: words, category: BENIGN });
    throw refused(code, words, ...changes);
  }
}

const BENIGN = ApplicationFailureCategory.BENIGN;
/** The same request may be answered in a moment. */
const PASSING: readonly MusterErrorCode[] = ['TemporalUnreachable', 'NoWorker', 'LookFailed'];

function refused(type: string, message: string, ...details: unknown[]): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, category: BENIGN, details });
}

async function endOf(client: Client, { workflowId, runId }: FleetRunIds): Promise<FleetReport | undefined> {
  const handle = client.workflow.getHandle(workflowId, runId, { followRuns: false });
  try {
    const { status } = await handle.describe();
    return status.name === 'RUNNING' ? undefined : await outcomeOf(handle);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw refused(RUN_LOST, `Temporal has no history of ${workflowId}, run ${runId}, any more`);
  }
}
