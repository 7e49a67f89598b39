/** Machines that somebody ends by hand, and capacity that goes, while a fleet is scaled or rolled. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { fleetWorkflowId } from '../fleet/run.ts';
import {
  assertAll,
  assertAsBefore,
  fleetOf,
  gone,
  idsIn,
  LAUNCH,
  listed,
  machinesOf,
  muster,
  NEW,
  OLD,
  pausedAfterTheFirst,
  rolled,
  specOf,
  USUAL,
  useWorld,
  world,
} from './rolls.ts';
import { until } from './world.ts';

useWorld();

const endByHand = (...ids: string[]) => world.ec2.send(new TerminateInstancesCommand({ InstanceIds: ids }));

const idsOf = async (name: string, image: string) =>
  (await machinesOf(name)).filter(({ ImageId }) => ImageId === image).map(({ InstanceId }) => InstanceId!);

describe('ended by hand while a roll waits', () => {
  it('an old machine is one that need not be ended any more', async () => {
    await fleetOf('old-ended');
    const run = await pausedAfterTheFirst('old-ended');
    await endByHand((await idsOf('old-ended', OLD))[0]!);
    await muster.steerRoll('old-ended', 'resume');
    const report = await run.result();
    assert.equal(report.state, 'complete', JSON.stringify(report));
    await assertAll('old-ended', 5, NEW);
    assert.equal((await muster.status('old-ended')).state, 'complete');
    await gone('old-ended');
  });

  it('a new machine is one that nobody replaces against their will: it goes back, with its words', async () => {
    const before = await fleetOf('new-ended');
    const run = await pausedAfterTheFirst('new-ended');
    const [id] = await idsOf('new-ended', NEW);
    await endByHand(id!);
    await muster.steerRoll('new-ended', 'resume');
    const report = await run.result();
    assert.deepEqual([report.state, report.error!.code], ['rolled-back', 'InstancesDied']);
    assert.match(report.error!.message, new RegExp(`${id} is .*: Client.UserInitiatedShutdown`));
    await assertAsBefore('new-ended', before, 3);
    await gone('new-ended');
  });

  it('an old one that the roll cannot reach any more has another in its place when it goes back', async () => {
    const before = await fleetOf('back-ended');
    const run = await pausedAfterTheFirst('back-ended');
    await endByHand((await idsOf('back-ended', OLD))[0]!);
    await muster.steerRoll('back-ended', 'abort');
    assert.equal((await run.result()).state, 'cancelled');
    await assertAsBefore('back-ended', before, 2);
    await gone('back-ended');
  });
});

describe('no room any more in the middle of a roll', () => {
  it('for the new type alone: it is as before again', async () => {
    const before = await fleetOf('type-sold');
    world.aws.fault({ action: 'DescribeInstances', match: 'muster%3Arun', delayMs: 6_000 });
    const to = specOf('type-sold', { type: 't3.small' });
    const run = await muster.roll(to, { wave: { count: 2 } });
    const handle = world.client.workflow.getHandle(fleetWorkflowId('type-sold'));
    await until(handle, ({ roll }) => roll?.wave === 1);
    await until(handle, ({ steps }) => steps.some((one) => one.name === 'verify' && one.state === 'running'));
    world.aws.configure({ soldOut: [{ type: 't3.small' }] });
    const report = await run.result();
    assert.deepEqual([report.state, report.error!.code], ['rolled-back', 'InsufficientInstanceCapacity']);
    await assertAsBefore('type-sold', before, 3);
    world.aws.configure(USUAL);
    assert.equal((await rolled('type-sold')).state, 'complete');
    await assertAll('type-sold', 5, NEW);
    await gone('type-sold');
  });
});

describe('ended by hand while a fleet is scaled', () => {
  /** To four, by a launch that is slow, and with a first look at what it launched that is held up. */
  async function scaledSlowly(name: string) {
    world.aws.fault({ ...LAUNCH, delayMs: 4_000 });
    const run = await muster.scale(name, { count: 4 });
    world.aws.fault({ action: 'DescribeInstances', match: run.runId, delayMs: 6_000 });
    return run;
  }
  const untilStep = (name: string, step: string) =>
    until(world.client.workflow.getHandle(fleetWorkflowId(name)), ({ action, steps }) =>
      steps.some((one) => action === 'scale' && one.name === step && one.state === 'running'),
    );

  it('up, one that was there before: it is said that it is missing, and a repair launches it', async () => {
    const before = await fleetOf('up', { count: 2 });
    const run = await scaledSlowly('up');
    await untilStep('up', 'verify');
    await endByHand(before[0]!);
    const report = await run.result();
    assert.deepEqual([report.state, report.error!.code], ['degraded', 'Degraded'], JSON.stringify(report));
    assert.match(report.error!.message, /3 of 4 running/);
    assert.deepEqual(await idsIn('up'), before.slice(1));
    assert.equal((await muster.status('up')).state, 'degraded');
    assert.equal((await (await muster.repair('up')).result()).state, 'complete');
    await assertAll('up', 2, OLD);
    assert.equal((await muster.status('up')).state, 'complete');
    await gone('up');
  });

  it('up, a new one: what was launched is ended again', async () => {
    const before = await fleetOf('up-new', { count: 2 });
    const run = await scaledSlowly('up-new');
    await untilStep('up-new', 'verify');
    const fresh = (await idsIn('up-new')).filter((id) => !before.includes(id));
    await endByHand(fresh[0]!);
    const report = await run.result();
    assert.deepEqual([report.state, report.error!.code], ['rolled-back', 'InstancesDied']);
    assert.deepEqual(await idsIn('up-new'), before);
    await gone('up-new');
  });

  it('down, one that was to stay: it has as many as before', async () => {
    await fleetOf('down', { count: 4 });
    world.aws.fault({ action: 'TerminateInstances', delayMs: 4_000 });
    const run = await muster.scale('down', { count: 3, by: 'newest' });
    await untilStep('down', 'terminate');
    const { steps } = await run.progress();
    const stays = (await idsIn('down')).filter((id) => !steps[0]!.detail!.includes(id));
    await endByHand(stays[0]!);
    const report = await run.result();
    assert.deepEqual([report.state, report.error!.code], ['rolled-back', 'Degraded'], JSON.stringify(report));
    assert.match(report.error!.message, /2 of 3 running/);
    await assertAll('down', 4, OLD);
    assert.deepEqual(await listed('down'), await idsIn('down'));
    assert.equal((await muster.status('down')).state, 'complete');
    await gone('down');
  });
});
