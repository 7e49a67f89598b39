/** Schedules of fleets in several places: each time in all of them, or in as many as are needed, or in none. */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  MusterError,
  type ScheduledRun,
  type ScheduleInput,
  type SpecInput,
  specFrom,
} from '../client/index.ts';
import { fleetWorkflowId, KEEPER } from '../fleet/run.ts';
import { scheduleId } from '../fleet/schedule.ts';
import { FLEET_TAG } from '../fleet/tags.ts';
import type { Fault } from '../sandbox/index.ts';
import { muster, useWorld, world } from './one-world.ts';
import { cameNow, endOfRun, untilStands } from './scheduled-runs.ts';
import { QUICK } from './world.ts';

useWorld({ ...QUICK, soldOut: [] });

const HERE = 'us-east-1';
const ABROAD = 'eu-west-1';
const MORNINGS: ScheduleInput = { cron: '0 8 * * 1-5', timezone: 'Europe/Paris', for: '10h' };
const SOLD_OUT_ABROAD = ['a', 'b', 'c'].map((zone) => ({ zone: `${ABROAD}${zone}` }));

function specOf(name: string, more: Partial<SpecInput> = {}) {
  return specFrom({
    name,
    places: [{ region: HERE }, { region: ABROAD, count: 1 }],
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
    deadlines: { propagation: 120, launch: 60, step: 60, running: 60, undo: 30, consistency: 1 },
    ...more,
  });
}

/** With it a fleet waits in each of its places, until the fault is taken away. */
function profileUnknown(name: string): Fault {
  const message = `Value (${name}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN`;
  const error = { code: 'InvalidParameterValue', message };
  return { action: 'RunInstances', match: 'DryRun=true', error, times: 10_000 };
}

const isRefused = (code: string) => (error: unknown) => error instanceof MusterError && error.code === code;

const ended = (fleet: string, run: ScheduledRun | undefined) => endOfRun(muster, fleet, run);

const handle = (name: string) => world.client.workflow.getHandle(fleetWorkflowId(name));

/** What AWS has of a fleet: alive instances by region, role and profile. */
async function exists(name: string, regions: readonly string[] = [HERE, ABROAD]) {
  const { role, profile } = await world.exists(name);
  const counts = await Promise.all(regions.map((region) => countIn(name, region)));
  return [...counts, Boolean(role), Boolean(profile)];
}

async function countIn(name: string, region: string): Promise<number> {
  const ec2 = new EC2Client({ region, maxAttempts: 1 });
  const Filters = [{ Name: `tag:${FLEET_TAG}`, Values: [name] }];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
  return instances.filter(({ State }) => State?.Name !== 'terminated').length;
}

const WHOLE = [2, 1, true, true];
const NOTHING = [0, 0, false, false];

/** Waits until a run of the fleet keeps it: it is complete then. */
async function isKept(name: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const last = await handle(name)
      .describe()
      .catch(() => undefined);
    if (last?.type === KEEPER) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${name} has not come up`);
}

/** Waits until the fleet's run is in this step. */
async function isAt(name: string, step: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const report = await muster
      .attach(name)
      .then((run) => run.progress())
      .catch(() => undefined);
    if (report?.steps.some(({ name: of, state }) => of === step && state === 'running')) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${name} has not come to ${step}`);
}

/** Ends the fleet's time now, and with it the schedule's run. */
async function over(name: string, run: ScheduledRun | undefined): Promise<void> {
  assert.equal((await (await muster.release(name)).result()).state, 'gone');
  assert.equal((await ended(name, run)).state, 'gone');
  assert.deepEqual(await exists(name), NOTHING);
}

