/** One run, played as its plan says: what is done to it meanwhile, and how it ended. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { type FleetReport, type FleetRun, MusterError, type SweepReport, specFrom } from '../client/index.ts';
import { placeWorkflowId } from '../fleet/run.ts';
import type { Account } from './account.ts';
import { type Made, makeChanges } from './changes.ts';
import { makeForeign, makeInUse } from './foreign.ts';
import type { Lane } from './lane.ts';
import { isAbroad, REGIONS, troublesOf } from './places.ts';
import { inUse, type Plan, specOf } from './plan.ts';

export interface Ending {
  readonly before: Account;
  readonly after: Account;
  /** The other account, of fleets that have a place in it. */
  readonly other?: { readonly before: Account; readonly after: Account };
  /** Of the last run; absent when nothing was begun. */
  readonly report?: FleetReport;
  /** Of the last run, as Temporal has it. */
  readonly status?: string;
  /** Of the sweep after a run that was terminated. */
  readonly sweep?: SweepReport;
  /** What was changed of the fleet when it was complete, and how it stands after that. */
  readonly changed?: { readonly made: Made; readonly standing: FleetReport };
  /** How a complete one in several places stands. */
  readonly standing?: FleetReport;
  /** Why nothing was begun. */
  readonly refused?: string;
  /** What is wrong already, before AWS is asked. */
  readonly problems: readonly string[];
  /** What was done to it in the end, for the record. */
  readonly did: readonly string[];
}

/**
 * Longer than any run takes whose deadlines hold: a teardown right after a fleet came up looks for a minute for each
 * thing of whose deletion it got no answer.
 */
const ENDS_WITHIN_MS = 400_000;

/** Longer than a run and all its changes. */
const LEASE_SECONDS = 6 * 3600;

