/** The weather of the sandbox's AWS: what goes wrong on a bad day, on the real wire, and repeatable from a seed. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import {
  CreateTagsCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  EC2Client,
  type Instance,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListInstanceProfilesForRoleCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { sandbox } from '../cli/sandbox.ts';
import { startLocalAws } from '../sandbox/aws.ts';
import { DEFAULT_BEHAVIOUR } from '../sandbox/behaviour.ts';
import type { LocalAws } from '../sandbox/local-aws.ts';
import { readWeather } from '../sandbox/weather.ts';
import { ensurePython } from '../setup/python.js';

let aws: LocalAws;
let ec2: EC2Client;
let iam: IAMClient;

before(async () => {
  const { python } = await ensurePython({ say() {} });
  aws = await startLocalAws({ python });
  const settings = { endpoint: aws.endpoint, region: 'us-east-1', credentials: aws.keys, maxAttempts: 1 };
  ec2 = new EC2Client(settings);
  iam = new IAMClient(settings);
});
after(() => aws.stop());
afterEach(() => aws.setWeather({}));

const isError = (name: string, message?: RegExp) => (error: Error) =>
  error.name === name && (message === undefined || message.test(error.message));

const BUSY = { code: 'ServiceUnavailable', message: 'busy', status: 503 };

/** Which of so many calls had an answer. */
async function fates(times: number, call: () => Promise<unknown>): Promise<boolean[]> {
  const fates: boolean[] = [];
  for (let at = 0; at < times; at++) {
    fates.push(
      await call().then(
        () => true,
        () => false,
      ),
    );
  }
  return fates;
}

const listRoles = () => iam.send(new ListRolesCommand({}));
const describeInstances = () => ec2.send(new DescribeInstancesCommand({}));

describe('a fault', () => {
  it('may be meant for all calls of a service, or for all', async () => {
    aws.fault({ action: 'iam:*', error: BUSY });
    await describeInstances();
    await assert.rejects(listRoles(), isError('ServiceUnavailable'));
    aws.fault({ action: 'ec2:Describe*', error: BUSY });
    await listRoles();
    await assert.rejects(describeInstances(), isError('ServiceUnavailable'));
    aws.fault({ action: '*', error: BUSY, times: 2 });
    assert.deepEqual(await fates(3, listRoles), [false, false, true]);
  });

  it('may be meant for the nth call alone', async () => {
    aws.fault({ action: 'ListRoles', nth: 3, error: BUSY });
    assert.deepEqual(await fates(4, listRoles), [true, true, false, true]);
  });

  it('may happen by chance, without end unless it is told when', async () => {
    aws.fault({ action: 'ListRoles', chance: 1, error: BUSY });
    assert.deepEqual(await fates(3, listRoles), [false, false, false]);
    aws.clearFaults();
    aws.fault({ action: 'ListRoles', chance: 1, times: 2, error: BUSY });
    assert.deepEqual(await fates(3, listRoles), [false, false, true]);
    aws.clearFaults();
    aws.fault({ action: 'ListRoles', chance: 0.5, error: BUSY });
    const some = await fates(20, listRoles);
    assert.ok(some.includes(true) && some.includes(false), `${some}`);
  });

  it('that cannot be is refused with all its mistakes', () => {
    assert.throws(
      () => aws.fault({ action: '', chance: 2, nth: 0, tims: 1 } as never),
      /action: a call.*\nchance: a chance.*\nnth: a whole number, 1 or more\ntims is no field of a fault/,
    );
    assert.throws(() => aws.fault({ action: 'GetRole' }), /does nothing/);
    aws.fault({ action: 'GetRole', cut: true, times: Number.POSITIVE_INFINITY });
  });
});

