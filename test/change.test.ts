/** Changes in place: a complete fleet gets another spec, or stays as it was. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import {
  AttachRolePolicyCommand,
  GetRoleCommand,
  ListAttachedRolePoliciesCommand,
  PutRolePolicyCommand,
  TagRoleCommand,
} from '@aws-sdk/client-iam';
import { DiffersError, Muster, MusterError, type SpecInput, specFrom } from '../client/index.ts';
import type { FleetReport } from '../fleet/report.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { SPEC_TAG } from '../fleet/tags.ts';
import { ended, MUSTER, startMuster } from './command.ts';
import { muster, useWorld, world } from './one-world.ts';
import { QUICK, until, untilPolled } from './world.ts';

useWorld({ ...QUICK, iamLagSeconds: 0, ec2LagSeconds: 0, staleChance: 0 });

const managed = (name: string) => `arn:aws:iam::aws:policy/${name}`;
const [SSM, READ, LOGS] = ['AmazonSSMManagedInstanceCore', 'ReadOnlyAccess', 'CloudWatchLogsFullAccess'].map(
  managed,
) as [string, string, string];
const DENIED = { code: 'AccessDenied', message: 'User is not authorized to perform this', status: 403 };
const GET = { actions: 's3:Get*', resources: '*' };
const PUT = { actions: 's3:Put*', resources: 'arn:aws:s3:::logs/*' };

type Instances = NonNullable<Exclude<SpecInput['instances'], string>>;

function specOf(name: string, more: Partial<SpecInput> = {}, instances: Partial<Instances> = {}) {
  return specFrom({
    name,
    region: 'us-east-1',
    ...(more.profile === undefined ? { policy: { allow: GET } } : {}),
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro', ...instances } as Instances,
    deadlines: { propagation: 20, launch: 30, step: '30s', undo: 6, consistency: 1 },
    ...more,
  });
}

/** What AWS has of a fleet, all that a change can touch. */
async function stateOf(name: string) {
  const { role, profile, instances, volumes } = await world.exists(name);
  const { AttachedPolicies = [] } = await world.iam.send(
    new ListAttachedRolePoliciesCommand({ RoleName: name }),
  );
  const { Role } = await world.iam.send(new GetRoleCommand({ RoleName: name }));
  const tags = (all: readonly { Key?: string; Value?: string }[] = []): Record<string, string> =>
    Object.fromEntries(all.map(({ Key, Value }) => [Key, Value]).sort());
  const byId = (all: readonly (readonly [string | undefined, Record<string, string>])[]) =>
    Object.fromEntries(all.map(([id, of]) => [id!, of] as const).sort());
  return {
    ids: [role!.RoleId, profile!.InstanceProfileId],
    policies: await world.policies(name),
    managed: AttachedPolicies.map(({ PolicyArn }) => PolicyArn!).sort(),
    description: Role!.Description ?? '',
    boundary: Role!.PermissionsBoundary?.PermissionsBoundaryArn,
    role: tags(Role!.Tags),
    profile: tags(profile!.Tags),
    instances: byId(instances.map(({ InstanceId, Tags }) => [InstanceId, tags(Tags)])),
    volumes: byId(volumes.map(({ VolumeId, Tags }) => [VolumeId, tags(Tags)])),
  };
}

type Spec = ReturnType<typeof specOf>;

async function fleetOf(spec: Spec, lease?: number) {
  const report = await (await muster.up(spec, { lease })).result();
  assert.equal(report.state, 'complete', JSON.stringify(report.error));
  return stateOf(spec.spec.name);
}

const changed = async (spec: Spec) => (await muster.change(spec)).result();

const gone = async (name: string) => {
  assert.equal((await (await muster.down(name)).result()).state, 'gone');
  const { role, profile, instances } = await world.exists(name);
  assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
};

const isRefused = (code: string, words?: RegExp) => (error: unknown) =>
  error instanceof MusterError && error.code === code && (words?.test(error.message) ?? true);

/** The fields that `up` with this spec says differ. */
async function differing(spec: Spec): Promise<string[]> {
  const error = await muster.up(spec).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(error instanceof DiffersError, String(error));
  return error.changes.map(({ field, from, to }) => `${field}: ${from} -> ${to}`);
}

