/** Scaling: a complete fleet gets more or fewer instances, or stays as it was. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ModifyInstanceAttributeCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { MusterError, type SpecInput, specFrom } from '../client/index.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { chosenToGo } from '../fleet/scale.ts';
import { RUN_TAG } from '../fleet/tags.ts';
import { muster, useWorld, world } from './one-world.ts';
import { QUICK, until } from './world.ts';

const USUAL = { ...QUICK, deathChance: 0, soldOut: [], hands: [] };
useWorld(USUAL);

const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };
const SOLD_OUT = { code: 'InsufficientInstanceCapacity', message: 'We are out of it', status: 500 };

type Instances = NonNullable<Exclude<SpecInput['instances'], string>>;

function specOf(name: string, instances: Partial<Instances> = {}, more: Partial<SpecInput> = {}) {
  return specFrom({
    name,
    region: 'us-east-1',
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro', ...instances } as Instances,
    deadlines: { propagation: 20, launch: 15, step: '15s', undo: 4, consistency: 1 },
    ...more,
  });
}

/** A complete fleet, and its ids. */
async function fleetOf(name: string, instances?: Partial<Instances>, lease?: number): Promise<string[]> {
  const report = await (await muster.up(specOf(name, instances), { lease })).result();
  assert.equal(report.state, 'complete');
  return idsIn(name);
}

/** As AWS shows them; with its role and profile the fleet is whole. */
async function idsIn(name: string): Promise<string[]> {
  const { role, profile, instances } = await world.exists(name);
  assert.ok(role && profile, `${name} has its role and profile`);
  return instances.map(({ InstanceId }) => InstanceId!).sort();
}

const isRefused = (code: string, words?: RegExp) => (error: unknown) =>
  error instanceof MusterError && error.code === code && (words?.test(error.message) ?? true);

const scaled = async (name: string, count: number, by?: 'newest' | 'oldest' | 'zone') =>
  (await muster.scale(name, { count, by })).result();

const protect = (id: string, Value: boolean) =>
  world.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value } }));

async function listed(name: string): Promise<string[]> {
  const ids = [];
  for await (const { id } of (await muster.attach(name)).instances()) ids.push(id);
  return ids.sort();
}

/** Until the run that keeps the fleet says that a step of its change is under way. */
async function untilStep(name: string, step: string): Promise<void> {
  await until(world.client.workflow.getHandle(fleetWorkflowId(name)), ({ action, steps }) =>
    steps.some((one) => action === 'scale' && one.name === step && one.state === 'running'),
  );
}

/** What a change has launched is looked at for some seconds. */
const slowLook = () =>
  world.aws.fault({ action: 'DescribeInstances', match: 'muster%3Arun', delayMs: 3_000, times: 1 });

const gone = async (name: string) => {
  assert.equal((await (await muster.down(name)).result()).state, 'gone');
  const { role, profile, instances } = await world.exists(name);
  assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
};

describe('the choice of those that go', () => {
  const one = (id: string, zone: string, launchedAt: number) => ({ id, zone, launchedAt });
  const all = [one('i-2', 'b', 2), one('i-1', 'a', 1), one('i-3', 'a', 3), one('i-4', 'a', 3)];
  for (const [by, wanted] of [
    ['newest', ['i-3', 'i-4']],
    ['oldest', ['i-1', 'i-2']],
    ['zone', ['i-3', 'i-4']],
  ] as const) {
    it(`by ${by}`, () => {
      assert.deepEqual(chosenToGo(all, 2, by), wanted);
      assert.deepEqual(new Set(chosenToGo([...all].reverse(), 2, by)), new Set(wanted));
    });
  }

  it('by zone leaves them even', () => {
    const many = ['a', 'a', 'a', 'a', 'b', 'b', 'c'].map((zone, at) => one(`i-${at}`, zone, 0));
    const left = many.filter(({ id }) => !chosenToGo(many, 4, 'zone').includes(id));
    assert.deepEqual(left.map(({ zone }) => zone).sort(), ['a', 'b', 'c']);
  });
});

