/** Rolls that wait for days, by their pace and for a person: Temporal's test server skips the time. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { FleetReport, StepReport } from '../fleet/report.ts';
import {
  EXTEND_UPDATE,
  fleetWorkflowId,
  KEEPER,
  PROGRESS_QUERY,
  RELEASE_UPDATE,
  ROLL_UPDATE,
  STEER_UPDATE,
} from '../fleet/run.ts';
import { ensurePython } from '../setup/python.js';
import { LaunchQueues } from '../worker/launch-queues.ts';
import { assertAll, isIn, NEW, OLD, useWorld, world } from './rolls.ts';
import { specOf, until } from './world.ts';

useWorld();

const TASK_QUEUE = 'days';
const HOUR = 3_600;
const DAY = 24 * HOUR;

let skipping: TestWorkflowEnvironment;
let launches: LaunchQueues;
let worker: Worker;
let working: Promise<void>;

/** Each with a clock of its own. */
beforeEach(async () => {
  const { bin } = await ensurePython();
  const path = join(bin, 'temporal-test-server');
  // Where there is no wheel of it the SDK downloads its own.
  const executable = existsSync(path) ? ({ type: 'existing-path', path } as const) : undefined;
  skipping = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
  const common = { connection: skipping.nativeConnection };
  launches = new LaunchQueues({ common, taskQueue: TASK_QUEUE, launchesPerSecond: 100 });
  const activities = createActivities({
    openLaunches: (place: never) => launches.openLaunches(place),
  } as never);
  launches.serve(activities);
  worker = await Worker.create({
    ...common,
    taskQueue: TASK_QUEUE,
    workflowsPath: new URL('../workflows/index.ts', import.meta.url).pathname,
    activities,
  });
  working = worker.run();
});
afterEach(async () => {
  worker.shutdown();
  launches.shutdown();
  await Promise.all([working, launches.ended()]);
  await skipping.teardown();
});

/** A fleet of three, with so many days left of its lease, and a roll of it by one machine at a time. */
async function rolling(name: string, { pause, leaseDays }: { pause: number; leaseDays: number }) {
  const written = { name, notify: [{ eventBridge: 'default' }] };
  const sized = (image: string) => specOf({ ...written, instances: { count: 3, image } });
  const { report } = await world.up({ ...written, instances: { count: 3 } });
  assert.equal(report.state, 'complete', JSON.stringify(report));
  const began = await skipping.currentTimeMs();
  const { spec } = sized(OLD);
  const handle = await skipping.client.workflow.start(KEEPER, {
    workflowId: fleetWorkflowId(name),
    taskQueue: TASK_QUEUE,
    memo: { fleet: name },
    args: [
      { report: { ...report, lease: { endsAt: began + leaseDays * DAY * 1000 } }, spec, completeAt: began },
    ],
  });
  const to = sized(NEW);
  const request = { spec: to.spec, specHash: to.hash, wave: { count: 1 }, pause, healthyWithin: 600 };
  const roll = await handle.startUpdate<FleetReport, [typeof request]>(ROLL_UPDATE, {
    args: [request],
    waitForStage: 'ACCEPTED',
  });
  return {
    handle,
    roll,
    progress: () => handle.query<FleetReport>(PROGRESS_QUERY),
    untilPause: (wave: number) =>
      until(handle, (told) => told.roll !== undefined && isIn(told, wave, 'pause')),
    untilPaused: () => until(handle, ({ steps }) => steps.some(isPause)),
    sleep: (seconds: number) => skipping.sleep(seconds * 1000),
    days: async () => ((await skipping.currentTimeMs()) - began) / 1000 / DAY,
  };
}

const isPause = ({ name, state }: StepReport) => name === 'pause' && state === 'running';

async function images(name: string): Promise<string[]> {
  const { instances } = await world.exists(name);
  return instances.map(({ ImageId }) => ImageId!).sort();
}

describe('a roll that waits for days', () => {
  it('goes on by its pace, and when a person says so, and the lease goes on meanwhile', async () => {
    const { handle, roll, progress, untilPause, sleep, days } = await rolling('slowly', {
      pause: 3 * DAY,
      leaseDays: 30,
    });
    await untilPause(1);
    await sleep(2 * DAY);
    const { roll: waiting } = await progress();
    assert.deepEqual([waiting!.wave, waiting!.replaced, waiting!.pausedAt], [1, 1, undefined]);
    assert.deepEqual(await images('slowly'), [NEW, OLD, OLD].sort());

    await sleep(1 * DAY + HOUR);
    await untilPause(2);
    assert.deepEqual(await images('slowly'), [NEW, NEW, OLD].sort());
    await handle.executeUpdate(STEER_UPDATE, { args: ['pause'] });
    await handle.executeUpdate(EXTEND_UPDATE, { args: [{ seconds: 14 * DAY }] });
    const { lease, roll: paused } = await progress();
    assert.ok(paused!.pausedAt);
    assert.ok(lease!.endsAt >= (await skipping.currentTimeMs()) + 40 * DAY * 1000, JSON.stringify(lease));

    // Longer than the pause between waves, and longer than the lease was.
    await sleep(30 * DAY);
    assert.equal((await progress()).roll!.wave, 2);
    assert.deepEqual(await images('slowly'), [NEW, NEW, OLD].sort());
    await handle.executeUpdate(STEER_UPDATE, { args: ['resume'] });
    const report = await roll.result();
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual([report.roll!.waves, report.roll!.replaced, report.lease], [3, 3, lease]);
    await assertAll('slowly', 3, NEW);
    assert.ok((await days()) > 33);

    // And with the lease it ends.
    const gone = (await handle.result()) as FleetReport;
    assert.equal(gone.state, 'gone', JSON.stringify(gone));
    assert.ok((await days()) >= 44);
    const { role, profile, instances } = await world.exists('slowly');
    assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
  });

  it('whoever has the lease is warned of its end, and again after an extension', async () => {
    const { handle, roll, progress, untilPaused, sleep } = await rolling('warned', {
      pause: 0,
      leaseDays: 10,
    });
    await handle.executeUpdate(STEER_UPDATE, { args: ['pause'] });
    await untilPaused();
    await sleep(9 * DAY);
    assert.equal((await progress()).lease!.warned, undefined);
    await sleep(1 * DAY - HOUR / 10);
    assert.equal((await progress()).lease!.warned, true);
    await handle.executeUpdate(EXTEND_UPDATE, { args: [{ seconds: 5 * DAY }] });
    await until(handle, ({ lease }) => lease!.warned === undefined);
    await sleep(5 * DAY);
    const { lease } = await progress();
    assert.equal(lease!.warned, true);
    await handle.executeUpdate(EXTEND_UPDATE, { args: [{ seconds: 5 * DAY }] });
    await handle.executeUpdate(STEER_UPDATE, { args: ['resume'] });
    assert.equal((await roll.result()).state, 'complete');
    await assertAll('warned', 3, NEW);
    const told = await until(handle, ({ action }) => action !== 'roll');
    assert.equal(told.notifications!.filter(({ event }) => event === 'lease-ending').length, 2);
    await handle.executeUpdate(RELEASE_UPDATE);
    assert.equal(((await handle.result()) as FleetReport).state, 'gone');
  });
});