async function untilStep(name: string, step: string, of = world.client): Promise<void> {
  await until(of.workflow.getHandle(fleetWorkflowId(name)), ({ action, steps }) =>
    steps.some((one) => action === 'change' && one.name === step && one.state === 'running'),
  );
}

const failedStep = ({ error }: FleetReport) => [error?.step, error?.code];

describe('a change in place', () => {
  it('of the policy is made on the role that there is, and the fleet has the new spec from then on', async () => {
    const [old, wanted] = [specOf('policed'), specOf('policed', { policy: { allow: [GET, PUT] } })];
    const before = await fleetOf(old);
    assert.deepEqual(await differing(wanted), [
      'policy.document: nothing beyond that -> Allow s3:Put* on arn:aws:s3:::logs/*',
    ]);
    const report = await changed(wanted);
    assert.deepEqual([report.action, report.state], ['change', 'complete']);
    assert.equal(report.change!.changes.length, 1);
    const now = await stateOf('policed');
    assert.deepEqual([now.ids, Object.keys(now.instances)], [before.ids, Object.keys(before.instances)]);
    assert.equal(now.policies.policed.Statement.length, 2);
    assert.deepEqual((await muster.check('policed')).findings, []);

    const again = await muster.up(wanted);
    assert.equal(again.met, 'ended');
    assert.equal((await again.result()).state, 'complete');
    assert.equal((await muster.change(wanted)).met, 'ended');
    assert.deepEqual(await differing(old), [
      'policy.document: Allow s3:Put* on arn:aws:s3:::logs/* -> nothing beyond that',
    ]);
    const back = await changed(old);
    assert.equal(back.state, 'complete');
    assert.deepEqual((await stateOf('policed')).policies, before.policies);
    await gone('policed');
  });

  it('of everything that it can be', async () => {
    const old = specOf('all', {
      policy: { name: 'first', allow: GET },
      role: { managedPolicies: [SSM, READ], tags: { only: 'role' }, permissionsBoundary: READ },
      tags: { team: 'blue', gone: 'soon' },
      profile: { tags: { only: 'profile' } },
    });
    const wanted = specOf(
      'all',
      {
        policy: { name: 'second', allow: PUT },
        role: { managedPolicies: [SSM, LOGS], tags: { only: 'this role' }, description: 'What it may do' },
        tags: { team: 'green', fresh: '1' },
        onFailure: 'keep',
        deadlines: { propagation: 20, launch: 30, step: '31s', undo: 6, consistency: 1 },
        notify: { eventBridge: 'default', on: 'gone' },
      },
      {
        count: 4,
        tags: { tier: 'front' },
        placements: [{ type: 't3.micro' }, { type: 't3.small' }],
        type: undefined,
      },
    );
    const before = await fleetOf(old);
    const report = await changed(wanted);
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    const now = await stateOf('all');
    assert.deepEqual(now.ids, before.ids);
    assert.deepEqual(Object.keys(now.policies), ['second']);
    assert.deepEqual(now.managed, [SSM, LOGS].sort());
    assert.deepEqual([now.boundary, now.description], [undefined, 'What it may do']);
    const own = (tags: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith('muster:')));
    assert.deepEqual(own(now.role), { team: 'green', fresh: '1', only: 'this role' });
    assert.deepEqual(own(now.profile), { team: 'green', fresh: '1' });
    assert.equal(Object.keys(now.instances).length, 4);
    for (const id of Object.keys(before.instances)) assert.ok(now.instances[id], `${id} is one of its own`);
    for (const tags of [...Object.values(now.instances), ...Object.values(now.volumes)]) {
      assert.deepEqual(own(tags), { team: 'green', fresh: '1', tier: 'front' });
      assert.equal(tags[SPEC_TAG], wanted.hash);
    }
    assert.deepEqual((await muster.check('all')).findings, []);
    const status = await muster.status('all');
    assert.deepEqual([status.specHash, status.placements!.length], [wanted.hash, 2]);
    assert.deepEqual(await (await muster.up(wanted)).result().then(({ state }) => state), 'complete');
    const grown = await (await muster.scale('all', { count: 5 })).result();
    assert.equal(grown.state, 'complete');
    assert.deepEqual((await muster.check('all')).findings, []);
    await gone('all');
  });

  it('of a fleet that was scaled leaves it as many as it has, and none of them is missed', async () => {
    await fleetOf(specOf('grown'));
    assert.equal((await (await muster.scale('grown', { count: 3 })).result()).state, 'complete');
    const report = await changed(specOf('grown', { tags: { team: 'green' } }));
    assert.deepEqual(report.wanted, { want: 3, min: 3 });
    const status = await muster.status('grown');
    assert.deepEqual([status.wanted, status.instances.length], [{ want: 3, min: 3 }, 3]);
    assert.deepEqual((await muster.check('grown')).findings, []);
    const shown = await ended(startMuster(['status', 'grown'], world.sandbox.env));
    assert.doesNotMatch(shown.stdout, / short /);
    await gone('grown');
  });

  it('is told from what there is, also after a scale', async () => {
    await fleetOf(specOf('scaled'));
    assert.equal((await (await muster.scale('scaled', { count: 5 })).result()).state, 'complete');
    const wanted = specOf('scaled', {}, { count: 3 });
    const words = 'instances.count: 5 (2 by its spec) -> 3';
    assert.deepEqual(await differing(wanted), [words]);
    const { changes, items } = await muster.plan(wanted);
    assert.deepEqual(
      changes.map(({ field, from, to }) => `${field}: ${from} -> ${to}`),
      [words],
    );
    assert.deepEqual(
      items.slice(-2).map(({ act, count }) => [act, count]),
      [
        ['keep', 3],
        ['remove', 2],
      ],
    );
    const report = await changed(wanted);
    assert.deepEqual([report.state, report.instances.length], ['complete', 3]);
    assert.deepEqual(
      report.change!.changes.map(({ from, to }) => [from, to]),
      [['5 (2 by its spec)', '3']],
    );
    assert.equal(Object.keys((await stateOf('scaled')).instances).length, 3);
    await gone('scaled');
  });

  it('takes away only what the fleet’s own spec had set', async () => {
    const old = specOf('mixed', { role: { managedPolicies: [READ] }, tags: { a: '1', b: '1' } });
    const { instances } = await fleetOf(old);
    const [touched] = Object.keys(instances);
    const RoleName = 'mixed';
    await world.iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: LOGS }));
    await world.iam.send(new TagRoleCommand({ RoleName, Tags: [{ Key: 'a', Value: 'theirs' }] }));
    const Tags = [
      { Key: 'a', Value: 'theirs' },
      { Key: 'also', Value: 'theirs' },
    ];
    await world.ec2.send(new CreateTagsCommand({ Resources: [touched!], Tags }));
    const report = await changed(specOf('mixed', { role: {} }));
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    const now = await stateOf('mixed');
    assert.deepEqual(now.managed, [LOGS]);
    assert.deepEqual([now.role.a, now.role.b], ['theirs', undefined]);
    assert.deepEqual([now.profile.a, now.profile.b], [undefined, undefined]);
    for (const [id, tags] of Object.entries(now.instances)) {
      const theirs = id === touched ? 'theirs' : undefined;
      assert.deepEqual([tags.a, tags.b, tags.also], [theirs, undefined, theirs]);
    }
    await gone('mixed');
  });

  it('leaves a role and a profile that are borrowed as they are', async () => {
    await fleetOf(specOf('lender'));
    const borrowed = (tags: Record<string, string>) => specOf('borrower', { profile: 'lender', tags });
    const report = await (await muster.up(borrowed({ team: 'blue' }))).result();
    assert.equal(report.state, 'complete');
    const before = await stateOf('lender');
    const from = world.aws.calls().length;
    assert.equal((await changed(borrowed({ team: 'green' }))).state, 'complete');
    const wrote = world.aws
      .calls()
      .slice(from)
      .filter(({ action }) => /^(Put|Tag|Untag|Attach|Detach)/.test(action));
    assert.deepEqual(wrote, []);
    assert.deepEqual(await stateOf('lender'), before);
    const { instances } = await world.exists('borrower');
    for (const { Tags } of instances) assert.equal(Tags!.find(({ Key }) => Key === 'team')!.Value, 'green');
    assert.equal((await (await muster.down('borrower')).result()).state, 'gone');
    await gone('lender');
  });

  it('keeps a lease', async () => {
    await fleetOf(specOf('leased'), 600);
    const { lease } = await muster.status('leased');
    const wanted = specOf('leased', { tags: { team: 'blue' } });
    assert.equal((await changed(wanted)).state, 'complete');
    const again = await muster.up(wanted);
    assert.equal(again.met, 'keeping');
    assert.equal((await again.result()).lease!.endsAt, lease!.endsAt);
    assert.equal((await muster.extend('leased', { seconds: 60 }))!.endsAt, lease!.endsAt + 60_000);
    await gone('leased');
  });

  it('does what it can in place, and says what needs other machines', async () => {
    await fleetOf(specOf('partly'));
    const wanted = specOf('partly', { tags: { team: 'blue' } }, { monitoring: true, type: 't3.small' });
    const report = await changed(wanted);
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    assert.deepEqual(
      report.change!.rest.map(({ field, how }) => [field, how]),
      [
        ['instances.placements', 'roll'],
        ['instances.monitoring', 'roll'],
      ],
    );
    assert.equal((await stateOf('partly')).role.team, 'blue');
    assert.deepEqual(await differing(wanted), [
      'instances.placements: t3.micro -> t3.small',
      'instances.monitoring: false -> true',
    ]);
    const from = world.aws.calls().length;
    await assert.rejects(muster.change(wanted), isRefused('FleetDiffers'));
    await assert.rejects(
      muster.change(specOf('partly', { policy: { allow: GET }, profile: { path: '/other/' } })),
      isRefused('FleetDiffers'),
    );
    await assert.rejects(muster.change(specOf('nobody')), isRefused('FleetNotFound'));
    const wrote = world.aws
      .calls()
      .slice(from)
      .filter(({ action }) => !/^(Get|List|Describe)/.test(action));
    assert.deepEqual(wrote, []);
    await gone('partly');
  });
});