describe('a weather', () => {
  const faults = [
    { action: 'iam:*', chance: 0.4, error: BUSY },
    { action: 'ListRoles', chance: 0.3, cut: true },
    { action: 'ec2:*', chance: 0.5, error: BUSY },
  ];
  const rolesAnd = async (between: () => Promise<unknown>) =>
    fates(16, async () => {
      await between();
      await listRoles();
    });

  it('is the same from the same seed, whatever else is called meanwhile, and another from another', async () => {
    aws.setWeather({ seed: 7, faults });
    const first = await rolesAnd(async () => {});
    aws.setWeather({ seed: 7, faults });
    const second = await rolesAnd(() => describeInstances().catch(() => {}));
    aws.setWeather({ seed: 8, faults });
    const other = await rolesAnd(async () => {});
    assert.deepEqual(second, first);
    assert.notDeepEqual(other, first);
  });

  it('decides from its seed who dies', async () => {
    const dead = async (seed: number) => {
      aws.setWeather({ seed, behaviour: { ...QUIET, deathChance: 0.5 } });
      const launched = idsOf(await launch({ MaxCount: 12 }));
      return Promise.all(launched.map(async (id) => (await stateOf(id)) === 'terminated'));
    };
    const first = await dead(1);
    assert.deepEqual(await dead(1), first);
    assert.notDeepEqual(await dead(2), first);
  });

  it('replaces all that was before, over HTTP too', async () => {
    aws.configure({ pendingSeconds: 9 });
    aws.fault({ action: 'ListRoles', error: BUSY });
    const control = async (method: string, body?: object) => {
      const answer = await fetch(`${aws.endpoint}/_sandbox/weather`, {
        method,
        body: body && JSON.stringify(body),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const wanted = { seed: 3, behaviour: { shuttingDownSeconds: 2 }, faults: [faults[1]!] };
    const put = await control('PUT', wanted);
    assert.equal(put.status, 200);
    const behaviour = { ...DEFAULT_BEHAVIOUR, shuttingDownSeconds: 2 };
    assert.deepEqual((await control('GET')).body, { ...wanted, behaviour });
    const wrong = await control('PUT', {
      seed: -1,
      behaviour: { x: 1, pendingSeconds: 'long' },
      faults: [{}],
    });
    assert.equal(wrong.status, 400);
    for (const mistake of [
      /^seed: a whole number, 0 or more$/m,
      /^behaviour.pendingSeconds: a number of seconds, 0 or more$/m,
      /^behaviour: x is no behaviour; there are propagationSeconds/m,
      /^faults.0.action: a call, for instance RunInstances/m,
    ]) {
      assert.match(`${wrong.body.error}`, mistake);
    }
    assert.deepEqual((await control('GET')).body, { ...wanted, behaviour }, 'a wrong one changes nothing');
  });

  it('is read from a file, or by its name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'weather-'));
    try {
      const file = join(folder, 'fog.yaml');
      writeFileSync(file, 'seed: 4\nfaults:\n  - { action: "*", chance: 0.1, lost: true }\n');
      assert.deepEqual(readWeather(file), { seed: 4, faults: [{ action: '*', chance: 0.1, lost: true }] });
      writeFileSync(file, 'seed: 4\nseed: 5\n');
      assert.throws(() => readWeather(file), /Map keys must be unique at line 2/);
    } finally {
      rmSync(folder, { recursive: true });
    }
    for (const name of ['calm', 'ordinary', 'storm']) readWeather(name);
    assert.throws(
      () => readWeather('fog'),
      /fog is no file, and no weather; there are calm, ordinary, storm/,
    );
  });

  it('that is none ends the command before anything is started', async () => {
    await assert.rejects(
      sandbox({ weather: 'fog' }),
      isError('Error', /^--weather fog:\n {2}fog is no file/),
    );
  });
});

const QUIET = { propagationSeconds: 0, pendingSeconds: 0, shuttingDownSeconds: 0 };
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});
const POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }],
});

const createRole = (RoleName: string) =>
  iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: TRUST }));
const createProfile = (InstanceProfileName: string) =>
  iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
const getRole = (RoleName: string) => iam.send(new GetRoleCommand({ RoleName }));
const getProfile = (InstanceProfileName: string) =>
  iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
const putPolicy = (RoleName: string, PolicyName = 'p') =>
  iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: POLICY }));
const bothNamed = (name: string) => ({ RoleName: name, InstanceProfileName: name });
const addRole = (name: string) => iam.send(new AddRoleToInstanceProfileCommand(bothNamed(name)));

const NO_SUCH = isError('NoSuchEntityException');

async function launch(input: Partial<RunInstancesCommandInput> = {}): Promise<Instance[]> {
  const command = new RunInstancesCommand({
    ImageId: 'ami-12c6146b',
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    ...input,
  });
  return (await ec2.send(command)).Instances!;
}

const idsOf = (instances: Instance[]) => instances.map(({ InstanceId }) => InstanceId!);

async function found(name: string, value: string): Promise<Instance[]> {
  const command = new DescribeInstancesCommand({ Filters: [{ Name: name, Values: [value] }] });
  return ((await ec2.send(command)).Reservations ?? []).flatMap(({ Instances = [] }) => Instances);
}

