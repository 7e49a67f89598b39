/** The specs of examples/: read, and brought up as they are; AWS is asked what each has made, and what is left of it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Instance } from '@aws-sdk/client-ec2';
import { DescribeInstanceAttributeCommand, DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  GetRoleCommand,
  ListAttachedRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { specFromFile } from '../client/index.ts';
import { FLEET_TAG } from '../fleet/tags.ts';
import { openWorld, untilPolled, type World } from './world.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const example = (name: string) => `${ROOT}/examples/${name}.yaml`;

let world: World;
before(async () => {
  world = await openWorld();
  await untilPolled(world.muster);
});
after(() => world.close());

type Made = Awaited<ReturnType<World['exists']>>;

/** Brings the example up, has AWS's answer looked at, and takes it down: then nothing of it is there. */
async function upAndDown(name: string, look: (made: Made) => Promise<void> | void): Promise<void> {
  const report = await (await world.muster.up(specFromFile(example(name)))).result();
  assert.equal(report.state, 'complete', JSON.stringify(report.error));
  const made = await world.exists(report.fleet);
  assert.equal(made.instances.length, report.instances.length);
  await look(made);
  const end = await (await world.muster.down(report.fleet)).result();
  assert.equal(end.state, 'gone', JSON.stringify(end.leftovers));
  assert.deepEqual(await world.exists(report.fleet), {
    role: undefined,
    profile: undefined,
    instances: [],
    volumes: [],
  });
}

const zonesOf = (instances: readonly Instance[]) =>
  instances.map(({ Placement }) => Placement!.AvailabilityZone).sort();

