/** Repairs: what other hands have changed is put right, what is another's is left, and nothing is launched for nothing. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  DisassociateIamInstanceProfileCommand,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListRoleTagsCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  TagInstanceProfileCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { bundleOnce, WorkerProcess } from '../chaos/workers.ts';
import { Muster, MusterError, type SpecInput, specFrom } from '../client/index.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import type { FleetReport } from '../fleet/report.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { readWeather } from '../sandbox/weather.ts';
import { type Ended, ended, startMuster } from './command.ts';
import { muster, useWorld, world } from './one-world.ts';
import { written } from './specs.ts';
import { QUICK, until, untilPolled } from './world.ts';

const SSM = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore';
const S3 = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess';
const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };
const DENIED = { code: 'AccessDenied', message: 'You may not', status: 403 };
const SOLD_OUT = { code: 'InsufficientInstanceCapacity', message: 'We are out of it', status: 500 };
const WIDE = {
  ...ec2TrustPolicy(),
  Statement: [
    ...ec2TrustPolicy().Statement,
    { Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'sts:AssumeRole' },
  ],
};

const USUAL = { ...QUICK, deathChance: 0, hands: [] };
useWorld(USUAL);

async function fleetOf(name: string, more: Partial<SpecInput> = {}, lease?: number): Promise<string[]> {
  const report = await (await muster.up(specFrom(written(name, more)), { lease })).result();
  assert.equal(report.state, 'complete', JSON.stringify(report.error));
  return report.instances.map(({ id }) => id);
}

const repaired = async (name: string): Promise<FleetReport> => (await muster.repair(name)).result();

async function gone(name: string): Promise<void> {
  assert.equal((await (await muster.down(name)).result()).state, 'gone');
}

const kindsOf = (findings: readonly { kind: string }[] = []) => findings.map(({ kind }) => kind);

const isRefused = (code: string, words?: RegExp) => (error: unknown) =>
  error instanceof MusterError && error.code === code && (words?.test(error.message) ?? true);

/** Nothing differs, as a check of its own tells that asks AWS. */
async function isTrue(name: string): Promise<void> {
  assert.deepEqual((await muster.check(name)).findings, []);
}

const trust = (RoleName: string, document: object) =>
  world.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: JSON.stringify(document) }));

const put = (RoleName: string, PolicyName: string, Action: string) =>
  world.iam.send(
    new PutRolePolicyCommand({
      RoleName,
      PolicyName,
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
      }),
    }),
  );

const loosen = (InstanceId: string) =>
  world.ec2.send(
    new ModifyInstanceMetadataOptionsCommand({
      InstanceId,
      HttpTokens: 'optional',
      HttpPutResponseHopLimit: 64,
    }),
  );

const end = (...InstanceIds: string[]) => world.ec2.send(new TerminateInstancesCommand({ InstanceIds }));

async function untie(id: string): Promise<void> {
  const { IamInstanceProfileAssociations: all = [] } = await world.ec2.send(
    new DescribeIamInstanceProfileAssociationsCommand({ Filters: [{ Name: 'instance-id', Values: [id] }] }),
  );
  const { AssociationId } = all.find(({ InstanceId }) => InstanceId === id)!;
  await world.ec2.send(new DisassociateIamInstanceProfileCommand({ AssociationId }));
}

async function attached(RoleName: string): Promise<string[]> {
  const { AttachedPolicies = [] } = await world.iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  return AttachedPolicies.map(({ PolicyArn }) => PolicyArn!).sort();
}

/** Until the run that keeps the fleet says that a step of its repair is under way. */
async function untilStep(name: string, step: string): Promise<void> {
  await until(world.client.workflow.getHandle(fleetWorkflowId(name)), ({ action, steps }) =>
    steps.some((one) => action === 'repair' && one.name === step && one.state === 'running'),
  );
}

