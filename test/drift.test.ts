/** Drift: what other hands have changed of a complete fleet is found, and nothing else. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  ReplaceIamInstanceProfileAssociationCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  AttachRolePolicyCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  TagInstanceProfileCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { driftText } from '../cli/drift-text.ts';
import { type Finding, type Muster, MusterError, type SpecInput, specFrom } from '../client/index.ts';
import { driftOf } from '../fleet/drift.ts';
import { capped, type DriftReport, findingCount } from '../fleet/drift-report.ts';
import type { InstanceFacts } from '../fleet/facts.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { wantedOf } from '../fleet/wanted.ts';
import { type Ended, ended, startMuster } from './command.ts';
import { openWorld, until, untilPolled, type World } from './world.ts';

const SSM = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore';
const S3 = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess';
const POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }],
};

const PLAIN = { dim: String, bold: String, red: String, green: String } as never;

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
  deadlines: { propagation: 20, launch: 60, step: '60s', undo: 4, consistency: 1 },
  ...more,
});

async function fleetOf(name: string, more: Partial<SpecInput> = {}, lease?: number): Promise<string[]> {
  const report = await (await muster.up(specFrom(written(name, more)), { lease })).result();
  assert.equal(report.state, 'complete', JSON.stringify(report.error));
  return report.instances.map(({ id }) => id);
}

async function gone(name: string): Promise<void> {
  assert.equal((await (await muster.down(name)).result()).state, 'gone');
}

/** `kind resource: wanted -> found`, of what can be mended in place with a `!`. */
const inLines = ({ findings }: Pick<DriftReport, 'findings'>): string[] =>
  findings.map(
    ({ kind, on, resource, wanted, found, safe }) =>
      `${kind}${safe ? '!' : ''} ${on && on !== 'instance' ? `${on} ` : ''}${resource}: ${wanted} -> ${found}`,
  );

const found = async (name: string): Promise<string[]> => inLines(await muster.check(name));

const isRefused = (code: string, words?: RegExp) => (error: unknown) =>
  error instanceof MusterError && error.code === code && (words?.test(error.message) ?? true);

const metadata = (InstanceId: string, more: object) =>
  world.ec2.send(
    new ModifyInstanceMetadataOptionsCommand({
      InstanceId,
      HttpEndpoint: 'enabled',
      HttpTokens: 'required',
      HttpPutResponseHopLimit: 1,
      InstanceMetadataTags: 'disabled',
      ...more,
    }),
  );

const isGone = async (name: string) => {
  const handle = world.client.workflow.getHandle(fleetWorkflowId(name));
  await world.client.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: fleetWorkflowId(name) },
  });
  while (await handle.describe().then(Boolean, () => false)) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