async function byId(id: string): Promise<Instance> {
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations![0]!.Instances![0]!;
}

const terminate = (...InstanceIds: string[]) => ec2.send(new TerminateInstancesCommand({ InstanceIds }));
const stateOf = async (id: string) => (await byId(id)).State!.Name;

describe("IAM's lag", () => {
  const always = { iamLagSeconds: 60, staleChance: 1 };

  it('hides what is new from all that names it', async () => {
    aws.configure(always);
    await createRole('new');
    await createProfile('new');
    for (const call of [
      () => getRole('new'),
      () => getProfile('new'),
      () => putPolicy('new'),
      () => addRole('new'),
      () => iam.send(new ListRolePoliciesCommand({ RoleName: 'new' })),
      () => iam.send(new DeleteRoleCommand({ RoleName: 'new' })),
    ]) {
      await assert.rejects(call(), NO_SUCH);
    }
    await assert.rejects(createRole('new'), isError('EntityAlreadyExistsException'));
    const names = async () => (await listRoles()).Roles!.map(({ RoleName }) => RoleName);
    assert.ok(!(await names()).includes('new'));
    aws.configure({ iamLagSeconds: 0 });
    assert.ok((await names()).includes('new'));
    await getRole('new');
  });

  it('answers what was before a change', async () => {
    await createRole('changed');
    await createProfile('changed');
    aws.configure(always);
    await addRole('changed');
    await putPolicy('changed');
    assert.deepEqual((await getProfile('changed')).InstanceProfile!.Roles, []);
    const policies = new ListRolePoliciesCommand({ RoleName: 'changed' });
    assert.deepEqual((await iam.send(policies)).PolicyNames, []);
    const policy = new GetRolePolicyCommand({ RoleName: 'changed', PolicyName: 'p' });
    await assert.rejects(iam.send(policy), NO_SUCH);
    aws.configure({ iamLagSeconds: 0 });
    assert.equal((await getProfile('changed')).InstanceProfile!.Roles![0]!.RoleName, 'changed');
    assert.deepEqual((await iam.send(policies)).PolicyNames, ['p']);
  });

  it('answers what is deleted, and refuses to delete what was in use', async () => {
    await createRole('old');
    await createProfile('old');
    await addRole('old');
    await putPolicy('old');
    aws.configure(always);
    await iam.send(new RemoveRoleFromInstanceProfileCommand(bothNamed('old')));
    assert.equal((await getProfile('old')).InstanceProfile!.Roles!.length, 1);
    const profiles = await iam.send(new ListInstanceProfilesForRoleCommand({ RoleName: 'old' }));
    assert.equal(profiles.InstanceProfiles!.length, 1);
    const deleteProfile = () => iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: 'old' }));
    const deleteRole = () => iam.send(new DeleteRoleCommand({ RoleName: 'old' }));
    const inProfile = isError(
      'DeleteConflictException',
      /^Cannot delete entity, must remove roles from instance profile first.$/,
    );
    await assert.rejects(deleteProfile(), inProfile);
    await assert.rejects(deleteRole(), inProfile);
    await iam.send(new DeleteRolePolicyCommand({ RoleName: 'old', PolicyName: 'p' }));
    await assert.rejects(
      deleteRole(),
      isError('DeleteConflictException', /^Cannot delete entity, must delete policies first.$/),
    );
    aws.configure({ staleChance: 0 });
    await deleteProfile();
    await deleteRole();
    aws.configure({ staleChance: 1 });
    assert.equal((await getRole('old')).Role!.RoleName, 'old');
    assert.equal((await getProfile('old')).InstanceProfile!.InstanceProfileName, 'old');
    aws.configure({ iamLagSeconds: 0 });
    await assert.rejects(getRole('old'), NO_SUCH);
    await assert.rejects(getProfile('old'), NO_SUCH);
  });

  it('passes, and may be met or not until then', async () => {
    aws.configure({ iamLagSeconds: 60 });
    await createRole('passing');
    const some = await fates(20, () => getRole('passing'));
    assert.ok(some.includes(true) && some.includes(false), `${some}`);
    aws.configure({ iamLagSeconds: 0.2, staleChance: 1 });
    await pause(250);
    await getRole('passing');
  });
});