describe('a repair', () => {
  it('of a fleet that nobody touched changes nothing', async () => {
    await fleetOf('whole');
    const before = world.aws.calls().length;
    const report = await repaired('whole');
    assert.deepEqual([report.state, report.action, report.repair!.mendedCount], ['complete', 'repair', 0]);
    for (const { action } of world.aws.calls().slice(before)) assert.match(action, /^(Get|List|Describe)/);
    assert.equal((await muster.status('whole')).action, 'up');
    await gone('whole');
  });

  it('puts right in place what others have changed of the role, the profile and the instances', async () => {
    const name = 'hands';
    const [one, other] = await fleetOf(name, { role: { managedPolicies: [SSM] }, tags: { team: 'blue' } });
    await put(name, name, 's3:*');
    await trust(name, WIDE);
    await world.iam.send(new DetachRolePolicyCommand({ RoleName: name, PolicyArn: SSM }));
    await world.iam.send(new UntagRoleCommand({ RoleName: name, TagKeys: ['team', 'muster:spec'] }));
    const inProfile = { InstanceProfileName: name };
    const red = [{ Key: 'team', Value: 'red' }];
    await world.iam.send(new TagInstanceProfileCommand({ ...inProfile, Tags: red }));
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand({ ...inProfile, RoleName: name }));
    await loosen(one!);
    await world.ec2.send(new CreateTagsCommand({ Resources: [one!], Tags: red }));
    await untie(other!);
    await world.ec2.send(new StopInstancesCommand({ InstanceIds: [one!] }));
    const before = await muster.check(name);
    assert.ok(before.findings.every(({ safe }) => safe));

    const report = await repaired(name);
    assert.equal(report.state, 'complete', JSON.stringify(report, undefined, 1));
    assert.deepEqual(kindsOf(report.repair!.mended).sort(), kindsOf(before.findings).sort());
    assert.deepEqual(
      report.steps.map(({ name: step, state }) => [step, state]),
      ['find', 'mend-role', 'mend-profile', 'mend-instances', 'check'].map((step) => [step, 'done']),
    );
    await isTrue(name);
    assert.deepEqual((await world.policies(name))[name].Statement[0].Action, ['s3:Get*']);
    assert.deepEqual(await attached(name), [SSM]);
    const { role, profile, instances } = await world.exists(name);
    assert.deepEqual(JSON.parse(decodeURIComponent(role!.AssumeRolePolicyDocument!)).Statement.length, 1);
    const { Tags } = await world.iam.send(new ListRoleTagsCommand({ RoleName: name }));
    assert.equal(Tags!.find(({ Key }) => Key === 'team')!.Value, 'blue');
    assert.deepEqual(
      profile!.Roles!.map(({ RoleName }) => RoleName),
      [name],
    );
    assert.deepEqual(instances.map(({ InstanceId }) => InstanceId).sort(), [one!, other!].sort());
    for (const instance of instances) {
      assert.equal(instance.State!.Name, 'running');
      assert.equal(instance.MetadataOptions!.HttpTokens, 'required');
      assert.equal(instance.IamInstanceProfile!.Id, profile!.InstanceProfileId);
    }
    assert.equal((await muster.status(name)).state, 'complete');
    await gone(name);
  });

  it('launches others for instances that are no more, for fleets with a lease and without', async () => {
    for (const lease of [undefined, 3_600]) {
      const name = lease ? 'refilled-leased' : 'refilled';
      const [first, second] = await fleetOf(name, {}, lease);
      await end(first!);
      assert.equal((await muster.status(name)).state, 'degraded');
      await assert.rejects(muster.scale(name, { count: 3 }), (error: MusterError) =>
        /muster check \S+ --repair/.test(error.mend!),
      );
      const run = await muster.repair(name);
      const report = await run.result();
      assert.equal(report.state, 'complete', JSON.stringify(report, undefined, 1));
      assert.deepEqual(kindsOf(report.repair!.mended), ['count', 'state']);
      const { instances } = await world.exists(name);
      const ids = instances.map(({ InstanceId }) => InstanceId!);
      assert.equal(ids.length, 2);
      assert.ok(ids.includes(second!) && !ids.includes(first!));
      assert.deepEqual(report.instances.map(({ id }) => id).sort(), ids.sort());
      const status = await muster.status(name);
      assert.deepEqual(
        [status.state, status.instances.length],
        ['complete', 2],
        JSON.stringify(status.error),
      );
      assert.equal(status.lease?.endsAt, report.lease?.endsAt);
      await isTrue(name);
      // And again, now that its instances are of two runs.
      await end(...ids);
      assert.equal((await repaired(name)).state, 'complete');
      await isTrue(name);
      assert.equal((await (await muster.scale(name, { count: 3 })).result()).state, 'complete');
      const swept = (await muster.sweep()).swept.filter(({ remains }) => remains.fleet === name);
      assert.ok(
        swept.every(({ remove }) => !remove),
        JSON.stringify(swept),
      );
      await gone(name);
    }
  });

  it('leaves what is another’s, and tells it', async () => {
    const name = 'others';
    await fleetOf(name);
    await put(name, 'theirs', 'ec2:*');
    await world.iam.send(new AttachRolePolicyCommand({ RoleName: name, PolicyArn: S3 }));
    await world.iam.send(new PutRolePermissionsBoundaryCommand({ RoleName: name, PermissionsBoundary: S3 }));
    const { instances } = await world.exists(name);
    const { Instances } = await world.ec2.send(
      new RunInstancesCommand({
        ...{ MinCount: 1, MaxCount: 1, ImageId: 'ami-12c6146b', InstanceType: 't3.micro' },
        TagSpecifications: [{ ResourceType: 'instance', Tags: instances[0]!.Tags }],
      }),
    );
    const stranger = Instances![0]!.InstanceId!;
    await loosen(stranger);
    await put(name, name, 's3:*');
    const report = await repaired(name);
    assert.equal(report.state, 'degraded', JSON.stringify(report, undefined, 1));
    assert.equal(report.error, undefined);
    assert.deepEqual(kindsOf(report.repair!.mended), ['policy']);
    assert.deepEqual(kindsOf(report.repair!.remaining), ['boundary', 'policy', 'managed-policy', 'stranger']);
    assert.deepEqual(Object.keys(await world.policies(name)).sort(), [name, 'theirs']);
    assert.deepEqual(await attached(name), [S3]);
    const after = (await world.exists(name)).instances.find(({ InstanceId }) => InstanceId === stranger)!;
    assert.deepEqual([after.State!.Name, after.MetadataOptions!.HttpTokens], ['running', 'optional']);
    await end(stranger);
    await gone(name);
  });

  it('touches nothing without the tags that say whose it is', async () => {
    const name = 'disowned';
    const [one] = await fleetOf(name);
    const own = 'muster:run';
    await world.iam.send(new UntagRoleCommand({ RoleName: name, TagKeys: [own] }));
    await world.ec2.send(new DeleteTagsCommand({ Resources: [one!], Tags: [{ Key: own }] }));
    await put(name, name, 's3:*');
    await loosen(one!);
    const before = world.aws.calls().length;
    const report = await repaired(name);
    assert.deepEqual([report.state, report.repair!.mendedCount], ['degraded', 0]);
    for (const { action } of world.aws.calls().slice(before)) assert.match(action, /^(Get|List|Describe)/);
    // Whoever owns them may take them away.
    await world.iam.send(
      new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }),
    );
    await world.iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: name }));
    await world.iam.send(new DeleteRoleCommand({ RoleName: name }));
    await end(one!);
    await world.down(name);
  });

  it('refills beside an instance without its tags, and counts that one', async () => {
    const name = 'bare';
    const [bare, dead] = await fleetOf(name, {
      instances: { count: 3, image: 'ami-12c6146b', type: 't3.micro' },
    });
    const runTag = { Key: 'muster:run' };
    await world.ec2.send(new DeleteTagsCommand({ Resources: [bare!], Tags: [runTag] }));
    await end(dead!);
    const launches = world.launches().length;
    const report = await repaired(name);
    assert.deepEqual(kindsOf(report.repair!.remaining), ['tag']);
    assert.equal(world.launches().length, launches + 1);
    const ids = report.instances.map(({ id }) => id);
    assert.ok(ids.includes(bare!) && !ids.includes(dead!), JSON.stringify(ids));
    assert.equal(ids.length, 3);
    assert.equal(await world.running(ids), 3);
    const counts = report.sources!.map(({ count }) => count);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      3,
    );
    await end(bare!);
    await gone(name);
  });

  it('does nothing with another’s role under the old name, and launches nothing with it', async () => {
    const name = 'usurped';
    const [one] = await fleetOf(name);
    const inProfile = { InstanceProfileName: name, RoleName: name };
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand(inProfile));
    await world.iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: name }));
    await world.iam.send(new DeleteRoleCommand({ RoleName: name }));
    await world.iam.send(
      new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()) }),
    );
    await world.iam.send(new AddRoleToInstanceProfileCommand(inProfile));
    await end(one!);
    const launches = world.launches().length;
    const report = await repaired(name);
    assert.equal(report.state, 'degraded');
    assert.deepEqual(kindsOf(report.repair!.remaining), ['role', 'role-in-profile', 'count', 'state']);
    for (const { command } of report.repair!.remaining.filter(({ kind }) => kind === 'count'))
      assert.match(command, /^muster down usurped; muster up FILE$/);
    assert.equal(world.launches().length, launches);
    assert.deepEqual(await world.policies(name), {});
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand(inProfile));
    await world.iam.send(new DeleteRoleCommand({ RoleName: name }));
    await world.down(name);
  });
});

