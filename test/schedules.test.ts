/** Schedules: fleets that come up at their times, on a real Temporal server; AWS is asked what there is. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { defaultPayloadConverter } from '@temporalio/client';
import {
  Muster,
  MusterError,
  type ScheduledRun,
  ScheduleError,
  type ScheduleInput,
  type ScheduleStanding,
} from '../client/index.ts';
import { readCron } from '../fleet/cron.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { cameNow, endOfRun, untilStands } from './scheduled-runs.ts';
import { openWorld, QUICK, specOf, untilPolled, type World } from './world.ts';

let world: World;
let muster: Muster;
before(async () => {
  world = await openWorld();
  ({ muster } = world);
});
after(() => world.close());

const MORNINGS: ScheduleInput = { cron: '0 8 * * 1-5', timezone: 'Europe/Paris', for: '10h' };
const EVERY_SECOND: ScheduleInput = { cron: '* * * * * * *', for: '10h' };
const DENIED = { code: 'AccessDenied', message: 'User is not authorized to perform this', status: 403 };
const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };

const isRefused = (code: string) => (error: unknown) => error instanceof MusterError && error.code === code;

const until = (fleet: string, isWanted: (standing: ScheduleStanding) => boolean) =>
  untilStands(muster, fleet, isWanted);
const ended = (fleet: string, run: ScheduledRun | undefined) => endOfRun(muster, fleet, run);

/** Waits until AWS has so many instances of the fleet, running. */
async function machines(fleet: string, count: number): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const { instances } = await world.exists(fleet);
    if (instances.filter(({ State }) => State?.Name === 'running').length === count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`${fleet} has no ${count} machines`);
}

/** What a fleet's run waits for with this is not there for so long. */
async function slowly<T>(propagationSeconds: number, act: () => Promise<T>): Promise<T> {
  world.aws.configure({ propagationSeconds });
  try {
    return await act();
  } finally {
    world.aws.configure(QUICK);
  }
}

