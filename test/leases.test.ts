/** Leases: fleets that end by themselves. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { Muster, MusterError, type SpecInput, specFrom } from '../client/index.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { freePort } from '../sandbox/index.ts';
import { startLocalTemporal } from '../sandbox/temporal.ts';
import { ensurePython } from '../setup/python.js';
import { MUSTER } from './command.ts';
import { openWorld, untilPolled, type World } from './world.ts';

let world: World;
let muster: Muster;
before(async () => {
  world = await openWorld();
  ({ muster } = world);
  await untilPolled(muster);
});
after(() => world.close());

const written = (name: string, more: Partial<SpecInput> = {}): SpecInput => ({
  name,
  region: 'us-east-1',
  policy: { allow: { actions: 's3:Get*', resources: '*' } },
  instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
  deadlines: { propagation: 20, launch: 60, step: '60s', undo: 20, consistency: 1 },
  ...more,
});

const isRefused = (code: string) => (error: unknown) => error instanceof MusterError && error.code === code;

/** Until the fleet's last run is a teardown that has ended; answers its report. */
async function whenDown(fleet: string, of = muster) {
  for (let tries = 0; tries < 1200; tries++) {
    const run = await of.attach(fleet);
    if (run.met !== 'keeping') {
      const report = await run.result();
      if (report.action === 'down') return report;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${fleet} was not taken down`);
}

async function isThere(fleet: string): Promise<number> {
  const { role, profile, instances } = await world.exists(fleet);
  assert.equal(Boolean(role), Boolean(profile));
  return role ? instances.length : -1;
}

describe('a lease', () => {
  it('ends by itself, and the fleet with it', async () => {
    const spec = specFrom(written('brief'));
    const report = await (await muster.up(spec, { lease: 3 })).result();
    assert.equal(report.state, 'complete');
    assert.ok(report.lease!.endsAt > Date.now());
    assert.equal(await isThere('brief'), 2);
    const [listed] = (await muster.list()).filter(({ fleet }) => fleet === 'brief');
    assert.equal(listed!.state, 'complete');
    assert.equal(listed!.leaseEndsAt, new Date(report.lease!.endsAt).toISOString());

    const down = await whenDown('brief');
    assert.equal(down.state, 'gone');
    assert.ok(Date.now() >= report.lease!.endsAt);
    assert.equal(await isThere('brief'), -1);
  });

  it('that ends while somebody looks at the fleet is no damage of it', async () => {
    const spec = specFrom(written('ends-meanwhile'));
    await (await muster.up(spec, { lease: 3600 })).result();
    // It asks for the profile first, and then stands still.
    const asked = () => world.aws.calls().filter(({ action }) => action === 'GetInstanceProfile').length;
    const before = asked();
    const undo = world.aws.fault({ action: 'DescribeInstances', delayMs: 10_000, times: 1 });
    const scaled = muster.scale('ends-meanwhile', { count: 3 }).catch((error: MusterError) => error);
    while (asked() === before) await new Promise((resolve) => setTimeout(resolve, 50));
    await muster.release('ends-meanwhile');
    assert.equal((await whenDown('ends-meanwhile')).state, 'gone');
    const refusal = await scaled;
    undo();
    assert.ok(refusal instanceof MusterError, String(refusal));
    assert.match(refusal.message, /is gone|the lease of the fleet 'ends-meanwhile' is over/);
  });

  it('that is over is what a change is refused for', async () => {
    const spec = specFrom(written('over'));
    await (await muster.up(spec, { lease: 3600 })).result();
    const undo = world.aws.fault({ action: 'TerminateInstances', delayMs: 3_000, times: 1 });
    await muster.release('over');
    await assert.rejects(
      muster.scale('over', { count: 3 }),
      (error) => isRefused('FleetBusy')(error) && /the lease of the fleet 'over' is over/.test(`${error}`),
    );
    await whenDown('over');
    undo();
  });

  it('is met by the same up again, and looked at in AWS', async () => {
    const spec = specFrom(written('met'));
    const first = await muster.up(spec, { lease: 600 });
    await first.result();
    const again = await muster.up(spec, { lease: 60 });
    assert.equal(again.met, 'keeping');
    const report = await again.result();
    assert.equal(report.state, 'complete');
    // It has its lease already.
    assert.ok(report.lease!.endsAt > Date.now() + 500_000);
    const ids = [];
    for await (const { id } of again.instances()) ids.push(id);
    assert.equal(ids.length, 2);
    await assert.rejects(
      muster.up(specFrom(written('met', { tags: { team: 'blue' } }))),
      isRefused('FleetDiffers'),
    );
    await assert.rejects(muster.cancel('met'), isRefused('NotNow'));
    await assert.rejects(muster.retry('met'), isRefused('NotNow'));
    assert.equal((await muster.status('met')).state, 'complete');

    assert.equal((await (await muster.down('met')).result()).state, 'gone');
    assert.equal(await isThere('met'), -1);
  });

  it('is extended, shortened, and given up for good', async () => {
    const report = await (await muster.up(specFrom(written('longer')), { lease: 600 })).result();
    const { endsAt } = report.lease!;
    assert.equal((await muster.extend('longer', { seconds: 60 }))!.endsAt, endsAt + 60_000);
    assert.equal((await muster.extend('longer', { seconds: -120 }))!.endsAt, endsAt - 60_000);
    await assert.rejects(muster.extend('longer', { seconds: -100_000 }), isRefused('WrongLease'));
    await assert.rejects(muster.extend('longer', { seconds: Number.NaN }), isRefused('WrongLease'));
    const long = 500 * 86_400;
    assert.equal((await muster.extend('longer', { seconds: long }))!.endsAt, endsAt - 60_000 + long * 1000);
    assert.equal((await muster.extend('longer', { seconds: -long }))!.endsAt, endsAt - 60_000);
    await assert.rejects(
      muster.extend('longer', { seconds: 5_000 * 86_400 }),
      (error) => isRefused('WrongLease')(error) && /extended by 3649d at most/.test((error as Error).message),
    );
    assert.equal((await muster.status('longer')).lease!.endsAt, endsAt - 60_000);

    assert.equal(await muster.extend('longer', { forGood: true }), undefined);
    const ended = await (await muster.attach('longer')).result();
    assert.equal(ended.state, 'complete');
    assert.equal(ended.lease, undefined);
    await assert.rejects(muster.extend('longer', { forGood: true }), isRefused('NotNow'));
    assert.equal(await isThere('longer'), 2);
    assert.equal((await (await muster.down('longer')).result()).state, 'gone');
  });

  it('is released: the fleet is taken down at once', async () => {
    await (await muster.up(specFrom(written('released')), { lease: 600 })).result();
    const down = await muster.release('released');
    assert.equal((await down.result()).state, 'gone');
    assert.equal(await isThere('released'), -1);
    await assert.rejects(muster.release('released'), isRefused('NotNow'));
    await assert.rejects(muster.release('never'), isRefused('FleetNotFound'));
  });

  it('is released by a cancellation in the Temporal UI', async () => {
    await (await muster.up(specFrom(written('cancelled')), { lease: 600 })).result();
    await world.client.workflow.getHandle(fleetWorkflowId('cancelled')).cancel();
    assert.equal((await whenDown('cancelled')).state, 'gone');
    assert.equal(await isThere('cancelled'), -1);
  });

  it('that is none is refused, and nothing is sent', async () => {
    for (const lease of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e12]) {
      await assert.rejects(muster.up(specFrom(written('none')), { lease }), isRefused('WrongLease'));
    }
    await assert.rejects(muster.attach('none'), isRefused('FleetNotFound'));
  });

  it('of a fleet that fails leaves nothing to wait for', async () => {
    const run = await muster.up(
      specFrom(
        written('failing', { instances: { count: 1, image: 'ami-0123456789abcdef0', type: 't3.micro' } }),
      ),
      { lease: 600 },
    );
    assert.equal((await run.result()).state, 'rolled-back');
    assert.equal(await isThere('failing'), -1);
  });

  it('is spared by a sweep, also when its run was terminated', async () => {
    await (await muster.up(specFrom(written('swept')), { lease: 600 })).result();
    const why = async () => (await muster.sweep()).swept.find(({ remains }) => remains.fleet === 'swept')!;
    assert.equal((await why()).remove, false);
    await world.client.workflow.getHandle(fleetWorkflowId('swept')).terminate('a person did that');
    assert.equal((await why()).remove, false);
    assert.equal((await muster.status('swept')).state, 'complete');
    assert.equal((await (await muster.down('swept')).result()).state, 'gone');
    assert.equal(await isThere('swept'), -1);
  });

  it('is over when its run is terminated: the fleet stays, as what it was, and can be changed', async () => {
    const made = await (await muster.up(specFrom(written('orphan')), { lease: 600 })).result();
    await world.client.workflow.getHandle(fleetWorkflowId('orphan')).terminate('a person did that');
    const status = await muster.status('orphan');
    assert.deepEqual([status.state, status.runId, status.lease], ['complete', made.runId, undefined]);
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === 'orphan');
    assert.deepEqual([entry!.state, entry!.instances, entry!.leaseEndsAt], ['complete', 2, undefined]);
    const [unseen] = (await muster.list({ look: false })).filter(({ fleet }) => fleet === 'orphan');
    assert.equal(unseen!.state, 'lost');
    assert.deepEqual((await muster.check('orphan')).findings, []);
    await assert.rejects(muster.extend('orphan', { forGood: true }), isRefused('NotNow'));
    const scaled = await (await muster.scale('orphan', { count: 3 })).result();
    assert.deepEqual([scaled.state, scaled.lease], ['complete', undefined]);
    const later = await muster.status('orphan');
    assert.deepEqual([later.state, later.lease, await isThere('orphan')], ['complete', undefined, 3]);
    assert.deepEqual((await muster.check('orphan')).findings, []);
    assert.equal((await (await muster.down('orphan')).result()).state, 'gone');
    assert.equal(await isThere('orphan'), -1);
  });
});

describe('a lease whose worker and server are killed', () => {
  it('ends when they are back', async () => {
    const python = await ensurePython();
    const folder = await mkdtemp(join(tmpdir(), 'muster-lease-'));
    const ports = { port: await freePort(), uiPort: await freePort() };
    const startTemporal = () => startLocalTemporal({ python, ...ports, dbFile: join(folder, 'temporal.db') });
    let temporal = await startTemporal();
    const { address } = temporal;
    const env = { ...process.env, ...world.sandbox.env, TEMPORAL_ADDRESS: address };
    const startWorker = () => spawn(process.execPath, [MUSTER, 'worker'], { env, stdio: 'ignore' });
    let worker = startWorker();
    const own = await Muster.connect({ address });
    try {
      await untilPolled(own);
      const { lease } = await (await own.up(specFrom(written('survivor')), { lease: 8 })).result();
      worker.kill('SIGKILL');
      // Temporal takes it for a worker for a while still, and would keep who asks waiting.
      await assert.rejects(
        own.extend('survivor', { seconds: 60 }),
        (error: MusterError) => error instanceof MusterError && error.code === 'NoWorker',
      );
      await temporal.kill();
      assert.equal(await isThere('survivor'), 2);
      temporal = await startTemporal();
      worker = startWorker();
      await untilPolled(own);
      const down = await whenDown('survivor', own);
      assert.equal(down.state, 'gone');
      assert.ok(down.steps[0]!.startedAt! >= lease!.endsAt);
      assert.equal(await isThere('survivor'), -1);
    } finally {
      worker.kill('SIGKILL');
      await own.close();
      await temporal.stop();
      await rm(folder, { recursive: true });
    }
  });
});

describe('a lease of weeks', () => {
  it('is a timer of Temporal, moved by extensions', async () => {
    const { report } = await world.up({ name: 'weeks' });
    const { bin } = await ensurePython();
    const path = join(bin, 'temporal-test-server');
    // Where there is no wheel of it the SDK downloads its own.
    const executable = existsSync(path) ? ({ type: 'existing-path', path } as const) : undefined;
    const skipping = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
    try {
      const worker = await Worker.create({
        connection: skipping.nativeConnection,
        taskQueue: 'weeks',
        workflowsPath: new URL('../workflows/index.ts', import.meta.url).pathname,
        activities: createActivities({ openLaunches: async () => {} } as never),
      });
      const day = 86_400;
      await worker.runUntil(async () => {
        const began = await skipping.currentTimeMs();
        const handle = await skipping.client.workflow.start('keepFleet', {
          workflowId: fleetWorkflowId('weeks'),
          taskQueue: 'weeks',
          memo: { fleet: 'weeks' },
          args: [
            {
              report: { ...report, lease: { endsAt: began + 30 * day * 1000 } },
              spec: specFrom(written('weeks')).spec,
              completeAt: began,
            },
          ],
        });
        await skipping.sleep(29 * day * 1000);
        await handle.executeUpdate('extend', { args: [{ seconds: 14 * day }] });
        await skipping.sleep(10 * day * 1000);
        assert.equal((await handle.query<typeof report>('progress')).state, 'complete');
        assert.equal(await isThere('weeks'), 2);
        const gone = (await handle.result()) as typeof report;
        assert.equal(gone.state, 'gone');
        const days = (gone.steps[0]!.startedAt! - began) / 1000 / day;
        assert.ok(days >= 44 && days < 44.1, `${days} days`);
        assert.equal(await isThere('weeks'), -1);
      });
    } finally {
      await skipping.teardown();
    }
  });
});