describe('a repair of which something fails', () => {
  it('does the rest, and tells which and why', async () => {
    const name = 'partly';
    const [one] = await fleetOf(name);
    await put(name, name, 's3:*');
    await trust(name, WIDE);
    await loosen(one!);
    world.aws.fault({ action: 'PutRolePolicy', error: DENIED, times: 1_000 });
    const report = await repaired(name);
    assert.equal(report.state, 'degraded', JSON.stringify(report, undefined, 1));
    assert.deepEqual([report.error!.step, report.error!.code], ['mend-role', 'AccessDenied']);
    assert.deepEqual(kindsOf(report.repair!.mended), ['trust', 'metadata', 'metadata']);
    assert.deepEqual(kindsOf(report.repair!.remaining), ['policy']);
    assert.deepEqual(kindsOf((await muster.check(name)).findings), ['policy']);
    world.aws.clearFaults();
    assert.equal((await repaired(name)).state, 'complete');
    await isTrue(name);
    await gone(name);
  });

  it('leaves the fleet as it was when nothing can be put right', async () => {
    const name = 'nothing';
    const [first, second] = await fleetOf(name);
    await end(first!);
    world.aws.fault({ ...LAUNCH, error: SOLD_OUT, times: 1_000 });
    const report = await repaired(name);
    assert.deepEqual([report.state, report.error!.code], ['rolled-back', SOLD_OUT.code]);
    assert.deepEqual(kindsOf(report.repair!.remaining), ['count', 'state']);
    const { instances } = await world.exists(name);
    assert.deepEqual(
      instances.map(({ InstanceId }) => InstanceId),
      [second],
    );
    world.aws.clearFaults();
    assert.equal((await repaired(name)).state, 'complete');
    await isTrue(name);
    await gone(name);
  });

  it('takes back what it launched and could not verify, a lost answer’s too, and keeps what it put right', async () => {
    const name = 'unverified';
    const [first, second] = await fleetOf(name);
    await put(name, name, 's3:*');
    await end(first!);
    world.aws.fault({ ...LAUNCH, lost: true });
    world.aws.configure({ deathChance: 1 });
    const report = await repaired(name);
    assert.deepEqual(
      [report.state, report.error!.code],
      ['degraded', 'InstancesDied'],
      JSON.stringify(report),
    );
    assert.deepEqual(kindsOf(report.repair!.mended), ['policy']);
    assert.deepEqual([report.undos[0]!.name, report.undos[0]!.state], ['terminate', 'done']);
    const { instances } = await world.exists(name);
    assert.deepEqual(
      instances.map(({ InstanceId }) => InstanceId),
      [second],
    );
    await gone(name);
  });

  it('names what it launched and AWS does not let it take back; a retry removes that alone', async () => {
    const name = 'left';
    const [first, second] = await fleetOf(name, { deadlines: { ...written('').deadlines, undo: 4 } });
    await end(first!);
    world.aws.configure({ hands: [{ after: 'RunInstances', match: 'TagSpecification', do: 'protect' }] });
    world.aws.fault({ action: 'DescribeInstances', match: 'muster%3Arun', delayMs: 6_000 });
    const run = await muster.repair(name);
    await untilStep(name, 'verify');
    await muster.cancel(name);
    const report = await run.result();
    assert.equal(report.state, 'left-over', JSON.stringify(report, undefined, 1));
    const [left] = report.leftovers;
    await assert.rejects(muster.repair(name), isRefused('FleetLeftOver'));
    await world.ec2.send(
      new ModifyInstanceAttributeCommand({ InstanceId: left!.id, DisableApiTermination: { Value: false } }),
    );
    // The one that was ended before the repair is missing still.
    assert.equal((await (await muster.retry(name)).result()).state, 'degraded');
    const { instances } = await world.exists(name);
    assert.deepEqual(
      instances.map(({ InstanceId }) => InstanceId),
      [second],
    );
    assert.equal((await repaired(name)).state, 'complete');
    await gone(name);
  });
});