describe('scaling up', () => {
  it('launches the rest of them, with a run of its own, and leaves what there is', async () => {
    const before = await fleetOf('up');
    const run = await muster.scale('up', { count: 5 });
    assert.equal(run.met, 'new');
    const report = await run.result();
    assert.deepEqual([report.state, report.action, report.instances.length], ['complete', 'scale', 5]);
    assert.deepEqual(
      report.steps.map(({ name, state }) => [name, state]),
      ['find', 'preflight', 'launch', 'verify'].map((name) => [name, 'done']),
    );
    const ids = await idsIn('up');
    assert.equal(ids.length, 5);
    assert.ok(before.every((id) => ids.includes(id)));
    assert.deepEqual(report.instances.map(({ id }) => id).sort(), ids);
    const { instances } = await world.exists('up');
    const tags = instances.map(({ Tags }) => Tags!.find(({ Key }) => Key === RUN_TAG)!.Value!);
    assert.equal(tags.filter((tag) => tag === run.runId).length, 3);
    assert.deepEqual(new Set(report.runs), new Set(tags));

    const status = await muster.status('up');
    assert.deepEqual([status.state, status.action, status.instances.length], ['complete', 'up', 5]);
    assert.equal(status.wanted!.want, 5);
    assert.ok(status.instances.every(({ state }) => state === 'running'));
    assert.deepEqual(await listed('up'), ids);
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === 'up');
    assert.deepEqual([entry!.state, entry!.instances, entry!.wanted], ['complete', 5, 5]);

    // The same spec finds it there, and neither launches nor complains.
    const launches = world.launches().length;
    const again = await muster.up(specOf('up'));
    assert.equal(again.met, 'ended');
    assert.equal((await again.result()).instances.length, 5);
    assert.equal(world.launches().length, launches);

    // As many as there are is nothing to do.
    assert.equal((await muster.scale('up', { count: 5 })).met, 'ended');
    const swept = (await muster.sweep()).swept.filter(({ remains }) => remains.fleet === 'up');
    assert.ok(swept.length === 2 && swept.every(({ remove }) => !remove), JSON.stringify(swept));
    await gone('up');
    await assert.rejects(muster.scale('up', { count: 1 }), isRefused('NotNow', /gone/));
  });

  it('again and again, and down again to those that were first', async () => {
    const before = await fleetOf('often', { count: 1 });
    for (const count of [2, 4]) {
      // EC2 tells launch times in whole seconds: what was launched within one is of the same age.
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      assert.equal((await scaled('often', count)).state, 'complete');
    }
    assert.equal((await idsIn('often')).length, 4);
    assert.equal((await scaled('often', 1)).state, 'complete');
    assert.deepEqual(await idsIn('often'), before);
    assert.equal((await muster.status('often')).state, 'complete');
    assert.deepEqual(await listed('often'), before);
    await gone('often');
  });

  it('falls from one placement to the next as a bootstrap does', async () => {
    const placements = [
      { type: 't3.micro', zone: 'us-east-1a' },
      { type: 't3.small', zone: 'us-east-1b' },
    ];
    await fleetOf('falls', { type: undefined, placements });
    world.aws.configure({ soldOut: [{ type: 't3.micro', zone: 'us-east-1a' }] });
    const report = await scaled('falls', 4);
    assert.equal(report.state, 'complete');
    assert.deepEqual(report.sources!.map(({ type, zone, count }) => `${count} ${type} ${zone}`).sort(), [
      '2 t3.micro us-east-1a',
      '2 t3.small us-east-1b',
    ]);
    assert.equal((await muster.status('falls')).state, 'complete');
    await gone('falls');
  });

  it('that fails leaves exactly what there was', async () => {
    const before = await fleetOf('fails');
    world.aws.fault({ ...LAUNCH, error: SOLD_OUT });
    const report = await scaled('fails', 6);
    assert.deepEqual([report.state, report.error!.code], ['rolled-back', 'InsufficientInstanceCapacity']);
    assert.match(report.error!.message, /We are out of it/);
    assert.deepEqual(await idsIn('fails'), before);
    const status = await muster.status('fails');
    assert.deepEqual([status.state, status.instances.length], ['complete', 2]);
    assert.match(status.scale!.failed!, /InsufficientInstanceCapacity/);
    assert.deepEqual(await listed('fails'), before);
    await gone('fails');
  });

  it('that fails after it launched takes back what it launched, and a lost answer’s too', async () => {
    const before = await fleetOf('late');
    world.aws.fault({ ...LAUNCH, lost: true });
    world.aws.configure({ deathChance: 1 });
    const report = await scaled('late', 4);
    assert.equal(report.state, 'rolled-back', JSON.stringify(report));
    assert.equal(report.error!.code, 'InstancesDied');
    assert.deepEqual(await idsIn('late'), before);
    await gone('late');
  });

  it('that cannot be taken back says what is left, and a retry removes that alone', async () => {
    for (const lease of [undefined, 600]) {
      const name = lease ? 'left-kept' : 'left';
      const before = await fleetOf(name, {}, lease);
      world.aws.configure({ hands: [{ after: 'RunInstances', match: 'TagSpecification', do: 'protect' }] });
      slowLook();
      const run = await muster.scale(name, { count: 3 });
      await untilStep(name, 'verify');
      await muster.cancel(name);
      const report = await run.result();
      assert.equal(report.state, 'left-over', JSON.stringify(report));
      const [left] = report.leftovers;
      assert.equal(left!.kind, 'instance');
      assert.deepEqual(await idsIn(name), [...before, left!.id].sort());
      assert.equal((await muster.status(name)).state, 'left-over');
      await assert.rejects(muster.scale(name, { count: 4 }), isRefused('FleetLeftOver'));
      await assert.rejects(muster.up(specOf(name)), isRefused('FleetLeftOver'));

      assert.equal((await (await muster.retry(name)).result()).state, 'left-over');
      await protect(left!.id, false);
      const retried = await (await muster.retry(name)).result();
      assert.equal(retried.state, 'complete', JSON.stringify(retried));
      assert.deepEqual(await idsIn(name), before);
      assert.equal((await muster.status(name)).state, 'complete');
      const again = await scaled(name, 3);
      assert.equal(again.state, 'complete', JSON.stringify(again));
      await gone(name);
    }
  });
});