describe('of a fleet that nobody touched', () => {
  it('nothing differs, whatever its spec has', async () => {
    const [first] = await fleetOf('plain');
    const report = await muster.check('plain');
    assert.deepEqual(report.findings, []);
    assert.deepEqual(report.more, {});
    assert.deepEqual(
      [report.fleet, report.account, report.region, report.specFrom, report.instanceCount],
      ['plain', '123456789012', 'us-east-1', 'run', 2],
    );
    assert.match(report.workflowId, /^check:plain:/);
    assert.ok(first);
    await gone('plain');

    await fleetOf('rich', {
      role: { path: '/teams/', managedPolicies: [SSM], permissionsBoundary: S3, tags: { cost: '12' } },
      profile: { name: 'rich-profile', tags: { tier: 'one' } },
      tags: { team: 'blue' },
      instances: {
        count: { want: 3, min: 1 },
        image: 'ami-12c6146b',
        placements: [
          { type: 't3.micro', zone: 'us-east-1a' },
          { vcpu: 2, memory: '2GiB', zone: 'us-east-1b' },
        ],
        spread: true,
        metadata: { hopLimit: 2, tags: true },
        tags: { tier: 'front' },
      },
    });
    assert.deepEqual(await found('rich'), []);
    await gone('rich');
  });

  it('nothing differs with a role or a profile that existed before, whoever’s policies it has', async () => {
    await world.iam.send(
      new CreateRoleCommand({
        RoleName: 'lent',
        AssumeRolePolicyDocument: JSON.stringify({
          ...ec2TrustPolicy(),
          Statement: [
            ...ec2TrustPolicy().Statement,
            { Effect: 'Allow', Principal: { Service: 'ecs.amazonaws.com' }, Action: 'sts:AssumeRole' },
          ],
        }),
      }),
    );
    await world.iam.send(new AttachRolePolicyCommand({ RoleName: 'lent', PolicyArn: S3 }));
    const bare = { policy: undefined };
    await fleetOf('lender', { ...bare, role: 'lent' });
    assert.deepEqual(await found('lender'), []);

    await world.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'lent-too' }));
    await world.iam.send(
      new AddRoleToInstanceProfileCommand({ InstanceProfileName: 'lent-too', RoleName: 'lent' }),
    );
    await fleetOf('borrower', { ...bare, profile: 'lent-too' });
    assert.deepEqual(await found('borrower'), []);

    // Of what is only used, that alone counts which the machines need.
    await world.iam.send(
      new UpdateAssumeRolePolicyCommand({
        RoleName: 'lent',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            { Effect: 'Allow', Principal: { Service: 'ecs.amazonaws.com' }, Action: 'sts:AssumeRole' },
          ],
        }),
      }),
    );
    const trust =
      'trust lent: Allow ec2.amazonaws.com sts:AssumeRole -> Allow ecs.amazonaws.com sts:AssumeRole';
    assert.deepEqual(await found('lender'), [trust]);
    assert.deepEqual(await found('borrower'), [trust]);
    await gone('borrower');
    await gone('lender');
  });

  it('nothing differs after a scale, nor with a lease', async () => {
    await fleetOf('scaled', {}, 600);
    assert.deepEqual(await found('scaled'), []);
    for (const count of [4, 1]) {
      assert.equal((await (await muster.scale('scaled', { count })).result()).state, 'complete');
      const report = await muster.check('scaled');
      assert.deepEqual(report.findings, []);
      assert.equal(report.instanceCount, count);
    }
    const other = specFrom(written('scaled'));
    assert.deepEqual(inLines(await muster.check('scaled', { spec: other })), ['count scaled: 2 -> 1']);
    await gone('scaled');
  });
});