const LOOKS: Record<string, () => Promise<void>> = {
  's3-read-only': () =>
    upAndDown('s3-read-only', async ({ instances, role }) => {
      assert.deepEqual(
        instances.map(({ InstanceType }) => InstanceType),
        ['t3.micro', 't3.micro', 't3.micro'],
      );
      const { 's3-read-only': policy } = await world.policies(role!.RoleName!);
      assert.deepEqual(policy.Statement[0].Action, ['s3:Get*', 's3:List*']);
    }),

  's3-and-logs': () =>
    upAndDown('s3-and-logs', async ({ instances, role }) => {
      assert.deepEqual(
        instances.map(({ Monitoring }) => Monitoring!.State),
        Array(4).fill('enabled'),
      );
      const { 's3-read-only': policy } = await world.policies(role!.RoleName!);
      assert.deepEqual(policy.Statement[1].Resource, ['arn:aws:s3:::my-logs/*']);
    }),

  'web-tier': () =>
    upAndDown('web-tier', async ({ instances, role, volumes }) => {
      assert.deepEqual(zonesOf(instances), ['us-east-1a', 'us-east-1a', 'us-east-1b', 'us-east-1b']);
      const { AttachedPolicies = [] } = await world.iam.send(
        new ListAttachedRolePoliciesCommand({ RoleName: role!.RoleName }),
      );
      assert.deepEqual(
        AttachedPolicies.map(({ PolicyName }) => PolicyName),
        ['AmazonSSMManagedInstanceCore'],
      );
      assert.deepEqual(
        volumes.map(({ Size, VolumeType, Encrypted }) => [Size, VolumeType, Encrypted]),
        Array(4).fill([20, 'gp3', true]),
      );
      const { UserData } = await world.ec2.send(
        new DescribeInstanceAttributeCommand({
          InstanceId: instances[0]!.InstanceId,
          Attribute: 'userData',
        }),
      );
      assert.equal(
        Buffer.from(UserData!.Value!, 'base64').toString(),
        readFileSync(`${ROOT}/examples/user-data/web-server.sh`, 'utf8'),
      );
    }),

  'batch-spot': () =>
    upAndDown('batch-spot', ({ instances }) => {
      assert.equal(instances.length, 12);
      assert.ok(instances.every(({ InstanceLifecycle }) => InstanceLifecycle === 'spot'));
    }),

  nightly: async () => {
    const [, line] = /^# {3}(muster schedule set .*)$/m.exec(readFileSync(example('nightly'), 'utf8'))!;
    const shown = await muster(...wordsOf(line!), '--json');
    const { cron, timezone, lease } = JSON.parse(shown);
    assert.deepEqual([cron, timezone, lease], ['0 22 * * 1-5', 'Europe/Paris', 8 * 3600], shown);
    await world.muster.schedules.delete('nightly');
    await upAndDown('nightly', ({ instances }) => assert.equal(instances.length, 2));
  },

  'existing-profile': async () => {
    const assumed = {
      Effect: 'Allow',
      Principal: { Service: 'ec2.amazonaws.com' },
      Action: 'sts:AssumeRole',
    };
    const document = JSON.stringify({ Version: '2012-10-17', Statement: [assumed] });
    await world.iam.send(
      new CreateRoleCommand({ RoleName: 'batch-worker', AssumeRolePolicyDocument: document }),
    );
    await world.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'batch-worker' }));
    await world.iam.send(
      new AddRoleToInstanceProfileCommand({ InstanceProfileName: 'batch-worker', RoleName: 'batch-worker' }),
    );
    await upAndDown('existing-profile', ({ instances, role, profile }) => {
      assert.deepEqual([role, profile], [undefined, undefined]);
      assert.match(instances[0]!.IamInstanceProfile!.Arn!, /:instance-profile\/batch-worker$/);
    });
    assert.ok((await world.iam.send(new GetRoleCommand({ RoleName: 'batch-worker' }))).Role);
  },

  'several-regions': async () => {
    const fleet = 'several-regions';
    const report = await (await world.muster.up(specFromFile(example(fleet)))).result();
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    const listed: string[] = [];
    for await (const { id, state } of world.muster.instancesOf(await world.muster.status(fleet))) {
      listed.push(id);
      assert.equal(state, 'running');
    }
    const [here, abroad] = await Promise.all(['us-east-1', 'eu-west-1'].map((region) => runningIn(region)));
    assert.deepEqual([here!.length, zonesOf(abroad!)], [2, ['eu-west-1b']]);
    const ids = [...here!, ...abroad!].map(({ InstanceId }) => InstanceId!);
    assert.deepEqual(listed.sort(), ids.sort());
    assert.equal((await (await world.muster.down(fleet)).result()).state, 'gone');
    assert.deepEqual([...(await runningIn('us-east-1')), ...(await runningIn('eu-west-1'))], []);
    const { role, profile } = await world.exists(fleet);
    assert.deepEqual([role, profile], [undefined, undefined]);

    async function runningIn(region: string): Promise<Instance[]> {
      const Filters = [
        { Name: `tag:${FLEET_TAG}`, Values: [fleet] },
        { Name: 'instance-state-name', Values: ['running'] },
      ];
      const ec2 = new EC2Client({ region, maxAttempts: 1 });
      const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
      return Reservations.flatMap(({ Instances = [] }) => Instances);
    }
  },

  'raw-policy': () =>
    upAndDown('raw-policy', async ({ role }) => {
      const { 'log-readers': policy } = await world.policies(role!.RoleName!);
      const { Statement } = JSON.parse(readFileSync(`${ROOT}/examples/policies/read-logs.json`, 'utf8'));
      const told = (statement: Record<string, unknown>) => [statement.Sid, statement.Action];
      assert.deepEqual(policy.Statement.map(told), Statement.map(told));
    }),
};

describe('the examples', () => {
  const files = readdirSync(`${ROOT}/examples`).filter((name) => name.endsWith('.yaml'));
  for (const name of files.map((file) => file.replace(/\.yaml$/, ''))) {
    it(`${name} is a spec, and says what it shows`, () => {
      assert.ok(specFromFile(example(name)).hash);
      assert.match(readFileSync(example(name), 'utf8'), /^# yaml-language-server: .*\n# [A-Z]/);
    });
    // Its ids are made up.
    if (name === 'full') continue;
    it(`${name} comes up and goes, in AWS's own words`, async () => {
      assert.ok(LOOKS[name], `nobody looks at ${name}`);
      await LOOKS[name]();
    });
  }
});

function wordsOf(command: string): string[] {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
  assert.equal(words.shift(), 'muster');
  return words;
}

/** What the command says on stdout, as in the clone's folder. */
function muster(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${ROOT}/bin/muster.js`, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.once('error', reject);
    child.once('close', () => resolve(out));
  });
}
