/** Rolls: others take the place of a fleet's instances, wave by wave. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { Muster, type MusterError } from '../client/index.ts';
import type { FleetReport } from '../fleet/report.ts';
import { rolledWords } from '../fleet/roll-words.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { STATE_TAG } from '../fleet/tags.ts';
import { ended, startMuster } from './command.ts';
import {
  assertAll,
  assertAsBefore,
  CHECKS,
  fleetOf,
  gone,
  type Instances,
  idsIn,
  isIn,
  isRefused,
  isRunning,
  LAUNCH,
  listed,
  machinesOf,
  muster,
  NEW,
  OLD,
  pausedAfterTheFirst,
  rolled,
  specOf,
  startRoll,
  USUAL,
  untilRoll,
  useWorld,
  world,
} from './rolls.ts';
import { untilPolled } from './world.ts';

const MUSTER = fileURLToPath(new URL('../bin/muster.js', import.meta.url));

useWorld();

describe('a roll', () => {
  it('replaces all instances by ones of the new image, and its spec is the fleet’s', async () => {
    const before = await fleetOf('image');
    const run = await muster.roll(specOf('image', { image: NEW }), { wave: { count: 2 } });
    assert.equal(run.met, 'new');
    const seen: number[] = [];
    for await (const { report } of run.watch()) {
      if (report.state === 'rolling') seen.push((await machinesOf('image')).filter(isRunning).length);
    }
    const report = await run.result();
    assert.deepEqual([report.state, report.action], ['complete', 'roll'], JSON.stringify(report));
    const { count, waves, wave, size, replaced, from, to } = report.roll!;
    assert.deepEqual([count, waves, wave, size, replaced, from, to], [5, 3, 3, 2, 5, OLD, NEW]);
    assert.ok(Math.min(...seen) >= 5, `never fewer than before: ${seen}`);
    await assertAll('image', 5, NEW);
    const ids = await idsIn('image');
    assert.ok(before.every((id) => !ids.includes(id)));
    assert.deepEqual(report.instances.map(({ id }) => id).sort(), ids);
    assert.deepEqual(await listed('image'), ids);

    const status = await muster.status('image');
    assert.deepEqual([status.state, status.image, status.instances.length], ['complete', NEW, 5]);
    const { findings } = await muster.check('image');
    assert.deepEqual(findings, []);
    // The new spec finds it there; the old one is another.
    assert.equal((await muster.up(specOf('image', { image: NEW }))).met, 'ended');
    assert.equal((await startRoll('image')).met, 'ended');
    const swept = (await muster.sweep()).swept.filter(({ remains }) => remains.fleet === 'image');
    assert.ok(
      swept.every(({ remove }) => !remove),
      JSON.stringify(swept),
    );
    await gone('image');
  });

  it('goes by a type and user data, too, and the next change launches as the new spec says', async () => {
    await fleetOf('type', { count: 3 });
    const to = specOf('type', { count: 3, type: 't3.small', userData: '#!/bin/sh' });
    const report = await (await muster.roll(to, { wave: { percent: 100 } })).result();
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.equal(report.roll!.waves, 1);
    assert.equal(
      rolledWords((await muster.status('type')).roll!),
      'type from t3.micro to t3.small, user data',
    );
    await assertAll('type', 3, OLD, 't3.small');
    assert.equal((await (await muster.scale('type', { count: 4 })).result()).state, 'complete');
    await assertAll('type', 4, OLD, 't3.small');
    // From the second spec to a third.
    assert.equal((await rolled('type')).state, 'complete');
    await assertAll('type', 4, NEW, 't3.small');
    await gone('type');
  });

  it('takes a lost answer and machines that die in its stride', async () => {
    await fleetOf('rough');
    world.aws.fault({ ...LAUNCH, lost: true, nth: 2 });
    world.aws.fault({ action: 'DescribeInstances', match: 'muster%3Arun', delayMs: 6_000 });
    world.aws.configure({ deathChance: 1 });
    const run = await startRoll('rough');
    // They are dead, and nobody has looked yet.
    await untilRoll('rough', (report) => isIn(report, 1, 'verify'));
    world.aws.configure({ deathChance: 0 });
    const report = await run.result();
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.equal(report.decisions!.filter(({ what }) => what === 'died').length, 2);
    await assertAll('rough', 5, NEW);
    await gone('rough');
  });

  it('of a fleet that uses another’s profile marks its new machines', async () => {
    await fleetOf('lender', { count: 1 });
    const borrowed = { profile: 'lender', policy: undefined };
    const report = await (await muster.up(specOf('borrower', { count: 2 }, borrowed))).result();
    assert.equal(report.state, 'complete');
    assert.equal((await rolled('borrower')).state, 'complete');
    const { instances } = await world.exists('borrower');
    assert.deepEqual(
      instances.map(({ ImageId, Tags }) => [ImageId, Tags!.find(({ Key }) => Key === STATE_TAG)?.Value]),
      Array(2).fill([NEW, 'complete']),
    );
    assert.equal((await (await muster.down('borrower')).result()).state, 'gone');
    await gone('lender');
  });
});

describe('a roll under way', () => {
  it('is paused after the wave at hand, shown, and resumed', async () => {
    await fleetOf('paused');
    const run = await pausedAfterTheFirst('paused');
    const images = (await machinesOf('paused')).map(({ ImageId }) => ImageId);
    assert.deepEqual([images.length, images.filter((image) => image === NEW).length], [5, 2]);
    const status = await muster.status('paused');
    const { wave, waves, healthy, replaced, pausedAt } = status.roll!;
    assert.deepEqual([status.state, wave, waves, healthy, replaced], ['rolling', 1, 3, 2, 2]);
    assert.ok(pausedAt);
    assert.deepEqual([status.instances.length, (await listed('paused')).length], [5, 5]);
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === 'paused');
    assert.deepEqual([entry!.state, entry!.instances], ['rolling', 5]);
    await assert.rejects(muster.steerRoll('paused', 'pause'), isRefused('NotNow', /paused already/));
    await assert.rejects(muster.scale('paused', { count: 9 }), isRefused('FleetBusy', /rolling 5 instances/));
    await assert.rejects(startRoll('paused'), isRefused('FleetBusy'));
    await assert.rejects(muster.down('paused'), isRefused('FleetBusy'));

    await muster.steerRoll('paused', 'resume');
    assert.equal((await run.result()).state, 'complete');
    await assertAll('paused', 5, NEW);
    for (const steer of ['pause', 'resume', 'abort'] as const) {
      const none = isRefused('NotNow', /no roll of the fleet 'paused' is under way/);
      await assert.rejects(muster.steerRoll('paused', steer), none);
    }
    await assert.rejects(muster.steerRoll('nobody', 'pause'), isRefused('FleetNotFound'));
    await gone('paused');
  });

  it('tells the whole fleet, the old and the new of the wave', async () => {
    const before = await fleetOf('whole');
    world.aws.configure({ initializingSeconds: 600 });
    const run = await startRoll('whole');
    await untilRoll('whole', (report) => isIn(report, 1, 'health'));
    const status = await muster.status('whole');
    const told = status.instances.map(({ id }) => id);
    assert.deepEqual(
      [told.length, told.filter((id) => before.includes(id)).length, status.roll!.replaced],
      [7, 5, 0],
    );
    assert.deepEqual(told.sort(), await idsIn('whole'));
    assert.deepEqual(await listed('whole'), told);
    assert.equal(
      status.sources!.reduce((sum, { count }) => sum + count, 0),
      7,
    );
    const [entry] = (await muster.list()).filter(({ fleet }) => fleet === 'whole');
    assert.deepEqual(
      [entry!.state, entry!.instances, entry!.roll],
      ['rolling', 7, { replaced: 0, count: 5 }],
    );
    world.aws.configure(USUAL);
    assert.equal((await run.result()).state, 'complete');
    assert.deepEqual(await listed('whole'), await idsIn('whole'));
    await gone('whole');
  });

  it('is aborted between its waves: the fleet is as before', async () => {
    const before = await fleetOf('aborted');
    const run = await pausedAfterTheFirst('aborted');
    const aborting = await muster.steerRoll('aborted', 'abort');
    assert.equal((await aborting.result()).state, 'cancelled');
    assert.equal((await run.result()).state, 'cancelled');
    await assertAsBefore('aborted', before, 3);
    await gone('aborted');
  });

  it('is cancelled in the middle of a wave: the fleet is as before', async () => {
    const before = await fleetOf('cancelled');
    world.aws.fault({ ...CHECKS, delayMs: 3_000, skip: 1 });
    const run = await startRoll('cancelled');
    await untilRoll('cancelled', (report) => isIn(report, 2, 'health'));
    await muster.cancel('cancelled');
    const report = await run.result();
    assert.equal(report.state, 'cancelled', JSON.stringify(report));
    await assertAsBefore('cancelled', before, 3);
    await gone('cancelled');
  });

  it('is one, when two ask at once', async () => {
    await fleetOf('race', { count: 2 });
    const asked = await Promise.allSettled([startRoll('race'), startRoll('race'), startRoll('race')]);
    const met = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    // On a slow machine one may come when the roll is done, and finds nothing to roll.
    const won = met.filter((run) => run.met === 'new');
    const lost = asked.flatMap((one) => (one.status === 'rejected' ? one.reason : []));
    assert.equal(won.length, 1, String(lost[0]?.stack));
    assert.ok(lost.every(isRefused('FleetBusy', /rolling 2 instances since/)), String(lost));
    assert.equal((await won[0]!.result()).state, 'complete');
    await assertAll('race', 2, NEW);
    await gone('race');
  });

  it('is gone on with when its worker is killed in a wave', async () => {
    const taskQueue = 'rolls';
    const env = { ...process.env, MUSTER_TASK_QUEUE: taskQueue };
    const startWorker = () => spawn(process.execPath, [MUSTER, 'worker'], { env, stdio: 'ignore' });
    let worker = startWorker();
    const own = await Muster.connect({ taskQueue });
    try {
      await untilPolled(own);
      assert.equal((await (await own.up(specOf('killed', { count: 3 }))).result()).state, 'complete');
      world.aws.fault({ ...CHECKS, delayMs: 4_000, skip: 1 });
      const run = await own.roll({ fleet: 'killed', image: NEW }, { wave: { count: 1 } });
      await untilRoll('killed', (report) => isIn(report, 2, 'health'));
      worker.kill('SIGKILL');
      worker = startWorker();
      const report = await run.result();
      assert.equal(report.state, 'complete', JSON.stringify(report));
      await assertAll('killed', 3, NEW);
      assert.equal((await (await own.down('killed')).result()).state, 'gone');
    } finally {
      worker.kill('SIGKILL');
      await own.close();
    }
  });
});

describe('a fleet with a lease', () => {
  it('keeps it, and goes on with the new spec', async () => {
    await fleetOf('leased', { count: 2 }, 600);
    const { lease } = await muster.status('leased');
    assert.equal((await rolled('leased')).state, 'complete');
    const status = await muster.status('leased');
    assert.deepEqual([status.state, status.image, status.lease!.endsAt], ['complete', NEW, lease!.endsAt]);
    assert.equal((await muster.attach('leased')).met, 'keeping');
    await assertAll('leased', 2, NEW);
    await gone('leased');
  });

  it('is taken down at its end, also when a roll of it is paused then', async () => {
    await fleetOf('ending', { count: 3 }, 600);
    const run = await pausedAfterTheFirst('ending', { wave: { count: 1 } });
    const { lease } = await muster.status('ending');
    const seconds = 2 - (lease!.endsAt - Date.now()) / 1000;
    await muster.extend('ending', { seconds });
    const report = await run.result();
    assert.deepEqual([report.state, report.error!.code], ['cancelled', 'LeaseOver'], JSON.stringify(report));
    const handle = world.client.workflow.getHandle(fleetWorkflowId('ending'));
    assert.equal(((await handle.result()) as FleetReport).state, 'gone');
    assert.deepEqual((await world.exists('ending')).instances, []);
  });

  it('and ends in a roll: the command shows how it is taken down, and says so', async () => {
    await fleetOf('over', { count: 3 }, 600);
    world.aws.fault({ action: 'DescribeInstances', match: 'muster%3Arun', delayMs: 6_000 });
    const args = ['roll', 'over', '--image', NEW, '--wave', '1'];
    const command = ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1' }));
    await untilRoll('over', (report) => isIn(report, 1, 'verify'));
    await muster.steerRoll('over', 'pause');
    await untilRoll('over', (report) => isIn(report, 1, 'pause'));
    const { lease } = await muster.status('over');
    await muster.extend('over', { seconds: 2 - (lease!.endsAt - Date.now()) / 1000 });
    const { code, stdout, stderr } = await command;
    assert.equal(code, 1, stderr);
    assert.match(stdout, /^– rolling fleet over was left off: its lease is over, and it is taken down\n/);
    assert.doesNotMatch(stdout, /more\n| i-[0-9a-f]+|short/);
    assert.match(stderr, /the lease of over is over: it is taken down\n[\s\S]*✓ delete the role/);
    const { role, profile, instances } = await world.exists('over');
    assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
  });
});

describe('a request that is none', () => {
  it('is refused before anything is sent', async () => {
    const [id] = await fleetOf('none', { count: 2 });
    const launches = world.launches().length;
    for (const options of [
      { wave: { count: 0 } },
      { wave: { percent: 101 } },
      { pause: -1 },
      { healthyWithin: 0 },
      { healthyUrl: 'http://169.254.169.254/' },
    ]) {
      await assert.rejects(startRoll('none', options), isRefused('WrongRoll'));
    }
    await assert.rejects(muster.roll({ fleet: 'none', image: 'web' }), isRefused('WrongRoll'));
    const named = await ended(startMuster(['roll', 'none'], { ...world.sandbox.env, NO_COLOR: '1' }));
    assert.equal(named.code, 2);
    assert.match(named.stderr, /there is no file none: .*\n.*'muster roll none --image ami-\.\.\.'/);
    await assert.rejects(muster.roll(specOf('nobody')), isRefused('FleetNotFound'));
    const more = (written: Partial<Instances>) => specOf('none', { count: 2, ...written });
    await assert.rejects(
      muster.roll(more({ image: NEW, count: 3 })),
      (error) =>
        isRefused('FleetDiffers', /instances.count/)(error) &&
        /muster up FILE/.test(`${(error as MusterError).mend}`),
    );
    const elsewhere = specOf('none', { count: 2 }, { region: 'eu-west-1' });
    await assert.rejects(muster.roll(elsewhere), isRefused('FleetDiffers', /region/));
    assert.equal((await muster.roll(more({}))).met, 'ended');
    assert.equal(world.launches().length, launches);

    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id!] }));
    await assert.rejects(startRoll('none'), isRefused('FleetDegraded'));
    await gone('none');
  });

  it('is refused by a run, too', async () => {
    await fleetOf('strict', { count: 1 }, 600);
    const handle = world.client.workflow.getHandle(fleetWorkflowId('strict'));
    const refusedAs = (type: string) => (error: unknown) =>
      (error as { cause?: { type?: string } }).cause?.type === type;
    const { spec, hash: specHash } = specOf('strict', { count: 2, image: NEW });
    const pace = { wave: { count: 1 }, pause: 0, healthyWithin: 60 };
    const ask = (request: object) => handle.executeUpdate('roll', { args: [request] });
    await assert.rejects(ask({ ...pace, spec, specHash }), refusedAs('WrongRoll'));
    await assert.rejects(ask({ ...pace, pause: -1, spec, specHash }), refusedAs('WrongRoll'));
    await assert.rejects(handle.executeUpdate('steer-roll', { args: ['pause'] }), refusedAs('NotNow'));
    await gone('strict');
  });
});
