/** Fleets in several places: in all of them, in as many as are needed, or in none; and the identity is made once. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { DescribeInstancesCommand, EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { IAMClient, ListInstanceProfilesCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import type { WorkflowUpdateFailedError } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import { DiffersError } from '../client/index.ts';
import { CHANGE_UPDATE, fleetWorkflowId, placeWorkflowId, SCALE_UPDATE, TASK_QUEUE } from '../fleet/run.ts';
import { FLEET_TAG, REGIONS_TAG, RUN_TAG } from '../fleet/tags.ts';
import { createFleetWorker } from '../worker/index.ts';
import {
  ABROAD,
  BOTH,
  countOf,
  DENIED,
  exists,
  gone,
  HERE,
  handle,
  idsIn,
  isRefused,
  muster,
  NOTHING,
  SOLD_OUT,
  specOf,
  stateIn,
  untilSome,
  up,
  useWorld,
  world,
  ZONES_ABROAD,
} from './places.ts';
import { endOf, until } from './world.ts';

useWorld();

describe('a fleet in several regions', () => {
  it('comes up in each with one identity, and goes with it', async () => {
    world.aws.clearCalls();
    const report = await up('both');
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(stateIn(report), ['us-east-1 complete', 'eu-west-1 complete']);
    assert.deepEqual(await exists('both'), [2, 1, true, true]);
    assert.deepEqual(
      ['CreateRole', 'CreateInstanceProfile', 'PutRolePolicy', 'AddRoleToInstanceProfile'].map(countOf),
      [1, 1, 1, 1],
    );
    assert.deepEqual([report.instanceCount, report.wanted], [3, { want: 3, min: 3 }]);
    for (const [at, region] of [HERE, ABROAD].entries()) {
      const place = report.places![at]!;
      assert.deepEqual(place.instances.map(({ id }) => id).sort(), await idsIn('both', region));
      assert.ok(place.instances.every(({ zone }) => zone.startsWith(region)));
      assert.equal(place.profile!.id, report.profile!.id);
    }
    // All of it is of the fleet's own run.
    const { role, profile } = await world.exists('both');
    const tags = Object.fromEntries(role!.Tags!.map(({ Key, Value }) => [Key, Value]));
    assert.deepEqual([tags[RUN_TAG], tags[REGIONS_TAG]], [report.runId, `${HERE} ${ABROAD}`]);
    assert.ok(profile!.Tags!.some(({ Key, Value }) => Key === 'muster:state' && Value === 'complete'));

    const again = await muster.up(specOf('both'));
    assert.equal(again.met, 'ended');
    const listed = [];
    for await (const { id } of again.instances()) listed.push(id);
    assert.equal(listed.length, 3);
    const status = await muster.status('both');
    assert.deepEqual([status.state, status.instanceCount], ['complete', 3]);
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === 'both');
    assert.deepEqual([entry!.state, entry!.instances, entry!.places], ['complete', 3, [HERE, ABROAD]]);
    const swept = (await muster.sweep()).swept.filter(({ remains }) => remains.fleet === 'both');
    assert.deepEqual(
      swept.map(({ remove }) => remove),
      [false],
    );
    await gone('both');
    assert.equal((await muster.status('both')).state, 'gone');
  });
});

describe('when one region fails', () => {
  it('all is taken back, what was complete elsewhere too, and the identity last', async () => {
    world.aws.configure({ soldOut: ZONES_ABROAD });
    world.aws.clearCalls();
    const report = await up('sold-out');
    assert.equal(report.state, 'rolled-back', JSON.stringify(report));
    assert.equal(report.error!.code, 'InsufficientInstanceCapacity');
    assert.match(report.error!.message, /^eu-west-1: /);
    assert.deepEqual(report.leftovers, []);
    assert.deepEqual(await exists('sold-out'), NOTHING);
    const calls = world.aws.calls().map(({ action }) => action);
    assert.ok(calls.lastIndexOf('TerminateInstances') < calls.indexOf('DeleteInstanceProfile'));
    assert.deepEqual([countOf('DeleteRole'), countOf('DeleteInstanceProfile')], [1, 1]);
    // Nothing stands in the way of another.
    world.aws.configure({ soldOut: [] });
    assert.equal((await up('sold-out')).state, 'complete');
    await gone('sold-out');
  });

  it('a fleet that needs fewer is complete with the others, and says why', async () => {
    world.aws.configure({ soldOut: ZONES_ABROAD });
    const report = await up('enough', { need: { min: 1 } });
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(stateIn(report), ['us-east-1 complete', 'eu-west-1 rolled-back']);
    assert.equal(report.places![1]!.error!.code, 'InsufficientInstanceCapacity');
    assert.deepEqual([report.error, report.leftovers, report.instanceCount], [undefined, [], 2]);
    assert.deepEqual(await exists('enough'), [2, 0, true, true]);
    const status = await muster.status('enough');
    assert.deepEqual([status.state, status.instanceCount], ['complete', 2]);
    await gone('enough');
  });

  it('also when there something was wrong before anything was made; it goes from where it is', async () => {
    const places = [
      { region: HERE, key: 'nobodys' },
      { region: ABROAD, count: 1 },
    ];
    const report = await up('only-abroad', { places, need: { min: 1 } });
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(stateIn(report), ['us-east-1 rolled-back', 'eu-west-1 complete']);
    assert.deepEqual(await exists('only-abroad'), [0, 1, true, true]);
    assert.equal((await muster.status('only-abroad')).state, 'complete');
    await gone('only-abroad');
  });

  it('one that needs one more is taken back', async () => {
    world.aws.configure({ soldOut: ZONES_ABROAD });
    const places = [...BOTH, { region: 'us-west-2', count: 1 }];
    const report = await up('one-more', { places, need: { min: 3 } });
    assert.equal(report.state, 'rolled-back');
    assert.deepEqual(await exists('one-more', [HERE, ABROAD, 'us-west-2']), [0, 0, 0, false, false]);
  });

  it('a throttle there only slows it', async () => {
    const error = { code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 };
    world.aws.fault({ action: 'RunInstances', region: ABROAD, match: 'TagSpecification', error, times: 1 });
    const report = await up('slowed', { deadlines: { propagation: 20, launch: 60, consistency: 1 } });
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(await exists('slowed'), [2, 1, true, true]);
    await gone('slowed');
  });

  it('an answer that is lost there launches nothing twice', async () => {
    world.aws.fault({ action: 'RunInstances', region: ABROAD, match: 'TagSpecification', lost: true });
    assert.equal((await up('lost-there')).state, 'complete');
    assert.deepEqual(await exists('lost-there'), [2, 1, true, true]);
    await gone('lost-there');
  });

  it('nothing is made when something is wrong somewhere, and all of it is told', async () => {
    world.aws.clearCalls();
    const places = [
      { region: HERE, key: 'nobodys' },
      { region: ABROAD, image: 'ami-0123456789abcdef0' },
    ];
    const report = await up('wrong', { places });
    assert.equal(report.state, 'rolled-back');
    assert.equal(report.error!.code, 'PreflightFailed');
    const problems = report.error!.problems!;
    assert.equal(problems.length, 2, JSON.stringify(problems));
    assert.match(problems[0]!, /^us-east-1: .*nobodys/);
    assert.match(problems[1]!, /^eu-west-1: .*ami-0123456789abcdef0/);
    assert.deepEqual([countOf('CreateRole'), countOf('CreateInstanceProfile')], [0, 0]);
  });

  it('what is complete elsewhere by then is taken back, too', async () => {
    const run = await completeAbroadAlone('late');
    const report = await run.result();
    assert.equal(report.state, 'rolled-back', JSON.stringify(report));
    assert.deepEqual(stateIn(report), ['us-east-1 rolled-back', 'eu-west-1 rolled-back']);
    assert.match(report.undos[0]!.detail!, /^1 terminated in 1 place/);
    assert.deepEqual(await exists('late'), NOTHING);
  });

  it('what cannot be taken back there is named with its place, and a retry removes it', async () => {
    const run = await completeAbroadAlone('stuck', () => {
      world.aws.fault({ action: 'TerminateInstances', region: ABROAD, error: DENIED, times: 1000 });
    });
    const report = await run.result();
    assert.equal(report.state, 'left-over', JSON.stringify(report));
    const [left] = report.leftovers;
    assert.deepEqual([report.leftovers.length, left!.kind, left!.at], [1, 'instance', ABROAD]);
    assert.match(left!.command, /--region eu-west-1/);
    assert.deepEqual(await exists('stuck'), [0, 1, false, false]);
    assert.equal((await muster.status('stuck')).state, 'left-over');
    await assert.rejects(muster.up(specOf('stuck')), isRefused('FleetLeftOver'));
    world.aws.clearFaults();
    assert.equal((await (await muster.retry('stuck')).result()).state, 'gone');
    assert.deepEqual(await exists('stuck'), NOTHING);
  });
});

/** A fleet that is complete abroad, and for which there is no room here. */
async function completeAbroadAlone(name: string, then: () => void = () => {}) {
  const message = `Value (${name}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN`;
  const error = { code: 'InvalidParameterValue', message };
  world.aws.fault({ action: 'RunInstances', region: HERE, match: 'DryRun=true', error, times: 1000 });
  const deadlines = { propagation: 120, launch: 15, undo: 5, consistency: 1 };
  const run = await muster.up(specOf(name, { deadlines }));
  await until(handle(name), ({ places }) => places?.[1]?.state === 'complete');
  world.aws.clearFaults();
  world.aws.fault({
    action: 'RunInstances',
    region: HERE,
    match: 'TagSpecification',
    error: SOLD_OUT,
    times: 10,
  });
  then();
  return run;
}