describe('a change that cannot be', () => {
  it('is seen before anything is changed', async () => {
    const old = specOf('refused');
    await fleetOf(old);
    const theirs = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] };
    await world.iam.send(
      new PutRolePolicyCommand({
        RoleName: 'refused',
        PolicyName: 'theirs',
        PolicyDocument: JSON.stringify(theirs),
      }),
    );
    const before = await stateOf('refused');
    const many = Array.from(
      { length: 98 },
      (_, at) =>
        `arn:aws:s3:::a-bucket-with-quite-a-long-name-so-that-it-adds-up-${at}-and-more-of-it-still/*`,
    );
    const wanted = specOf('refused', {
      policy: { name: 'theirs', allow: { actions: 's3:Get*', resources: many } },
      role: { managedPolicies: [managed('NoSuchPolicyAnywhere')] },
    });
    const report = await changed(wanted);
    assert.deepEqual(
      [report.state, ...failedStep(report)],
      ['rolled-back', 'compare-fleet', 'PreflightFailed'],
    );
    assert.equal(report.error!.problems!.length, 2, report.error!.problems!.join('\n'));
    assert.match(
      report.error!.problems!.join('\n'),
      /theirs that is not the fleet's[\s\S]*NoSuchPolicyAnywhere/,
    );
    assert.deepEqual(await stateOf('refused'), before);
    assert.equal((await muster.up(old)).met, 'ended');
    await gone('refused');
  });

  it('of more instances is seen before the policy is changed', async () => {
    await fleetOf(specOf('wide'));
    const from = world.aws.calls().length;
    const report = await changed(
      specOf(
        'wide',
        { policy: { allow: PUT } },
        { count: 3, placements: [{ type: 't3.micro' }, { type: 'x9.none' }], type: undefined },
      ),
    );
    assert.deepEqual([report.state, ...failedStep(report)], ['rolled-back', 'preflight', 'PreflightFailed']);
    assert.ok(
      !world.aws
        .calls()
        .slice(from)
        .some(({ action }) => action === 'PutRolePolicy'),
    );
    await gone('wide');
  });
});

