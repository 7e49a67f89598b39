/** The sandbox's AWS behaves as EC2 and IAM are known to, where moto alone does not. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  DescribeIamInstanceProfileAssociationsCommand,
  DescribeInstanceStatusCommand,
  DescribeInstancesCommand,
  EC2Client,
  ReplaceIamInstanceProfileAssociationCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  GetInstanceProfileCommand,
  GetPolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startLocalAws } from '../sandbox/aws.ts';
import type { Behaviour } from '../sandbox/behaviour.ts';
import type { Call, LocalAws } from '../sandbox/local-aws.ts';
import { ensurePython } from '../setup/python.js';

let aws: LocalAws;
let ec2: EC2Client;
let iam: IAMClient;

before(async () => {
  const { python } = await ensurePython({ say() {} });
  aws = await startLocalAws({ python, behaviour: { propagationSeconds: 0, pendingSeconds: 0.3 } });
  const settings = { endpoint: aws.endpoint, region: 'us-east-1', credentials: aws.keys, maxAttempts: 1 };
  ec2 = new EC2Client(settings);
  iam = new IAMClient(settings);
});
after(() => aws.stop());

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});

async function makeProfile(name: string): Promise<{ id: string; arn: string }> {
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: TRUST })).catch(() => {});
  const { InstanceProfile } = await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
  return { id: InstanceProfile!.InstanceProfileId!, arn: InstanceProfile!.Arn! };
}

function launch(input: Partial<RunInstancesCommandInput> = {}) {
  const command = new RunInstancesCommand({
    ImageId: 'ami-12c6146b',
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    ...input,
  });
  return ec2.send(command);
}

async function describeWith(...filters: [name: string, value: string][]) {
  const Filters = filters.map(([Name, value]) => ({ Name, Values: [value] }));
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  return Reservations.flatMap(({ Instances = [] }) => Instances);
}

const isError = (name: string, message?: RegExp) => (error: Error) =>
  error.name === name && (message === undefined || message.test(error.message));

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a client token', () => {
  it('launches once, also when both calls are under way at once', async () => {
    const answers = await Promise.all([
      launch({ ClientToken: 'twice', MaxCount: 2 }),
      launch({ ClientToken: 'twice', MaxCount: 2 }),
    ]);
    const [one, other] = answers.map(({ Instances }) => Instances!.map(({ InstanceId }) => InstanceId));
    assert.deepEqual(one, other);
    assert.equal((await describeWith(['client-token', 'twice'])).length, 2);
  });

  it('with other parameters is a mismatch', async () => {
    await launch({ ClientToken: 'mismatch' });
    const again = launch({ ClientToken: 'mismatch', InstanceType: 't3.small' });
    await assert.rejects(again, isError('IdempotentParameterMismatch'));
  });

  it('counts per zone where a zone is named or implied', async () => {
    const inZone = (AvailabilityZone: string) =>
      launch({ ClientToken: 'zonal', Placement: { AvailabilityZone } });
    await inZone('us-east-1a');
    await inZone('us-east-1b');
    assert.equal((await describeWith(['client-token', 'zonal'])).length, 2);
  });

  it('of terminated instances launches nothing', async () => {
    const { Instances } = await launch({ ClientToken: 'spent' });
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
    await assert.rejects(launch({ ClientToken: 'spent' }), isError('IdempotentInstanceTerminated'));
  });

  it('is not bound by a call that failed, nor by a dry run', async () => {
    const undo = aws.fault({
      action: 'RunInstances',
      error: { code: 'InternalError', message: 'x', status: 500 },
    });
    await assert.rejects(launch({ ClientToken: 'failed' }), isError('InternalError'));
    undo();
    await assert.rejects(launch({ ClientToken: 'failed', DryRun: true }), isError('DryRunOperation'));
    await launch({ ClientToken: 'failed' });
    assert.equal((await describeWith(['client-token', 'failed'])).length, 1);
  });
});

describe('an instance profile', () => {
  it('is unknown at first, then known without its role, then accepted, by dry runs too', async () => {
    aws.configure({ propagationSeconds: 1 });
    try {
      const { arn } = await makeProfile('slow');
      const by = (IamInstanceProfile: object, DryRun = true) => launch({ IamInstanceProfile, DryRun });
      await assert.rejects(
        by({ Name: 'slow' }),
        isError(
          'InvalidParameterValue',
          /^Value \(slow\) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name$/,
        ),
      );
      await assert.rejects(
        by({ Arn: arn }, false),
        isError('InvalidParameterValue', /Invalid IAM Instance Profile ARN$/),
      );
      await pause(600);
      await assert.rejects(
        by({ Arn: arn }),
        isError('InvalidParameterValue', /has no associated IAM Roles$/),
      );
      await pause(600);
      await assert.rejects(by({ Arn: arn }), isError('DryRunOperation'));
    } finally {
      aws.configure({ propagationSeconds: 0 });
    }
  });

  it('that does not exist is refused', async () => {
    const asked = launch({ IamInstanceProfile: { Name: 'nobody' } });
    await assert.rejects(asked, isError('InvalidParameterValue', /Invalid IAM Instance Profile name/));
  });

  it('is told with its ARN and unique id, and found by both', async () => {
    const { id, arn } = await makeProfile('told');
    const { Instances } = await launch({ IamInstanceProfile: { Name: 'told' } });
    assert.deepEqual(Instances![0]!.IamInstanceProfile, { Arn: arn, Id: id });
    for (const instances of [
      await describeWith(['iam-instance-profile.arn', arn], ['instance-type', 't3.micro']),
      await describeWith(['iam-instance-profile.id', id]),
    ]) {
      assert.deepEqual(
        instances.map(({ InstanceId, IamInstanceProfile }) => [InstanceId, IamInstanceProfile]),
        [[Instances![0]!.InstanceId, { Arn: arn, Id: id }]],
      );
    }
  });

  it('made again under its name is taken for the old one for a while, and can be replaced', async () => {
    const old = await makeProfile('renewed');
    const names = { InstanceProfileName: 'renewed' };
    await iam.send(new RemoveRoleFromInstanceProfileCommand({ ...names, RoleName: 'renewed' }));
    await iam.send(new DeleteInstanceProfileCommand(names));
    aws.configure({ staleProfileSeconds: 0.5 });
    try {
      const renewed = await makeProfile('renewed');
      const { Instances } = await launch({ MaxCount: 2, IamInstanceProfile: { Name: 'renewed' } });
      const id = Instances![1]!.InstanceId!;
      assert.equal(Instances![0]!.IamInstanceProfile!.Id, old.id);
      await pause(500);
      const { IamInstanceProfileAssociations: found } = await ec2.send(
        new DescribeIamInstanceProfileAssociationsCommand({
          Filters: [{ Name: 'instance-id', Values: [id] }],
        }),
      );
      assert.equal(found![0]!.IamInstanceProfile!.Id, old.id);
      await ec2.send(
        new ReplaceIamInstanceProfileAssociationCommand({
          AssociationId: found![0]!.AssociationId!,
          IamInstanceProfile: { Name: 'renewed' },
        }),
      );
      const [instance] = await describeWith(['instance-id', id]);
      assert.equal(instance!.IamInstanceProfile!.Id, renewed.id);
    } finally {
      aws.configure({ staleProfileSeconds: 0 });
    }
  });
});

describe('an instance', () => {
  it('of an unknown image is refused', async () => {
    await assert.rejects(
      launch({ ImageId: 'ami-00000000000000000' }),
      isError('InvalidAMIID.NotFound', /The image id '\[ami-00000000000000000]' does not exist/),
    );
  });

  it('takes its time to come and to go, and is found by its state', async () => {
    aws.configure({ pendingSeconds: 0.4, shuttingDownSeconds: 0.4 });
    const { Instances } = await launch({ ClientToken: 'states' });
    const id = Instances![0]!.InstanceId!;
    const state = async () => (await describeWith(['instance-id', id]))[0]!.State!.Name;
    assert.equal(Instances![0]!.State!.Name, 'pending');
    assert.equal(await state(), 'pending');
    assert.equal((await describeWith(['instance-id', id], ['instance-state-name', 'running'])).length, 0);
    await pause(450);
    assert.equal(await state(), 'running');
    assert.equal((await describeWith(['instance-id', id], ['instance-state-name', 'running'])).length, 1);
    const { TerminatingInstances } = await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    assert.equal(TerminatingInstances![0]!.PreviousState!.Name, 'running');
    assert.equal(TerminatingInstances![0]!.CurrentState!.Name, 'shutting-down');
    assert.equal(await state(), 'shutting-down');
    await pause(450);
    assert.equal(await state(), 'terminated');
  });

  it('checks an instance for a while after it runs, and what is impaired fails that', async () => {
    aws.configure({ pendingSeconds: 60, initializingSeconds: 60, impaired: [] });
    const { Instances } = await launch({ ClientToken: 'checked', MaxCount: 2, MinCount: 2 });
    const InstanceIds = Instances!.map(({ InstanceId }) => InstanceId!);
    const checks = async (more: object = {}) => {
      const { InstanceStatuses } = await ec2.send(
        new DescribeInstanceStatusCommand({ InstanceIds, ...more }),
      );
      return InstanceStatuses!.map(({ InstanceStatus, SystemStatus }) => [
        InstanceStatus!.Status,
        SystemStatus!.Status,
      ]);
    };
    // What is not running is told of only when all are asked for.
    assert.deepEqual(await checks(), []);
    assert.deepEqual(
      await checks({ IncludeAllInstances: true }),
      Array(2).fill(Array(2).fill('not-applicable')),
    );
    aws.configure({ pendingSeconds: 0 });
    assert.deepEqual(await checks(), Array(2).fill(['initializing', 'initializing']));
    aws.configure({ initializingSeconds: 0 });
    assert.deepEqual(await checks(), Array(2).fill(['ok', 'ok']));
    aws.configure({ impaired: [{ instance: InstanceIds[0] }] });
    assert.deepEqual((await checks()).sort(), [
      ['impaired', 'ok'],
      ['ok', 'ok'],
    ]);
    aws.configure({ impaired: [{ image: 'ami-12c6146b' }] });
    assert.deepEqual(await checks(), Array(2).fill(['impaired', 'ok']));
    aws.configure({ pendingSeconds: 0.3, impaired: [], initializingSeconds: 1 });
    const unknown = checks({ InstanceIds: [...InstanceIds, 'i-00000000000000000'] });
    await assert.rejects(unknown, isError('InvalidInstanceID.NotFound'));
  });

  it('can have all instances at an address where something answers', async () => {
    aws.configure({ privateIp: '127.0.0.1' });
    const { Instances } = await launch({ ClientToken: 'here' });
    assert.equal(Instances![0]!.PrivateIpAddress, '127.0.0.1');
    const id = Instances![0]!.InstanceId!;
    assert.equal((await describeWith(['instance-id', id]))[0]!.PrivateIpAddress, '127.0.0.1');
    aws.configure({ privateIp: '' });
    assert.notEqual((await describeWith(['instance-id', id]))[0]!.PrivateIpAddress, '127.0.0.1');
  });
});

describe('IAM', () => {
  it('has AWS’s managed policies, and knows no role that is not in a profile', async () => {
    const arn = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore';
    assert.equal((await iam.send(new GetPolicyCommand({ PolicyArn: arn }))).Policy!.Arn, arn);
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'empty' }));
    await assert.rejects(
      iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: 'empty', RoleName: 'none' })),
      isError('NoSuchEntityException'),
    );
  });

  it('refuses a trust policy that is none', async () => {
    for (const document of ['{', '{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}']) {
      await assert.rejects(
        iam.send(new CreateRoleCommand({ RoleName: 'bad', AssumeRolePolicyDocument: document })),
        isError('MalformedPolicyDocumentException'),
      );
    }
  });
});

describe('the metadata service of an instance', () => {
  const policy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: '*' }],
  };

  async function launchReader(name: string) {
    await makeProfile(name);
    await iam.send(
      new PutRolePolicyCommand({ RoleName: name, PolicyName: name, PolicyDocument: JSON.stringify(policy) }),
    );
    const { Instances } = await launch({ IamInstanceProfile: { Name: name } });
    const id = Instances![0]!.InstanceId!;
    return { id, endpoint: await aws.metadataEndpoint(id) };
  }

  async function tokenOf(endpoint: string) {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
    const answer = await fetch(`${endpoint}/latest/api/token`, { method: 'PUT', headers });
    return answer.text();
  }

  async function read(endpoint: string, path: string) {
    const headers = { 'x-aws-ec2-metadata-token': await tokenOf(endpoint) };
    const answer = await fetch(`${endpoint}/latest/${path}`, { headers });
    return answer.text();
  }

  it('answers only with a token, and not through a proxy', async () => {
    const { id, endpoint } = await launchReader('imds');
    const path = `${endpoint}/latest/meta-data/instance-id`;
    assert.equal((await fetch(path)).status, 401);
    assert.equal((await fetch(`${endpoint}/latest/api/token`, { method: 'PUT' })).status, 400);
    const headers = { 'x-aws-ec2-metadata-token': await tokenOf(endpoint) };
    assert.equal((await fetch(path, { headers: { ...headers, 'x-forwarded-for': '10.0.0.1' } })).status, 403);
    assert.equal(await (await fetch(path, { headers })).text(), id);
    assert.equal((await fetch(`${endpoint}/latest/nothing`, { headers })).status, 404);
    assert.equal(await read(endpoint, 'meta-data/iam/security-credentials/'), 'imds');
  });

  it('hands out credentials that may do what the role may and no more, rotates them, and they expire', async () => {
    await aws.seedBucket('library', { 'greeting.txt': 'hello' });
    const { id, endpoint } = await launchReader('reader');
    const credentialsNow = async () =>
      JSON.parse(await read(endpoint, 'meta-data/iam/security-credentials/reader'));
    const s3With = (handed: Record<string, string>) =>
      new S3Client({
        endpoint: aws.endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        maxAttempts: 1,
        credentials: {
          accessKeyId: handed.AccessKeyId!,
          secretAccessKey: handed.SecretAccessKey!,
          sessionToken: handed.Token!,
        },
      });
    const object = { Bucket: 'library', Key: 'greeting.txt' };

    const first = await credentialsNow();
    assert.equal(first.Code, 'Success');
    assert.match(first.AccessKeyId, /^ASIA/);
    const s3 = s3With(first);
    assert.equal((await s3.send(new ListObjectsV2Command({ Bucket: 'library' }))).KeyCount, 1);
    assert.equal(await (await s3.send(new GetObjectCommand(object))).Body!.transformToString(), 'hello');
    await assert.rejects(s3.send(new PutObjectCommand({ ...object, Body: 'bye' })), isError('AccessDenied'));
    assert.equal((await credentialsNow()).AccessKeyId, first.AccessKeyId, 'the same until they are rotated');

    aws.configure({ credentialSeconds: 1 });
    aws.rotate(id);
    const second = await credentialsNow();
    aws.configure({ credentialSeconds: 21_600 });
    assert.notEqual(second.AccessKeyId, first.AccessKeyId);
    assert.equal((await s3With(second).send(new ListObjectsV2Command({ Bucket: 'library' }))).KeyCount, 1);
    await pause(1100);
    await assert.rejects(
      s3With(second).send(new ListObjectsV2Command({ Bucket: 'library' })),
      isError('ExpiredToken'),
    );
  });
});

describe('faults', () => {
  it('are lost answers, cut connections, errors and delays, counted', async () => {
    aws.fault({ action: 'CreateInstanceProfile', lost: true });
    const create = () => iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'faulty' }));
    await assert.rejects(create());
    await assert.rejects(create(), isError('EntityAlreadyExistsException'));
    aws.fault({ action: 'DeleteInstanceProfile', cut: true });
    const remove = () => iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: 'faulty' }));
    await assert.rejects(remove());
    aws.fault({
      action: 'GetInstanceProfile',
      skip: 1,
      error: { code: 'Throttling', message: 'Rate exceeded' },
    });
    const look = () => iam.send(new GetInstanceProfileCommand({ InstanceProfileName: 'faulty' }));
    await look();
    await assert.rejects(look(), isError('Throttling', /^Rate exceeded$/));
    await look();
    await remove();
  });

  it('and behaviour can be set over HTTP, and calls read', async () => {
    const control = async <T = { error: string }>(method: string, path: string, body?: object) => {
      const answer = await fetch(`${aws.endpoint}/_sandbox/${path}`, {
        method,
        body: body && JSON.stringify(body),
      });
      return { status: answer.status, body: (await answer.json()) as T };
    };
    await control('DELETE', 'calls');
    await control('POST', 'faults', {
      action: 'CreateRole',
      error: { code: 'ServiceFailure', message: 'x', status: 500 },
    });
    await assert.rejects(
      iam.send(new CreateRoleCommand({ RoleName: 'http', AssumeRolePolicyDocument: TRUST })),
      isError('ServiceFailureException'),
    );
    const { body: calls } = await control<Call[]>('GET', 'calls');
    assert.deepEqual(
      calls.map(({ service, action, status, code }) => ({ service, action, status, code })),
      [{ service: 'iam', action: 'CreateRole', status: 500, code: 'ServiceFailure' }],
    );
    const { body: changed } = await control<Behaviour>('PATCH', 'behaviour', { pendingSeconds: 0.2 });
    assert.equal(changed.pendingSeconds, 0.2);
    const wrong = await control('PATCH', 'behaviour', { pendingSecond: 1 });
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.error, /pendingSecond is no behaviour/);
    assert.equal((await control('GET', 'nonsense')).status, 404);
  });
});