describe('what other hands have changed', () => {
  const name = 'hands';
  let ids: string[];
  before(async () => {
    ids = await fleetOf(name, { role: { managedPolicies: [SSM] }, tags: { team: 'blue' } });
  });
  after(() => gone(name));

  it('of the policy is found, and what only looks otherwise is not', async () => {
    const put = (document: object, PolicyName = name) =>
      world.iam.send(
        new PutRolePolicyCommand({
          RoleName: name,
          PolicyName,
          PolicyDocument: JSON.stringify(document),
        }),
      );
    await put({
      Statement: { Resource: ['*'], Action: ['s3:Get*'], Effect: 'Allow' },
      Version: '2012-10-17',
    });
    assert.deepEqual(await found(name), []);
    await put({ ...POLICY, Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] });
    const report = await muster.check(name);
    assert.deepEqual(inLines(report), [`policy! ${name}: Allow s3:Get* on * -> Allow s3:* on *`]);
    assert.equal(
      report.findings[0]!.command,
      `aws iam put-role-policy --role-name hands --policy-name hands --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":["*"]}]}'`,
    );
    await world.iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: name }));
    assert.deepEqual(await found(name), [`policy! ${name}: Allow s3:Get* on * -> none`]);
    await put(POLICY);
    await put(POLICY, 'theirs');
    assert.deepEqual(await found(name), ['policy theirs: none -> Allow s3:Get* on *']);
    await world.iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName: 'theirs' }));
    assert.deepEqual(await found(name), []);
    // What a few words do not hold is told whole.
    const resources = Array.from({ length: 9 }, (_, at) => `arn:aws:s3:::a-bucket-with-a-long-name-${at}/*`);
    const Condition = { StringEquals: { 'aws:SourceVpc': 'vpc-1' } };
    await put({
      ...POLICY,
      Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: resources, Condition }],
    });
    const long = await muster.check(name);
    const whole = `Allow s3:* on ${resources.join(', ')} if StringEquals aws:SourceVpc is vpc-1`;
    assert.deepEqual(long.findings[0]!.statements, { wanted: ['Allow s3:Get* on *'], found: [whole] });
    const text = driftText(long, { colors: PLAIN });
    assert.ok(
      text.includes(`\n  policy hands\n    wanted  Allow s3:Get* on *\n    found   ${whole}\n`),
      text,
    );
    await put(POLICY);
    assert.deepEqual(await found(name), []);
  });

  it('of the role’s trust, its boundary and its managed policies is found', async () => {
    const trust = (document: object) =>
      world.iam.send(
        new UpdateAssumeRolePolicyCommand({ RoleName: name, PolicyDocument: JSON.stringify(document) }),
      );
    const wide = { Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'sts:AssumeRole' };
    await trust({ ...ec2TrustPolicy(), Statement: [...ec2TrustPolicy().Statement, wide] });
    assert.deepEqual(await found(name), [
      `trust! ${name}: no more than that -> Allow 111122223333 sts:AssumeRole`,
    ]);
    await trust({ Version: '2012-10-17', Statement: ec2TrustPolicy().Statement[0] });
    await world.iam.send(new PutRolePermissionsBoundaryCommand({ RoleName: name, PermissionsBoundary: S3 }));
    assert.deepEqual(await found(name), [`boundary ${name}: none -> ${S3}`]);
    await world.iam.send(new DeleteRolePermissionsBoundaryCommand({ RoleName: name }));

    await world.iam.send(new DetachRolePolicyCommand({ RoleName: name, PolicyArn: SSM }));
    await world.iam.send(new AttachRolePolicyCommand({ RoleName: name, PolicyArn: S3 }));
    assert.deepEqual(await found(name), [
      `managed-policy! ${SSM}: attached to ${name} -> none`,
      `managed-policy ${S3}: none -> attached to ${name}`,
    ]);
    await world.iam.send(new DetachRolePolicyCommand({ RoleName: name, PolicyArn: S3 }));
    await world.iam.send(new AttachRolePolicyCommand({ RoleName: name, PolicyArn: SSM }));
    assert.deepEqual(await found(name), []);
  });

  it('of the role in the profile is found', async () => {
    const inProfile = { InstanceProfileName: name };
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand({ ...inProfile, RoleName: name }));
    assert.deepEqual(await found(name), [`role-in-profile! ${name}: ${name} -> none`]);
    const { Role } = await world.iam.send(
      new CreateRoleCommand({
        RoleName: 'intruder',
        AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()),
      }),
    );
    await world.iam.send(new AddRoleToInstanceProfileCommand({ ...inProfile, RoleName: 'intruder' }));
    assert.deepEqual(await found(name), [`role-in-profile ${name}: ${name} -> intruder (${Role!.RoleId})`]);
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand({ ...inProfile, RoleName: 'intruder' }));
    await world.iam.send(new AddRoleToInstanceProfileCommand({ ...inProfile, RoleName: name }));
    assert.deepEqual(await found(name), []);
  });

  it('of tags is found, and tags of others’ own are not', async () => {
    const team = (Value: string) => [{ Key: 'team', Value }];
    const theirs = [{ Key: 'backup', Value: 'daily' }];
    await world.iam.send(new TagRoleCommand({ RoleName: name, Tags: theirs }));
    await world.ec2.send(new CreateTagsCommand({ Resources: ids, Tags: theirs }));
    assert.deepEqual(await found(name), []);
    const profile = { InstanceProfileName: name };
    await world.iam.send(new UntagRoleCommand({ RoleName: name, TagKeys: ['team'] }));
    await world.iam.send(new TagInstanceProfileCommand({ ...profile, Tags: team('red') }));
    await world.ec2.send(new CreateTagsCommand({ Resources: [ids[0]!], Tags: team('red') }));
    assert.deepEqual(await found(name), [
      `tag! role ${name}: team=blue -> none`,
      `tag! profile ${name}: team=blue -> red`,
      `tag! ${ids[0]}: team=blue -> red`,
    ]);
    await world.iam.send(new TagRoleCommand({ RoleName: name, Tags: team('blue') }));
    await world.iam.send(new TagInstanceProfileCommand({ ...profile, Tags: team('blue') }));
    await world.ec2.send(new CreateTagsCommand({ Resources: ids, Tags: team('blue') }));
    // Without it nothing proves any more that the machine is the fleet's.
    const own = [{ Key: 'muster:fleet' }];
    await world.ec2.send(new DeleteTagsCommand({ Resources: [ids[1]!], Tags: own }));
    await metadata(ids[1]!, { HttpTokens: 'optional' });
    assert.deepEqual(await found(name), [
      `metadata ${ids[1]}: IMDSv2 required -> optional`,
      `tag ${ids[1]}: muster:fleet=${name} -> none`,
    ]);
    await metadata(ids[1]!, {});
    await world.ec2.send(
      new CreateTagsCommand({ Resources: [ids[1]!], Tags: [{ Key: 'muster:fleet', Value: name }] }),
    );
    assert.deepEqual(await found(name), []);
  });

  it('of metadata options is found', async () => {
    await metadata(ids[0]!, { HttpTokens: 'optional', HttpPutResponseHopLimit: 64 });
    await metadata(ids[1]!, { InstanceMetadataTags: 'enabled' });
    const report = await muster.check(name);
    assert.deepEqual(
      new Set(inLines(report)),
      new Set([
        `metadata! ${ids[0]}: IMDSv2 required -> optional`,
        `metadata! ${ids[0]}: hop limit 1 -> 64`,
        `metadata! ${ids[1]}: instance tags disabled -> enabled`,
      ]),
    );
    assert.match(report.findings[0]!.command, /--http-tokens required --http-put-response-hop-limit 1 /);
    for (const id of ids) await metadata(id, {});
    assert.deepEqual(await found(name), []);
  });

  it('of the profile that an instance has is found', async () => {
    const [id] = ids;
    await world.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'other' }));
    await world.iam.send(
      new AddRoleToInstanceProfileCommand({ InstanceProfileName: 'other', RoleName: 'lent' }),
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    const tie = async (Name: string) => {
      const { IamInstanceProfileAssociations: all } = await world.ec2.send(
        new DescribeIamInstanceProfileAssociationsCommand({
          Filters: [{ Name: 'instance-id', Values: [id!] }],
        }),
      );
      await world.ec2.send(
        new ReplaceIamInstanceProfileAssociationCommand({
          AssociationId: all![0]!.AssociationId,
          IamInstanceProfile: { Name },
        }),
      );
    };
    await tie('other');
    const { profile } = await world.exists(name);
    const other = await world.exists('other');
    assert.deepEqual(await found(name), [
      `association! ${id}: ${profile!.InstanceProfileId} -> ${other.profile!.InstanceProfileId}`,
    ]);
    await tie(name);
    assert.deepEqual(await found(name), []);
  });

  it('of an instance’s type and state is found', async () => {
    const [id] = ids;
    await world.ec2.send(new StopInstancesCommand({ InstanceIds: [id!] }));
    await world.ec2.send(
      new ModifyInstanceAttributeCommand({ InstanceId: id, InstanceType: { Value: 'm5.large' } }),
    );
    assert.deepEqual(await found(name), [
      `state! ${id}: running -> stopped`,
      `type ${id}: t3.micro -> m5.large`,
    ]);
  });
});