describe('a change that fails', () => {
  const old = (name: string) => specOf(name, { role: { managedPolicies: [READ], tags: { a: '1' } } });
  const wanted = (name: string, count = 2) =>
    specOf(
      name,
      { policy: { allow: PUT }, role: { managedPolicies: [LOGS], tags: { b: '1' } }, tags: { team: 'blue' } },
      { count },
    );

  for (const [title, fault, step] of [
    ['at its second call', { action: 'AttachRolePolicy', error: DENIED }, 'attach-policies'],
    ['at a tag', { action: 'TagInstanceProfile', error: DENIED }, 'tag-profile'],
    ['at the instances’ tags', { action: 'CreateTags', error: DENIED }, 'tag-instances'],
    ['at the detaching', { action: 'DetachRolePolicy', error: DENIED }, 'detach-policies'],
    ['at the launch', { action: 'RunInstances', match: 'TagSpecification', error: DENIED }, 'launch'],
  ] as const) {
    it(`${title} is taken back, as AWS had it`, async () => {
      const name = `fails-${step}`;
      await fleetOf(old(name));
      // By hand, so that what is put back cannot be the spec's.
      const byHand = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 's3:ListBucket', Resource: '*' }],
      };
      await world.iam.send(
        new PutRolePolicyCommand({
          RoleName: name,
          PolicyName: name,
          PolicyDocument: JSON.stringify(byHand),
        }),
      );
      const before = await stateOf(name);
      const [one] = Object.keys(before.instances);
      await world.ec2.send(
        new CreateTagsCommand({ Resources: [one!], Tags: [{ Key: 'team', Value: 'theirs' }] }),
      );
      before.instances[one!]!.team = 'theirs';
      world.aws.fault(fault);
      const report = await changed(wanted(name, step === 'launch' ? 3 : 2));
      assert.deepEqual([report.state, ...failedStep(report)], ['rolled-back', step, fault.error.code]);
      assert.deepEqual(report.leftovers, []);
      assert.deepEqual(await stateOf(name), before);
      assert.equal((await muster.up(old(name))).met, 'ended');
      assert.match((await muster.status(name)).change!.failed!, /AccessDenied/);
      assert.equal((await changed(wanted(name))).state, 'complete');
      await gone(name);
    });
  }

  it('and cannot be taken back says what is not as it was', async () => {
    await fleetOf(old('stuck'));
    world.aws.fault({ action: 'PutRolePolicy', error: DENIED, skip: 1, times: 1000 });
    world.aws.fault({ action: 'TagInstanceProfile', error: DENIED });
    const report = await changed(wanted('stuck'));
    assert.deepEqual([report.state, report.leftovers.length], ['degraded', 0]);
    assert.deepEqual(
      report.undos.filter(({ state }) => state === 'failed').map(({ name }) => name),
      ['put-policy'],
    );
    world.aws.clearFaults();
    const kinds = (await muster.check('stuck')).findings.map(({ kind }) => kind);
    assert.deepEqual(kinds, ['policy']);
    await gone('stuck');
  });
});