describe('scaling down', () => {
  const zones = ['us-east-1a', 'us-east-1b'].map((zone) => ({ type: 't3.micro', zone }));

  it('ends the newest unless told otherwise, or the oldest', async () => {
    const first = await fleetOf('ages');
    // EC2's launch times are of whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await scaled('ages', 4);
    const all = await idsIn('ages');
    const report = await scaled('ages', 3);
    assert.equal(report.state, 'complete');
    const three = await idsIn('ages');
    assert.equal(three.length, 3);
    assert.ok(first.every((id) => three.includes(id)));
    assert.match(report.steps[0]!.detail!, new RegExp(all.find((id) => !three.includes(id))!));

    assert.equal((await scaled('ages', 1, 'oldest')).state, 'complete');
    const [last] = await idsIn('ages');
    assert.ok(!first.includes(last!));
    assert.deepEqual(await listed('ages'), [last]);
    const status = await muster.status('ages');
    assert.deepEqual([status.state, status.instances.length], ['complete', 1]);
    assert.equal((await muster.up(specOf('ages'))).met, 'ended');
    await gone('ages');
  });

  it('by zone takes from the fullest', async () => {
    await fleetOf('zones', { type: undefined, placements: zones, spread: true, count: 5 });
    assert.equal((await scaled('zones', 2, 'zone')).state, 'complete');
    const { instances } = await world.exists('zones');
    assert.deepEqual(instances.map(({ Placement }) => Placement!.AvailabilityZone).sort(), [
      'us-east-1a',
      'us-east-1b',
    ]);
    await gone('zones');
  });

  it('that AWS refuses in part has others launched for those that ended', async () => {
    const before = await fleetOf('protected', { count: 3 });
    const held = before.at(-1)!;
    await protect(held, true);
    const report = await scaled('protected', 1, 'oldest');
    assert.equal(report.state, 'rolled-back', JSON.stringify(report));
    assert.equal(report.error!.code, 'OperationNotPermitted');
    assert.match(report.error!.message, /disableApiTermination/);
    const ids = await idsIn('protected');
    assert.equal(ids.length, 3);
    assert.ok(ids.includes(held));
    const status = await muster.status('protected');
    assert.deepEqual([status.state, status.instances.length], ['complete', 3], JSON.stringify(status.error));
    assert.deepEqual(await listed('protected'), ids);
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === 'protected');
    assert.deepEqual([entry!.state, entry!.instances], ['complete', 3]);
    await protect(held, false);
    await gone('protected');
  });

  it('that can be made up for no more says so', async () => {
    const before = await fleetOf('short', { count: 3 });
    await protect(before.at(-1)!, true);
    world.aws.fault({ ...LAUNCH, error: SOLD_OUT, times: 20 });
    const report = await scaled('short', 1, 'oldest');
    const ids = await idsIn('short');
    assert.deepEqual([ids.length, ids.includes(before.at(-1)!)], [2, true]);
    assert.equal(report.state, 'degraded');
    assert.equal(report.error!.code, 'OperationNotPermitted');
    assert.deepEqual([report.undos[0]!.name, report.undos[0]!.state], ['launch', 'failed']);
    assert.match(report.undos[0]!.detail!, /We are out of it/);
    assert.equal((await muster.status('short')).state, 'degraded');
    await assert.rejects(muster.scale('short', { count: 2 }), isRefused('FleetDegraded'));
    await protect(before.at(-1)!, false);
    await gone('short');
  });

  it('names such volumes also when it is cancelled while instances end', async () => {
    await fleetOf('volumes-cancelled', {
      count: 3,
      volumes: [{ device: '/dev/sdb', size: 1, deleteOnTermination: false }],
    });
    world.aws.configure({ shuttingDownSeconds: 4 });
    world.aws.clearCalls();
    const run = await muster.scale('volumes-cancelled', { count: 1 });
    for (let tries = 0; world.aws.calls().every(({ action }) => action !== 'TerminateInstances'); tries++) {
      assert.ok(tries < 400, 'it ends some');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await muster.cancel('volumes-cancelled');
    const report = await run.result();
    assert.equal(report.state, 'cancelled', JSON.stringify(report));
    const { volumes, instances: all } = await world.exists('volumes-cancelled');
    const instances = all.filter(({ State }) => State?.Name === 'running');
    const held = new Set(
      instances.flatMap(({ BlockDeviceMappings = [] }) =>
        BlockDeviceMappings.map(({ Ebs }) => Ebs?.VolumeId),
      ),
    );
    const outlived = volumes.map(({ VolumeId }) => VolumeId!).filter((id) => !held.has(id));
    assert.deepEqual([instances.length, outlived.length], [3, 2], JSON.stringify({ volumes, report }));
    assert.deepEqual([...(report.volumesKept ?? [])].sort(), outlived.sort());
  });

  it('keeps volumes that were to outlive their instances, and names them, also after a lost answer', async () => {
    for (const lost of [false, true]) {
      const name = lost ? 'volumes-lost' : 'volumes';
      await fleetOf(name, { volumes: [{ device: '/dev/sdb', size: 1, deleteOnTermination: false }] });
      if (lost) world.aws.fault({ action: 'TerminateInstances', lost });
      const report = await scaled(name, 1);
      assert.equal(report.state, 'complete', JSON.stringify(report));
      const { volumes } = await world.exists(name);
      const loose = volumes.filter(({ State }) => State === 'available').map(({ VolumeId }) => VolumeId);
      assert.equal(loose.length, 1);
      assert.deepEqual(report.volumesKept, loose);
      await (await muster.down(name)).result();
    }
  });
});