export async function play(plan: Plan, lane: Lane, temporal: Client): Promise<Ending> {
  const { muster, operator } = lane;
  const { fleet, weather } = plan;
  const problems: string[] = [];
  const did: string[] = [];
  /** A run was terminated, and another begun after it. */
  let hasLost = false;
  lane.calm();
  await prepare();
  const before = await readAll();
  const spec = specFrom(specOf(plan));
  const faults = [...troublesOf(plan.places), ...weather.faults];
  lane.aws.setWeather({ seed: plan.seed, behaviour: weather.behaviour, faults });

  let run: FleetRun;
  try {
    run = await within(muster.up(spec, plan.leased ? { lease: LEASE_SECONDS } : {}));
  } catch (error) {
    return { ...(await settle()), refused: `${error}`, problems, did };
  }
  const over = new AbortController();
  const meanwhile = [
    ...plan.kills.map((at) => after(at, 'kill', () => lane.worker.replace())),
    ...plan.cancels.map((at) => after(at, 'cancel', () => unlessOver(muster.cancel(fleet)))),
    ...(plan.terminate === null ? [] : [after(plan.terminate, 'terminate', () => terminate(run))]),
    ...(plan.secondUp === null ? [] : [after(plan.secondUp, 'second up', secondUp)]),
    decide(),
  ];
  let report: FleetReport;
  try {
    report = await end(run);
  } finally {
    over.abort();
    await Promise.all(meanwhile);
  }
  // A second request may have begun another at the last moment.
  if (report.runId !== run.runId) report = await end(run);
  const { status } = await temporal.workflow.getHandle(run.workflowId, run.runId).describe();
  let ended: { readonly report: FleetReport; readonly status: string } = { report, status: status.name };
  const changed = report.state === 'complete' && plan.changes.length > 0 ? await change() : undefined;
  let sweep: SweepReport | undefined;
  let standing: FleetReport | undefined;
  if (report.state === 'lost' || hasLost) {
    lane.calm();
    await placesEnd();
    await lane.quiet();
    sweep = await within(muster.sweep({ regions: REGIONS, remove: true, olderThan: 0, undoDeadline: 20 }));
    // In another account nothing is swept: what it has there the fleet's own history tells.
    if (isAbroad(plan.places)) ended = await endOf(await within(muster.down(fleet)));
  } else if (report.state === 'complete' && plan.downAfter) {
    await mend();
    did.push(plan.leased ? 'release' : 'down');
    ended = await endOf(await within(plan.leased ? muster.release(fleet) : muster.down(fleet)));
  } else if (report.state === 'left-over' && plan.retryAfter) {
    await mend();
    did.push('retry');
    ended = await endOf(await within(muster.retry(fleet)));
  } else if (report.state === 'complete' && plan.places.length > 0) {
    lane.calm();
    await lane.quiet();
    standing = await within(muster.status(fleet));
  }
  return { ...(await settle()), ...ended, changed, sweep, standing, problems, did };

  async function readAll(): Promise<{ own: Account; other?: Account }> {
    return {
      own: await lane.read(),
      ...(isAbroad(plan.places) && { other: await lane.other.read() }),
    };
  }

  /** When their fleet's run is terminated they are cancelled, and take back their own. */
  async function placesEnd(): Promise<void> {
    for (const { name } of spec.spec.places ?? []) {
      await within(temporal.workflow.getHandle(placeWorkflowId(fleet, name)).result()).catch(
        (error: Error) => {
          if (!['WorkflowFailedError', 'WorkflowNotFoundError'].includes(error.name)) throw error;
        },
      );
    }
  }

  async function endOf(begun: FleetRun): Promise<{ report: FleetReport; status: string }> {
    run = begun;
    const report = await end(begun);
    const { status } = await temporal.workflow.getHandle(begun.workflowId, begun.runId).describe();
    return { report, status: status.name };
  }

  async function change(): Promise<Ending['changed']> {
    const made = await makeChanges(plan, lane, within);
    problems.push(...made.problems);
    did.push(...made.did);
    lane.calm();
    await lane.quiet();
    // What AWS was slow to show it shows by now.
    const standing = await within(muster.status(fleet));
    return { made, standing };
  }

  async function prepare(): Promise<void> {
    const { role, profile } = inUse(fleet);
    for (const one of isAbroad(plan.places) ? [operator, lane.other.operator] : [operator]) {
      if (plan.reuse !== 'nothing')
        await makeInUse(one, role, plan.reuse === 'profile' ? profile : undefined);
      if (plan.foreign) await makeForeign(one, fleet);
    }
  }

  /** Whoever stood in the way has given in: what passes by itself goes on. */
  async function mend(): Promise<void> {
    const isTroubled = plan.places.some(({ trouble }) => trouble !== 'none');
    if (weather.kind === 'denied' || weather.kind === 'hands' || isTroubled) lane.calm();
    if (weather.kind === 'hands') await lane.unprotect();
  }

  async function settle(): Promise<Pick<Ending, 'before' | 'after' | 'other'>> {
    lane.calm();
    await lane.quiet();
    const after = await readAll();
    const other = before.other && after.other && { before: before.other, after: after.other };
    return { before: before.own, after: after.own, other };
  }

  async function after(at: number, what: string, act: () => Promise<unknown>): Promise<void> {
    const isDue = await sleep(at, true, { signal: over.signal }).catch(() => false);
    if (!isDue) return;
    did.push(what);
    await act().catch((error) => problems.push(`${what}: ${error}`));
  }

  /** A second request for the same fleet meets the first, whatever has become of it by then. */
  async function secondUp(): Promise<void> {
    const second = await muster.up(spec).catch((error) => {
      if (
        error instanceof MusterError &&
        ['FleetLeftOver', 'FleetDegraded', 'LookFailed'].includes(error.code)
      )
        return run;
      throw error;
    });
    const first = second.runId === run.runId ? undefined : await run.result();
    if (first?.state === 'lost') hasLost = true;
    // What has been taken back, or is not to be seen, may be asked for again.
    if (first && ['rolled-back', 'cancelled', 'lost'].includes(first.state)) run = second;
    else if (first) problems.push(`a second up began ${second.runId} beside ${run.runId}, ${first.state}`);
  }

  /** Answers for whoever is asked by a paused run. */
  async function decide(): Promise<void> {
    if (plan.onFailure !== 'pause') return;
    const decisions = [...plan.decisions];
    while (!over.signal.aborted) {
      await sleep(300);
      const { state } = await run.progress().catch(() => ({ state: undefined }));
      if (state !== 'paused') continue;
      const decision = decisions.shift() ?? 'rollback';
      did.push(decision);
      await unlessOver(muster.decide(fleet, decision)).catch(() => {});
    }
  }

  async function terminate({ workflowId, runId }: FleetRun): Promise<void> {
    const handle = temporal.workflow.getHandle(workflowId, runId);
    await handle.terminate('chaos').catch((error: Error) => {
      if (error.name !== 'WorkflowNotFoundError') throw error;
    });
  }

  /** The end of the run, or of the one that a second request began after it. */
  async function end(first: FleetRun): Promise<FleetReport> {
    const report = await within(first.result());
    return run.runId === first.runId ? report : end(run);
  }

  async function within<T>(work: Promise<T>): Promise<T> {
    const late = new AbortController();
    try {
      return await Promise.race([
        work,
        sleep(ENDS_WITHIN_MS, undefined, { signal: late.signal }).then(() => {
          throw new Error(`no end after ${ENDS_WITHIN_MS / 1000} s`);
        }),
      ]);
    } finally {
      late.abort();
    }
  }
}

/** It may have ended the moment before, and AWS may not be asked what became of it. */
async function unlessOver(asked: Promise<unknown>): Promise<void> {
  await asked.catch((error) => {
    if (!(error instanceof MusterError && ['NotNow', 'LookFailed'].includes(error.code))) throw error;
  });
}