describe("EC2's lag", () => {
  it('hides a new instance, its volumes and tags, and ends none of a batch that names it', async () => {
    aws.configure(QUIET);
    const Tags = [{ Key: 'lag', Value: 'yes' }];
    const specifications = (['instance', 'volume'] as const).map((ResourceType) => ({ ResourceType, Tags }));
    const [one, two] = idsOf(await launch({ MaxCount: 2, TagSpecifications: specifications }));
    aws.configure({ ec2LagSeconds: 60, staleChance: 1 });
    const unknown = isError(
      'InvalidInstanceID.NotFound',
      new RegExp(`^The instance ID '${one}' does not exist$`),
    );
    await assert.rejects(byId(one!), unknown);
    await assert.rejects(ec2.send(new CreateTagsCommand({ Resources: [one!], Tags })), unknown);
    await assert.rejects(
      terminate(one!, two!),
      isError('InvalidInstanceID.NotFound', new RegExp(`^The instance IDs '${one}, ${two}' do not exist$`)),
    );
    const listed = async () => {
      const volumes = new DescribeVolumesCommand({ Filters: [{ Name: 'tag:lag', Values: ['yes'] }] });
      const tags = new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [one!] }] });
      return {
        instances: (await found('tag:lag', 'yes')).length,
        volumes: (await ec2.send(volumes)).Volumes!.length,
        tags: (await ec2.send(tags)).Tags!.length,
      };
    };
    assert.deepEqual(await listed(), { instances: 0, volumes: 0, tags: 0 });
    await pause(100);
    aws.configure({ ec2LagSeconds: 0.1 });
    assert.deepEqual(await listed(), { instances: 2, volumes: 2, tags: 1 });
    for (const id of [one!, two!]) assert.equal(await stateOf(id), 'running', 'it was not terminated');
    await terminate(one!, two!);
    assert.equal(await stateOf(one!), 'terminated');
  });
});

describe('a profile that flaps', () => {
  it('is refused again for a while with either of the messages', async () => {
    aws.configure({ ...QUIET, flapSeconds: 60 });
    await createRole('flapping');
    await createProfile('flapping');
    await addRole('flapping');
    const probe = async () => {
      const input = { DryRun: true, IamInstanceProfile: { Name: 'flapping' } };
      return launch(input).catch((error: Error) => error.message);
    };
    const ACCEPTED = /^Request would have succeeded/;
    assert.match(`${await probe()}`, ACCEPTED, 'the first time it is accepted');
    const answers: string[] = [];
    for (let at = 0; at < 20; at++) answers.push(`${await probe()}`);
    for (const wanted of [ACCEPTED, /Invalid IAM Instance Profile name$/, /has no associated IAM Roles$/]) {
      assert.ok(
        answers.some((answer) => wanted.test(answer)),
        `${wanted}: ${answers}`,
      );
    }
    aws.configure({ flapSeconds: 0 });
    for (let at = 0; at < 5; at++) assert.match(`${await probe()}`, ACCEPTED);
  });
});

describe('buckets', () => {
  it('of EC2 throttle calls, dry runs too, and are refilled', async () => {
    aws.configure({ ...QUIET, bucketScale: 0.001 });
    const probe = () => launch({ DryRun: true });
    for (let at = 0; at < 5; at++) await assert.rejects(probe(), isError('DryRunOperation'));
    await assert.rejects(probe(), (error: Error & { $metadata: { httpStatusCode: number } }) => {
      return error.name === 'RequestLimitExceeded' && error.$metadata.httpStatusCode === 503;
    });
    aws.configure({ bucketScale: 60 });
    await pause(50);
    await assert.rejects(probe(), isError('DryRunOperation'));
  });

  it('of EC2 count instances, too', async () => {
    aws.configure({ ...QUIET, bucketScale: 0.001 });
    const ids = idsOf(await launch({ MinCount: 3, MaxCount: 3 }));
    await assert.rejects(
      launch({ MinCount: 998, MaxCount: 998 }),
      isError('RequestLimitExceeded', /^Request limit exceeded.$/),
    );
    await terminate(...ids);
  });

  it('of IAM throttle each of its calls', async () => {
    aws.configure({ bucketScale: 0.001 });
    for (let at = 0; at < 5; at++) await listRoles();
    await assert.rejects(listRoles(), isError('Throttling', /^Rate exceeded$/));
    await assert.rejects(getRole('nobody'), NO_SUCH);
  });
});