describe('what is gone or not the fleet’s', () => {
  it('a terminated instance is told by its id, and that there are too few', async () => {
    const [id] = await fleetOf('fewer');
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id!] }));
    const lines = await found('fewer');
    assert.equal(lines[0], 'count! fewer: 2 -> 1');
    assert.match(lines[1]!, new RegExp(`^state! ${id}: running -> (terminated|shutting-down)$`));
    assert.equal(lines.length, 2);
    await gone('fewer');
  });

  it('a machine with copied tags is a stranger, and counts for nothing', async () => {
    await fleetOf('copied');
    const { instances } = await world.exists('copied');
    const { Instances } = await world.ec2.send(
      new RunInstancesCommand({
        ...{ MinCount: 1, MaxCount: 1, ImageId: 'ami-12c6146b', InstanceType: 't3.micro' },
        TagSpecifications: [{ ResourceType: 'instance', Tags: instances[0]!.Tags }],
      }),
    );
    const { InstanceId } = Instances![0]!;
    const [line, ...more] = await found('copied');
    assert.match(line!, new RegExp(`^stranger ${InstanceId}: none -> \\w+, launched by no run$`));
    assert.deepEqual(more, []);
    await gone('copied');
    const [stranger] = (await world.exists('copied')).instances;
    assert.deepEqual([stranger?.InstanceId, stranger?.State?.Name], [InstanceId, 'running']);
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId!] }));
  });

  it('a role and a profile that were made anew under the old names are others', async () => {
    const [first, second] = await fleetOf('anew');
    const { role, profile } = await world.exists('anew');
    const inProfile = { InstanceProfileName: 'anew', RoleName: 'anew' };
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand(inProfile));
    await world.iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: 'anew' }));
    await world.iam.send(new DeleteRolePolicyCommand({ RoleName: 'anew', PolicyName: 'anew' }));
    await world.iam.send(new DeleteRoleCommand({ RoleName: 'anew' }));
    const wanted = [`role anew: ${role!.RoleId}`, `profile anew: ${profile!.InstanceProfileId}`];
    assert.deepEqual(
      await found('anew'),
      wanted.map((line) => `${line} -> none`),
    );
    await world.iam.send(
      new CreateRoleCommand({
        RoleName: 'anew',
        AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()),
      }),
    );
    await world.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'anew' }));
    const now = await world.exists('anew');
    assert.deepEqual(await found('anew'), [
      `${wanted[0]} -> ${now.role!.RoleId}`,
      `${wanted[1]} -> ${now.profile!.InstanceProfileId}`,
    ]);
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [first!, second!] }));
    await world.iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: 'anew' }));
    await world.iam.send(new DeleteRoleCommand({ RoleName: 'anew' }));
  });
});

