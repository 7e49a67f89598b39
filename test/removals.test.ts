/** Removals on bad days: replicas that lag, other hands, filters that are ignored. AWS is asked on a calm one. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { ModifyInstanceAttributeCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { GetRoleCommand, UntagRoleCommand } from '@aws-sdk/client-iam';
import { FLEET_TAG, RUN_TAG } from '../fleet/tags.ts';
import type { Weather } from '../sandbox/index.ts';
import { type End, endOf, openWorld, QUICK, until, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());
afterEach(() => calm());

const DENIED = { code: 'AccessDenied', message: 'not authorized', status: 403 };
const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };
/** Longer than any lag here. */
const deadlines = { consistency: 3, undo: 25, propagation: 20, launch: 15, step: 15, running: 20 };

const calm = () => world.aws.setWeather({ behaviour: QUICK });
const turn = ({ behaviour, ...weather }: Weather) =>
  world.aws.setWeather({ ...weather, behaviour: { ...QUICK, ...behaviour } });

async function assertNothing(fleet: string): Promise<void> {
  calm();
  const { role, profile, instances, volumes } = await world.exists(fleet);
  assert.deepEqual([role, profile, instances, volumes], [undefined, undefined, [], []]);
}

function assertRolledBack({ report }: End): void {
  assert.equal(report.state, 'rolled-back', JSON.stringify(report.leftovers));
  assert.deepEqual(report.leftovers, []);
}

describe('where replicas lag', () => {
  for (const seed of [1, 2, 3]) {
    it(`IAM: a role that is not to be seen yet, or still, leaves nothing (seed ${seed})`, async () => {
      turn({ seed, behaviour: { iamLagSeconds: 1.2 }, faults: [{ ...LAUNCH, error: DENIED }] });
      assertRolledBack(await world.up({ name: `iam-lag-${seed}`, deadlines }));
      await assertNothing(`iam-lag-${seed}`);
    });

    it(`EC2: instances that are not to be seen yet are ended all the same (seed ${seed})`, async () => {
      turn({
        seed,
        behaviour: { ec2LagSeconds: 1.2 },
        faults: [{ action: 'GetInstanceProfile', skip: 1, times: 1, error: DENIED }],
      });
      assertRolledBack(await world.up({ name: `ec2-lag-${seed}`, deadlines, instances: { count: 3 } }));
      await assertNothing(`ec2-lag-${seed}`);
    });
  }

  it('EC2: a launch whose answer never came, and which is shown late, is ended', async () => {
    turn({
      behaviour: { ec2LagSeconds: 1, staleChance: 1 },
      faults: [{ ...LAUNCH, lost: true, times: 1000 }],
    });
    assertRolledBack(await world.up({ name: 'late', deadlines: { ...deadlines, launch: 3 } }));
    await assertNothing('late');
  });

  it('a step that never got an answer is looked for, and the report says how often', async () => {
    turn({ faults: [{ action: 'CreateRole', cut: true, times: 1000 }] });
    const end = await world.up({ name: 'unanswered', deadlines: { ...deadlines, step: 2, consistency: 1 } });
    assertRolledBack(end);
    const undo = end.report.undos.find(({ name }) => name === 'delete-role');
    assert.equal(undo?.outcome, 'absent');
    assert.match(undo!.detail!, /^not there: looked [345] times in 1 s$/);
  });

  it('a search goes on although every other look is not answered', async () => {
    await world.up({ name: 'unheard', deadlines });
    turn({
      seed: 1,
      faults: [
        { action: 'DeleteInstanceProfile', lost: true },
        { action: 'GetInstanceProfile', chance: 0.4, cut: true },
      ],
    });
    const { report } = await world.down('unheard');
    assert.equal(report.state, 'gone');
    await assertNothing('unheard');
  });

  it('a fleet goes down right after it came up, and comes up right after it went down', async () => {
    turn({ seed: 5, behaviour: { iamLagSeconds: 2, ec2LagSeconds: 0.5 } });
    assert.equal((await world.up({ name: 'again', deadlines })).report.state, 'complete');
    const { role, profile } = (await world.up({ name: 'other', deadlines })).report;
    assert.ok(role && profile);
    const down = await world.down('again', { role: 'again', profile: 'again', patience: 3 });
    assert.equal(down.report.state, 'gone');
    assert.equal((await world.up({ name: 'again', deadlines })).report.state, 'complete');
    calm();
    assert.equal((await world.exists('again')).instances.length, 2);
  });
});