describe('a repair under way', () => {
  it('stands in the way of other changes, and is taken back by a cancellation', async () => {
    const name = 'busy';
    const [first, second] = await fleetOf(name, {}, 3_600);
    await put(name, name, 's3:*');
    await end(first!);
    world.aws.fault({ ...LAUNCH, delayMs: 4_000 });
    const run = await muster.repair(name);
    await untilStep(name, 'launch');
    const words = /repairing since \d{4}-/;
    await assert.rejects(muster.repair(name), isRefused('FleetBusy', words));
    await assert.rejects(muster.scale(name, { count: 3 }), isRefused('FleetBusy', words));
    await assert.rejects(muster.down(name), isRefused('FleetBusy', words));
    assert.equal((await muster.status(name)).state, 'repairing');
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === name);
    assert.equal(entry!.state, 'repairing');
    await muster.cancel(name);
    const report = await run.result();
    assert.equal(report.state, 'cancelled', JSON.stringify(report, undefined, 1));
    assert.deepEqual(kindsOf(report.repair!.mended), ['policy']);
    const { instances } = await world.exists(name);
    assert.deepEqual(
      instances.map(({ InstanceId }) => InstanceId),
      [second],
    );
    const status = await muster.status(name);
    assert.equal(status.state, 'degraded');
    assert.ok(status.lease);
    assert.equal((await repaired(name)).state, 'complete');
    await isTrue(name);
    await gone(name);
  });

  it('is one, when two ask at once', async () => {
    const name = 'race';
    const [first] = await fleetOf(name);
    await end(first!);
    world.aws.fault({ ...LAUNCH, delayMs: 2_000 });
    const asked = await Promise.allSettled([muster.repair(name), muster.repair(name)]);
    const won = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const lost = asked.flatMap((one) => (one.status === 'rejected' ? one.reason : []));
    assert.equal(won.length, 1, String(lost));
    assert.ok(lost.every(isRefused('FleetBusy', /repairing since/)), String(lost));
    assert.equal((await won[0]!.result()).state, 'complete');
    assert.equal((await world.exists(name)).instances.length, 2);
    await isTrue(name);
    await gone(name);
  });

  it('that is terminated can be asked for again, and the fleet has its count', async () => {
    const name = 'terminated';
    const [first] = await fleetOf(name);
    await end(first!);
    world.aws.fault({ action: 'DescribeInstances', delayMs: 3_000 });
    await muster.repair(name);
    await untilStep(name, 'find');
    await world.client.workflow.getHandle(fleetWorkflowId(name)).terminate('by hand');
    assert.equal((await muster.status(name)).state, 'degraded');
    assert.equal((await repaired(name)).state, 'complete');
    assert.equal((await world.exists(name)).instances.length, 2);
    await isTrue(name);
    await gone(name);
  });

  it('goes on when its worker is killed, and launches nothing twice', async () => {
    const name = 'survivor';
    const bundle = await bundleOnce();
    const taskQueue = 'killed';
    const worker = new WorkerProcess({
      ...world.sandbox.env,
      CHAOS_BUNDLE: bundle.path,
      MUSTER_TASK_QUEUE: taskQueue,
    });
    const own = await Muster.connect({ taskQueue });
    try {
      await worker.start();
      await untilPolled(own);
      const up = await (await own.up(specFrom(written(name)))).result();
      await put(name, name, 's3:*');
      await end(up.instances[0]!.id);
      world.aws.fault({ action: 'PutRolePolicy', delayMs: 3_000 });
      world.aws.fault({ ...LAUNCH, delayMs: 3_000 });
      const run = await own.repair(name);
      for (const step of ['launch']) {
        await untilStep(name, step);
        await worker.replace();
      }
      const report = await run.result();
      assert.equal(report.state, 'complete', JSON.stringify(report, undefined, 1));
      assert.equal((await world.exists(name)).instances.length, 2);
      assert.deepEqual((await own.check(name)).findings, []);
      assert.equal((await (await own.down(name)).result()).state, 'gone');
    } finally {
      await worker.kill();
      await own.close();
      await bundle.remove();
    }
  });
});