describe('a change on a bad day', () => {
  const wanted = (name: string) =>
    specOf(name, { policy: { allow: PUT }, role: { managedPolicies: [LOGS] }, tags: { team: 'blue' } });

  it('loses answers', async () => {
    const name = 'lossy';
    await fleetOf(specOf(name, { role: { managedPolicies: [READ] } }));
    for (const action of ['PutRolePolicy', 'AttachRolePolicy', 'DetachRolePolicy', 'TagRole', 'CreateTags']) {
      world.aws.fault({ action, lost: true });
    }
    const report = await changed(wanted(name));
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    assert.deepEqual((await muster.check(name)).findings, []);
    assert.deepEqual((await stateOf(name)).managed, [LOGS]);
    await gone(name);
  });

  it('goes through a storm', async () => {
    const name = 'stormy';
    const patient = { propagation: 30, launch: 60, step: '60s', undo: 60, consistency: 4 };
    const old = specOf(name, { deadlines: patient });
    const before = await fleetOf(old);
    world.aws.configure({ iamLagSeconds: 1, ec2LagSeconds: 1, staleChance: 0.5 });
    for (const action of ['iam:*', 'ec2:*']) {
      world.aws.fault({ action, chance: 0.1, lost: true });
      world.aws.fault({ action, chance: 0.1, cut: true });
    }
    world.aws.fault({
      action: 'iam:*',
      chance: 0.1,
      error: { code: 'Throttling', message: 'Rate exceeded' },
    });
    const better = specOf(name, { policy: { allow: PUT }, tags: { team: 'blue' }, deadlines: patient });
    const report = await changed(better);
    world.aws.clearFaults();
    world.aws.configure({ iamLagSeconds: 0, ec2LagSeconds: 0, staleChance: 0 });
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    assert.deepEqual((await muster.check(name)).findings, []);
    assert.deepEqual((await stateOf(name)).ids, before.ids);
    await gone(name);
  });
});

