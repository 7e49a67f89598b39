/** The weather of the sandbox's AWS: what goes wrong on a bad day, on the real wire, and repeatable from a seed. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
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
});