describe('a change under way', () => {
  it('is told to who wants another, and stands in the way of up and down', async () => {
    const before = await fleetOf('busy');
    slowLook();
    const run = await muster.scale('busy', { count: 4 });
    await untilStep('busy', 'verify');
    const words = /scaling from 2 to 4 since \d{4}-/;
    await assert.rejects(muster.scale('busy', { count: 3 }), isRefused('FleetBusy', words));
    await assert.rejects(muster.down('busy'), isRefused('FleetBusy', words));
    await assert.rejects(muster.up(specOf('busy')), isRefused('FleetBusy', words));
    await assert.rejects(muster.decide('busy', 'retry'), isRefused('NotNow'));
    await assert.rejects(muster.extend('busy', { seconds: 9 }), isRefused('FleetBusy', words));
    assert.equal((await muster.status('busy')).state, 'scaling');
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === 'busy');
    assert.equal(entry!.state, 'scaling');
    const sweep = await muster.sweep({ remove: true });
    assert.ok(sweep.swept.every(({ remains, remove }) => remains.fleet !== 'busy' || !remove));

    const cancelling = await muster.cancel('busy');
    assert.equal((await cancelling.result()).state, 'cancelled');
    assert.equal((await run.result()).state, 'cancelled');
    assert.deepEqual(await idsIn('busy'), before);
    assert.equal((await muster.status('busy')).state, 'complete');
    await gone('busy');
  });

  it('is one, when three ask at once', async () => {
    await fleetOf('race');
    slowLook();
    const asked = await Promise.allSettled([3, 4, 5].map((count) => muster.scale('race', { count })));
    const won = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const lost = asked.flatMap((one) => (one.status === 'rejected' ? one.reason : []));
    assert.ok(lost.every(isRefused('FleetBusy', /scaling from \d to \d since/)), String(lost));
    const reports = await Promise.all(won.map((run) => run.result()));
    assert.ok(reports.every(({ state }) => state === 'complete'));
    // Whoever asked so late that the first was done already began with what that one had left.
    const scales = reports.map(({ scale }) => scale!).sort((a, b) => a.startedAt - b.startedAt);
    assert.deepEqual(
      scales.map(({ from }) => from),
      [2, ...scales.slice(0, -1).map(({ to }) => to)],
    );
    assert.equal((await idsIn('race')).length, scales.at(-1)!.to);
    await gone('race');
  });

  it('that is terminated is swept, and the fleet stays', async () => {
    const before = await fleetOf('swept');
    slowLook();
    const run = await muster.scale('swept', { count: 4 });
    await untilStep('swept', 'verify');
    await world.client.workflow.getHandle(fleetWorkflowId('swept')).terminate('by hand');
    assert.equal((await run.result()).state, 'lost');
    const lost = await muster.status('swept');
    assert.deepEqual([lost.state, lost.leftovers.length], ['lost', 2]);
    const { swept } = await muster.sweep({ remove: true });
    const verdicts = swept.filter(({ remains }) => remains.fleet === 'swept');
    assert.deepEqual(verdicts.map(({ remove }) => remove).sort(), [false, true]);
    assert.deepEqual(await idsIn('swept'), before);
    assert.equal((await muster.status('swept')).state, 'complete');
    assert.equal((await scaled('swept', 3)).state, 'complete');
    await gone('swept');
  });

  it('that is terminated is cleared by a retry, too', async () => {
    const before = await fleetOf('cleared');
    slowLook();
    await muster.scale('cleared', { count: 4 });
    await untilStep('cleared', 'verify');
    await world.client.workflow.getHandle(fleetWorkflowId('cleared')).terminate('by hand');
    assert.equal((await (await muster.retry('cleared')).result()).state, 'complete');
    assert.deepEqual(await idsIn('cleared'), before);
    await gone('cleared');
  });
});

