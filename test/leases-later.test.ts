/** Leases that are given to fleets which had none. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  DescribeInstancesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { MusterError, type SpecInput, specFrom } from '../client/index.ts';
import { warnsAt } from '../fleet/lease.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { FLEET_TAG } from '../fleet/tags.ts';
import { ended, startMuster } from './command.ts';
import { muster, useWorld, world } from './one-world.ts';
import { QUICK, until } from './world.ts';

useWorld({ ...QUICK, hands: [] });

const HOUR = 3600;

const written = (name: string, more: Partial<SpecInput> = {}): SpecInput => ({
  name,
  region: 'us-east-1',
  policy: { allow: { actions: 's3:Get*', resources: '*' } },
  instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
  deadlines: { propagation: 20, launch: 60, step: '60s', undo: 20, consistency: 1 },
  ...more,
});

/** A complete fleet without a lease. */
async function fleetOf(name: string, more?: Partial<SpecInput>): Promise<void> {
  const report = await (await muster.up(specFrom(written(name, more)))).result();
  assert.deepEqual([report.state, report.lease], ['complete', undefined]);
}

const isRefused = (code: string, words?: RegExp) => (error: unknown) =>
  error instanceof MusterError && error.code === code && (words?.test(error.message) ?? true);

/** Until the fleet's last run is a teardown that has ended; answers its report. */
async function whenDown(fleet: string) {
  for (let tries = 0; tries < 1200; tries++) {
    const run = await muster.attach(fleet);
    if (run.met !== 'keeping') {
      const report = await run.result();
      if (report.action === 'down') return report;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${fleet} was not taken down`);
}

/** What AWS has of it; none when nothing. */
async function instancesIn(fleet: string): Promise<number | 'none'> {
  const { role, profile, instances } = await world.exists(fleet);
  assert.equal(Boolean(role), Boolean(profile));
  if (!role) assert.deepEqual(instances, []);
  return role ? instances.length : 'none';
}

async function instancesAbroad(fleet: string): Promise<number> {
  const ec2 = new EC2Client({ region: 'eu-west-1', maxAttempts: 1 });
  const Filters = [{ Name: `tag:${FLEET_TAG}`, Values: [fleet] }];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  const seen = Reservations.flatMap(({ Instances = [] }) => Instances);
  return seen.filter(({ State }) => State?.Name !== 'terminated').length;
}

/** Moves the end of its lease to so many seconds from now. */
async function endIn(fleet: string, seconds: number): Promise<number> {
  const { lease } = await muster.status(fleet);
  const left = (lease!.endsAt - Date.now()) / 1000;
  return (await muster.extend(fleet, { seconds: seconds - left }))!.endsAt;
}

describe('a lease that is given later', () => {
  it('begins now, is shown, and takes the fleet down at its end', async () => {
    await fleetOf('later');
    const before = Date.now();
    const lease = await muster.extend('later', { seconds: HOUR });
    assert.ok(lease!.endsAt >= before + HOUR * 1000 && lease!.endsAt <= Date.now() + HOUR * 1000);
    const run = await muster.attach('later');
    assert.equal(run.met, 'keeping');
    assert.equal((await muster.status('later')).lease!.endsAt, lease!.endsAt);
    const [listed] = (await muster.list()).filter(({ fleet }) => fleet === 'later');
    assert.deepEqual(
      [listed!.state, listed!.instances, listed!.leaseEndsAt],
      ['complete', 2, new Date(lease!.endsAt).toISOString()],
    );
    assert.equal(await instancesIn('later'), 2);

    const endsAt = await endIn('later', 3);
    const down = await whenDown('later');
    assert.equal(down.state, 'gone');
    assert.ok(down.steps[0]!.startedAt! >= endsAt);
    assert.equal(await instancesIn('later'), 'none');
  });

  it('is warned of by its own length, and not by the age of the fleet', () => {
    const beganAt = Date.parse('2026-11-26T12:00:00Z');
    const endsAt = beganAt + 300_000;
    const aMonthAgo = beganAt - 30 * 86_400_000;
    assert.equal(warnsAt({ endsAt, beganAt }, aMonthAgo), endsAt - 30_000);
    assert.equal(
      warnsAt({ endsAt: beganAt + 86_400_000, beganAt }, aMonthAgo),
      beganAt + 86_400_000 - 600_000,
    );
  });

  it('is extended, and the fleet scaled meanwhile; given up for good and given again; released', async () => {
    await fleetOf('lived');
    const { endsAt } = (await muster.extend('lived', { seconds: HOUR }))!;
    assert.equal((await muster.extend('lived', { seconds: HOUR }))!.endsAt, endsAt + HOUR * 1000);
    const scaled = await (await muster.scale('lived', { count: 3 })).result();
    assert.deepEqual([scaled.state, scaled.lease!.endsAt], ['complete', endsAt + HOUR * 1000]);
    assert.equal((await muster.extend('lived', { seconds: -HOUR }))!.endsAt, endsAt);
    assert.equal(await muster.extend('lived', { forGood: true }), undefined);
    const stays = await muster.status('lived');
    assert.deepEqual([stays.state, stays.lease], ['complete', undefined]);
    await assert.rejects(muster.release('lived'), isRefused('NotNow'));

    // After a change, too, no run has the fleet.
    assert.equal((await (await muster.scale('lived', { count: 2 })).result()).state, 'complete');
    assert.ok((await muster.extend('lived', { seconds: HOUR }))!.endsAt > Date.now());
    assert.equal(await instancesIn('lived'), 2);
    assert.equal((await (await muster.release('lived')).result()).state, 'gone');
    assert.equal(await instancesIn('lived'), 'none');
  });

  it('is one, when two ask at once', async () => {
    await fleetOf('twice');
    const before = Date.now();
    const leases = await Promise.all([1, 2].map(() => muster.extend('twice', { seconds: HOUR })));
    const last = Math.max(...leases.map((lease) => lease!.endsAt));
    assert.ok(last >= before + 2 * HOUR * 1000);
    assert.equal((await muster.status('twice')).lease!.endsAt, last);
    await endIn('twice', 2);
    assert.equal((await whenDown('twice')).state, 'gone');
    assert.equal(await instancesIn('twice'), 'none');
  });

  it('is over when its run is cancelled; when that is terminated the fleet stays, and can be given another', async () => {
    await fleetOf('ended');
    await muster.extend('ended', { seconds: HOUR });
    const handle = world.client.workflow.getHandle(fleetWorkflowId('ended'));
    await handle.terminate('a person did that');
    const status = await muster.status('ended');
    assert.deepEqual([status.state, status.lease], ['complete', undefined]);
    assert.ok((await muster.extend('ended', { seconds: HOUR }))!.endsAt > Date.now());
    assert.equal(await instancesIn('ended'), 2);
    await handle.cancel();
    assert.equal((await whenDown('ended')).state, 'gone');
    assert.equal(await instancesIn('ended'), 'none');
  });

  it('has a fleet in several places taken down in each, also after a scale of one', async () => {
    const places = [{ region: 'us-east-1' }, { region: 'eu-west-1', count: 1 }];
    const { region: _, ...rest } = written('wide');
    const made = await (await muster.up(specFrom({ ...rest, places }))).result();
    assert.equal(made.state, 'complete');
    const lease = await muster.extend('wide', { seconds: HOUR });
    const scaled = await (await muster.scale('wide', { count: 2, place: 'eu-west-1' })).result();
    assert.deepEqual([scaled.state, scaled.lease!.endsAt], ['complete', lease!.endsAt]);
    assert.deepEqual([await instancesIn('wide'), await instancesAbroad('wide')], [2, 2]);
    await endIn('wide', 2);
    assert.equal((await whenDown('wide')).state, 'gone');
    assert.deepEqual([await instancesIn('wide'), await instancesAbroad('wide')], ['none', 0]);
  });
});

describe('a lease that cannot be given', () => {
  it('is refused as a scale is: of a fleet that is not whole, busy, gone or unknown', async () => {
    await assert.rejects(muster.extend('nobody', { seconds: HOUR }), isRefused('FleetNotFound'));
    await fleetOf('refused');
    await assert.rejects(
      muster.extend('refused', { forGood: true }),
      isRefused('NotNow', /no lease to extend/),
    );
    for (const seconds of [0, -1, Number.NaN, 1e12]) {
      await assert.rejects(muster.extend('refused', { seconds }), isRefused('WrongLease'));
    }
    const handle = world.client.workflow.getHandle(fleetWorkflowId('refused'));
    assert.equal((await handle.describe()).type, 'bootstrapFleet');

    // Held open by the launch that it needs.
    const undo = world.aws.fault({
      action: 'RunInstances',
      match: 'TagSpecification',
      delayMs: 5_000,
      times: 1,
    });
    const scaling = await muster.scale('refused', { count: 3 });
    await assert.rejects(
      muster.extend('refused', { seconds: HOUR }),
      isRefused('FleetBusy', /scaling from 2 to 3/),
    );
    assert.equal((await scaling.result()).state, 'complete');
    undo();

    const [one] = (await world.exists('refused')).instances;
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [one!.InstanceId!] }));
    await assert.rejects(muster.extend('refused', { seconds: HOUR }), isRefused('FleetDegraded'));
    assert.equal(await instancesIn('refused'), 2);
    assert.equal((await (await muster.down('refused')).result()).state, 'gone');
    await assert.rejects(muster.extend('refused', { seconds: HOUR }), isRefused('NotNow', /is gone/));
    assert.equal(await instancesIn('refused'), 'none');
  });

  it('is refused of a fleet of which a change has left something, until that is removed', async () => {
    await fleetOf('cluttered');
    world.aws.configure({
      ...QUICK,
      hands: [{ after: 'RunInstances', match: 'TagSpecification', do: 'protect' }],
    });
    const handle = world.client.workflow.getHandle(fleetWorkflowId('cluttered'));
    const isLooking = { action: 'DescribeInstances', match: 'muster%3Arun', delayMs: 3_000, times: 1 };
    world.aws.fault(isLooking);
    const scaling = await muster.scale('cluttered', { count: 3 });
    await until(handle, ({ action, steps }) =>
      steps.some(({ name, state }) => action === 'scale' && name === 'verify' && state === 'running'),
    );
    await muster.cancel('cluttered');
    const [left] = (await scaling.result()).leftovers;
    assert.equal(left!.kind, 'instance');
    assert.equal(await instancesIn('cluttered'), 3);
    await assert.rejects(muster.extend('cluttered', { seconds: HOUR }), isRefused('FleetLeftOver'));
    await world.ec2.send(
      new ModifyInstanceAttributeCommand({ InstanceId: left!.id, DisableApiTermination: { Value: false } }),
    );
    assert.equal((await (await muster.retry('cluttered')).result()).state, 'complete');
    assert.equal(await instancesIn('cluttered'), 2);
    assert.ok((await muster.extend('cluttered', { seconds: HOUR }))!.endsAt > Date.now());
    assert.equal((await (await muster.release('cluttered')).result()).state, 'gone');
    assert.equal(await instancesIn('cluttered'), 'none');
  });
});

describe('muster up --for of a fleet that is there', () => {
  it('says that it changes nothing, and what gives the lease; muster extend does', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-later-'));
    const file = join(folder, 'typed.json');
    await writeFile(file, JSON.stringify(written('typed')));
    const cli = (...args: string[]) => ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1' }));
    try {
      assert.equal((await cli('up', file)).code, 0);
      const again = await cli('up', file, '--for', '1h');
      assert.equal(again.code, 0);
      assert.match(
        again.stderr,
        /--for 1h changes nothing: .*without a lease; 'muster extend typed 1h' gives it one/,
      );
      const given = await cli('extend', 'typed', '1h');
      assert.equal(given.code, 0, given.stderr);
      assert.match(given.stdout, /^typed is wanted until .*, for (59m\d+s|1 hour) more\n/);
      const met = await cli('up', file, '--for', '2h');
      assert.equal(met.code, 0);
      assert.match(met.stderr, /--for 2h changes nothing: .*has its lease; 'muster extend typed 2h' moves/);
      const logs = await cli('logs', 'typed');
      assert.match(logs.stdout, /extend by 1 hour/);
      const released = await cli('release', 'typed', '--yes');
      assert.equal(released.code, 0, released.stderr);
      assert.equal(await instancesIn('typed'), 'none');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