describe('set', () => {
  it('takes a fleet in several places, and tells which', async () => {
    const made = await muster.schedules.set(specOf('told'), MORNINGS);
    assert.deepEqual(
      [made.places, made.region, made.instances, made.lease, made.next.length],
      [[HERE, ABROAD], undefined, '3 × t3.micro', 36_000, 5],
    );
    assert.deepEqual(await muster.schedules.get('told'), made);
    const { action } = await world.client.schedule.getHandle(scheduleId('told')).describe();
    assert.equal(action.staticSummary, 'scheduled told: 3 × t3.micro in us-east-1, eu-west-1 for 10 hours');
    for (let tries = 0; !(await muster.schedules.list()).some(({ fleet }) => fleet === 'told'); tries++) {
      assert.ok(tries < 600, 'it is not in the list');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await muster.schedules.delete('told');
    await assert.rejects(muster.schedules.get('told'), isRefused('ScheduleNotFound'));
  });

  it('changes one of a fleet in one place into one in several, and back', async () => {
    const single = specOf('moves', { places: undefined, region: HERE });
    await muster.schedules.set(single, MORNINGS);
    const several = await muster.schedules.set(specOf('moves', { need: { min: 1 } }), MORNINGS);
    assert.deepEqual(
      [several.places, several.region, several.instances],
      [[HERE, ABROAD], undefined, '1 to 3 × t3.micro'],
    );
    const back = await muster.schedules.set(single, MORNINGS);
    assert.deepEqual([back.places, back.region, back.instances], [undefined, HERE, '2 × t3.micro']);
  });
});

describe('a time', () => {
  it('brings the fleet up in each place as `up` does, for as long as is said, and lasts until it is gone', async () => {
    await muster.schedules.set(specOf('mornings'), MORNINGS);
    const run = await muster.schedules.trigger('mornings');
    await isKept('mornings');
    assert.deepEqual(await exists('mornings'), WHOLE);
    const kept = await handle('mornings').describe();
    assert.deepEqual(kept.memo!.places, [
      { name: HERE, region: HERE },
      { name: ABROAD, region: ABROAD },
    ]);
    const report = await muster.status('mornings');
    assert.deepEqual([report.state, report.instanceCount], ['complete', 3]);
    const hours = (report.lease!.endsAt - Date.now()) / 3_600_000;
    assert.ok(hours > 9 && hours <= 10, String(hours));
    const entry = (await muster.list()).find(({ fleet }) => fleet === 'mornings');
    assert.deepEqual(entry!.places, [HERE, ABROAD]);
    // Whoever brings up the same fleet by hand meets it.
    assert.equal((await muster.up(specOf('mornings'))).met, 'keeping');
    const standing = await muster.schedules.get('mornings');
    assert.deepEqual([standing.runs.map(({ state }) => state), standing.started], [['running'], 1]);
    await assert.rejects(muster.schedules.trigger('mornings'), isRefused('ScheduleBusy'));
    await over('mornings', run);
  });

  it('that has passed is made up for, paused or not', async () => {
    await muster.schedules.set(specOf('made-up-for'), MORNINGS);
    assert.equal((await muster.schedules.pause('made-up-for', 'on holiday')).paused, true);
    const eight = new Date('2025-01-06T07:00:00Z');
    const [run, ...more] = await muster.schedules.backfill('made-up-for', { from: eight, to: eight });
    assert.deepEqual([run!.scheduledFor, more], [eight.toISOString(), []]);
    await isKept('made-up-for');
    assert.deepEqual(await exists('made-up-for'), WHOLE);
    assert.equal((await muster.schedules.resume('made-up-for')).paused, false);
    await over('made-up-for', run);
  });

  it('is skipped, and says why, when the fleet is there from elsewhere or a run has it', async () => {
    await muster.schedules.set(specOf('there'), MORNINGS);
    world.aws.fault(profileUnknown('there'));
    const run = await muster.up(specOf('there'));
    await isAt('there', 'launch-places');
    const early = await cameNow(world, 'there');
    assert.deepEqual([early.state, early.reason], ['skipped', `run ${run.runId} is bringing the fleet up`]);
    world.aws.clearFaults();
    assert.equal((await run.result()).state, 'complete');
    const late = await cameNow(world, 'there');
    assert.deepEqual([late.state, late.reason], ['skipped', 'the fleet is there already, and complete']);
    const { started } = await muster.schedules.get('there');
    await assert.rejects(muster.schedules.trigger('there'), isRefused('ScheduleBusy'));
    const range = { from: new Date('2025-07-07T06:00Z'), to: new Date('2025-07-07T06:00Z') };
    await assert.rejects(muster.schedules.backfill('there', range), isRefused('ScheduleBusy'));
    assert.equal((await muster.schedules.get('there')).started, started);
    assert.equal((await handle('there').describe()).runId, run.runId);
    assert.deepEqual(await exists('there'), WHOLE);
  });

  it('is skipped also when the fleet is in other places than its own', async () => {
    const elsewhere = [{ region: ABROAD }, { region: 'ap-southeast-1' }];
    const own = await muster.up(specOf('elsewhere', { places: elsewhere }));
    assert.equal((await own.result()).state, 'complete');
    const places = [{ region: HERE }, { region: 'us-west-2' }];
    await muster.schedules.set(specOf('elsewhere', { places }), MORNINGS);
    const { state, reason } = await cameNow(world, 'elsewhere');
    assert.deepEqual([state, reason], ['skipped', 'the fleet is there already, and complete']);
    await assert.rejects(muster.schedules.trigger('elsewhere'), isRefused('ScheduleBusy'));
    const regions = [HERE, 'us-west-2', ABROAD, 'ap-southeast-1'];
    assert.deepEqual(await exists('elsewhere', regions), [0, 0, 2, 2, true, true]);
  });

  it('leaves the fleet alone when the schedule is deleted meanwhile', async () => {
    await muster.schedules.set(specOf('outlives'), MORNINGS);
    world.aws.fault(profileUnknown('outlives'));
    await muster.schedules.trigger('outlives');
    await isAt('outlives', 'launch-places');
    await muster.schedules.delete('outlives');
    world.aws.clearFaults();
    await isKept('outlives');
    assert.deepEqual(await exists('outlives'), WHOLE);
  });
});

describe('a failed time', () => {
  it('is seen with its words, leaves nothing anywhere, and pauses the schedule only when asked', async () => {
    for (const pauseOnFailure of [false, true]) {
      const name = pauseOnFailure ? 'stops' : 'goes-on';
      await muster.schedules.set(specOf(name), { ...MORNINGS, pauseOnFailure });
      world.aws.configure({ soldOut: SOLD_OUT_ABROAD });
      const run = await ended(name, await muster.schedules.trigger(name));
      assert.equal(run.state, 'failed');
      assert.match(
        run.reason!,
        /^launch-places: InsufficientInstanceCapacity: eu-west-1: .*Nothing is left\.$/,
      );
      assert.deepEqual(await exists(name), NOTHING);
      if (pauseOnFailure) await untilStands(muster, name, ({ paused }) => paused);
      world.aws.configure({ soldOut: [] });
      // Nothing is in the way of another.
      const next = await muster.schedules.trigger(name);
      await isKept(name);
      assert.deepEqual(await exists(name), WHOLE);
      assert.equal((await muster.schedules.get(name)).paused, pauseOnFailure);
      await over(name, next);
    }
  });

  it('is none where as many places come up as are needed', async () => {
    await muster.schedules.set(specOf('enough', { need: { min: 1 } }), MORNINGS);
    world.aws.configure({ soldOut: SOLD_OUT_ABROAD });
    const run = await muster.schedules.trigger('enough');
    await isKept('enough');
    assert.deepEqual(await exists('enough'), [2, 0, true, true]);
    await over('enough', run);
  });

  it('is one in whose way an earlier run’s remains are: nothing is started', async () => {
    await muster.schedules.set(specOf('remains'), MORNINGS);
    // In each place it waits for that; here it is terminated before anything of a place is there.
    world.aws.fault(profileUnknown('remains'));
    const { runId } = await muster.up(specOf('remains'));
    await isAt('remains', 'launch-places');
    await handle('remains').terminate('by a test');
    world.aws.clearFaults();
    const { state, reason } = await cameNow(world, 'remains');
    assert.equal(state, 'failed');
    assert.match(
      reason!,
      /an earlier run of the fleet left .*role remains in 123456789012.*'muster down remains'/,
    );
    assert.equal((await handle('remains').describe()).runId, runId);
    assert.equal((await (await muster.down('remains')).result()).state, 'gone');
    const run = await muster.schedules.trigger('remains');
    await isKept('remains');
    await over('remains', run);
  });

  it('is one whose fleet’s run was terminated: its places take back their own, and it says what to do', async () => {
    await muster.schedules.set(specOf('terminated'), MORNINGS);
    world.aws.fault(profileUnknown('terminated'));
    const run = await muster.schedules.trigger('terminated');
    await isAt('terminated', 'launch-places');
    await handle('terminated').terminate('by a test');
    const { state, reason } = await ended('terminated', run);
    assert.equal(state, 'failed');
    assert.match(reason!, /was terminated, so that it could undo nothing; 'muster retry terminated'/);
    assert.equal((await (await muster.retry('terminated')).result()).state, 'gone');
    assert.deepEqual(await exists('terminated'), NOTHING);
  });
});

describe('cancelling', () => {
  it('a scheduled run takes back what there is in each place, and ends after that', async () => {
    await muster.schedules.set(specOf('called-off'), MORNINGS);
    world.aws.configure({ pendingSeconds: 60 });
    const run = (await muster.schedules.trigger('called-off'))!;
    for (const region of [HERE, ABROAD]) {
      for (let tries = 0; (await countIn('called-off', region)) === 0; tries++) {
        assert.ok(tries < 1200, `nothing in ${region}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    await world.client.workflow.getHandle(run.workflowId, run.runId).cancel();
    assert.equal((await ended('called-off', run)).state, 'cancelled');
    assert.deepEqual(await exists('called-off'), NOTHING);
    assert.equal((await muster.attach('called-off').then((own) => own.result())).state, 'cancelled');
  });

  it('the fleet’s own run is no failure of the schedule', async () => {
    await muster.schedules.set(specOf('unwanted'), { ...MORNINGS, pauseOnFailure: true });
    world.aws.fault(profileUnknown('unwanted'));
    const run = await muster.schedules.trigger('unwanted');
    await isAt('unwanted', 'launch-places');
    await (await muster.cancel('unwanted')).result();
    assert.equal((await ended('unwanted', run)).state, 'cancelled');
    assert.deepEqual(await exists('unwanted'), NOTHING);
    assert.equal((await muster.schedules.get('unwanted')).paused, false);
  });

  it('one that only looks yet starts nothing', async () => {
    await muster.schedules.set(specOf('looks'), MORNINGS);
    const error = { code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 };
    world.aws.fault({ action: 'DescribeInstances', region: ABROAD, error, times: 10_000 });
    await world.client.schedule.getHandle(scheduleId('looks')).trigger();
    const { runs } = await untilStands(muster, 'looks', ({ started }) => started === 1);
    const { workflowId, runId } = runs[0]!;
    const scheduled = world.client.workflow.getHandle(workflowId, runId);
    for (let tries = 0; ; tries++) {
      const { raw } = await scheduled.describe();
      if (raw.pendingActivities?.some(({ activityId }) => activityId === `find:${ABROAD}`)) break;
      assert.ok(tries < 1200, 'it does not look');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await scheduled.cancel();
    const { state, reason } = await ended('looks', runs[0]);
    assert.deepEqual([state, reason], ['cancelled', undefined]);
    assert.equal(await muster.find('looks'), undefined);
  });
});

describe('an account that refuses its role', () => {
  const OTHER = '210987654321';
  let role: string;
  before(async () => {
    ({ role } = await world.aws.openAccount({ id: OTHER, externalId: 'agreed-words' }));
  });

  const inBoth = (externalId: string) => [
    { region: HERE, count: 1 },
    { region: HERE, count: 1, assumeRole: role, externalId },
  ];

  it('fails a time for which all places are needed', async () => {
    await muster.schedules.set(specOf('denied', { places: inBoth('other-words') }), MORNINGS);
    const { state, reason } = await ended('denied', await muster.schedules.trigger('denied'));
    assert.equal(state, 'failed');
    assert.match(reason!, new RegExp(`^${OTHER}:${HERE}: sts:AssumeRole ${role}: AccessDenied`));
    assert.equal(await muster.find('denied'), undefined);
    assert.deepEqual(await exists('denied', [HERE]), [0, false, false]);
  });

  it('is a place that failed where fewer are enough: the fleet comes up, and the next time finds it', async () => {
    const spec = specOf('content', { places: inBoth('other-words'), need: { min: 1 } });
    await muster.schedules.set(spec, MORNINGS);
    await muster.schedules.trigger('content');
    await isKept('content');
    assert.deepEqual(await exists('content', [HERE]), [1, true, true]);
    assert.equal((await (await muster.release('content')).result()).state, 'gone');
    assert.equal((await (await muster.up(spec)).result()).state, 'complete');
    const { state, reason } = await cameNow(world, 'content');
    assert.deepEqual([state, reason], ['skipped', 'the fleet is there already, and complete']);
  });

  it('leaves unknown whether remains are all that there is: the time fails', async () => {
    const spec = specOf('unsure', { places: inBoth('other-words'), need: { min: 1 } });
    world.aws.fault(profileUnknown('unsure'));
    await muster.up(spec);
    await isAt('unsure', 'launch-places');
    await handle('unsure').terminate('by a test');
    world.aws.clearFaults();
    await muster.schedules.set(spec, MORNINGS);
    const { state, reason } = await cameNow(world, 'unsure');
    assert.equal(state, 'failed');
    assert.match(reason!, /sts:AssumeRole .*AccessDenied/);
  });
});