describe('a check', () => {
  it('of a fleet without a history takes the spec from a file, and says when it has none', async () => {
    await fleetOf('forgotten');
    await isGone('forgotten');
    await assert.rejects(muster.check('forgotten'), isRefused('HistoryGone', /what it should be/));
    const same = await muster.check('forgotten', { spec: specFrom(written('forgotten')) });
    assert.deepEqual([same.findings, same.specFrom, same.instanceCount], [[], 'file', 2]);
    const other = written('forgotten', {
      policy: { allow: { actions: 's3:List*', resources: '*' } },
      instances: { count: 3, image: 'ami-12c6146b', type: 't3.small', metadata: { hopLimit: 2 } },
    });
    const lines = inLines(await muster.check('forgotten', { spec: specFrom(other) }));
    assert.deepEqual(lines.slice(0, 2), [
      'policy! forgotten: Allow s3:List* on * -> Allow s3:Get* on *',
      'count forgotten: 3 -> 2',
    ]);
    assert.equal(lines.filter((line) => line.endsWith('t3.small -> t3.micro')).length, 2);
    assert.equal(lines.filter((line) => line.endsWith('hop limit 2 -> 1')).length, 2);
    assert.equal(lines.length, 6);
    await gone('forgotten');
  });

  it('is refused of what is no complete fleet', async () => {
    await assert.rejects(muster.check('nobody'), isRefused('FleetNotFound'));
    const spec = specFrom(written('somebody'));
    await assert.rejects(muster.check('nobody', { spec }), isRefused('FleetDiffers'));
    await assert.rejects(muster.check('somebody', { spec }), isRefused('FleetNotFound'));
    await fleetOf('down');
    await gone('down');
    await assert.rejects(muster.check('down'), isRefused('NotNow', /is gone/));
    world.aws.fault({ action: 'CreateRole', delayMs: 2_000, times: 1 });
    const run = await muster.up(specFrom(written('rising')));
    await until(
      world.client.workflow.getHandle(fleetWorkflowId('rising')),
      ({ state }) => state === 'running',
    );
    await assert.rejects(muster.check('rising'), isRefused('FleetBusy'));
    assert.equal((await run.result()).state, 'complete');
    await gone('rising');
  });

  it('changes nothing', async () => {
    await fleetOf('untouched', { role: { managedPolicies: [SSM] } });
    await world.iam.send(new DetachRolePolicyCommand({ RoleName: 'untouched', PolicyArn: SSM }));
    const before = world.aws.calls().length;
    await muster.check('untouched');
    const asked = world.aws.calls().slice(before);
    assert.ok(asked.length > 0);
    for (const { action } of asked) assert.match(action, /^(Get|List|Describe)/);
    await gone('untouched');
  });

  it('of the command line ends with 0, 3, 2 and 4', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-drift-'));
    try {
      const [id] = await fleetOf('typed');
      const same = await typed('typed');
      assert.equal(same.code, 0, same.stderr);
      assert.match(
        same.stdout,
        /^✓ fleet typed is as its spec says\n\n {2}account {3}123456789012, us-east-1\n/,
      );
      await metadata(id!, { HttpTokens: 'optional' });
      const differs = await typed('typed');
      assert.equal(differs.code, 3, differs.stderr);
      assert.match(differs.stdout, /^✗ fleet typed differs from its spec in 1 thing\n/);
      assert.match(differs.stdout, new RegExp(`\\n {2}metadata {2}${id} {2}IMDSv2 required {2}optional\\n`));
      assert.match(differs.stdout, /to mend {3}muster check typed --repair\n$/);
      const json = await typed('typed', '--json');
      assert.equal(json.code, 3);
      const { findings, schema, uiUrl } = JSON.parse(json.stdout);
      assert.equal(schema, 1);
      assert.match(uiUrl, /check%3Atyped/);
      assert.deepEqual(
        findings.map(({ command: _, ...finding }: Finding) => finding),
        [{ kind: 'metadata', resource: id, wanted: 'IMDSv2 required', found: 'optional', safe: true }],
      );
      assert.equal((await typed('nobody')).code, 2);
      const wrong = join(folder, 'wrong.yaml');
      writeFileSync(wrong, 'name: typed\n');
      assert.equal((await typed('typed', '--file', wrong)).code, 2);
      const undo = world.aws.fault({
        action: 'GetRolePolicy',
        error: { code: 'AccessDenied', message: 'You may not', status: 403 },
      });
      const denied = await typed('typed', '--json');
      undo();
      assert.equal(denied.code, 4);
      assert.match(denied.stderr, /could not be asked what it has of the fleet 'typed': .*You may not/);
      assert.equal(JSON.parse(denied.stdout).error.code, 'LookFailed');
      await gone('typed');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The command as a person calls it. */
function typed(...args: string[]): Promise<Ended> {
  return ended(startMuster(['check', ...args], { ...world.sandbox.env, NO_COLOR: '1' }));
}

describe('ten thousand instances that differ', () => {
  const { spec } = specFrom(
    written('many', { instances: { count: 10_000, image: 'ami-12c6146b', type: 't3.micro' } }),
  );
  const wanted = wantedOf(
    { spec, specFrom: 'run', known: { runId: 'run', specHash: 'hash', count: 10_000, ids: [] }, patience: 0 },
    'default',
  );
  const instances = Array.from({ length: 10_000 }, (_, at): InstanceFacts => {
    const id = `i-${at.toString(16).padStart(17, '0')}`;
    return {
      ...{ id, state: 'running', type: 't3.micro', image: 'ami-12c6146b', zone: 'us-east-1a' },
      ...{ securityGroups: [], token: 'run-1', profileId: 'AIPA' },
      tags: { ...(wanted.instances.tags as Record<string, string>), 'muster:run': 'run' },
      metadata: { endpoint: 'enabled', tokens: 'optional', hopLimit: 1, tags: 'disabled' },
    };
  });

  it('carry the run that launched them, and no other value', () => {
    const [one] = instances;
    for (const value of [undefined, 'any']) {
      const tags = { ...one!.tags, 'muster:run': value } as Record<string, string>;
      if (value === undefined) delete tags['muster:run'];
      const { findings } = driftOf(wanted, { instances: [{ ...one!, tags }] });
      const told = findings.filter(({ kind, resource }) => kind === 'tag' && resource === one!.id);
      assert.deepEqual(
        told.map(({ wanted, found, safe }) => [wanted, found, safe]),
        [['muster:run=run', value ?? 'none', false]],
      );
      assert.match(told[0]!.command, /'Key=muster:run,Value=run'/);
    }
  });

  it('are told by a hundred, and how many more there are', () => {
    const { findings, instanceCount } = driftOf(wanted, { instances });
    const told = capped(findings);
    assert.equal(instanceCount, 10_000);
    assert.deepEqual(told.more, { metadata: 9_900 });
    assert.equal(findingCount(told), 10_002);
    assert.ok(JSON.stringify(told).length < 200_000);
    const text = driftText(
      {
        ...{ schema: 1, fleet: 'many', account: '1', region: 'us-east-1', workflowId: 'w', runId: 'r' },
        ...{ specFrom: 'run', instanceCount, ...told },
      },
      { colors: PLAIN },
    );
    assert.match(text, /differs from its spec in 10002 things/);
    assert.match(text, /\n {2}and 9,980 more: metadata\n/);
    assert.ok(text.split('\n').length < 60);
  });
});