describe('a change under way', () => {
  const wanted = (name: string) => specOf(name, { policy: { allow: PUT }, tags: { team: 'blue' } });
  const slow = (action: string) => world.aws.fault({ action, delayMs: 3_000 });

  it('is taken back when it is cancelled, and stands in the way of others', async () => {
    const before = await fleetOf(specOf('held'), 600);
    slow('TagInstanceProfile');
    await muster.change(wanted('held'));
    await untilStep('held', 'tag-profile');
    const words = /changing policy.document, tags.team since \d{4}-/;
    await assert.rejects(muster.scale('held', { count: 3 }), isRefused('FleetBusy', words));
    await assert.rejects(muster.change(wanted('held')), isRefused('FleetBusy', words));
    await assert.rejects(muster.up(wanted('held')), isRefused('FleetBusy', words));
    await assert.rejects(muster.release('held'), isRefused('FleetBusy', words));
    assert.equal((await muster.status('held')).state, 'changing');
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === 'held');
    assert.equal(entry!.state, 'changing');
    assert.equal((await (await muster.cancel('held')).result()).state, 'cancelled');
    assert.deepEqual(await stateOf('held'), before);
    assert.equal((await muster.up(specOf('held'))).met, 'keeping');
    await gone('held');
  });

  it('is one, when two ask at once', async () => {
    await fleetOf(specOf('race'));
    const teams = ['blue', 'green', 'red'];
    const specs = teams.map((team) => specOf('race', { tags: { team } }));
    const asked = await Promise.allSettled(specs.map((spec) => muster.change(spec)));
    const won = asked.flatMap((one, at) =>
      one.status === 'fulfilled' ? { run: one.value, team: teams[at] } : [],
    );
    const lost = asked.flatMap((one) => (one.status === 'rejected' ? one.reason : []));
    assert.ok(won.length >= 1, String(lost[0]?.stack));
    assert.ok(lost.every(isRefused('FleetBusy', /changing tags.team since/)), String(lost));
    for (const { run } of won) assert.equal((await run.result()).state, 'complete');
    const { role } = await stateOf('race');
    assert.ok(won.some(({ team }) => team === role.team));
    assert.deepEqual((await muster.check('race')).findings, []);
    await gone('race');
  });

  it('that is terminated undoes nothing; what it left is told, and changed again', async () => {
    await fleetOf(specOf('ended'));
    slow('TagInstanceProfile');
    const run = await muster.change(wanted('ended'));
    await untilStep('ended', 'tag-profile');
    await world.client.workflow.getHandle(fleetWorkflowId('ended')).terminate('by hand');
    assert.equal((await run.result()).state, 'lost');
    const status = await muster.status('ended');
    assert.equal(status.state, 'complete');
    assert.match(status.change!.failed!, /terminated/);
    assert.ok((await muster.check('ended')).findings.length > 0);
    assert.equal((await muster.up(specOf('ended'))).met, 'ended');
    assert.equal((await changed(wanted('ended'))).state, 'complete');
    assert.deepEqual((await muster.check('ended')).findings, []);
    await gone('ended');
  });

  it('goes on when its worker is killed', async () => {
    const taskQueue = 'killed';
    const env = { ...process.env, ...world.sandbox.env, MUSTER_TASK_QUEUE: taskQueue };
    const startWorker = () => spawn(process.execPath, [MUSTER, 'worker'], { env, stdio: 'ignore' });
    let worker = startWorker();
    const own = await Muster.connect({ taskQueue });
    const polled = async () => {
      for (let tries = 0; tries < 10; tries++) {
        try {
          return await untilPolled(own);
        } catch {
          // A loaded machine takes its time to start a process.
        }
      }
    };
    try {
      await polled();
      const patient = { propagation: 20, launch: 30, step: '3m', undo: 60, consistency: 1 };
      const killed = (more: Partial<SpecInput>) => specOf('killed', { deadlines: patient, ...more });
      assert.equal((await (await own.up(killed({}))).result()).state, 'complete');
      world.aws.fault({ action: 'TagInstanceProfile', delayMs: 20_000 });
      const run = await own.change(killed({ policy: { allow: PUT }, tags: { team: 'blue' } }));
      await untilStep('killed', 'tag-profile');
      worker.kill('SIGKILL');
      worker = startWorker();
      await polled();
      assert.equal((await run.result()).state, 'complete');
      assert.deepEqual((await own.check('killed')).findings, []);
      assert.equal((await (await own.down('killed')).result()).state, 'gone');
    } finally {
      worker.kill('SIGKILL');
      await own.close();
    }
  });
});

