/** Checks on a schedule: a fleet is told to differ, or kept as its spec says, and no run of it is disturbed. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { type Muster, type MusterError, type SpecInput, specFrom } from '../client/index.ts';
import type { ScheduledRun } from '../client/schedule-standing.ts';
import type { CheckState } from '../fleet/check-schedule.ts';
import type { FleetNotification } from '../fleet/notification.ts';
import { type Ended, ended, startMuster } from './command.ts';
import { written } from './specs.ts';
import { openWorld, untilPolled, type World } from './world.ts';

let world: World;
let muster: Muster;
const told: FleetNotification[] = [];
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  told.push(JSON.parse(Buffer.concat(chunks).toString()));
  response.writeHead(204).end();
});
before(async () => {
  process.env.HOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  world = await openWorld();
  ({ muster } = world);
  await untilPolled(muster);
});
after(async () => {
  server.close();
  await world.close();
});
afterEach(() => world.aws.clearFaults());

const watched = (name: string): SpecInput =>
  written(
    name,
    {
      notify: [
        {
          webhook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
          secret: 'env:HOOK_SECRET',
          on: ['drift', 'repaired'],
        },
      ],
    },
    { count: 1 },
  );

async function fleetOf(name: string): Promise<string> {
  const report = await (await muster.up(specFrom(watched(name)))).result();
  assert.equal(report.state, 'complete', JSON.stringify(report.error));
  return report.instances[0]!.id;
}

const widen = (name: string, PolicyName = name) =>
  world.iam.send(
    new PutRolePolicyCommand({
      RoleName: name,
      PolicyName,
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
      }),
    }),
  );

/** The end of the check that is the `nth` of its schedule. */
async function nthEnd(name: string, nth: number): Promise<ScheduledRun<CheckState>> {
  for (let tries = 0; tries < 600; tries++) {
    const { runs } = await muster.checks.get(name);
    const [last] = runs;
    if (runs.length >= nth && last!.state !== 'running') return last!;
    await sleep(100);
  }
  throw new Error(`no end: ${JSON.stringify(await muster.checks.get(name))}`);
}

async function toldOf(name: string, count: number): Promise<FleetNotification[]> {
  for (let tries = 0; tries < 400; tries++) {
    const those = told.filter(({ fleet }) => fleet === name);
    if (those.length >= count) return those;
    await sleep(50);
  }
  throw new Error(`not told: ${JSON.stringify(told)}`);
}