describe('ended from outside', () => {
  it('cancelled while it launches, nothing is left anywhere', async () => {
    world.aws.configure({ pendingSeconds: 3 });
    const run = await muster.up(specOf('cancelled'));
    await until(handle('cancelled'), ({ steps }) =>
      steps.some(({ name, state }) => name === 'launch-places' && state === 'running'),
    );
    for (const region of [HERE, ABROAD]) await untilSome('cancelled', region);
    await muster.cancel('cancelled');
    const report = await run.result();
    assert.equal(report.state, 'cancelled', JSON.stringify(report));
    assert.deepEqual(await exists('cancelled'), NOTHING);
  });

  it('cancelled before it launches, nothing is left anywhere', async () => {
    world.aws.fault({ action: 'CreateRole', delayMs: 1_500 });
    const run = await muster.up(specOf('cancelled-early'));
    await until(handle('cancelled-early'), ({ steps }) => steps.some(({ name }) => name === 'create-role'));
    await muster.cancel('cancelled-early');
    assert.equal((await run.result()).state, 'cancelled');
    assert.deepEqual(await exists('cancelled-early'), NOTHING);
  });

  it('one place alone cancelled or terminated, all is taken back', async () => {
    for (const [name, end] of [
      ['one-cancelled', 'cancel'],
      ['one-terminated', 'terminate'],
    ] as const) {
      world.aws.configure({ pendingSeconds: 3 });
      const run = await muster.up(specOf(name));
      for (const region of [HERE, ABROAD]) await untilSome(name, region);
      await world.client.workflow.getHandle(placeWorkflowId(name, ABROAD))[end]();
      const report = await run.result();
      assert.equal(report.state, 'rolled-back', JSON.stringify(report));
      assert.deepEqual(await exists(name), NOTHING);
    }
  });

  it('its own run terminated, the places take back their own, and down removes the rest', async () => {
    world.aws.configure({ pendingSeconds: 3 });
    await muster.up(specOf('terminated'));
    for (const region of [HERE, ABROAD]) await untilSome('terminated', region);
    await handle('terminated').terminate();
    for (const place of [HERE, ABROAD]) {
      const child = world.client.workflow.getHandle(placeWorkflowId('terminated', place));
      await assert.rejects(child.result());
    }
    assert.deepEqual(await exists('terminated'), [0, 0, true, true]);
    assert.equal((await muster.status('terminated')).state, 'lost');
    await gone('terminated');
  });
});

