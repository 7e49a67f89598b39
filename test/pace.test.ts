/** The pace of an account's launches: on Temporal's own queue, shared by all runs, fair to each. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Muster, type SpecInput, specFrom } from '../client/index.ts';
import { createFleetWorker, type FleetWorker } from '../worker/index.ts';
import { openWorld, QUICK, untilPolled, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

/** Workers on a task queue of their own, at the pace of two a second that EC2 grants. */
async function workersAt(
  taskQueue: string,
): Promise<{ start(): Promise<void>; stop(): Promise<void>; muster: Muster }> {
  const muster = await Muster.connect({ taskQueue });
  let worker: FleetWorker | undefined;
  let working: Promise<void> | undefined;
  const stop = async () => {
    worker?.shutdown();
    await working;
  };
  return {
    muster,
    stop,
    async start() {
      worker = await createFleetWorker({ taskQueue, shutdownGraceTime: 100, launchesPerSecond: 2 });
      working = worker.run();
      await untilPolled(muster);
    },
  };
}

const spec = (name: string, instances: Partial<SpecInput['instances']> = {}) =>
  specFrom({
    name,
    region: 'us-east-1',
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 1, image: 'ami-12c6146b', type: 't3.micro', ...instances },
    deadlines: { undo: 20, consistency: 1 },
  });

describe('the pace of launches', () => {
  // Temporal lets three through at once, and then two a second: EC2 would take five.
  it('is never more than EC2 grants, however many fleets want more', async () => {
    const { muster, start, stop } = await workersAt('paced');
    await start();
    world.aws.clearCalls();
    const runs = await Promise.all(Array.from({ length: 12 }, (_, at) => muster.up(spec(`paced-${at}`))));
    for (const run of runs) assert.equal((await run.result()).state, 'complete');
    const times = world.launches().map(({ time }) => time);
    assert.equal(times.length, 12);
    const inTwoSeconds = times.map(
      (from) => times.filter((time) => time >= from && time < from + 2_000).length,
    );
    assert.ok(Math.max(...inTwoSeconds) <= 3 + 2 * 2, `${Math.max(...inTwoSeconds)} in two seconds`);
    await muster.close();
    await stop();
  });

  it('goes on when the worker that kept it is gone, and another has never heard of it', async () => {
    const { muster, start, stop } = await workersAt('handed-over');
    await start();
    world.aws.configure({ ...QUICK, propagationSeconds: 2 });
    const run = await muster.up(spec('handed-over'));
    for await (const { report } of run.watch()) {
      if (report.steps.some(({ name, state }) => name === 'await-profile' && state === 'running')) break;
    }
    await stop();
    await start();
    assert.equal((await run.result()).state, 'complete');
    assert.equal(world.launches().length, 13);
    world.aws.configure(QUICK);
    await muster.close();
    await stop();
  });

  it('counts the dry runs that ask for the profile: three calls in two seconds, the launch among them', async () => {
    world.aws.configure({ ...QUICK, propagationSeconds: 3.5 });
    world.aws.clearCalls();
    const run = await world.muster.up(spec('asked-for'));
    assert.equal((await run.result()).state, 'complete');
    world.aws.configure(QUICK);
    const times = world.aws
      .calls()
      .filter(({ action }) => action === 'RunInstances')
      .map(({ time }) => time);
    assert.ok(times.length >= 5, `${times.length} calls`);
    for (const [at, time] of times.slice(3).entries()) {
      assert.ok(time - times[at]! >= 2_000, `four within ${time - times[at]!} ms`);
    }
  });
});