describe('a fleet that is checked on a schedule', () => {
  it('is looked at at once, is told to differ once for the same, and is put right where that is wanted', async () => {
    const name = 'watched';
    await fleetOf(name);
    const set = await muster.checks.set(name, { every: 86_400 });
    assert.deepEqual([set.fleet, set.every, set.repair], [name, 86_400, false]);
    assert.equal((await nthEnd(name, 1)).state, 'same');

    await widen(name);
    await muster.checks.trigger(name);
    const differs = await nthEnd(name, 2);
    assert.deepEqual([differs.state, differs.reason], ['differs', '1 thing: policy watched']);
    const [drift] = await toldOf(name, 1);
    assert.deepEqual([drift!.event, drift!.action, drift!.counts.differing], ['drift', 'check', 1]);
    assert.deepEqual(drift!.differing, [
      { kind: 'policy', resource: name, wanted: 'Allow s3:Get* on *', found: 'Allow s3:* on *' },
    ]);
    assert.match(drift!.workflowId, /^checks:watched-/);

    // The same again, and then something more, which is told next.
    await muster.checks.trigger(name);
    assert.equal((await nthEnd(name, 3)).state, 'differs');
    await widen(name, 'theirs');
    await muster.checks.trigger(name);
    assert.equal((await nthEnd(name, 4)).reason, '2 things: policy watched, policy theirs');
    assert.deepEqual(
      (await toldOf(name, 2)).map(({ counts }) => counts.differing),
      [1, 2],
    );

    const changed = await muster.checks.set(name, { every: 86_400, repair: true });
    assert.equal(changed.repair, true);
    for (let tries = 0; tries < 100 && !(await muster.checks.get(name)).repair; tries++) await sleep(100);
    await muster.checks.trigger(name);
    const partly = await nthEnd(name, 5);
    assert.deepEqual([partly.state, partly.reason], ['differs', '1 thing: policy theirs']);
    const events = (await toldOf(name, 4))
      .slice(2)
      .map(({ event, counts }) => [event, counts.mended, counts.differing]);
    assert.deepEqual(events.sort(), [
      ['drift', 1, 1],
      ['repaired', 1, 1],
    ]);
    assert.deepEqual((await world.policies(name))[name].Statement[0].Action, ['s3:Get*']);
    assert.deepEqual(
      (await muster.checks.list()).map(({ fleet }) => fleet),
      [name],
    );
    await (await muster.down(name)).result();
    await muster.checks.trigger(name);
    const skipped = await nthEnd(name, 6);
    assert.deepEqual([skipped.state, /is gone/.test(skipped.reason!)], ['skipped', true]);
    await muster.checks.delete(name);
    await assert.rejects(muster.checks.get(name), (error: MusterError) => error.code === 'ScheduleNotFound');
  });

  it('gets others for machines that are no more, and finds a repair that somebody else has begun', async () => {
    const name = 'healed';
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [await fleetOf(name)] }));
    world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', delayMs: 3_000 });
    const run = await muster.repair(name);
    await muster.checks.set(name, { every: 86_400, repair: true });
    // A check beside a repair is skipped or sees what it has made; neither disturbs it.
    assert.match((await nthEnd(name, 1)).state, /^(skipped|same)$/);
    assert.equal((await run.result()).state, 'complete');
    const { instances } = await world.exists(name);
    assert.equal(instances.length, 1);
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances[0]!.InstanceId!] }));
    await muster.checks.trigger(name);
    const end = await nthEnd(name, 2);
    assert.equal(end.state, 'repaired', end.reason);
    assert.equal((await world.exists(name)).instances.length, 1);
    assert.equal((await muster.status(name)).state, 'complete');
    assert.deepEqual((await muster.check(name)).findings, []);
    await muster.checks.delete(name);
    assert.equal((await (await muster.down(name)).result()).state, 'gone');
  });

  it('is set, shown and ended on the command line', async () => {
    assert.equal((await typed('clock')).code, 2);
    assert.equal((await typed('clock', '--every', 'soon')).code, 2);
    assert.equal((await typed('clock', '--every', '1s')).code, 2);
    assert.equal((await typed('clock', '--repair')).code, 2);
    const set = await typed('clock', '--every', '1h', '--repair');
    assert.equal(set.code, 0, set.stderr);
    assert.match(set.stdout, /^✓ fleet clock is checked and repaired every 1 hour\n\n {2}next {6}/);
    const end = await nthEnd('clock', 1);
    assert.deepEqual([end.state, /no run of the fleet 'clock'/.test(end.reason!)], ['skipped', true]);
    assert.match(
      (await typed('clock')).stdout,
      /\n {2}last {6}skipped: Temporal at \S+ \(namespace 'default'\) knows no run/,
    );
    const { every, repair, runs } = JSON.parse((await typed('clock', '--json')).stdout);
    assert.deepEqual([every, repair, runs.length], [3_600, true, 1]);
    assert.equal((await typed('clock', '--off', '--every', '1h')).code, 2);
    assert.equal((await typed('clock', '--off')).code, 0);
    assert.equal((await typed('clock')).code, 2);
  });
});

/** The command as a person calls it. */
function typed(...args: string[]): Promise<Ended> {
  return ended(startMuster(['schedule', 'check', ...args], { ...world.sandbox.env, NO_COLOR: '1' }));
}