describe('a complete fleet in several regions', () => {
  it('is refused what only one place can do, and nothing is sent', async () => {
    const { runId } = await up('whole');
    world.aws.clearCalls();
    await assert.rejects(
      muster.scale('whole', { count: 5 }),
      isRefused('WrongPlace', /us-east-1, eu-west-1/),
    );
    const nowhere = { count: 5, place: 'us-west-2' };
    await assert.rejects(muster.scale('whole', nowhere), isRefused('WrongPlace', /not in 'us-west-2'/));
    const elsewhere = specOf('whole', { places: [{ region: HERE }] });
    await assert.rejects(
      muster.check('whole', { spec: elsewhere }),
      isRefused('FleetDiffers', /is in eu-west-1/),
    );
    const other = specOf('whole', { instances: { count: 3, image: 'ami-12c6146b', type: 't3.small' } });
    await assert.rejects(muster.up(other), isRefused('ManyPlaces', /changed/));
    await assert.rejects(
      muster.up(specOf('whole', { need: { min: 1 } })),
      isRefused('ManyPlaces', /changed/),
    );
    await assert.rejects(muster.change(other), isRefused('ManyPlaces', /changed/));
    await assert.rejects(muster.roll(other), isRefused('ManyPlaces', /rolled/));
    await assert.rejects(
      muster.roll({ fleet: 'whole', image: 'ami-03cf127a' }),
      isRefused('ManyPlaces', /rolled/),
    );
    await assert.rejects(muster.steerRoll('whole', 'pause'), isRefused('ManyPlaces', /rolled/));
    const last = await handle('whole').describe();
    assert.deepEqual([last.type, last.runId], ['bootstrapPlaces', runId]);
    const changing = world.aws.calls().filter(({ action }) => !/^(Describe|Get|List)/.test(action));
    assert.deepEqual(changing, []);
    assert.equal((await muster.status('whole')).state, 'complete');
    await gone('whole');
  });

  it('of which an instance has ended is degraded, and says where', async () => {
    await up('ends');
    const [id] = await idsIn('ends', ABROAD);
    const ec2 = new EC2Client({ region: ABROAD, maxAttempts: 1 });
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id!] }));
    const status = await muster.status('ends');
    assert.equal(status.state, 'degraded');
    assert.match(status.error!.message, new RegExp(`^eu-west-1: .*${id} is`));
    assert.deepEqual(stateIn(status), ['us-east-1 complete', 'eu-west-1 degraded']);
    await assert.rejects(muster.up(specOf('ends')), isRefused('FleetDegraded'));
    await gone('ends');
  });

  it('whose history is gone is found and taken down by its tags', async () => {
    const { specHash } = await up('forgotten');
    await forget('forgotten');
    const status = await muster.status('forgotten');
    assert.deepEqual([status.state, status.instanceCount, status.specHash], ['complete', 3, specHash]);
    assert.deepEqual(stateIn(status), ['us-east-1 complete', 'eu-west-1 complete']);
    assert.equal((await (await muster.up(specOf('forgotten'))).result()).state, 'complete');
    await assert.rejects(muster.check('forgotten'), isRefused('ManyPlaces'));
    await gone('forgotten');
  });

  it('is another fleet than one of the same name in one place', async () => {
    const single = specOf('moves', { places: undefined, region: HERE });
    assert.equal((await (await muster.up(single)).result()).state, 'complete');
    const several = specOf('moves');
    const isOther = (error: unknown) =>
      error instanceof DiffersError &&
      !error.isInPlace &&
      error.changes.some(({ field, how }) => field === 'places' && how === 'new-fleet');
    await assert.rejects(muster.up(several), isOther);
    await assert.rejects(muster.change(several), isOther);
    await assert.rejects(muster.roll(several), isRefused('FleetDiffers'));
    await gone('moves');
    // What is gone is in no place: another of the name may come up in one.
    await up('moves');
    await gone('moves');
    await assert.rejects(muster.scale('moves', { count: 5 }), isRefused('NotNow'));
    assert.equal((await (await muster.up(single)).result()).state, 'complete');
    await gone('moves');
  });

  it('with a lease goes by itself', async () => {
    const report = await (await muster.up(specOf('leased'), { lease: 600 })).result();
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.ok(report.lease);
    await assert.rejects(muster.scale('leased', { count: 5 }), isRefused('WrongPlace'));
    const other = specOf('leased', { tags: { team: 'web' } });
    await assert.rejects(muster.up(other), isRefused('ManyPlaces'));
    await assert.rejects(muster.change(other), isRefused('ManyPlaces'));
    await assert.rejects(muster.roll(other), isRefused('ManyPlaces'));
    // Whoever asks the run itself is told the same.
    await assert.rejects(
      handle('leased').executeUpdate(SCALE_UPDATE, { args: [{ count: 5, by: 'newest' }] }),
      ({ cause }: WorkflowUpdateFailedError) => (cause as ApplicationFailure).type === 'WrongCount',
    );
    await assert.rejects(
      handle('leased').executeUpdate(CHANGE_UPDATE, {
        args: [{ spec: specOf('leased').spec, specHash: '', from: '', rest: [] }],
      }),
      ({ cause }: WorkflowUpdateFailedError) => (cause as ApplicationFailure).type === 'ManyPlaces',
    );
    assert.ok((await muster.extend('leased', { seconds: 60 }))!.endsAt > report.lease.endsAt);
    assert.equal((await muster.status('leased')).state, 'complete');
    const released = await (await muster.release('leased')).result();
    assert.equal(released.state, 'gone', JSON.stringify(released));
    assert.deepEqual(await exists('leased'), NOTHING);
  });

  it('that cannot be taken down in one region names what is left, and keeps the identity', async () => {
    await up('half-down');
    world.aws.fault({ action: 'TerminateInstances', region: ABROAD, error: DENIED, times: 1000 });
    const { report } = await endOf(await startDown('half-down'));
    assert.equal(report.state, 'left-over', JSON.stringify(report));
    assert.deepEqual(
      report.leftovers.map(({ kind }) => kind),
      ['instance', 'profile', 'policy', 'role'],
    );
    assert.deepEqual(stateIn(report), ['us-east-1 gone', 'eu-west-1 left-over']);
    assert.deepEqual(await exists('half-down'), [0, 1, true, true]);
    world.aws.clearFaults();
    assert.equal((await (await muster.retry('half-down')).result()).state, 'gone');
    assert.deepEqual(await exists('half-down'), NOTHING);
  });

  it('is told of once', async () => {
    const { notifications } = await up('told', { notify: { eventBridge: 'default' } });
    assert.deepEqual(
      notifications!.map(({ event }) => event),
      ['complete'],
    );
    await gone('told');
  });
});