async function awaitsProfile(fleet: string): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    // There may be no run yet, or no worker that has taken it up.
    const report = await muster
      .attach(fleet)
      .then((run) => run.progress())
      .catch(() => undefined);
    if (report?.steps.some(({ name, state }) => name === 'await-profile' && state === 'running')) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${fleet} does not wait for its profile`);
}

async function nothingOf(fleet: string): Promise<void> {
  const { role, profile, instances } = await world.exists(fleet);
  assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
}

describe('set', () => {
  it('makes a schedule with its next times, by the clocks of its zone', async () => {
    const made = await muster.schedules.set(specOf({ name: 'mornings' }), MORNINGS);
    const { cron, timezone, lease, overlap, catchUp, pauseOnFailure, paused, runs, next } = made;
    assert.deepEqual(
      [cron, timezone, lease, overlap, catchUp, pauseOnFailure, paused, runs],
      ['0 8 * * 1-5', 'Europe/Paris', 36_000, 'skip', 600, false, false, []],
    );
    assert.equal(next.length, 5);
    for (const time of next) {
      const clocks = new Date(time).toLocaleString('en-GB', {
        timeZone: 'Europe/Paris',
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
      });
      assert.match(clocks, /^(Mon|Tue|Wed|Thu|Fri),? 08:00$/);
    }
    assert.deepEqual(await muster.schedules.get('Mornings'), made);
  });

  it('a second time changes it, and leaves it paused', async () => {
    const first = await muster.schedules.set(specOf({ name: 'changed' }), MORNINGS);
    await muster.schedules.pause('changed', 'on holiday');
    const second = await muster.schedules.set(specOf({ name: 'changed', tags: { team: 'blue' } }), {
      cron: '30 7 * * *',
      for: 5_400,
      overlap: 'buffer-one',
      catchUp: '1h',
      pauseOnFailure: true,
    });
    const { cron, timezone, lease, overlap, catchUp, pauseOnFailure, paused, note } = second;
    assert.deepEqual(
      [cron, timezone, lease, overlap, catchUp, pauseOnFailure, paused, note],
      ['30 7 * * *', 'UTC', 5_400, 'buffer-one', 3_600, true, true, 'on holiday'],
    );
    assert.notEqual(second.specHash, first.specHash);
    assert.ok(second.next.every((time) => time.endsWith('T07:30:00.000Z')));
  });

  it('tells all mistakes at once, and sends nothing', async () => {
    const bad = { cron: '0 25 * * *', timezone: 'Europe/Pari', for: '10x', overlap: 'skp', catchUp: '1s' };
    await assert.rejects(
      muster.schedules.set(specOf({ name: 'mistaken' }), bad as ScheduleInput),
      (error: ScheduleError) => error instanceof ScheduleError && error.mistakes.length === 5,
    );
    await assert.rejects(muster.schedules.get('mistaken'), isRefused('ScheduleNotFound'));
  });

  it('keeps what is secret in the run’s input alone', async () => {
    const secret = 'hunter2-in-user-data';
    await muster.schedules.set(
      specOf({ name: 'secretive', instances: { userData: `echo ${secret}` } }),
      MORNINGS,
    );
    const described = await world.client.schedule.getHandle('schedule:secretive').describe();
    const { args, ...shown } = described.action;
    assert.match(JSON.stringify(args), new RegExp(secret));
    assert.doesNotMatch(JSON.stringify([shown, described.memo, described.state]), new RegExp(secret));
    assert.doesNotMatch(JSON.stringify(await muster.schedules.get('secretive')), new RegExp(secret));
  });

  it('takes the expressions that Temporal takes, and no others', async () => {
    for (const cron of [
      ...['0 8 * * 1-5', '*/15 8-18/2 1,15 jan-jun MON,wed', '5/20 * * * 7', '@daily', '@hourly'],
      ...['0 8 * * sat 2027', '30 0 8 1 1 * 2027-2029', '0 8 * * su', '0 08 * * *'],
      ...['60 8 * * *', '0 24 * * *', '0 8 0 * *', '0 8 * 13 *', '0 8 * * 8', '0 8 * *', '0 8 * * * 1999'],
      ...[
        '0 8 5-1 * *',
        '0 8 * * sat-sun',
        '*/0 8 * * *',
        '0 8 L * *',
        '0 8 * foo *',
        '1/2/3 8 * * *',
        '-1 8 * * *',
      ],
    ]) {
      const scheduleId = 'a-test-of-times';
      const isTaken = await world.client.schedule
        .create({
          scheduleId,
          spec: { cronExpressions: [cron] },
          action: { type: 'startWorkflow', workflowType: 'nobody', taskQueue: 'nobody-polls', args: [] },
          state: { paused: true },
        })
        .then(
          async (handle) => {
            await handle.delete();
            return true;
          },
          () => false,
        );
      assert.equal(readCron(cron).problems.length === 0, isTaken, cron);
    }
  });
});

describe('a time', () => {
  it('brings the fleet up as a run of the fleet, named by the time, for as long as is said', async () => {
    await muster.schedules.set(specOf({ name: 'comes-up' }), MORNINGS);
    const run = (await muster.schedules.trigger('comes-up'))!;
    assert.match(run.workflowId, /^schedule:comes-up-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    await machines('comes-up', 2);
    const handle = world.client.workflow.getHandle(fleetWorkflowId('comes-up'));
    const first = await firstOf(handle.workflowId);
    assert.deepEqual(first.memo, {
      fleet: 'comes-up',
      region: 'us-east-1',
      specHash: specOf({ name: 'comes-up' }).hash,
      undo: 20,
    });
    assert.equal(first.lease, 36_000);
    assert.equal(first.summary, 'up comes-up: 2 × t3.micro in us-east-1');
    assert.ok((await muster.list()).some(({ fleet }) => fleet === 'comes-up'));
  });

  it('is one when two ask at once; who comes second is refused, or shares it', async () => {
    await muster.schedules.set(specOf({ name: 'asked-twice' }), MORNINGS);
    await slowly(60, async () => {
      const ask = () => muster.schedules.trigger('asked-twice');
      const asked = await Promise.allSettled([ask(), ask()]);
      const begun = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value! : []));
      const refused = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      assert.ok(begun.length > 0 && refused.every(isRefused('ScheduleBusy')), String(refused));
      assert.equal(new Set(begun.map(({ runId }) => runId)).size, 1);
      // Two at the very same moment are one to Temporal; otherwise the second is skipped, and may be counted later.
      assert.ok(begun.every(({ skipped }) => skipped <= begun.length - 1));
      assert.equal((await muster.schedules.get('asked-twice')).started, 1);
      // The schedule's run has begun, and with it soon the fleet's.
      while (!(await muster.list()).some(({ fleet }) => fleet === 'asked-twice'))
        await new Promise((resolve) => setTimeout(resolve, 100));
      await (await muster.cancel('asked-twice')).result();
    });
  });

  it('lasts until the fleet is gone, and the fleet for as long as is said', async () => {
    await muster.schedules.set(specOf({ name: 'whole-life' }), { ...MORNINGS, for: '2s' });
    const run = await muster.schedules.trigger('whole-life');
    await machines('whole-life', 2);
    assert.equal((await ended('whole-life', run)).state, 'gone');
    const { role, profile, instances } = await world.exists('whole-life');
    assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
  });

  it('comes by itself; while the fleet of the last one is there others are skipped, until it is paused', async () => {
    await slowly(30, async () => {
      await muster.schedules.set(specOf({ name: 'by-itself' }), EVERY_SECOND);
      const { runs, started } = await until('by-itself', ({ skipped }) => skipped >= 2);
      assert.deepEqual([runs.map(({ state }) => state), started], [['running'], 1]);
      await assert.rejects(muster.schedules.trigger('by-itself'), isRefused('ScheduleBusy'));
      const paused = await muster.schedules.pause('by-itself', 'enough');
      assert.deepEqual([paused.paused, paused.note], [true, 'enough']);
    });
    await (await muster.cancel('by-itself')).result();
    const { started } = await until('by-itself', ({ runs: [last] }) => last!.state === 'cancelled');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.equal((await muster.schedules.get('by-itself')).started, started);
    assert.equal((await muster.schedules.resume('by-itself')).paused, false);
    await until('by-itself', (now) => now.started > started);
    await muster.schedules.delete('by-itself');
  });

  it('is skipped, and says why, when the fleet is there from elsewhere or a run has it', async () => {
    await muster.schedules.set(specOf({ name: 'there' }), MORNINGS);
    await slowly(4, async () => {
      const run = await muster.up(specOf({ name: 'there' }));
      const early = await cameNow(world, 'there');
      assert.equal(early.state, 'skipped');
      assert.equal(early.reason, `run ${run.runId} is bringing the fleet up`);
      await assert.rejects(muster.schedules.trigger('there'), isRefused('ScheduleBusy'));
      assert.equal((await run.result()).state, 'complete');
    });
    const launches = world.launches().length;
    const late = await cameNow(world, 'there');
    assert.deepEqual([late.state, late.reason], ['skipped', 'the fleet is there already, and complete']);
    // A person who asks for a run is told so at once.
    const { started } = await muster.schedules.get('there');
    await assert.rejects(muster.schedules.trigger('there'), isRefused('ScheduleBusy'));
    const range = { from: new Date('2025-07-07T06:00Z'), to: new Date('2025-07-07T06:00Z') };
    await assert.rejects(muster.schedules.backfill('there', range), isRefused('ScheduleBusy'));
    assert.equal((await muster.schedules.get('there')).started, started);
    assert.equal(world.launches().length, launches);
    assert.equal((await muster.status('there')).state, 'complete');
  });
});

describe('a failed run', () => {
  it('is seen with its words, leaves nothing, and pauses the schedule only when asked', async () => {
    for (const pauseOnFailure of [false, true]) {
      const name = pauseOnFailure ? 'stops' : 'goes-on';
      await muster.schedules.set(specOf({ name }), { ...MORNINGS, pauseOnFailure });
      const undo = world.aws.fault({ ...LAUNCH, error: DENIED, times: 100 });
      const run = await ended(name, await muster.schedules.trigger(name));
      undo();
      assert.equal(run.state, 'failed');
      assert.match(run.reason!, /^launch: AccessDenied: .*Nothing is left\.$/);
      const { status } = await world.client.workflow.getHandle(run.workflowId, run.runId).describe();
      assert.equal(status.name, 'FAILED');
      await nothingOf(name);
      if (pauseOnFailure) {
        const { note } = await until(name, ({ paused }) => paused);
        assert.match(note!, /paused due to workflow failure/);
      } else {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        assert.equal((await muster.schedules.get(name)).paused, false);
      }
    }
  });

  it('is one in whose way an earlier run’s remains are: nothing is started', async () => {
    const undo = world.aws.fault({ ...LAUNCH, error: DENIED, times: 100 });
    const spec = specOf({ name: 'remains', onFailure: 'keep' });
    const { runId } = await muster.up(spec);
    assert.equal((await (await muster.attach('remains')).result()).state, 'left-over');
    undo();
    await muster.schedules.set(spec, MORNINGS);
    const run = await ended('remains', await muster.schedules.trigger('remains'));
    assert.equal(run.state, 'failed');
    assert.match(run.reason!, /an earlier run of the fleet left .*role remains.*'muster down remains'/);
    assert.equal((await muster.attach('remains')).runId, runId);
  });

  it('is one whose fleet’s run was ended from outside', async () => {
    await muster.schedules.set(specOf({ name: 'terminated' }), MORNINGS);
    await slowly(30, async () => {
      const run = await muster.schedules.trigger('terminated');
      await awaitsProfile('terminated');
      await world.client.workflow.getHandle(fleetWorkflowId('terminated')).terminate('by a test');
      const { state, reason } = await ended('terminated', run);
      assert.equal(state, 'failed');
      assert.match(reason!, /was terminated, so that it could undo nothing; 'muster retry terminated'/);
    });
  });
});

describe('cancelling', () => {
  it('a scheduled run takes back what there is, and ends after that', async () => {
    await muster.schedules.set(specOf({ name: 'called-off' }), MORNINGS);
    await slowly(30, async () => {
      const run = (await muster.schedules.trigger('called-off'))!;
      await awaitsProfile('called-off');
      const handle = world.client.workflow.getHandle(run.workflowId, run.runId);
      await handle.cancel();
      await assert.rejects(handle.result());
      await nothingOf('called-off');
      assert.equal((await handle.describe()).status.name, 'CANCELLED');
    });
  });

  it('is the way to end one: when it is terminated the fleet’s own run goes on', async () => {
    await muster.schedules.set(specOf({ name: 'goes-on-alone' }), MORNINGS);
    await slowly(3, async () => {
      const run = (await muster.schedules.trigger('goes-on-alone'))!;
      await awaitsProfile('goes-on-alone');
      await world.client.workflow.getHandle(run.workflowId, run.runId).terminate('by a test');
      assert.equal((await ended('goes-on-alone', run)).state, 'failed');
    });
    await machines('goes-on-alone', 2);
  });

  it('the fleet’s own run is no failure of the schedule', async () => {
    await muster.schedules.set(specOf({ name: 'unwanted' }), { ...MORNINGS, pauseOnFailure: true });
    await slowly(30, async () => {
      const run = await muster.schedules.trigger('unwanted');
      await awaitsProfile('unwanted');
      await (await muster.cancel('unwanted')).result();
      assert.equal((await ended('unwanted', run)).state, 'cancelled');
      await nothingOf('unwanted');
      assert.equal((await muster.schedules.get('unwanted')).paused, false);
    });
  });
});

describe('backfill', () => {
  it('runs a time that has passed, both ends included, and none where there is none', async () => {
    await muster.schedules.set(specOf({ name: 'made-up-for' }), MORNINGS);
    const eight = lastMonday('T07:00:00Z');
    const nine = lastMonday('T08:00:00Z');
    assert.deepEqual(await muster.schedules.backfill('made-up-for', { from: nine, to: nine }), []);
    const [run, ...more] = await muster.schedules.backfill('made-up-for', { from: eight, to: eight });
    assert.deepEqual([run!.scheduledFor, more], [eight.toISOString(), []]);
    await machines('made-up-for', 2);
  });

  it('of times to come, or that end before they begin, is refused', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000);
    await assert.rejects(
      muster.schedules.backfill('made-up-for', { from: new Date(tomorrow.getTime() + 1), to: tomorrow }),
      (error: ScheduleError) => error instanceof ScheduleError && error.mistakes.length === 2,
    );
  });

  /** A Monday of winter, when Paris is an hour before UTC. */
  function lastMonday(time: string): Date {
    return new Date(`2025-01-06${time}`);
  }
});

describe('delete', () => {
  it('leaves the fleet and its run alone', async () => {
    await muster.schedules.set(specOf({ name: 'outlives' }), MORNINGS);
    await slowly(3, async () => {
      await muster.schedules.trigger('outlives');
      await awaitsProfile('outlives');
      await muster.schedules.delete('outlives');
    });
    await assert.rejects(muster.schedules.get('outlives'), isRefused('ScheduleNotFound'));
    await assert.rejects(muster.schedules.trigger('outlives'), isRefused('ScheduleNotFound'));
    await machines('outlives', 2);
  });
});

describe('list', () => {
  it('has all schedules, each with its last run', async () => {
    await muster.schedules.set(specOf({ name: 'listed' }), MORNINGS);
    for (let tries = 0; tries < 600; tries++) {
      const listed = (await muster.schedules.list()).find(({ fleet }) => fleet === 'listed');
      if (listed) return assert.deepEqual(listed, await muster.schedules.get('listed'));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail('it is not in the list');
  });
});

describe('a worker', () => {
  it('that is killed in the middle of a scheduled run is followed by another', async () => {
    const taskQueue = 'of-schedules';
    const own = await Muster.connect({ taskQueue });
    const first = startWorker(taskQueue);
    let second: ChildProcess | undefined;
    try {
      // A killed worker's call is missed after twenty seconds.
      const deadlines = { propagation: 120, step: 60, launch: 60 };
      await own.schedules.set(specOf({ name: 'survives', deadlines }), MORNINGS);
      await untilPolled(own);
      await slowly(8, async () => {
        await own.schedules.trigger('survives');
        await awaitsProfile('survives');
        first.kill('SIGKILL');
        second = startWorker(taskQueue);
        await machines('survives', 2);
      });
      assert.equal((await own.status('survives')).instances.length, 2);
    } finally {
      for (const worker of [first, second]) worker?.kill('SIGKILL');
      await own.close();
    }
  });

  it('is needed to trigger a run', async () => {
    const idle = await Muster.connect({ taskQueue: 'nobody-polls' });
    await idle.schedules.set(specOf({ name: 'idle' }), MORNINGS);
    await assert.rejects(idle.schedules.trigger('idle'), isRefused('NoWorker'));
    assert.equal((await idle.schedules.get('idle')).started, 0);
    await idle.close();
  });
});

function startWorker(taskQueue: string): ChildProcess {
  const command = fileURLToPath(new URL('../bin/muster.js', import.meta.url));
  const env = { ...process.env, ...world.sandbox.env, MUSTER_TASK_QUEUE: taskQueue };
  return spawn(process.execPath, [command, 'worker'], { env, stdio: 'ignore' });
}

/** What the first run of an id's chain was started with. */
async function firstOf(workflowId: string) {
  const { events } = await world.client.workflow.getHandle(workflowId).fetchHistory();
  const started = events![0]!.workflowExecutionStartedEventAttributes!;
  const { firstExecutionRunId } = started;
  const history = await world.client.workflow.getHandle(workflowId, firstExecutionRunId!).fetchHistory();
  const [event] = history.events!;
  const { input, memo } = event!.workflowExecutionStartedEventAttributes!;
  const read = <T>(payload: unknown) => defaultPayloadConverter.fromPayload<T>(payload as never);
  return {
    lease: read<{ lease?: number }>(input!.payloads![0]).lease,
    memo: Object.fromEntries(Object.entries(memo!.fields!).map(([key, value]) => [key, read(value)])),
    summary: read<string>(event!.userMetadata!.summary),
  };
}
