/** One crash: a run up to the call in question, SIGKILL for the worker, the Temporal server or both, and what became of it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, ServiceError } from '@temporalio/client';
import { type FleetReport, specFrom } from '../client/index.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { freePort } from '../sandbox/index.ts';
import { type LocalTemporal, startLocalTemporal } from '../sandbox/temporal.ts';
import { ensurePython } from '../setup/python.js';
import { type Cell, HELD_MS, held, REFUSED_AT_LAST } from './cells.ts';
import { problemsOf } from './judge.ts';
import { type Lane, openLane } from './lane.ts';
import { type Plan, specOf } from './plan.ts';
import { CALM } from './weathers.ts';

export interface Outcome {
  readonly cell: Cell;
  readonly state: string;
  /** From the crash until AWS is asked for something again, or the run has ended. */
  readonly secondsToGoOn: number;
  readonly problems: readonly string[];
}

/** A lane that has a Temporal server of its own, with a file, to be killed too. */
export interface CrashSite {
  crash(cell: Cell): Promise<Outcome>;
  close(): Promise<void>;
}

export async function openCrashSite(taskQueue: string, bundle: string): Promise<CrashSite> {
  const python = await ensurePython();
  const folder = await mkdtemp(join(tmpdir(), 'muster-crash-'));
  const ports = { port: await freePort(), uiPort: await freePort() };
  const start = () => startLocalTemporal({ python, ...ports, dbFile: join(folder, 'temporal.db') });
  let temporal: LocalTemporal = await start();
  const { address } = temporal;
  const lane = await openLane({ taskQueue, python: python.python, address, bundle });
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  let crashes = 0;

  async function kill(victim: Cell['victim']): Promise<void> {
    await Promise.all([
      victim === 'temporal' ? undefined : lane.worker.kill(),
      victim === 'worker' ? undefined : temporal.kill(),
    ]);
  }

  async function startAgain(victim: Cell['victim']): Promise<void> {
    if (victim !== 'worker') temporal = await start();
    if (victim !== 'temporal') await lane.worker.start();
  }

  return {
    async crash(cell) {
      const plan = planOf(cell, `${taskQueue}-${++crashes}`);
      lane.calm();
      await lane.clear();
      const before = await lane.read();
      lane.aws.setWeather({
        behaviour: { ...CALM, propagationSeconds: 0.2 },
        faults: [held(cell), ...(cell.row.isUndo ? [REFUSED_AT_LAST] : [])],
      });
      const handle = await client.workflow.start('bootstrapFleet', {
        args: [written(plan)],
        taskQueue,
        workflowId: fleetWorkflowId(plan.fleet),
      });
      await untilHeld(lane, cell);
      const crashedAt = performance.now();
      const since = () => (performance.now() - crashedAt) / 1000;
      await kill(cell.victim);
      const again = startAgain(cell.victim);
      // What was under way is no sign of life.
      await sleep(cell.moment === 'after' ? 100 : HELD_MS + 100);
      const calls = lane.aws.calls().length;
      const end = again.then(() => endOf(handle.result()));
      const secondsToGoOn = await Promise.race([untilCalled(lane, calls).then(since), end.then(since)]);
      const report = (await end) ?? (await handle.query<FleetReport>('progress'));
      const { status } = await handle.describe();
      lane.calm();
      const after = await lane.read();
      const wanted = cell.row.isUndo ? 'rolled-back' : 'complete';
      const ending = { before, after, report, status: status.name, problems: [], did: [] };
      return {
        cell,
        state: report.state,
        secondsToGoOn,
        problems: [
          ...(report.state === wanted ? [] : [`${report.state}: ${JSON.stringify(report.error)}`]),
          ...problemsOf(plan, ending),
        ],
      };
    },
    async close() {
      await connection.close();
      await lane.close();
      await temporal.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Until AWS has the call, and at `after` until it has done what it was asked. */
async function untilHeld({ aws }: Lane, { row: { action }, moment }: Cell): Promise<void> {
  const isOurs = (fault: { action: string; cut?: boolean; lost?: boolean; delayMs?: number }) =>
    fault.action === action && (fault.lost === true || fault.delayMs === HELD_MS);
  while (aws.weather().faults.some(isOurs)) await sleep(2);
  if (moment !== 'after') return;
  while (!aws.calls().some((call) => call.action === action && call.status === 0)) await sleep(1);
}

async function untilCalled({ aws }: Lane, calls: number): Promise<void> {
  while (aws.calls().length <= calls) await sleep(20);
}

/** The server may be dead when it is asked. */
async function endOf(result: Promise<FleetReport>): Promise<FleetReport | undefined> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    const { details } = (error as { cause?: { details?: FleetReport[] } }).cause ?? {};
    return details?.[0];
  }
}

/** A dead worker is missed after 20 s in earnest: no deadline is to pass before that. */
const PATIENT = { propagation: 90, launch: 90, step: 90, running: 90, undo: 90, consistency: 2 };

function written(plan: Plan): object {
  const { spec, hash } = specFrom({ ...specOf(plan), deadlines: PATIENT });
  return { spec, specHash: hash };
}

function planOf({ row }: Cell, fleet: string): Plan {
  return {
    seed: 0,
    fleet,
    count: 2,
    least: 2,
    placements: 'one',
    managed: true,
    ownNames: false,
    reuse: 'nothing',
    lastingVolume: row.isUndo,
    onFailure: 'rollback',
    shortDeadlines: false,
    weather: { kind: 'calm', behaviour: CALM, faults: [] },
    foreign: false,
    kills: [],
    cancels: [],
    terminate: null,
    secondUp: null,
    downAfter: false,
    retryAfter: false,
    decisions: [],
    leased: false,
    changes: [],
    places: [],
    leastPlaces: 0,
  };
}
