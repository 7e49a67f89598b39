/** Fleets in several places live, too: checked, repaired and scaled in each of them. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  EC2Client,
  ModifyInstanceMetadataOptionsCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AttachRolePolicyCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import type { Finding } from '../client/index.ts';
import { placeWorkflowId } from '../fleet/run.ts';
import {
  ABROAD,
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
} from './places.ts';
import { until } from './world.ts';

useWorld();

const abroad = () => new EC2Client({ region: ABROAD, maxAttempts: 1 });

const shown = (findings: readonly Finding[]) =>
  findings.map(({ kind, at, found }) => [kind, at, found].join(' '));

async function endAbroad(name: string): Promise<string> {
  const [id] = await idsIn(name, ABROAD);
  await abroad().send(new TerminateInstancesCommand({ InstanceIds: [id!] }));
  return id!;
}

async function idsOf(instances: AsyncIterable<{ readonly id: string }>): Promise<string[]> {
  const ids = [];
  for await (const { id } of instances) ids.push(id);
  return ids.sort();
}

const repaired = async (name: string) => (await muster.repair(name)).result();
const scaled = async (name: string, count: number, place = ABROAD) =>
  (await muster.scale(name, { count, place })).result();

describe('a check of a fleet in several places', () => {
  it('finds nothing in one that is as it was made, also by its file', async () => {
    await up('same');
    const report = await muster.check('same');
    assert.deepEqual(report.findings, []);
    assert.deepEqual(
      report.places!.map(({ place, instanceCount }) => [place, instanceCount]),
      [
        [HERE, 2],
        [ABROAD, 1],
      ],
    );
    assert.equal(report.instanceCount, 3);
    assert.deepEqual((await muster.check('same', { spec: specOf('same') })).findings, []);
    await gone('same');
  });

  it('tells what differs with the place, and of the role once', async () => {
    await up('differs');
    const id = await endAbroad('differs');
    const [here] = await idsIn('differs', HERE);
    await world.ec2.send(
      new ModifyInstanceMetadataOptionsCommand({ InstanceId: here, HttpTokens: 'optional' }),
    );
    await world.iam.send(new DeleteRolePolicyCommand({ RoleName: 'differs', PolicyName: 'differs' }));
    const { findings } = await muster.check('differs');
    assert.deepEqual(shown(findings), [
      'policy  none',
      `metadata ${HERE} optional`,
      `count ${ABROAD} 0`,
      `state ${ABROAD} terminated`,
    ]);
    assert.ok(findings.every(({ safe }) => safe));
    assert.match(findings.find(({ kind }) => kind === 'metadata')!.command, /--region us-east-1/);
    assert.equal(findings.at(-1)!.resource, id);

    const report = await repaired('differs');
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(shown(report.repair!.mended).sort(), shown(findings).sort());
    assert.deepEqual(stateIn(report), [`${HERE} complete`, `${ABROAD} complete`]);
    assert.deepEqual(await exists('differs'), [2, 1, true, true]);
    assert.deepEqual((await muster.check('differs')).findings, []);
    const status = await muster.status('differs');
    assert.deepEqual([status.state, status.instanceCount], ['complete', 3], JSON.stringify(status));
    const again = await muster.up(specOf('differs'));
    assert.equal((await again.result()).state, 'complete');
    // Another instance ends: what a repair has launched is the fleet's own as all the others.
    await endAbroad('differs');
    assert.equal((await muster.status('differs')).state, 'degraded');
    assert.equal((await repaired('differs')).state, 'complete');
    assert.deepEqual(await exists('differs'), [2, 1, true, true]);
    await gone('differs');
  });
});

describe('a repair of a fleet in several places', () => {
  it('leaves to a person what is not safe, and says where', async () => {
    await up('unsafe');
    const policy = 'arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess';
    await world.iam.send(new AttachRolePolicyCommand({ RoleName: 'unsafe', PolicyArn: policy }));
    await endAbroad('unsafe');
    const report = await repaired('unsafe');
    assert.equal(report.state, 'degraded', JSON.stringify(report));
    assert.deepEqual(shown(report.repair!.remaining), ['managed-policy  attached to unsafe']);
    assert.equal(report.repair!.mendedCount, 2);
    assert.deepEqual(await exists('unsafe'), [2, 1, true, true]);
    await gone('unsafe');
  });

  it('that has no room in one place puts the others right, and leaves nothing there', async () => {
    await up('no-room');
    await endAbroad('no-room');
    const profile = { InstanceProfileName: 'no-room', RoleName: 'no-room' };
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand(profile));
    const fault = { action: 'RunInstances', region: ABROAD, match: 'TagSpecification', error: SOLD_OUT };
    world.aws.fault({ ...fault, times: 100 });
    const report = await repaired('no-room');
    assert.equal(report.state, 'degraded', JSON.stringify(report));
    assert.equal(report.error!.code, 'InsufficientInstanceCapacity');
    assert.match(report.error!.message, /^eu-west-1: /);
    assert.deepEqual(shown(report.repair!.mended), [`role-in-profile  none`]);
    assert.deepEqual(await exists('no-room'), [2, 0, true, true]);
    world.aws.clearFaults();
    assert.equal((await repaired('no-room')).state, 'complete');
    assert.deepEqual(await exists('no-room'), [2, 1, true, true]);
    await gone('no-room');
  });

  it('cancelled, takes back what it launched', async () => {
    await up('cancelled');
    const ended = await endAbroad('cancelled');
    world.aws.configure({ pendingSeconds: 3 });
    const run = await muster.repair('cancelled');
    await untilSome('cancelled', ABROAD, ended);
    await muster.cancel('cancelled');
    const report = await run.result();
    assert.equal(report.state, 'cancelled', JSON.stringify(report));
    assert.deepEqual(await exists('cancelled'), [2, 0, true, true]);
    assert.equal((await muster.status('cancelled')).state, 'degraded');
    await gone('cancelled');
  });

  it('ended from outside, itself or in a place, leaves what a retry removes', async () => {
    for (const [name, id] of [
      ['lost', (name: string) => handle(name).workflowId],
      ['lost-there', (name: string) => placeWorkflowId(name, ABROAD)],
    ] as const) {
      await up(name);
      const ended = await endAbroad(name);
      world.aws.configure({ pendingSeconds: 3 });
      // The place's own run cannot end it either.
      world.aws.fault({ action: 'TerminateInstances', region: ABROAD, error: DENIED, times: 1000 });
      const run = await muster.repair(name);
      await untilSome(name, ABROAD, ended);
      await world.client.workflow.getHandle(id(name)).terminate();
      const report = await run.result();
      assert.ok(['lost', 'left-over'].includes(report.state), JSON.stringify(report));
      const there = world.client.workflow.getHandle(placeWorkflowId(name, ABROAD));
      await there.result().catch(() => {});
      world.aws.clearFaults();
      const status = await muster.status(name);
      assert.deepEqual(
        status.leftovers.map(({ kind, at }) => [kind, at]),
        [['instance', ABROAD]],
        JSON.stringify(status),
      );
      await assert.rejects(muster.repair(name), isRefused('FleetLeftOver'));
      await (await muster.retry(name)).result();
      assert.deepEqual(await exists(name), [2, 0, true, true]);
      assert.equal((await muster.status(name)).state, 'degraded');
      assert.equal((await repaired(name)).state, 'complete');
      assert.deepEqual(await exists(name), [2, 1, true, true]);
      await gone(name);
    }
  });
});

describe('scaling a fleet in several places', () => {
  it('gives one of them more or fewer, and leaves the others alone', async () => {
    await up('grows');
    const here = await idsIn('grows', HERE);
    const more = await scaled('grows', 3);
    assert.equal(more.state, 'complete', JSON.stringify(more));
    assert.deepEqual([more.scale!.from, more.scale!.to, more.scale!.place], [1, 3, ABROAD]);
    assert.deepEqual([more.instanceCount, more.wanted], [5, { want: 5, min: 5 }]);
    assert.deepEqual(await exists('grows'), [2, 3, true, true]);
    const fewer = await scaled('grows', 1, HERE);
    assert.equal(fewer.state, 'complete', JSON.stringify(fewer));
    assert.deepEqual(await exists('grows'), [1, 3, true, true]);
    assert.ok(here.includes((await idsIn('grows', HERE))[0]!));
    const status = await muster.status('grows');
    assert.deepEqual([status.state, status.instanceCount], ['complete', 4], JSON.stringify(status));
    assert.deepEqual((await muster.check('grows')).findings, []);
    // Whoever asks for all instances gets them, of AWS and of the runs.
    const all = [...(await idsIn('grows', HERE)), ...(await idsIn('grows', ABROAD))].sort();
    assert.deepEqual(await idsOf(muster.instancesOf(status)), all);
    assert.deepEqual(await idsOf((await muster.attach('grows')).instances()), all);
    // And what all of its runs have asked of AWS is told, those of the places too.
    const { history } = await muster.record('grows');
    const launches = history!.activities.filter(({ type }) => type === 'launch');
    assert.equal(launches.length, 3, JSON.stringify(history!.activities.map(({ type }) => type)));
    const log = [];
    for await (const event of muster.logs('grows')) log.push(event);
    assert.ok(
      log.some(({ type, place }) => type === 'step-done' && place === HERE),
      JSON.stringify(log),
    );
    // As many as it has already are no change.
    assert.equal((await muster.scale('grows', { count: 3, place: ABROAD })).met, 'ended');
    await gone('grows');
  });

  it('that fails leaves it as it was', async () => {
    await up('stays');
    const before = await idsIn('stays', ABROAD);
    const fault = { action: 'RunInstances', region: ABROAD, match: 'TagSpecification', error: SOLD_OUT };
    world.aws.fault({ ...fault, times: 100 });
    const report = await scaled('stays', 3);
    assert.equal(report.state, 'rolled-back', JSON.stringify(report));
    assert.match(report.scale!.failed!, /InsufficientInstanceCapacity/);
    assert.deepEqual(await idsIn('stays', ABROAD), before);
    assert.deepEqual([report.instanceCount, report.wanted], [3, { want: 3, min: 3 }]);
    assert.equal((await muster.status('stays')).state, 'complete');
    await gone('stays');
  });

  it('is refused while another change is under way, and a lease goes on after it', async () => {
    await (await muster.up(specOf('leased'), { lease: 600 })).result();
    world.aws.fault({ action: 'RunInstances', region: ABROAD, match: 'TagSpecification', delayMs: 3_000 });
    const run = await muster.scale('leased', { count: 2, place: ABROAD });
    await until(handle('leased'), ({ action }) => action === 'scale');
    await assert.rejects(
      muster.scale('leased', { count: 1, place: HERE }),
      isRefused('FleetBusy', /scaling from 1 to 2 in eu-west-1/),
    );
    assert.equal((await run.result()).state, 'complete');
    assert.deepEqual(await exists('leased'), [2, 2, true, true]);
    assert.ok((await muster.status('leased')).lease);
    const released = await (await muster.release('leased')).result();
    assert.equal(released.state, 'gone', JSON.stringify(released));
    assert.deepEqual(await exists('leased'), NOTHING);
  });
});

describe('in several accounts', () => {
  const OTHER = '210987654321';
  const THERE = `${OTHER}:${HERE}`;
  let role: string;
  let iam: IAMClient;
  before(async () => {
    const opened = await world.aws.openAccount({ id: OTHER, externalId: 'agreed-words' });
    role = opened.role;
    iam = new IAMClient({ region: HERE, credentials: opened.keys, maxAttempts: 1 });
  });

  it('each identity is checked and put right in its own, and each place scaled there', async () => {
    const places = [
      { region: HERE, count: 1 },
      { region: HERE, count: 1, assumeRole: role, externalId: 'agreed-words' },
    ];
    await up('two', { places });
    assert.deepEqual((await muster.check('two')).findings, []);
    await iam.send(new DeleteRolePolicyCommand({ RoleName: 'two', PolicyName: 'two' }));
    const { findings, account } = await muster.check('two');
    assert.deepEqual([shown(findings), account], [[`policy ${OTHER} none`], undefined]);
    const report = await repaired('two');
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual((await muster.check('two')).findings, []);
    const more = await scaled('two', 3, THERE);
    assert.equal(more.state, 'complete', JSON.stringify(more));
    const status = await muster.status('two');
    assert.deepEqual(
      status.places!.map(({ place, instances }) => [place, instances.length]),
      [
        [HERE, 1],
        [THERE, 3],
      ],
    );
    await gone('two');
  });
});

describe('a schedule of checks', () => {
  it('keeps a fleet in several places as its spec says', async () => {
    await up('kept');
    await endAbroad('kept');
    await muster.checks.set('kept', { every: 3_600, repair: true });
    for (let tries = 0; ; tries++) {
      const [last] = (await muster.checks.get('kept')).runs;
      if (last && last.state !== 'running') {
        assert.equal(last.state, 'repaired', JSON.stringify(last));
        break;
      }
      assert.ok(tries < 600, 'it has ended');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(await exists('kept'), [2, 1, true, true]);
    await muster.checks.delete('kept');
    await gone('kept');
  });
});