describe('a fleet with a lease', () => {
  it('goes on after a change, and ends on time', async () => {
    await fleetOf('leased', {}, 20);
    const { lease } = await muster.status('leased');
    assert.equal((await scaled('leased', 3)).state, 'complete');
    assert.equal((await scaled('leased', 1)).state, 'complete');
    const status = await muster.status('leased');
    assert.deepEqual(
      [status.state, status.instances.length, status.lease!.endsAt],
      ['complete', 1, lease!.endsAt],
    );
    assert.equal((await muster.attach('leased')).met, 'keeping');
    assert.deepEqual(await listed('leased'), await idsIn('leased'));
    for (let tries = 0; tries < 600 && (await muster.attach('leased')).met !== 'ended'; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const down = await (await muster.attach('leased')).result();
    assert.deepEqual([down.action, down.state], ['down', 'gone']);
    assert.ok(Date.now() >= lease!.endsAt);
    assert.deepEqual((await world.exists('leased')).instances, []);
  });

  it('keeps it when a change is cancelled, and cannot be released meanwhile', async () => {
    const before = await fleetOf('held', {}, 600);
    slowLook();
    await muster.scale('held', { count: 4 });
    await untilStep('held', 'verify');
    await assert.rejects(muster.release('held'), isRefused('FleetBusy', /scaling from 2 to 4/));
    const { endsAt } = (await muster.extend('held', { seconds: 60 }))!;
    assert.equal((await (await muster.cancel('held')).result()).state, 'cancelled');
    assert.deepEqual(await idsIn('held'), before);
    const status = await muster.status('held');
    assert.deepEqual([status.state, status.lease!.endsAt], ['complete', endsAt]);
    assert.equal((await scaled('held', 2)).state, 'complete');
    await gone('held');
  });
});

describe('a request that is none', () => {
  it('is refused before anything is sent', async () => {
    await fleetOf('none', { count: 1 });
    for (const count of [0, -1, 1.5, 10_001, Number.NaN]) {
      await assert.rejects(muster.scale('none', { count }), isRefused('WrongCount'));
    }
    await assert.rejects(muster.scale('none', { count: 2, by: 'age' as never }), isRefused('WrongCount'));
    await assert.rejects(muster.scale('nobody', { count: 2 }), isRefused('FleetNotFound'));
    const handle = world.client.workflow.getHandle(fleetWorkflowId('none'));
    assert.equal((await handle.describe()).type, 'bootstrapFleet');
    await gone('none');
  });

  it('is refused by a run, too', async () => {
    await fleetOf('asked', { count: 1 }, 600);
    const handle = world.client.workflow.getHandle(fleetWorkflowId('asked'));
    const refusedAs = (type: string) => (error: unknown) =>
      (error as { cause?: { type?: string } }).cause?.type === type;
    await assert.rejects(
      handle.executeUpdate('scale', { args: [{ count: 0, by: 'newest' }] }),
      refusedAs('WrongCount'),
    );
    await assert.rejects(handle.executeUpdate('clear', { args: [{ skip: [] }] }), refusedAs('NotNow'));
    const whole = { spec: {}, specHash: '' };
    for (const [update, args, lacks] of [
      ['scale', [], 'count (number), by (string)'],
      ['scale', ['3'], 'count (number), by (string)'],
      ['repair', [5], 'patience (number)'],
      ['roll', [{ ...whole, wave: 'x' }], 'wave (object), pause (number), healthyWithin (number)'],
      ['change', [{ ...whole, rest: [] }], 'from (string)'],
      ['clear', [null], 'skip (object)'],
    ] as const) {
      const sent = handle.executeUpdate<unknown, [unknown]>(update, {
        args: [...args] as unknown as [unknown],
      });
      await assert.rejects(sent, (error: Error) => {
        assert.ok(refusedAs('WrongRequest')(error), update);
        assert.equal((error.cause as Error).message, `what was sent is no request: it lacks ${lacks}`);
        return true;
      });
    }
    const same = await handle.executeUpdate<{ state: string }, [object]>('scale', {
      args: [{ count: 1, by: 'newest' }],
    });
    assert.equal(same.state, 'complete');
    await gone('asked');
  });

  it('of a fleet that is not what it was is refused', async () => {
    const [id] = await fleetOf('hurt');
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id!] }));
    await assert.rejects(muster.scale('hurt', { count: 3 }), isRefused('FleetDegraded'));
    await gone('hurt');
  });

  it('of a fleet whose history is gone says what to do', async () => {
    await fleetOf('forgotten', { count: 1 });
    const workflowId = fleetWorkflowId('forgotten');
    const { workflowService } = world.client;
    await workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId },
    });
    const handle = world.client.workflow.getHandle(workflowId);
    const isKnown = () => handle.describe().then(Boolean, () => false);
    while (await isKnown()) await new Promise((resolve) => setTimeout(resolve, 200));
    await assert.rejects(muster.scale('forgotten', { count: 2 }), isRefused('HistoryGone'));
    await gone('forgotten');
  });
});

describe('a run that is reset', () => {
  it('launches nothing twice, and what it has is its own', async () => {
    await fleetOf('reset');
    const { runId } = await muster.scale('reset', { count: 4 });
    const workflowId = fleetWorkflowId('reset');
    const scaling = world.client.workflow.getHandle(workflowId, runId);
    await scaling.result();
    const before = await idsIn('reset');
    assert.equal(before.length, 4);
    const { events = [] } = await scaling.fetchHistory();
    const launch = events!.findIndex(
      ({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name === 'launch',
    );
    const task = events!.slice(0, launch).findLast(({ workflowTaskCompletedEventAttributes: done }) => done)!;
    await world.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId, runId },
      workflowTaskFinishEventId: task.eventId,
      requestId: 'reset',
      reason: 'to see whether it launches again',
    });
    await world.client.workflow.getHandle(workflowId).result();
    assert.deepEqual(await idsIn('reset'), before);
    const status = await muster.status('reset');
    assert.deepEqual([status.state, status.instances.length], ['complete', 4], JSON.stringify(status));
    assert.deepEqual((await muster.check('reset')).findings, []);
    assert.equal((await (await muster.down('reset')).result()).state, 'gone');
    assert.deepEqual((await world.exists('reset')).instances, []);
  });
});