describe('the command', () => {
  it('ends with 0, 3, 1 and 2', async () => {
    const name = 'typed';
    const [first] = await fleetOf(name);
    await put(name, name, 's3:*');
    const mended = await typed(name, '--repair');
    assert.equal(mended.code, 0, mended.stderr);
    assert.match(mended.stdout, /^✓ fleet typed is as its spec says again: 1 thing put right\n/);
    assert.match(mended.stdout, /\n {2}put right:\n {2}WHAT .*\n {2}policy {2}typed {2}Allow s3:Get\* on \*/);
    await put(name, 'theirs', 's3:*');
    const left = await typed(name, '--repair');
    assert.equal(left.code, 3, left.stderr);
    assert.match(left.stdout, /: 0 things put right, 1 thing differs still\n/);
    assert.match(
      left.stdout,
      /\n {2}to mend {3}aws iam delete-role-policy --role-name typed --policy-name theirs\n$/,
    );
    await end(first!);
    world.aws.fault({ ...LAUNCH, error: SOLD_OUT, times: 1_000 });
    const failed = await typed(name, '--repair', '--json');
    world.aws.clearFaults();
    assert.equal(failed.code, 1, failed.stderr);
    const { state, error, repair } = JSON.parse(failed.stdout);
    assert.deepEqual([state, error.code, repair.mendedCount], ['rolled-back', SOLD_OUT.code, 0]);
    assert.equal((await typed(name, '--repair', '--file', 'any.yaml')).code, 2);
    assert.equal((await typed(name, '--detach')).code, 2);
    assert.equal((await typed('nobody', '--repair')).code, 2);
    await gone(name);
  });
});