describe('muster up with another spec', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-change-'));
  });
  after(() => rm(folder, { recursive: true }));

  const cli = (...args: string[]) => ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1' }));

  const file = async (more: object, instances: object = {}) => {
    const path = join(folder, 'spec.json');
    const { deadlines } = specOf('typed').spec;
    const base = { name: 'typed', region: 'us-east-1', policy: { allow: GET }, deadlines };
    await writeFile(
      path,
      JSON.stringify({
        ...base,
        ...more,
        instances: { count: 1, image: 'ami-12c6146b', type: 't3.micro', ...instances },
      }),
    );
    return path;
  };

  it('asks, or wants --yes; ends with 0, 1, 2 or 3', async () => {
    assert.equal((await cli('up', await file({}))).code, 0);
    const before = await stateOf('typed');

    const shown = await cli('up', await file({ tags: { team: 'blue' } }));
    assert.equal(shown.code, 2);
    assert.match(
      shown.stderr,
      /tags\.team +none → blue[\s\S]*its spec is another[\s\S]*muster up \S+spec\.json --yes/,
    );
    const told = JSON.parse((await cli('up', await file({ tags: { team: 'blue' } }), '--json')).stdout);
    assert.equal(told.error.code, 'FleetDiffers');
    assert.deepEqual(told.error.changes, [{ field: 'tags.team', from: 'none', to: 'blue', how: 'in-place' }]);
    assert.deepEqual(await stateOf('typed'), before);

    const done = await cli('up', await file({ tags: { team: 'blue' } }), '--yes');
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /fleet typed is changed[\s\S]*changed +tags\.team +none → blue/);
    assert.equal((await stateOf('typed')).role.team, 'blue');
    assert.equal((await cli('up', await file({ tags: { team: 'blue' } }))).code, 0);

    world.aws.fault({ action: 'TagRole', error: DENIED });
    const failed = await cli('up', await file({ tags: { team: 'red' } }), '--yes');
    assert.equal(failed.code, 1, failed.stderr);
    assert.match(failed.stdout, /was not changed; it is as it was/);
    assert.equal((await stateOf('typed')).role.team, 'blue');

    const partly = await cli('up', await file({ tags: { team: 'red' } }, { monitoring: true }), '--yes');
    assert.equal(partly.code, 3, partly.stderr);
    assert.match(
      partly.stdout,
      /not yet +instances\.monitoring +false → true[\s\S]*muster roll \S+spec\.json/,
    );
    const rest = await cli('up', await file({ tags: { team: 'red' } }, { monitoring: true }), '--yes');
    assert.equal(rest.code, 2);
    assert.match(rest.stderr, /muster roll \S+spec\.json/);
    await gone('typed');
  });
});
