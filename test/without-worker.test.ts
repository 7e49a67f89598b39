/** What is told of a fleet when no worker is there: what Temporal itself knows. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Muster, UnseenError } from '../client/index.ts';
import { createFleetWorker } from '../worker/index.ts';
import { ended, startMuster } from './command.ts';
import { openWorld, specOf, until, untilPolled, type World } from './world.ts';

const TASK_QUEUE = 'left';

let world: World;
let muster: Muster;
before(async () => {
  world = await openWorld();
  muster = await Muster.connect({ taskQueue: TASK_QUEUE });
});
after(async () => {
  await muster.close();
  await world.close();
});

/** With a worker that is gone when it is done. */
async function worked(act: () => Promise<unknown>): Promise<void> {
  const worker = await createFleetWorker({ taskQueue: TASK_QUEUE, shutdownGraceTime: 100 });
  const working = worker.run();
  try {
    await untilPolled(muster);
    await act();
  } finally {
    worker.shutdown();
    await working;
  }
}

const command = (...args: string[]) =>
  ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1', MUSTER_TASK_QUEUE: TASK_QUEUE }));

async function unseen(fleet: string): Promise<UnseenError> {
  const error = await muster.status(fleet).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(error instanceof UnseenError, String(error));
  assert.equal(error.code, 'NoWorker');
  return error;
}

describe('a fleet without a worker', () => {
  it('that is complete, with a lease or without, is told as its last run has told it', async () => {
    await worked(async () => {
      process.env.MUSTER_OWNER = 'team web';
      await (await muster.up(specOf({ name: 'kept' }), { lease: 600 })).result();
      await (await muster.up(specOf({ name: 'whole' }))).result();
      delete process.env.MUSTER_OWNER;
    });
    const { known } = await unseen('kept');
    assert.deepEqual(
      [known.state, known.instances, known.region, known.owner, known.endedAt],
      ['complete', 2, 'us-east-1', 'team web', undefined],
    );
    const whole = (await unseen('whole')).known;
    assert.deepEqual([whole.state, whole.instances, whole.change], ['complete', 2, undefined]);
    assert.ok(whole.endedAt);
    const { code, stdout, stderr } = await command('status', 'kept');
    assert.deepEqual([code, stdout], [4, '']);
    assert.match(
      stderr,
      /✗ no worker answers [\s\S]*What Temporal itself knows of kept, as its last run told it:\n {2}state {6}complete\n {2}instances {2}2\n {2}where {6}us-east-1\n {2}begun {6}\S+Z, by team web\n {2}run {8}\S+\n$/,
    );
    const json = JSON.parse((await command('status', 'kept', '--json')).stdout);
    assert.deepEqual([json.error.code, json.error.known.state], ['NoWorker', 'complete']);
  });

  it('that is being changed is told with what is done, and since when', async () => {
    await worked(async () => {
      const deadlines = { propagation: 600, launch: 600 };
      await (await muster.up(specOf({ name: 'growing', deadlines }))).result();
      const error = { code: 'InternalFailure', message: 'An internal error occurred', status: 500 };
      world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error, times: 9_999 });
      const run = await muster.scale('growing', { count: 4 });
      await until(world.client.workflow.getHandle(run.workflowId), ({ action }) => action === 'scale');
    });
    const { known } = await unseen('growing');
    assert.equal(known.state, 'scaling');
    assert.match(known.change!, /^scaling from 2 to 4 since \S+Z$/);
    const { stderr } = await command('status', 'growing');
    assert.match(stderr, /\n {2}state {6}scaling from 2 to 4 since \S+Z\n/);
    world.aws.clearFaults();
    await worked(async () => {
      assert.equal((await (await muster.attach('growing')).result()).state, 'complete');
      assert.equal((await (await muster.down('growing')).result()).state, 'gone');
    });
  });

  it('of which Temporal knows no run is not told of', async () => {
    const { code, stderr } = await command('status', 'nobody');
    assert.equal(code, 4);
    assert.doesNotMatch(stderr, /Temporal itself knows/);
  });
});