describe('capacity', () => {
  const inZone = (AvailabilityZone: string) => ({ Placement: { AvailabilityZone } });

  it('that is sold out refuses in the words of EC2, and binds the token until there is some', async () => {
    aws.configure({ ...QUIET, soldOut: [{ type: 't3.micro', zone: 'us-east-1a' }] });
    const asked = { ...inZone('us-east-1a'), ClientToken: 'bound' };
    await assert.rejects(launch(asked), (error: Error & { $metadata: { httpStatusCode: number } }) => {
      assert.equal(error.name, 'InsufficientInstanceCapacity');
      assert.equal(error.$metadata.httpStatusCode, 500);
      assert.match(
        error.message,
        /^We currently do not have sufficient t3.micro capacity in the Availability Zone you requested \(us-east-1a\)\. .* or choosing us-east-1b/,
      );
      return true;
    });
    await assert.rejects(launch({ ...asked, DryRun: true }), isError('DryRunOperation'));
    const other = { ...asked, InstanceType: 't3.small' } as const;
    await assert.rejects(launch(other), isError('IdempotentParameterMismatch'));
    await assert.rejects(launch(asked), isError('InsufficientInstanceCapacity'));
    await launch({ ...other, ClientToken: 'unbound' });
    aws.configure({ soldOut: [] });
    await assert.rejects(launch(other), isError('IdempotentParameterMismatch'));
    const twice = await Promise.all([launch(asked), launch(asked)]);
    assert.deepEqual(idsOf(twice[0]!), idsOf(twice[1]!));
    assert.equal((await found('client-token', 'bound')).length, 1);
  });

  it('is looked for in another zone where none is named', async () => {
    aws.configure({ ...QUIET, soldOut: [{ zone: 'us-east-1a' }, { zone: 'us-east-1b', market: 'spot' }] });
    const zoneOf = async (input: Partial<RunInstancesCommandInput>) =>
      (await launch(input))[0]!.Placement!.AvailabilityZone;
    assert.equal(await zoneOf({}), 'us-east-1b');
    assert.equal(await zoneOf({ InstanceMarketOptions: { MarketType: 'spot' } }), 'us-east-1c');
    aws.configure({ soldOut: [{ type: 't3.micro' }] });
    await assert.rejects(launch(), isError('InsufficientInstanceCapacity', /t3.micro capacity in zones/));
  });
});

describe('an instance that dies', () => {
  it('goes from pending to terminated, says why, and takes its volumes along', async () => {
    aws.configure({ ...QUIET, pendingSeconds: 0.2, deathChance: 1 });
    const tags = [{ ResourceType: 'volume' as const, Tags: [{ Key: 'of', Value: 'dead' }] }];
    const launched = await launch({ MaxCount: 8, TagSpecifications: tags, DisableApiTermination: true });
    assert.equal(launched[0]!.State!.Name, 'pending');
    const ids = idsOf(launched);
    await pause(250);
    const reasons = new Set<string>();
    for (const id of ids) {
      const { State, StateReason } = await byId(id);
      assert.equal(State!.Name, 'terminated');
      reasons.add(StateReason!.Code!);
    }
    assert.deepEqual([...reasons].sort(), ['Server.InsufficientInstanceCapacity', 'Server.InternalError']);
    const Filters = [{ Name: 'tag:of', Values: ['dead'] }];
    assert.deepEqual((await ec2.send(new DescribeVolumesCommand({ Filters }))).Volumes, []);
    aws.configure({ deathChance: 0 });
    const [alive] = idsOf(await launch());
    await pause(250);
    assert.equal(await stateOf(alive!), 'running');
  });
});

describe('filters that are ignored', () => {
  it('leave all there is in an answer', async () => {
    aws.configure(QUIET);
    await launch({ ClientToken: 'unfiltered' });
    aws.configure({ ignoreFilters: true });
    const all = await found('client-token', 'nobody');
    assert.ok(all.some(({ ClientToken }) => ClientToken === 'unfiltered'));
    assert.deepEqual(idsOf(await found('tag:nothing', 'like it')), idsOf(all));
    const Filters = [{ Name: 'tag:nothing', Values: ['like it'] }];
    assert.ok((await ec2.send(new DescribeVolumesCommand({ Filters }))).Volumes!.length > 0);
  });
});

async function isProtected(InstanceId: string): Promise<boolean | undefined> {
  const command = new DescribeInstanceAttributeCommand({ InstanceId, Attribute: 'disableApiTermination' });
  return (await ec2.send(command)).DisableApiTermination!.Value;
}