describe('a last look', () => {
  it('takes off the list what an undo was removing when its time was up', async () => {
    turn({
      faults: [
        { ...LAUNCH, error: DENIED },
        { action: 'DeleteRole', delayMs: 3000 },
      ],
    });
    const end = await world.up({ name: 'in-time', deadlines: { ...deadlines, undo: 2 } });
    assertRolledBack(end);
    const undo = end.report.undos.find(({ name }) => name === 'delete-role');
    assert.deepEqual([undo?.state, undo?.outcome], ['done', 'removed']);
    assert.match(undo!.detail!, /^gone, as a last look showed \(DeadlinePassed: /);
    await assertNothing('in-time');
  });

  it('does not name machines that have died by themselves as kept', async () => {
    turn({ behaviour: { deathChance: 1 } });
    const { report } = await world.up({ name: 'died', deadlines, onFailure: 'keep' });
    assert.equal(report.error?.code, 'InstancesDied');
    assert.deepEqual(report.leftovers.map(({ kind }) => kind).sort(), ['policy', 'profile', 'role']);
    assert.equal((await world.down('died')).report.state, 'gone');
    await assertNothing('died');
  });

  it('is cut short by whoever cancels, and wants gone what was to be kept', async () => {
    turn({
      faults: [
        { ...LAUNCH, error: DENIED },
        { action: 'GetInstanceProfile', skip: 1, delayMs: 1500 },
      ],
    });
    const handle = await world.start({ name: 'unkept', deadlines, onFailure: 'keep' });
    await until(handle, ({ error }) => error !== undefined);
    await handle.cancel();
    const { report, status } = await endOf(handle);
    assert.deepEqual([report.state, status, report.leftovers], ['cancelled', 'CANCELLED', []]);
    await assertNothing('unkept');
  });

  it('names the volumes and the managed policies that a teardown could not remove', async () => {
    const managedPolicies = ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'];
    await world.up({
      name: 'tough',
      role: { managedPolicies },
      instances: { count: 1, volumes: [{ device: '/dev/sdf', size: 1, deleteOnTermination: false }] },
    });
    turn({ faults: [{ action: 'DeleteVolume', error: DENIED, times: 1000 }] });
    const { report } = await world.down('tough', { volumes: 'delete', undoDeadline: 3 });
    assert.equal(report.state, 'left-over');
    const { volumes } = await world.exists('tough');
    assert.deepEqual(report.leftovers.map(({ kind, id }) => `${kind} ${id}`).sort(), [
      `policy ${managedPolicies[0]}`,
      'profile tough',
      'role tough',
      `volume ${volumes[0]!.VolumeId}`,
    ]);
    calm();
    assert.equal((await world.down('tough', { volumes: 'delete' })).report.state, 'gone');
    await assertNothing('tough');
  });
});

describe('where other hands were at work', () => {
  it('a protected instance holds no other up, is named, and goes when it is protected no more', async () => {
    turn({
      behaviour: { hands: [{ after: 'RunInstances', match: 'TagSpecification', do: 'protect' }] },
      faults: [{ action: 'TagInstanceProfile', error: DENIED }],
    });
    const { report } = await world.up({
      name: 'protected',
      deadlines: { ...deadlines, undo: 3, consistency: 1 },
      instances: { count: 3 },
    });
    calm();
    assert.equal(report.state, 'left-over');
    const { instances } = await world.exists('protected');
    assert.equal(instances.length, 1);
    const id = instances[0]!.InstanceId!;
    assert.deepEqual(
      report.leftovers.map(({ kind, id }) => `${kind} ${id}`),
      [`instance ${id}`],
    );
    assert.match(report.leftovers[0]!.reason, /OperationNotPermitted/);
    await world.ec2.send(
      new ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value: false } }),
    );
    assert.equal((await world.down('protected')).report.state, 'gone');
    await assertNothing('protected');
  });

  it('a profile with somebody’s role in it goes, and the role stays', async () => {
    turn({ behaviour: { hands: [{ after: 'AddRoleToInstanceProfile', do: 'swap-role' }] } });
    const end = await world.up({ name: 'swapped', deadlines });
    assertRolledBack(end);
    assert.equal(end.report.error?.code, 'WrongInstances');
    await assertNothing('swapped');
    assert.ok(await world.iam.send(new GetRoleCommand({ RoleName: 'swapped-of-somebody' })));
  });

  it('a policy that somebody attached to the role is no obstacle', async () => {
    turn({
      behaviour: { hands: [{ after: 'CreateRole', do: 'attach-policy' }] },
      faults: [{ ...LAUNCH, error: DENIED }],
    });
    assertRolledBack(await world.up({ name: 'guarded', deadlines }));
    await assertNothing('guarded');
  });

  it('a role whose tags somebody took off is left over and named, not deleted', async () => {
    turn({ faults: [{ ...LAUNCH, delayMs: 1500, error: DENIED }] });
    const handle = await world.start({
      name: 'untagged',
      deadlines: { ...deadlines, undo: 2, consistency: 1 },
    });
    await until(handle, ({ steps }) =>
      steps.some(({ name, state }) => name === 'launch' && state === 'running'),
    );
    await world.iam.send(new UntagRoleCommand({ RoleName: 'untagged', TagKeys: [FLEET_TAG, RUN_TAG] }));
    const report = await until(handle, ({ state }) => state === 'left-over');
    assert.deepEqual(
      report.leftovers.map(({ kind, id }) => `${kind} ${id}`),
      ['role untagged'],
    );
    assert.match(report.leftovers[0]!.reason, /TagsGone/);
    assert.ok((await world.exists('untagged')).role);
  });
});

