/** The sweep: what ended runs left is found and removed, and nothing that is alive, complete or somebody else's. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CreateRoleCommand, GetRoleCommand } from '@aws-sdk/client-iam';
import { Muster } from '../client/index.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import { judge, type KnownRun, type Remains, volumesOf } from '../fleet/sweep.ts';
import { startLocalTemporal } from '../sandbox/temporal.ts';
import { ensurePython } from '../setup/python.js';
import { createFleetWorker } from '../worker/index.ts';
import { openWorld, QUICK, until, untilPolled, type World } from './world.ts';

const RUN = '01a20f3d-c98e-75a4-a665-6ddaebb0cb9f';

const remains: Remains = {
  fleet: 'web',
  run: RUN,
  namespace: 'default',
  region: 'us-east-1',
  regions: ['us-east-1'],
  marked: false,
  youngest: 0,
  roles: ['web'],
  profiles: ['web'],
  instances: ['i-1'],
  volumes: [],
};

describe('the verdict', () => {
  const here = { namespace: 'default', now: 7_200_000, olderThan: 3_600 };
  const own = (status: string): KnownRun => ({ status, last: { run: RUN, type: 'bootstrapFleet', status } });
  const after = (status: string | undefined, last: string): KnownRun => ({
    status,
    last: { run: 't1', type: 'teardownFleet', status: last },
  });
  const changed = (status: string): KnownRun => ({ status, last: { run: RUN, type: 'keepFleet', status } });
  const of = (status: string, last: string): KnownRun => ({
    status,
    last: { run: 'k1', type: 'keepFleet', status: last },
  });
  const onlyVolumes = { roles: [], profiles: [], instances: [], volumes: ['vol-1'] };

  for (const [what, changes, known, remove] of [
    ['a run that is alive', {}, own('RUNNING'), false],
    ['a complete fleet', {}, own('COMPLETED'), false],
    ['a terminated run', {}, own('TERMINATED'), true],
    ['a failed run', {}, own('FAILED'), true],
    ['a failed run, while a later one is under way', {}, after('FAILED', 'RUNNING'), false],
    ['a complete fleet that is being taken down', {}, after('COMPLETED', 'RUNNING'), false],
    ['a complete fleet whose removal was terminated', {}, after('COMPLETED', 'TERMINATED'), true],
    ['an unknown run', {}, {}, true],
    ['what a change launched that was terminated', {}, changed('TERMINATED'), true],
    ['what a change left', {}, changed('FAILED'), true],
    ['what a change launched that is done', {}, changed('COMPLETED'), false],
    ['what a change launched, and the fleet goes on', {}, changed('CONTINUED_AS_NEW'), false],
    ['a complete fleet of which a change was terminated', {}, of('COMPLETED', 'TERMINATED'), false],
    ['what has a run’s tag that is none of Temporal’s', { run: 'theirs' }, {}, false],
    ['an unknown run whose things are new', { youngest: 7_000_000 }, {}, false],
    ['an unknown run with the mark of a complete fleet', { marked: true }, {}, false],
    ['an unknown run of another namespace', { namespace: 'staging' }, {}, false],
    ['volumes that a teardown kept', onlyVolumes, after('COMPLETED', 'COMPLETED'), false],
    ['volumes of an unknown run', onlyVolumes, {}, false],
    ['volumes of a run that never was complete', onlyVolumes, own('TERMINATED'), true],
  ] as const) {
    it(`${remove ? 'removes' : 'spares'} ${what}`, () => {
      const verdict = judge({ ...remains, ...changes }, known, here);
      assert.equal(verdict.remove, remove, verdict.why);
    });
  }

  it('deletes volumes only of runs that are known never to have completed', () => {
    assert.equal(volumesOf(own('TERMINATED')), 'delete');
    assert.equal(volumesOf(own('COMPLETED')), 'keep');
    assert.equal(volumesOf({}), 'keep');
  });
});

describe('the sweep', () => {
  let world: World;
  let muster: Muster;
  before(async () => {
    world = await openWorld();
    ({ muster } = world);
  });
  after(() => world.close());

  /** A run that somebody terminated when its role and profile were made and joined. */
  async function terminated(fleet: string): Promise<void> {
    world.aws.configure({ propagationSeconds: 30 });
    try {
      const handle = await world.start({ name: fleet });
      await until(handle, ({ steps }) =>
        steps.some(({ name, state }) => name === 'await-profile' && state === 'running'),
      );
      await handle.terminate('by hand');
    } finally {
      world.aws.configure(QUICK);
    }
  }

  const verdicts = async (options = {}) => {
    const { swept } = await muster.sweep(options);
    return Object.fromEntries(swept.map(({ remains, remove }) => [remains.fleet, remove]));
  };

  it('shows and removes what a terminated run left, and spares all else', async () => {
    await world.up({ name: 'whole' });
    await terminated('murdered');
    const undo = world.aws.fault({
      action: 'RunInstances',
      match: 'TagSpecification',
      error: { code: 'UnauthorizedOperation', message: 'no', status: 403 },
    });
    const paused = await world.start({ name: 'paused', onFailure: 'pause' });
    await until(paused, ({ state }) => state === 'paused');
    undo();
    const trust = JSON.stringify(ec2TrustPolicy());
    await world.iam.send(new CreateRoleCommand({ RoleName: 'murdered-2', AssumeRolePolicyDocument: trust }));
    // Somebody's tags: Temporal refuses to be asked for such a run, and that must not end the sweep.
    const theirs = { fleet: 'theirs', run: 'theirs', region: 'us-east-1', namespace: 'default' };
    const Tags = Object.entries(theirs).map(([key, Value]) => ({ Key: `muster:${key}`, Value }));
    await world.iam.send(
      new CreateRoleCommand({ RoleName: 'theirs', AssumeRolePolicyDocument: trust, Tags }),
    );

    assert.deepEqual(await verdicts(), { whole: false, murdered: true, paused: false, theirs: false });
    assert.ok((await world.exists('murdered')).role, 'it was only shown');
    assert.deepEqual(await verdicts({ remove: true }), {
      whole: false,
      murdered: true,
      paused: false,
      theirs: false,
    });
    const { role, profile } = await world.exists('murdered');
    assert.deepEqual([role, profile], [undefined, undefined]);
    assert.equal((await world.exists('whole')).instances.length, 2);
    assert.ok(await world.iam.send(new GetRoleCommand({ RoleName: 'murdered-2' })));
    assert.deepEqual(await verdicts(), { whole: false, paused: false, theirs: false });
  });

  it('has a list say of what it has removed that it is gone', async () => {
    await terminated('cleared');
    const listed = async () => (await muster.list()).find(({ fleet }) => fleet === 'cleared')!;
    // Temporal's list may show a run that has ended just now as running.
    for (let tries = 0; tries < 100 && (await listed()).state === 'running'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal((await listed()).state, 'lost');
    assert.equal((await verdicts({ remove: true })).cleared, true);
    assert.equal((await world.exists('cleared')).role, undefined);
    // For a minute AWS may not show yet what a run has made that was ended just now.
    for (let tries = 0; tries < 600 && (await listed()).state === 'lost'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    const { state, instances } = await listed();
    assert.deepEqual([state, instances], ['gone', 0]);
  });

  it('names what it could not remove', async () => {
    await terminated('stuck');
    const undo = world.aws.fault({
      action: 'DeleteRole',
      match: 'RoleName=stuck',
      error: { code: 'AccessDenied', message: 'no', status: 403 },
      times: 1000,
    });
    const report = await muster.sweep({ remove: true, undoDeadline: 2 });
    undo();
    const { leftovers } = report.swept.find(({ remains }) => remains.fleet === 'stuck')!;
    assert.deepEqual(
      leftovers.map(({ kind, id }) => [kind, id]),
      [['role', 'stuck']],
    );
    assert.deepEqual((await verdicts({ remove: true })).stuck, true);
    assert.equal((await world.exists('stuck')).role, undefined);
  });

  it('where every history is lost: spares complete fleets by their mark, and all that is new', async () => {
    await terminated('forgotten');
    const { address, stop } = await startLocalTemporal({ python: await ensurePython() });
    const worker = await createFleetWorker({ address, shutdownGraceTime: 1000 });
    const working = worker.run();
    const amnesiac = await Muster.connect({ address });
    try {
      await untilPolled(amnesiac);
      const verdict = async (olderThan?: number) => {
        const { swept } = await amnesiac.sweep({ olderThan, remove: true });
        return Object.fromEntries(swept.map(({ remains, remove }) => [remains.fleet, remove]));
      };
      assert.deepEqual(await verdict(), { whole: false, paused: false, forgotten: false, theirs: false });
      await (await muster.decide('paused', 'rollback')).result();
      assert.deepEqual(await verdict(0), { whole: false, forgotten: true, theirs: false });
      assert.equal((await world.exists('forgotten')).role, undefined);
      assert.equal((await world.exists('whole')).instances.length, 2);
    } finally {
      worker.shutdown();
      await working;
      await amnesiac.close();
      await stop();
    }
  });

  it('runs on a schedule of Temporal', async () => {
    await terminated('scheduled');
    const schedule = await world.client.schedule.create({
      scheduleId: 'sweep',
      spec: { intervals: [{ every: '1 day' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'sweepFleets',
        taskQueue: 'muster',
        args: [{ regions: ['us-east-1'], remove: true }],
      },
    });
    await schedule.trigger();
    for (let tries = 0; tries < 600 && (await world.exists('scheduled')).role; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal((await world.exists('scheduled')).role, undefined);
    await schedule.delete();
  });
});
