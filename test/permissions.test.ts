/**
 * The policy of `muster permissions`: it is all that a worker needs, and each of its statements is needed. The sandbox
 * holds it against resources and conditions (sandbox/authorization.ts).
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import {
  CreateKeyPairCommand,
  CreateSecurityGroupCommand,
  DeleteVolumeCommand,
  DescribeSubnetsCommand,
} from '@aws-sdk/client-ec2';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeletePolicyCommand,
  DetachUserPolicyCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { specFromFile } from '../client/index.ts';
import type { Permission } from '../fleet/permission.ts';
import { fitOf, permissionsFor, policyFor } from '../fleet/permissions.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import type { FleetReport } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { openWorld, specOf, type World } from './world.ts';

const SSM = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore';
const S3 = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess';
const IMAGE = 'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';

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
      'MarkMachines',
      'MendProfile',
      'TakeBackMachines',
    ]);
    const borrowed = sidsOf(specOf({ name: 'borrowed', role: 'lent' }).spec);
    assert.deepEqual(
      borrowed.filter((sid) => /Role|Policies|Profile/.test(sid)),
      ['MakeProfile', 'FillProfile', 'TakeBackProfile', 'PassRole', 'MendProfile'],
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

  it('is the list that the README has, but for what no one spec needs', () => {
    const specs = [
      specOf({ name: 'spot', instances: { market: 'spot' } }).spec,
      specFromFile('examples/full.yaml').spec,
      specFromFile('examples/existing-profile.yaml').spec,
    ];
    const needed = new Set(specs.flatMap((spec) => permissionsFor(spec).flatMap(({ actions }) => actions)));
    const readme = readFileSync('README.md', 'utf8');
    const [, table = ''] = /The worker's credentials need:\n\n(.*?)\n\n/s.exec(readme) ?? [];
    const told = new Set(table.match(/\b(?:iam|ec2|ssm|sts|kms|events):[A-Z][A-Za-z]+\*?/g));
    told.delete('iam:PassedToService');
    assert.deepEqual(
      [...told].filter((action) => !needed.has(action)).sort(),
      // Whom one is takes no permission; the others are for a sweep, and for a fleet that nothing names any more.
      ['iam:ListInstanceProfiles', 'iam:ListRoles', 'sts:GetCallerIdentity'],
    );
    assert.deepEqual(
      [...needed].filter((action) => !told.has(action)),
      [],
    );
  });

  it('fits where it is to be put, or says that it does not', () => {
    const full = fitOf(policyFor(permissionsFor(specFromFile('examples/full.yaml').spec)));
    assert.deepEqual(full.fits, ['a managed policy (6,144)', "a role's inline policies (10,240)"]);
    const long = (at: number) => `arn:aws:iam::123456789012:policy/${'x'.repeat(600)}/p${at}`;
    const role = { managedPolicies: Array.from({ length: 20 }, (_, at) => long(at)) };
    const { spec } = specOf({ name: 'long', role, policy: undefined });
    const { fits, characters } = fitOf(policyFor(permissionsFor(spec)));
    assert.deepEqual(fits, []);
    assert.ok(characters > 10_240);
  });
});

describe('a worker with this policy and no other', () => {
  let world: World;
  let groups: string[] | undefined;
  before(async () => {
    world = await openWorld();
    // The test's own clients take the operator's keys at their first call; the worker's come after.
    await world.exists('nobody');
    const { VpcId } = (await world.ec2.send(new DescribeSubnetsCommand({}))).Subnets![0]!;
    const group = new CreateSecurityGroupCommand({ GroupName: 'web', Description: 'web', VpcId });
    groups = [(await world.ec2.send(group)).GroupId!];
    await world.ec2.send(new CreateKeyPairCommand({ KeyName: 'mine' }));
    await world.iam.send(new CreateUserCommand({ UserName: 'worker' }));
    const { AccessKey } = await world.iam.send(new CreateAccessKeyCommand({ UserName: 'worker' }));
    process.env.AWS_ACCESS_KEY_ID = AccessKey!.AccessKeyId;
    process.env.AWS_SECRET_ACCESS_KEY = AccessKey!.SecretAccessKey;
  });
  after(() => world.close());

  /** Everything that needs a permission. */
  const written = (name: string) => ({
    name,
    account: '123456789012',
    policy: { allow: [{ actions: ['s3:Get*'], resources: ['*'] }] },
    role: { path: '/fleets/', permissionsBoundary: SSM, managedPolicies: [S3] },
    profile: { path: '/fleets/' },
    deadlines: { step: 60, launch: 60, running: 60 },
    instances: {
      image: IMAGE,
      securityGroups: groups,
      key: 'mine',
      volumes: [{ device: '/dev/sdf', size: 1, deleteOnTermination: false }],
    },
  });

  async function allowed<T>(permissions: readonly Permission[], work: () => Promise<T>): Promise<T> {
    const { Policy } = await world.iam.send(
      new CreatePolicyCommand({
        PolicyName: 'muster',
        PolicyDocument: JSON.stringify(policyFor(permissions)),
      }),
    );
    const attached = { UserName: 'worker', PolicyArn: Policy!.Arn! };
    await world.iam.send(new AttachUserPolicyCommand(attached));
    try {
      return await work();
    } finally {
      await world.iam.send(new DetachUserPolicyCommand(attached));
      await world.iam.send(new DeletePolicyCommand({ PolicyArn: attached.PolicyArn }));
    }
  }

  /** With nothing but its own permissions. */
  async function lives(spec: Parameters<typeof specOf>[0]): Promise<void> {
    const { name } = spec;
    await allowed(permissionsFor(specOf(spec).spec), async () => {
      const report = await (await world.muster.up(specOf(spec))).result();
      assert.equal(report.state, 'complete', JSON.stringify(report.error));
      assert.equal((await world.muster.status(name)).state, 'complete');
      assert.equal((await world.muster.check(name)).findings.length, 0);
      for (const count of [3, 1]) {
        const scaled = await (await world.muster.scale(name, { count })).result();
        assert.equal(scaled.state, 'complete', JSON.stringify(scaled.error));
        assert.equal((await world.exists(name)).instances.length, count);
      }
      const down = await (await world.muster.down(name)).result();
      assert.equal(down.state, 'gone', JSON.stringify(down.leftovers));
    });
    await deleteVolumes(name);
    await assertNothing(name);
  }

  /** Those that a teardown keeps. */
  async function deleteVolumes(name: string): Promise<void> {
    for (const { VolumeId } of (await world.exists(name)).volumes) {
      await world.ec2.send(new DeleteVolumeCommand({ VolumeId }));
    }
  }

  async function assertNothing(name: string): Promise<void> {
    const { role, profile, instances, volumes } = await world.exists(name);
    assert.deepEqual([role, profile, instances, volumes], [undefined, undefined, [], []], name);
  }

  it('brings a fleet up, looks at it, checks it, scales it and takes it down', async () => {
    await lives(written('whole'));
  });

  it('does so with no more than a spec of the least', async () => {
    await lives({ name: 'least' });
  });

  it('does so with a role that exists, and with a profile that exists', async () => {
    await allowed(permissionsFor(specOf({ name: 'lender' }).spec), async () => {
      assert.equal((await world.up({ name: 'lender' })).report.state, 'complete');
    });
    await lives({ name: 'borrows-role', role: 'lender' });
    await lives({ name: 'borrows-profile', profile: 'lender' });
    await allowed(permissionsFor(specOf({ name: 'lender' }).spec), async () => {
      assert.equal((await world.down('lender')).report.state, 'gone');
    });
  });

  it('touches nothing of another fleet, whatever it is called', async () => {
    await allowed(permissionsFor(specOf({ name: 'theirs' }).spec), async () => {
      await world.up({ name: 'theirs' });
    });
    const mine = permissionsFor(specOf({ name: 'mine' }).spec);
    await allowed(mine, async () => {
      const { report } = await world.down('theirs');
      assert.notEqual(report.state, 'gone');
      assert.equal((await world.exists('theirs')).instances.length, 2);
    });
    await allowed(permissionsFor(specOf({ name: 'theirs' }).spec), async () => {
      assert.equal((await world.down('theirs')).report.state, 'gone');
    });
  });

  const words = ({ error }: FleetReport) => [error?.message, ...(error?.problems ?? [])].join('\n');

  const everything = permissionsFor(specOf(written('all')).spec);
  for (const { sid, actions, without } of everything) {
    it(
      without ? `comes up without ${sid}, too` : `without ${sid} fails by its name, and leaves nothing`,
      async () => {
        const spec = written(`no-${sid.toLowerCase()}`);
        const all = permissionsFor(specOf(spec).spec);
        if (sid === 'MendProfile') await upAndDown(spec, all);
        const { report } = await allowed(
          all.filter((permission) => permission.sid !== sid),
          () => world.up(spec),
        );
        world.aws.configure({ staleProfileSeconds: 0 });
        if (without) {
          assert.equal(report.state, 'complete', words(report));
          await allowed(all, () => world.down(spec.name));
          await deleteVolumes(spec.name);
        } else {
          assert.equal(report.state, 'rolled-back', words(report));
          assert.ok(
            actions.some((action) => words(report).includes(action)),
            `${words(report)} names none of ${actions.join(', ')}`,
          );
        }
        await assertNothing(spec.name);
      },
    );
  }

  /** The next machines by its names are tied to the profile that is no more. */
  async function upAndDown(spec: ReturnType<typeof written>, all: readonly Permission[]): Promise<void> {
    await allowed(all, async () => {
      await world.up(spec);
      await world.down(spec.name);
    });
    await deleteVolumes(spec.name);
    world.aws.configure({ staleProfileSeconds: 30 });
  }

  it('is told nothing by the event bus that it may not use, and nothing else', async () => {
    const spec = { name: 'untold', notify: { eventBridge: 'default' } };
    const all = permissionsFor(specOf(spec).spec);
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