describe('termination', () => {
  const unknown = 'i-00000000000000001';

  const setProtection = (InstanceId: string, Value: boolean) =>
    ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value } }));

  it('of a batch with unknown ids ends none of it, and lists them, as a look does', async () => {
    aws.configure(QUIET);
    const [id] = idsOf(await launch());
    const absent = new RegExp(`^The instance IDs '${unknown}, ${unknown.replace('1', '2')}' do not exist$`);
    const ids = [id!, unknown, unknown.replace('1', '2')];
    const refused = isError('InvalidInstanceID.NotFound', absent);
    await assert.rejects(terminate(...ids), refused);
    await assert.rejects(ec2.send(new DescribeInstancesCommand({ InstanceIds: ids })), refused);
    assert.equal(await stateOf(id!), 'running');
  });

  it('of a protected instance is refused, for all of its zone and none of another', async () => {
    aws.configure(QUIET);
    const inZone = async (zone: string) =>
      idsOf(await launch({ MaxCount: 2, Placement: { AvailabilityZone: `us-east-1${zone}` } }));
    const elsewhere = await inZone('b');
    const [held, beside] = await inZone('a');
    await setProtection(held!, true);
    await assert.rejects(
      terminate(elsewhere[0]!, beside!, held!, unknown),
      isError('InvalidInstanceID.NotFound'),
    );
    assert.equal(await stateOf(elsewhere[0]!), 'running');
    const words = `The instance '${held}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`;
    await assert.rejects(
      terminate(beside!, ...elsewhere, held!),
      (error: Error) => error.name === 'OperationNotPermitted' && error.message === words,
    );
    assert.equal(await stateOf(held!), 'running');
    assert.equal(await stateOf(beside!), 'running');
    for (const id of elsewhere) assert.equal(await stateOf(id), 'terminated');
    await setProtection(held!, false);
    await terminate(held!, beside!);
    assert.equal(await stateOf(held!), 'terminated');
  });

  it('of an instance that was launched protected is refused', async () => {
    aws.configure(QUIET);
    const [id] = idsOf(await launch({ DisableApiTermination: true }));
    assert.equal(await isProtected(id!), true);
    await assert.rejects(terminate(id!), isError('OperationNotPermitted'));
  });
});

describe('other hands', () => {
  it('protect an instance of the nth launch', async () => {
    aws.configure({ ...QUIET, hands: [{ after: 'RunInstances', nth: 2, do: 'protect' }] });
    await assert.rejects(launch({ DryRun: true }), isError('DryRunOperation'));
    const launches = [await launch(), await launch({ MaxCount: 2 }), await launch()].map(idsOf);
    const [held, beside] = launches[1]!;
    assert.deepEqual(await Promise.all(launches.flat().map(isProtected)), [false, true, false, false]);
    await assert.rejects(terminate(held!), isError('OperationNotPermitted'));
    await terminate(beside!);
  });

  it('put another role into the profile, and attach a policy to the role', async () => {
    aws.configure({
      hands: [
        { after: 'CreateRole', match: 'RoleName=handled', do: 'attach-policy' },
        { after: 'AddRoleToInstanceProfile', do: 'swap-role' },
      ],
    });
    await createRole('alone');
    await createRole('handled');
    await createProfile('handled');
    await addRole('handled');
    const roles = (await getProfile('handled')).InstanceProfile!.Roles!;
    assert.deepEqual(
      roles.map(({ RoleName }) => RoleName),
      ['handled-of-somebody'],
    );
    const attached = async (RoleName: string) =>
      (await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }))).AttachedPolicies!.length;
    assert.deepEqual([await attached('alone'), await attached('handled')], [0, 1]);
    assert.throws(
      () => aws.configure({ hands: [{ after: 'CreateRole', do: 'protect' }] }),
      / hands.0.after: protect is done after RunInstances$/,
    );
  });
});

describe('lost and cut answers', () => {
  it('have had their effect, and none', async () => {
    aws.configure(QUIET);
    aws.fault({ action: 'RunInstances', lost: true });
    await assert.rejects(launch({ ClientToken: 'lost' }));
    assert.equal((await found('client-token', 'lost')).length, 1);
    aws.fault({ action: 'RunInstances', cut: true });
    await assert.rejects(launch({ ClientToken: 'cut' }));
    assert.equal((await found('client-token', 'cut')).length, 0);
  });
});
