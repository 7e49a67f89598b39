/**
 * The policy of `muster permissions`: it is all that a worker needs, as long as a fleet lives. The sandbox holds it against
 * resources and conditions (sandbox/authorization.ts); test/permissions-removals has what is needed of it.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  DeleteTagsCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  DisassociateIamInstanceProfileCommand,
  ModifyInstanceMetadataOptionsCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetRoleCommand,
  PutRolePolicyCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { specFromFile } from '../client/index.ts';
import { fitOf, permissionsFor, policyFor } from '../fleet/permissions.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import type { FleetReport } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import {
  allowed,
  assertNothing,
  deleteVolumes,
  LOGS,
  neededBy,
  S3,
  useWorld,
  type Written,
  wordsOf,
  world,
  written,
} from './permitted.ts';
import { specOf } from './world.ts';

useWorld();

const REFUSED = { code: 'AccessDenied', message: 'You may not', status: 403 };

const sidsOf = (spec: FleetSpec) => permissionsFor(spec).map(({ sid }) => sid);
const statement = (spec: FleetSpec, sid: string) => permissionsFor(spec).find((each) => each.sid === sid)!;

describe('what a spec needs', () => {
  it('has no statement for what the spec does not have', () => {
    assert.deepEqual(sidsOf(specOf({ name: 'plain' }).spec), [
      'LookAtNames',
      'SimulateItself',
      'MakeRole',
      'PutPolicy',
      'ReadRole',
      'TakeBackRole',
      'MakeProfile',
      'FillProfile',
      'TakeBackProfile',
      'PassRole',
      'LookAtEc2',
      'Launch',
      'LaunchWith',
      'TagAtLaunch',
      'MendProfile',
      'TakeBackMachines',
      'ChangeRole',
      'MendTrust',
      'ChangeProfile',
      'ChangeTags',
      'MendMachines',
      'FindRemains',
    ]);
    assert.deepEqual(sidsOf(specFromFile('examples/existing-profile.yaml').spec), [
      'LookAtNames',
      'SimulateItself',
      'PassRole',
      'LookAtEc2',
      'ReadImageName',
      'Launch',
      'LaunchWith',
      'TagAtLaunch',
      'MendProfile',
      'TakeBackMachines',
      'ChangeTags',
      'MendMachines',
      'FindRemains',
    ]);
    const borrowed = sidsOf(specOf({ name: 'borrowed', role: 'lent' }).spec);
    assert.deepEqual(
      borrowed.filter((sid) => /Role|Policies|Profile/.test(sid)),
      ['MakeProfile', 'FillProfile', 'TakeBackProfile', 'PassRole', 'MendProfile', 'ChangeProfile'],
    );
    const tells = sidsOf(specOf({ name: 'tells', notify: { eventBridge: 'default' } }).spec);
    assert.ok(tells.includes('Tell'));
  });

  it('names role, profile, account, image, networks, keys and buses as closely as the spec does', () => {
    const { spec } = specOf({
      name: 'close',
      policy: { allow: { actions: 's3:Get*', resources: '*' } },
      account: '123456789012',
      role: { name: 'r', path: '/fleets/' },
      profile: { name: 'p', path: '/fleets/' },
      notify: { eventBridge: 'arn:aws:events:eu-west-1:123456789012:event-bus/ops' },
      instances: {
        placements: [{ type: 't3.micro', subnet: 'subnet-0123456789abcdef0' }],
        type: undefined,
        securityGroups: ['sg-0123456789abcdef0'],
        key: 'mine',
        volumes: [
          { device: '/dev/sdf', size: 1, encrypted: true, kmsKey: 'alias/web' },
          { device: '/dev/sdg', snapshot: 'snap-0123456789abcdef0' },
        ],
      },
    });
    assert.deepEqual(statement(spec, 'PassRole').resources, ['arn:aws:iam::123456789012:role/fleets/r']);
    assert.deepEqual(statement(spec, 'Launch').condition, {
      ArnLike: { 'ec2:InstanceProfile': ['arn:aws:iam::123456789012:instance-profile/fleets/p'] },
      StringEquals: { 'ec2:InstanceType': ['t3.micro'] },
    });
    assert.deepEqual(statement(spec, 'LaunchWith').resources, [
      'arn:aws:ec2:us-east-1::image/ami-12c6146b',
      'arn:aws:ec2:us-east-1:123456789012:subnet/subnet-0123456789abcdef0',
      'arn:aws:ec2:us-east-1:123456789012:security-group/sg-0123456789abcdef0',
      'arn:aws:ec2:us-east-1:123456789012:network-interface/*',
      'arn:aws:ec2:us-east-1:123456789012:volume/*',
      'arn:aws:ec2:us-east-1:123456789012:key-pair/mine',
      'arn:aws:ec2:us-east-1::snapshot/snap-0123456789abcdef0',
    ]);
    assert.deepEqual(statement(spec, 'Tell').resources, [
      'arn:aws:events:eu-west-1:123456789012:event-bus/ops',
    ]);
    assert.deepEqual(statement(spec, 'UseKeysByAlias').condition, {
      StringEquals: { 'kms:ViaService': 'ec2.us-east-1.amazonaws.com' },
      'ForAnyValue:StringEquals': { 'kms:ResourceAliases': ['alias/web'] },
    });
  });

  it('speaks of the partition of the region', () => {
    const china = statement(specOf({ name: 'c', region: 'cn-north-1' }).spec, 'PassRole');
    assert.deepEqual(
      [china.resources, china.condition],
      [['arn:aws-cn:iam::*:role/c'], { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com.cn' } }],
    );
    const gov = statement(specOf({ name: 'g', region: 'us-gov-west-1' }).spec, 'PassRole');
    assert.deepEqual(gov.resources, ['arn:aws-us-gov:iam::*:role/g']);
  });

  it('is the list that docs/real-account.md has, but for several places and what needs no permission', () => {
    const specs = [
      specOf({ name: 'spot', instances: { market: 'spot' } }).spec,
      specFromFile('examples/full.yaml').spec,
      specFromFile('examples/existing-profile.yaml').spec,
    ];
    const needed = new Set(specs.flatMap((spec) => permissionsFor(spec).flatMap(({ actions }) => actions)));
    const page = readFileSync('docs/real-account.md', 'utf8');
    const [, table = ''] = /any spec may need:\n\n(.*?)(?:\n\n|$)/s.exec(page) ?? [];
    const told = new Set(table.match(/\b(?:iam|ec2|ssm|sts|kms|events):[A-Z][A-Za-z]+\*?/g));
    told.delete('iam:PassedToService');
    // The first is for several places, which need more than one policy; the second needs no permission.
    const others = ['sts:AssumeRole', 'sts:GetCallerIdentity'];
    assert.deepEqual([...told].filter((action) => !needed.has(action)).sort(), others);
    assert.deepEqual(
      [...needed].filter((action) => !told.has(action)),
      [],
    );
  });

  it('fits where it is to be put, or says that it does not', () => {
    const full = fitOf(policyFor(permissionsFor(specFromFile('examples/full.yaml').spec)));
    assert.deepEqual(full.fits, ["a role's inline policies (10,240)"]);
    const plain = fitOf(policyFor(permissionsFor(specFromFile('examples/s3-read-only.yaml').spec)));
    assert.deepEqual(plain.fits, ['a managed policy (6,144)', "a role's inline policies (10,240)"]);
    const long = (at: number) => `arn:aws:iam::123456789012:policy/${'x'.repeat(600)}/p${at}`;
    const role = { managedPolicies: Array.from({ length: 20 }, (_, at) => long(at)) };
    const { spec } = specOf({ name: 'long', role, policy: undefined });
    const { fits, characters } = fitOf(policyFor(permissionsFor(spec)));
    assert.deepEqual(fits, []);
    assert.ok(characters > 10_240);
  });
});

describe('a worker with this policy and no other', () => {
  /** With nothing but its own permissions. */
  async function lives(spec: Written): Promise<void> {
    const { name } = spec;
    await allowed(neededBy(spec), async () => {
      await comesUp(spec);
      assert.equal((await world.muster.status(name)).state, 'complete');
      assert.deepEqual((await world.muster.check(name)).findings, []);
      for (const count of [3, 1]) {
        await isComplete(world.muster.scale(name, { count }));
        assert.equal((await world.exists(name)).instances.length, count);
      }
      await goes(name);
    });
  }

  type Run = ReturnType<typeof world.muster.up>;

  async function isComplete(run: Run): Promise<FleetReport> {
    const report = await (await run).result();
    assert.equal(report.state, 'complete', `${wordsOf(report)} ${JSON.stringify(report.repair)}`);
    return report;
  }

  const comesUp = (spec: Written) => isComplete(world.muster.up(specOf(spec)));

  async function goes(name: string): Promise<void> {
    const down = await (await world.muster.down(name)).result();
    assert.equal(down.state, 'gone', JSON.stringify(down.leftovers));
    await deleteVolumes(name);
    await assertNothing(name);
  }

  it('brings a fleet up, looks at it, checks it, scales it and takes it down', async () => {
    await lives(written('whole'));
  });

  it('does so with a role that exists, and with a profile that exists; with no more than a spec of the least', async () => {
    const lender = { name: 'lender' };
    await allowed(neededBy(lender), () => comesUp(lender));
    await lives({ name: 'borrows-role', role: 'lender' });
    await lives({ name: 'borrows-profile', profile: 'lender' });
    await allowed(neededBy(lender), () => goes('lender'));
  });

  it('changes and rolls a fleet, and back, with the policy of the new spec beside that of the old', async () => {
    const name = 'moves';
    const first = { ...written(name), tags: { team: 'web' } };
    const unbound = {
      ...first,
      tags: { stage: 'test' },
      policy: { name: 'other', allow: [{ actions: ['s3:List*'], resources: ['*'] }] },
      role: { path: '/fleets/', managedPolicies: [LOGS], description: 'Unbound' },
    };
    const bound = { ...unbound, role: { ...unbound.role, permissionsBoundary: S3 } };
    const rolled = { ...bound, instances: { ...bound.instances, image: 'ami-1e749f67' } };
    const boundary = async () =>
      (await world.iam.send(new GetRoleCommand({ RoleName: name }))).Role!.PermissionsBoundary
        ?.PermissionsBoundaryArn;

    await allowed(neededBy(first), async () => {
      await comesUp(first);
      const refused = await (await world.muster.change(specOf(unbound))).result();
      assert.equal(refused.state, 'rolled-back');
      assert.match(wordsOf(refused), /iam:GetPolicy/);
      assert.deepEqual((await world.muster.check(name)).findings, []);
    });
    const steps = [
      [first, unbound, undefined],
      [unbound, bound, S3],
    ] as const;
    for (const [from, to, bounds] of steps) {
      await allowed(neededBy(from), () =>
        allowed(neededBy(to), () => isComplete(world.muster.change(specOf(to)))),
      );
      assert.equal(await boundary(), bounds);
    }
    await allowed(neededBy(bound), () =>
      allowed(neededBy(rolled), async () => {
        await isComplete(world.muster.roll(specOf(rolled), { wave: { percent: 100 } }));
        // What has been changed by then is set back.
        world.aws.fault({ action: 'UpdateRoleDescription', nth: 1, error: REFUSED });
        const role = { ...rolled.role, description: 'Refused' };
        const other = { ...rolled, policy: first.policy, role };
        const changed = await (await world.muster.change(specOf(other))).result();
        assert.equal(changed.state, 'rolled-back', wordsOf(changed));
        world.aws.clearFaults();
      }),
    );
    await allowed(neededBy(rolled), async () => {
      assert.deepEqual((await world.muster.check(name)).findings, []);
      const { instances } = await world.exists(name);
      assert.deepEqual(
        instances.map(({ ImageId }) => ImageId),
        ['ami-1e749f67', 'ami-1e749f67'],
      );
      await goes(name);
    });
  });

  it('repairs a fleet, and sweeps', async () => {
    const name = 'mended';
    const spec = { ...written(name), tags: { team: 'web' } };
    await allowed(neededBy(spec), async () => {
      const { instances } = await comesUp(spec);
      await spoil(name, instances.map(({ id }) => id) as [string, string]);
      const { repair } = await isComplete(world.muster.repair(name));
      assert.deepEqual(
        new Set(repair!.mended.map(({ kind }) => kind)),
        new Set(['policy', 'managed-policy', 'trust', 'tag', 'state', 'metadata', 'association']),
      );
      const { swept } = await world.muster.sweep();
      assert.deepEqual(
        swept.filter(({ remove }) => remove),
        [],
      );
      await goes(name);
    });
  });

  /** By other hands: all that a repair puts right. */
  async function spoil(RoleName: string, [one, other]: [string, string]): Promise<void> {
    const { iam, ec2 } = world;
    const { Statement, ...trust } = ec2TrustPolicy('us-east-1');
    const more = { Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'sts:AssumeRole' };
    const PolicyDocument = JSON.stringify({ ...trust, Statement: [...Statement, more] });
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
    const [PolicyName] = Object.keys(await world.policies(RoleName));
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn: S3 }));
    await iam.send(new UntagRoleCommand({ RoleName, TagKeys: ['team'] }));
    await ec2.send(new DeleteTagsCommand({ Resources: [one], Tags: [{ Key: 'team' }] }));
    await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: one, HttpTokens: 'optional' }));
    const { IamInstanceProfileAssociations: all = [] } = await ec2.send(
      new DescribeIamInstanceProfileAssociationsCommand({
        Filters: [{ Name: 'instance-id', Values: [one] }],
      }),
    );
    const { AssociationId } = all.find(({ InstanceId }) => InstanceId === one)!;
    await ec2.send(new DisassociateIamInstanceProfileCommand({ AssociationId }));
    await ec2.send(new StopInstancesCommand({ InstanceIds: [other] }));
  }

  it('touches nothing of another fleet, whatever it is called', async () => {
    const theirs = { name: 'theirs' };
    await allowed(neededBy(theirs), () => comesUp(theirs));
    await allowed(neededBy({ name: 'mine' }), async () => {
      const { report } = await world.down('theirs');
      assert.notEqual(report.state, 'gone');
      assert.equal((await world.exists('theirs')).instances.length, 2);
    });
    await allowed(neededBy(theirs), async () => {
      assert.equal((await world.down('theirs')).report.state, 'gone');
    });
  });

  it('is told nothing by the event bus that it may not use, and nothing else', async () => {
    const spec = { name: 'untold', notify: { eventBridge: 'default' } };
    const all = neededBy(spec);
    await allowed(
      all.filter(({ sid }) => sid !== 'Tell'),
      async () => {
        const { report } = await world.up(spec);
        assert.equal(report.state, 'complete');
        const told = await world.client.workflow
          .getHandle(`notify:untold:${report.runId}:complete`)
          .result()
          .catch((error) => error);
        assert.match(told.cause.message, /events:PutEvents/);
      },
    );
    await allowed(all, async () => {
      assert.equal((await world.down('untold')).report.state, 'gone');
    });
  });

  it('is a document that IAM takes', async () => {
    const role = new CreateRoleCommand({
      RoleName: 'worker',
      AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy('us-east-1')),
    });
    await world.iam.send(role);
    for (const file of ['full', 's3-read-only', 'existing-profile', 'raw-policy']) {
      const policy = policyFor(permissionsFor(specFromFile(`examples/${file}.yaml`).spec));
      await world.iam.send(
        new PutRolePolicyCommand({
          RoleName: 'worker',
          PolicyName: file,
          PolicyDocument: JSON.stringify(policy),
        }),
      );
    }
  });
});