/** The command as a person calls it. */
function typed(...args: string[]): Promise<Ended> {
  return ended(startMuster(['check', ...args], { ...world.sandbox.env, NO_COLOR: '1' }));
}

describe('a repair in a storm', () => {
  it('ends with a fleet as its spec says, and not one machine too many', async () => {
    const name = 'storm';
    const deadlines = { propagation: 180, launch: 180, step: 180, running: 180, undo: 180, consistency: 8 };
    const [first, second] = await fleetOf(name, { role: { managedPolicies: [SSM] }, deadlines });
    await put(name, name, 's3:*');
    await world.iam.send(new DetachRolePolicyCommand({ RoleName: name, PolicyArn: SSM }));
    await end(first!);
    await loosen(second!);
    const { behaviour, faults = [] } = readWeather('storm');
    // Dying in the last moment is what a next repair is for.
    world.aws.configure({ ...behaviour, deathChance: 0, bucketScale: 0 });
    for (const fault of faults) world.aws.fault(fault);
    const report = await repaired(name);
    world.aws.clearFaults();
    world.aws.configure({ ...QUICK, iamLagSeconds: 0, ec2LagSeconds: 0, flapSeconds: 0 });
    assert.equal(report.state, 'complete', JSON.stringify(report, undefined, 1));
    assert.equal((await world.exists(name)).instances.length, 2);
    await isTrue(name);
    await gone(name);
  });
});