describe('where filters are ignored', () => {
  it('nothing that is not the run’s own is ended', async () => {
    const { Instances } = await world.ec2.send(
      new RunInstancesCommand({
        ImageId: 'ami-12c6146b',
        MinCount: 2,
        MaxCount: 2,
        InstanceType: 't3.micro',
      }),
    );
    await world.up({ name: 'bystander' });
    turn({ behaviour: { ignoreFilters: true }, faults: [{ action: 'TagInstanceProfile', error: DENIED }] });
    assertRolledBack(await world.up({ name: 'unfiltered', deadlines }));
    await assertNothing('unfiltered');
    assert.equal((await world.exists('bystander')).instances.length, 2);
    const ids = Instances!.map(({ InstanceId }) => InstanceId!);
    assert.equal(await world.running(ids), 2);
  });
});

describe('a termination that is throttled', () => {
  it('goes on where it was, and the fleet is not looked through again', async () => {
    await world.up({ name: 'throttled', instances: { count: 150 } });
    const error = { code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 };
    world.aws.fault({ action: 'TerminateInstances', error, skip: 1, times: 1 });
    world.aws.clearCalls();
    const { report, handle } = await world.down('throttled', { undoDeadline: 60 });
    assert.equal(report.state, 'gone');
    const asked = world.aws.calls().filter(({ action }) => action === 'TerminateInstances');
    assert.deepEqual(
      asked.slice(0, 3).map(({ code }) => code ?? 'done'),
      ['done', 'RequestLimitExceeded', 'done'],
    );
    const { events } = await handle.fetchHistory();
    const attempts = (events ?? []).flatMap(
      ({ activityTaskStartedEventAttributes: started }) => started?.attempt ?? [],
    );
    assert.deepEqual(new Set(attempts), new Set([1]));
    await assertNothing('throttled');
  });
});