describe('a fleet in several accounts', () => {
  const OTHER = '210987654321';
  const THERE = `${OTHER}:${HERE}`;
  let role: string;
  let iam: IAMClient;
  let ec2: EC2Client;
  before(async () => {
    const opened = await world.aws.openAccount({ id: OTHER, externalId: 'agreed-words' });
    role = opened.role;
    const settings = { region: HERE, credentials: opened.keys, maxAttempts: 1 };
    iam = new IAMClient(settings);
    ec2 = new EC2Client(settings);
    process.env.MUSTER_TEST_ID = 'agreed-words';
  });

  const placesWith = (externalId?: string) => [
    { region: HERE, count: 1 },
    { region: HERE, count: 1, assumeRole: role, externalId },
  ];

  /** What the other account has: alive instances, role and profile. */
  async function existsThere(name: string) {
    const Filters = [{ Name: `tag:${FLEET_TAG}`, Values: [name] }];
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
    const alive = Reservations.flatMap(({ Instances = [] }) => Instances).filter(
      ({ State }) => State?.Name !== 'terminated',
    );
    const roles = await iam.send(new ListRolesCommand({}));
    const profiles = await iam.send(new ListInstanceProfilesCommand({}));
    return [
      alive.length,
      roles.Roles!.some(({ RoleName }) => RoleName === name),
      profiles.InstanceProfiles!.some(({ InstanceProfileName }) => InstanceProfileName === name),
    ];
  }

  it('has an identity in each, and goes from both', async () => {
    const report = await up('two', { places: placesWith('env:MUSTER_TEST_ID') });
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(stateIn(report), [`${HERE} complete`, `${THERE} complete`]);
    assert.match(report.places![1]!.role!.arn, new RegExp(`:${OTHER}:role/two$`));
    assert.deepEqual(await exists('two', [HERE]), [1, true, true]);
    assert.deepEqual(await existsThere('two'), [1, true, true]);
    const status = await muster.status('two');
    assert.deepEqual([status.state, status.instanceCount], ['complete', 2]);
    const down = await (await muster.down('two')).result();
    assert.equal(down.state, 'gone', JSON.stringify(down));
    assert.deepEqual(await exists('two', [HERE]), [0, false, false]);
    assert.deepEqual(await existsThere('two'), [0, false, false]);
  });

  it('is not begun when one refuses the role, or when it is the same place', async () => {
    world.aws.clearCalls();
    const denied = await up('denied', { places: placesWith('other-words') });
    assert.deepEqual([denied.state, denied.error!.code], ['rolled-back', 'PreflightFailed']);
    assert.match(denied.error!.problems![0]!, new RegExp(`^${THERE}: sts:AssumeRole ${role}: AccessDenied`));
    const unset = await up('unset', { places: placesWith('env:MUSTER_NO_SUCH_ID') });
    assert.match(unset.error!.problems![0]!, /the worker has no MUSTER_NO_SUCH_ID in its environment/);
    const twice = [...placesWith('agreed-words'), { region: HERE, account: '123456789012' }];
    const same = await up('same', { places: twice });
    assert.match(same.error!.problems![0]!, /is the same account and region as/);
    assert.equal(countOf('CreateRole'), 0);
  });

  it('is content with one where another refuses the role', async () => {
    const report = await up('content', { places: placesWith('other-words'), need: { min: 1 } });
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(stateIn(report), [`${HERE} complete`, `${THERE} rolled-back`]);
    assert.deepEqual(await existsThere('content'), [0, false, false]);
    // Where nothing was made nothing is left, although it cannot be looked at.
    const down = await (await muster.down('content')).result();
    assert.equal(down.state, 'gone', JSON.stringify(down));
    assert.deepEqual(stateIn(down), [`${HERE} gone`, `${THERE} gone`]);
    assert.deepEqual(await exists('content', [HERE]), [0, false, false]);
  });

  it('leaves nothing in an account in which nothing comes up', async () => {
    const more = { places: placesWith('agreed-words'), need: { min: 1 } };
    world.aws.fault({ action: 'RunInstances', match: OTHER, error: SOLD_OUT, times: 1000 });
    const report = await up('one-of-two', more);
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(stateIn(report), [`${HERE} complete`, `${THERE} rolled-back`]);
    assert.deepEqual(await exists('one-of-two', [HERE]), [1, true, true]);
    assert.deepEqual(await existsThere('one-of-two'), [0, false, false]);
    world.aws.clearFaults();
    const down = await (await muster.down('one-of-two')).result();
    assert.equal(down.state, 'gone', JSON.stringify(down));
    assert.deepEqual(await exists('one-of-two', [HERE]), [0, false, false]);
  });

  it('is taken back in both when an identity cannot be made in one', async () => {
    world.aws.fault({ action: 'AddRoleToInstanceProfile', error: DENIED, times: 1 });
    const report = await up('half', { places: placesWith('agreed-words') });
    assert.equal(report.state, 'rolled-back', JSON.stringify(report));
    assert.deepEqual(await exists('half', [HERE]), [0, false, false]);
    assert.deepEqual(await existsThere('half'), [0, false, false]);
  });

  it('whose role is refused later is named with what is left there', async () => {
    const report = await up('later', { places: placesWith('env:MUSTER_TEST_ID') });
    assert.equal(report.state, 'complete');
    // Another worker, to which nobody has told the words.
    const own = await createFleetWorker({ taskQueue: 'uninformed', launchesPerSecond: 100 });
    const working = own.run();
    try {
      process.env.MUSTER_TEST_ID = 'forgotten-words';
      const places = [
        { name: HERE, region: HERE },
        { name: THERE, region: HERE, assume: { role, externalId: { env: 'MUSTER_TEST_ID' } }, role: 'later' },
      ];
      const { report: down } = await endOf(
        await world.client.workflow.start('teardownPlaces', {
          args: [{ fleet: 'later', places, undoDeadline: 3 }],
          taskQueue: 'uninformed',
          workflowId: fleetWorkflowId('later'),
          memo: { fleet: 'later', places, undo: 3 },
        }),
      );
      assert.equal(down.state, 'left-over', JSON.stringify(down));
      assert.deepEqual(
        down.leftovers.map(({ kind, at }) => [kind, at]),
        [
          ['instance', THERE],
          ['role', THERE],
        ],
      );
      assert.match(down.leftovers[0]!.reason, /AccessDenied/);
      assert.deepEqual(await exists('later', [HERE]), [0, false, false]);
      assert.deepEqual(await existsThere('later'), [1, true, true]);
    } finally {
      process.env.MUSTER_TEST_ID = 'agreed-words';
      own.shutdown();
      await working;
    }
    assert.equal((await (await muster.retry('later')).result()).state, 'gone');
    assert.deepEqual(await existsThere('later'), [0, false, false]);
  });
});

/** As `down` does, of a fleet that is not new any more. */
function startDown(name: string) {
  const places = [HERE, ABROAD].map((region) => ({ name: region, region }));
  return world.client.workflow.start('teardownPlaces', {
    args: [{ fleet: name, places, undoDeadline: 3 }],
    taskQueue: TASK_QUEUE,
    workflowId: fleetWorkflowId(name),
    memo: { fleet: name, places, undo: 3 },
  });
}

/** As the end of the namespace's retention does it. */
async function forget(name: string): Promise<void> {
  const { workflowId, runId } = await handle(name).describe();
  await world.client.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
  });
  for (let tries = 0; tries < 1_200; tries++) {
    const isThere = await handle(name)
      .describe()
      .then(
        () => true,
        () => false,
      );
    if (!isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Temporal still knows ${name}`);
}
