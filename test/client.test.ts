/** The library, as programs use it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { Client, Connection, defaultPayloadConverter } from '@temporalio/client';
import type { z } from 'zod';
import { Muster, MusterError, type SpecInput, specFrom } from '../client/index.ts';
import { TASK_QUEUE } from '../fleet/run.ts';
import type { specSchema } from '../fleet/spec-schema.ts';
import { uiBase } from '../fleet/ui-link.ts';
import { startLocalTemporal } from '../sandbox/temporal.ts';
import { ensurePython } from '../setup/python.js';
import { createFleetWorker } from '../worker/index.ts';
import { openWorld, QUICK, untilPolled, type World } from './world.ts';

let world: World;
let muster: Muster;
before(async () => {
  world = await openWorld();
  ({ muster } = world);
});
after(() => world.close());

const written = (name: string, more: Partial<SpecInput> = {}): SpecInput => ({
  name,
  region: 'us-east-1',
  policy: { allow: { actions: 's3:Get*', resources: '*' } },
  instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
  deadlines: { propagation: 20, launch: 15, step: '15s', undo: 20, consistency: 1 },
  ...more,
});

const isRefused = (code: string) => (error: unknown) => error instanceof MusterError && error.code === code;

/** What a program may write is what a file may say. */
type Readable<T extends z.input<ReturnType<typeof specSchema>>> = T;
type _ = Readable<SpecInput>;

describe('up', () => {
  it('again with the same spec meets the same run, while it runs and when it is complete', async () => {
    world.aws.configure({ propagationSeconds: 1.5 });
    try {
      const spec = specFrom(written('same'));
      const [one, two] = await Promise.all([muster.up(spec), muster.up(spec)]);
      const three = await muster.up(spec);
      assert.equal(one.runId, two.runId);
      assert.equal(one.runId, three.runId);
      assert.equal(three.met, 'running');
      assert.equal((await one.result()).state, 'complete');
      const four = await muster.up(spec);
      assert.equal(four.met, 'ended');
      assert.equal(four.runId, one.runId);
      assert.equal((await four.result()).state, 'complete');
      assert.equal((await world.exists('same')).instances.length, 2);
    } finally {
      world.aws.configure(QUICK);
    }
  });

  it('with another spec is refused, while it runs and when it is complete', async () => {
    const run = await muster.up(specFrom(written('other')));
    const other = specFrom(written('other', { tags: { team: 'blue' } }));
    await assert.rejects(muster.up(other), isRefused('FleetDiffers'));
    await run.result();
    await assert.rejects(muster.up(other), isRefused('FleetDiffers'));
  });

  it('is refused while the fleet is taken down, and makes a new one when it is gone', async () => {
    const spec = specFrom(written('phoenix'));
    const first = await muster.up(spec);
    await first.result();
    world.aws.configure({ shuttingDownSeconds: 1.5 });
    try {
      const down = await muster.down('phoenix');
      await assert.rejects(muster.up(spec), isRefused('FleetBusy'));
      assert.equal((await down.result()).state, 'gone');
    } finally {
      world.aws.configure(QUICK);
    }
    const second = await muster.up(spec);
    assert.notEqual(second.runId, first.runId);
    assert.equal((await second.result()).state, 'complete');
  });

  it('with mistakes tells all of them and sends nothing', () => {
    assert.throws(
      () => specFrom(written('bad name', { instances: { count: 0, image: 'ami-x', type: 't3.micro' } })),
      (error: Error & { mistakes?: unknown[] }) => error.mistakes?.length === 3,
    );
  });
});

describe('watch', () => {
  it('tells the steps as they go, ends with the end, and says why a call is made again', async () => {
    const undo = world.aws.fault({
      action: 'PutRolePolicy',
      error: { code: 'Throttling', message: 'Rate exceeded' },
      times: 3,
    });
    const states: string[] = [];
    const reasons = new Set<string>();
    const run = await muster.up(specFrom(written('watched')));
    for await (const { report, pending } of run.watch()) {
      states.push(report.state);
      for (const { name, attempt, reason } of pending) {
        assert.ok(attempt > 1);
        reasons.add(`${name}: ${reason}`);
      }
    }
    undo();
    assert.equal(states.at(-1), 'complete');
    assert.ok(states.includes('running'));
    assert.match([...reasons].join('\n'), /^put-policy: iam:PutRolePolicy: Throttling: Rate exceeded/);
  });

  it('leaves no call behind that ends the process when its connection is dropped', async () => {
    const { address, stop } = await startLocalTemporal({ python: await ensurePython() });
    const connection = await Connection.connect({ address });
    const client = new Client({ connection });
    const workflowId = 'fleet:unanswered';
    await client.workflow.start('bootstrapFleet', {
      workflowId,
      taskQueue: TASK_QUEUE,
      memo: { fleet: 'unanswered' },
    });
    const own = await Muster.connect({ address });
    const ends: string[] = [];
    const watched = (async () => {
      const run = await own.attach('unanswered');
      for await (const { report } of run.watch()) ends.push(report.state);
    })();
    // Nobody answers the query that the watch has sent when the run ends.
    await completeByHand(connection, { state: 'gone' });
    await watched;
    assert.deepEqual(ends, ['gone']);
    await own.close();
    await connection.close();
    await stop();
    // The SDK would make the dropped call again after 100 ms, on a connection that is no more.
    await new Promise((resolve) => setTimeout(resolve, 300));
  });

  it('asks no more of a run that goes on when nobody watches it any more', async () => {
    const { address, stop } = await startLocalTemporal({ python: await ensurePython() });
    const connection = await Connection.connect({ address });
    await new Client({ connection }).workflow.start('bootstrapFleet', {
      workflowId: 'fleet:left',
      taskQueue: TASK_QUEUE,
      memo: { fleet: 'left' },
    });
    await connection.close();
    const own = await Muster.connect({ address });
    const run = await own.attach('left');
    for await (const _ of run.watch()) break;
    // For whatever would be asked for once more.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await own.close();
    // A call that is open still ends now, and would be made again.
    await stop();
    await new Promise((resolve) => setTimeout(resolve, 500));
  });
});

describe('close', () => {
  it('ends what waits for an answer, also between two attempts, with an error that tells', async () => {
    const { address, stop } = await startLocalTemporal({ python: await ensurePython() });
    const connection = await Connection.connect({ address });
    await new Client({ connection }).workflow.start('bootstrapFleet', {
      workflowId: 'fleet:waited-for',
      taskQueue: TASK_QUEUE,
      memo: { fleet: 'waited-for' },
    });
    await connection.close();
    const isClosed = (error: MusterError) =>
      isRefused('TemporalUnreachable')(error) && error.message.endsWith(`${address} was closed`);
    const all = async (of: AsyncIterable<unknown>) => {
      for await (const _ of of);
    };

    const own = await Muster.connect({ address });
    const run = await own.attach('waited-for');
    const waiting = [
      run.result(),
      all(run.events()),
      all(run.watch()),
      all(own.logs('waited-for', { follow: true })),
    ];
    const ends = waiting.map((call) => assert.rejects(call, isClosed));
    // So that they have asked.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await own.close();
    await Promise.all(ends);
    await assert.rejects(run.result(), isClosed);
    await assert.rejects(own.status('waited-for'), isClosed);

    const other = await Muster.connect({ address });
    const cutOff = assert.rejects((await other.attach('waited-for')).result(), isClosed);
    await stop();
    await other.close();
    await cutOff;
    // The SDK would make a dropped call again after 100 ms, on a connection that is no more, and end the process.
    await new Promise((resolve) => setTimeout(resolve, 500));
  });

  it("leaves another's connection open", async () => {
    const { client } = world;
    const known = { client, address: world.sandbox.temporal.address, namespace: 'default' };
    const over = Muster.over({ ...known, taskQueue: TASK_QUEUE, uiUrl: undefined });
    await over.close();
    await assert.rejects(over.attach('nobody-there'), isRefused('FleetNotFound'));
    await client.workflow.count();
  });
});

/** Ends the run that waits in the queue as a worker would, with this result. */
async function completeByHand(connection: Connection, result: object): Promise<void> {
  const { workflowService } = connection;
  const namespace = 'default';
  const { taskToken } = await connection.withDeadline(Date.now() + 10_000, () =>
    workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: TASK_QUEUE } }),
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  const payloads = [defaultPayloadConverter.toPayload(result)];
  await workflowService.respondWorkflowTaskCompleted({
    namespace,
    taskToken,
    commands: [{ commandType: 4, completeWorkflowExecutionCommandAttributes: { result: { payloads } } }],
  });
}

describe('result', () => {
  it('of a run that was terminated before any worker took it up is lost, and names nothing', async () => {
    const handle = await world.client.workflow.start('bootstrapFleet', {
      workflowId: 'fleet:unborn',
      taskQueue: 'nobody-polls',
      memo: { fleet: 'unborn', region: 'us-east-1' },
    });
    await handle.terminate('by a test');
    const report = await (await muster.attach('unborn')).result();
    assert.deepEqual([report.fleet, report.state, report.steps], ['unborn', 'lost', []]);
    assert.equal(report.error?.code, 'Terminated');
  });

  it('of a run that was terminated is told although its worker is gone', async () => {
    const worker = await createFleetWorker({ taskQueue: 'deserted', shutdownGraceTime: 100 });
    const working = worker.run();
    const other = await Muster.connect({ taskQueue: 'deserted' });
    try {
      await untilPolled(other);
      const undo = world.aws.fault({ action: 'CreateInstanceProfile', delayMs: 500 });
      const run = await other.up(specFrom(written('deserted')));
      for await (const { report } of run.watch()) if (report.steps.length > 0) break;
      worker.shutdown();
      await working;
      undo();
      await world.client.workflow.getHandle(run.workflowId).terminate('by a test');
      const { state, error, fleet } = await run.result();
      assert.deepEqual([fleet, state, error?.code], ['deserted', 'lost', 'Terminated']);
      // Its worker was told to end, and has ended the call first.
      assert.equal((await (await muster.down('deserted')).result()).state, 'gone');
    } finally {
      await other.close();
    }
  });
});

describe('a run whose worker is gone', () => {
  it('is told so at every look: Temporal answers', async () => {
    const worker = await createFleetWorker({ taskQueue: 'left-alone', shutdownGraceTime: 100 });
    const working = worker.run();
    const other = await Muster.connect({ taskQueue: 'left-alone' });
    try {
      await untilPolled(other);
      const undo = world.aws.fault({ action: 'CreateInstanceProfile', delayMs: 500 });
      const run = await other.up(specFrom(written('left-alone')));
      for await (const { report } of run.watch()) if (report.steps.length > 0) break;
      worker.shutdown();
      await working;
      undo();
      const silences: string[] = [];
      for await (const { silence } of run.watch()) {
        if (silence) silences.push(silence.of);
        if (silences.length === 8) break;
      }
      assert.deepEqual([...new Set(silences)], ['worker']);
      await assert.rejects(run.progress(), isRefused('NoWorker'));
      const again = await createFleetWorker({ taskQueue: 'left-alone', shutdownGraceTime: 100 });
      const workingAgain = again.run();
      assert.equal((await run.result()).state, 'complete');
      assert.equal((await (await other.down('left-alone')).result()).state, 'gone');
      again.shutdown();
      await workingAgain;
    } finally {
      await other.close();
    }
  });
});

describe('down', () => {
  it('is refused while the fleet is brought up', async () => {
    const run = await muster.up(specFrom(written('rising')));
    await assert.rejects(muster.down('rising'), isRefused('FleetBusy'));
    await run.result();
  });

  it('twice at once is one', async () => {
    await (await muster.up(specFrom(written('twice')))).result();
    const [one, two] = await Promise.all([muster.down('twice'), muster.down('twice')]);
    assert.equal(one.runId, two.runId);
    assert.equal((await one.result()).state, 'gone');
  });
});

describe('down right after up', () => {
  it('ends machines that EC2 does not show yet', async () => {
    const run = await muster.up(specFrom(written('brief-life')));
    world.aws.configure({ ec2LagSeconds: 4, staleChance: 1 });
    try {
      assert.equal((await run.result()).state, 'complete');
      const { state, steps } = await (await muster.down('brief-life')).result();
      assert.equal(state, 'gone');
      assert.equal(steps.find(({ name }) => name === 'terminate')?.detail, '2 terminated');
    } finally {
      world.aws.configure({ ...QUICK, ec2LagSeconds: 0, staleChance: 0.5 });
    }
    assert.equal((await world.exists('brief-life')).instances.length, 0);
  });
});

describe('cancel', () => {
  it('takes back what the run made', async () => {
    world.aws.configure({ propagationSeconds: 10 });
    try {
      const run = await muster.up(specFrom(written('regretted')));
      const cancelled = await muster.cancel('regretted');
      assert.equal(cancelled.runId, run.runId);
      assert.equal((await cancelled.result()).state, 'cancelled');
      const { role, profile } = await world.exists('regretted');
      assert.deepEqual([role, profile], [undefined, undefined]);
    } finally {
      world.aws.configure(QUICK);
    }
    await assert.rejects(muster.cancel('regretted'), isRefused('NotNow'));
    await assert.rejects(muster.cancel('nobody'), isRefused('FleetNotFound'));
  });
});

describe('a paused run', () => {
  it('waits for a decision', async () => {
    const error = { code: 'AccessDenied', message: 'no', status: 403 };
    const undo = world.aws.fault({ action: 'CreateInstanceProfile', error });
    const run = await muster.up(specFrom(written('undecided', { onFailure: 'pause' })));
    for await (const { report } of run.watch()) if (report.state === 'paused') break;
    undo();
    assert.equal((await muster.status('undecided')).state, 'paused');
    const decided = await muster.decide('undecided', 'retry');
    assert.equal((await decided.result()).state, 'complete');
    await assert.rejects(muster.decide('undecided', 'retry'), isRefused('NotNow'));
  });
});

describe('status', () => {
  it('is what the run says', async () => {
    await (await muster.up(specFrom(written('known')))).result();
    assert.equal((await muster.status('KNOWN')).state, 'complete');
  });

  it('comes from the tags when Temporal has lost every history', async () => {
    await (await muster.up(specFrom(written('forgotten')))).result();
    const { address, stop } = await startLocalTemporal({ python: await ensurePython() });
    const worker = await createFleetWorker({ address, shutdownGraceTime: 1000 });
    const working = worker.run();
    const amnesiac = await Muster.connect({ address });
    try {
      await untilPolled(amnesiac);
      const again = await amnesiac.up(specFrom(written('forgotten')));
      assert.equal(again.met, 'ended');
      assert.equal((await again.result()).state, 'complete');
      const other = specFrom(written('forgotten', { tags: { team: 'blue' } }));
      await assert.rejects(amnesiac.up(other), isRefused('FleetDiffers'));
      const report = await amnesiac.status('forgotten', { region: 'us-east-1' });
      assert.equal(report.state, 'complete');
      assert.equal(report.instances.length, 2);
      assert.equal(report.role?.name, 'forgotten');
      assert.equal(
        (await (await amnesiac.down('forgotten', { region: 'us-east-1' })).result()).state,
        'gone',
      );
      const { role, profile, instances } = await world.exists('forgotten');
      assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
      await assert.rejects(amnesiac.status('nobody'), isRefused('FleetNotFound'));
    } finally {
      await amnesiac.close();
      worker.shutdown();
      await working;
      await stop();
    }
  });

  it('of a run that was terminated is lost, and names what it left; down removes it', async () => {
    world.aws.configure({ propagationSeconds: 10 });
    try {
      const run = await muster.up(specFrom(written('murdered')));
      for await (const { report } of run.watch()) {
        if (report.steps.some(({ name, state }) => name === 'await-profile' && state === 'running')) break;
      }
      await world.client.workflow.getHandle(run.workflowId).terminate('by a test');
    } finally {
      world.aws.configure(QUICK);
    }
    const report = await muster.status('murdered');
    assert.equal(report.state, 'lost');
    assert.deepEqual(report.leftovers.map(({ kind, id }) => `${kind} ${id}`).sort(), [
      'policy murdered',
      'profile murdered',
      'role murdered',
    ]);
    await assert.rejects(muster.up(specFrom(written('murdered'))), isRefused('FleetLeftOver'));
    assert.equal((await (await muster.down('murdered')).result()).state, 'gone');
    assert.equal((await world.exists('murdered')).role, undefined);
  });
});

describe('a complete fleet of which something was ended by hand', () => {
  it('is told as it is now, and is not taken for complete by another up', async () => {
    const spec = specFrom(written('mauled'));
    const { instances } = await (await muster.up(spec)).result();
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances[0]!.id] }));
    const report = await muster.status('mauled');
    assert.equal(report.state, 'degraded');
    assert.match(
      report.error!.message,
      new RegExp(`^(1 of 2 instances are left; )?${instances[0]!.id} is (shutting-down|terminated|gone)$`),
    );
    await assert.rejects(muster.up(spec), isRefused('FleetDegraded'));
    assert.equal((await (await muster.down('mauled')).result()).state, 'gone');
  });
});

describe('a retry', () => {
  it('looks for what is left as long as it takes, however soon a removal is given up', async () => {
    const denied = { code: 'AccessDenied', message: 'no', status: 403 };
    const undos = ['TagInstanceProfile', 'DeleteRole'].map((action) =>
      world.aws.fault({ action, error: denied, times: 1000 }),
    );
    const deadlines = { propagation: 20, launch: 15, step: 15, undo: 2, consistency: 1 };
    const { state } = await (await muster.up(specFrom(written('searched', { deadlines })))).result();
    assert.equal(state, 'left-over');
    for (const undo of undos) undo();
    const error = { code: 'Throttling', message: 'Rate exceeded' };
    const busy = world.aws.fault({ action: 'GetRole', error, times: 4 });
    const report = await (await muster.retry('searched')).result();
    busy();
    assert.equal(report.state, 'gone', JSON.stringify(report.error));
    assert.equal((await world.exists('searched')).role, undefined);
  });
});

describe('an instance that is given up', () => {
  it('keeps what it holds, stays given up, and is none of the next fleet of that name', async () => {
    const error = { code: 'AccessDenied', message: 'no', status: 403 };
    const spec = specFrom(
      written('spared', {
        instances: {
          count: 2,
          image: 'ami-12c6146b',
          type: 't3.micro',
          volumes: { device: '/dev/sdf', size: 1, deleteOnTermination: false },
        },
        deadlines: { propagation: 20, launch: 15, step: 15, undo: 2, consistency: 1 },
      }),
    );
    const undos = ['TagInstanceProfile', 'TerminateInstances'].map((action) =>
      world.aws.fault({ action, error, times: 1000 }),
    );
    const { leftovers } = await (await muster.up(spec)).result();
    for (const undo of undos) undo();
    const { id } = leftovers.find(({ kind }) => kind === 'instance')!;
    const report = await (await muster.retry('spared', { skip: [`instance/${id}`] })).result();
    assert.equal(report.state, 'gone', JSON.stringify(report.error));
    const { instances, volumes } = await world.exists('spared');
    assert.deepEqual(
      instances.map(({ InstanceId }) => InstanceId),
      [id],
    );
    assert.ok(
      volumes.every(({ Attachments = [] }) => Attachments.some(({ InstanceId }) => InstanceId === id)),
    );
    assert.deepEqual((await muster.list()).find(({ fleet }) => fleet === 'spared')?.skipped, [
      `instance/${id}`,
    ]);
    await (await muster.up(spec)).result();
    assert.equal((await muster.status('spared')).instances.length, 2);
    assert.equal((await (await muster.down('spared')).result()).state, 'gone');
    assert.deepEqual((await world.exists('spared')).instances, []);
  });
});

describe('list', () => {
  it('has each fleet once, with its last state', async () => {
    await (await muster.up(specFrom(written('listed')))).result();
    await (await muster.up(specFrom(written('past')))).result();
    await (await muster.down('past')).result();
    // What Temporal lists lags a little behind what it knows.
    for (let tries = 0; ; tries++) {
      const fleets = await muster.list();
      const listed = fleets.filter(({ fleet }) => fleet === 'listed' || fleet === 'past');
      const seen = listed.map(({ fleet, state, instances }) => `${fleet} ${state} ${instances}`).sort();
      if (tries < 600 && seen.join() !== 'listed complete 2,past gone 0') {
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      assert.deepEqual(seen, ['listed complete 2', 'past gone 0']);
      break;
    }
  });
});

describe('without what it needs', () => {
  it('no AWS is told by the run, and by a look', async () => {
    const error = { code: 'ExpiredTokenException', message: 'the token is old', status: 403 };
    const undo = world.aws.fault({
      action: 'GetCallerIdentity',
      error: { ...error, code: 'Denied' },
      times: 9,
    });
    try {
      await assert.rejects(
        muster.status('blind'),
        (error: MusterError) => error.code === 'LookFailed' && error.message.includes('the token is old'),
      );
      const report = await (await muster.up(specFrom(written('blind')))).result();
      assert.equal(report.state, 'rolled-back');
      assert.match(report.error!.problems!.join(), /the token is old/);
    } finally {
      undo();
    }
  });

  it('no Temporal is told, with its address', async () => {
    await assert.rejects(
      Muster.connect({ address: '127.0.0.1:1' }),
      (error: MusterError) => error.code === 'TemporalUnreachable' && error.message.includes('127.0.0.1:1'),
    );
  });

  it('no namespace and no worker are told, and nothing is started', async () => {
    const elsewhere = await Muster.connect({ namespace: 'nowhere' });
    await assert.rejects(elsewhere.up(specFrom(written('nowhere'))), isRefused('TemporalUnreachable'));
    await elsewhere.close();
    const idle = await Muster.connect({ taskQueue: 'nobody-polls' });
    await assert.rejects(idle.up(specFrom(written('idle'))), isRefused('NoWorker'));
    await idle.close();
    await assert.rejects(muster.attach('idle'), isRefused('FleetNotFound'));
  });
});

describe('the link to the web UI', () => {
  it('is as told, or guessed where that is safe', () => {
    assert.equal(uiBase('http://ui/', 'temporal:7233'), 'http://ui');
    assert.equal(uiBase(undefined, 'temporal.internal:7233'), undefined);
    assert.equal(uiBase(undefined, 'localhost:7233'), 'http://localhost:8233');
    assert.equal(uiBase(undefined, 'a.b.tmprl.cloud:7233'), 'https://cloud.temporal.io');
  });
});

describe('examples/bootstrap.ts', () => {
  it('brings a fleet up and down', async () => {
    const script = fileURLToPath(new URL('../examples/bootstrap.ts', import.meta.url));
    const child = spawn(process.execPath, [script, 'exampled'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 0);
    assert.match(said, /^fleet:exampled is under way: http/);
    assert.match(said, /has the role arn:aws:iam::123456789012:role\/exampled/);
    assert.match(said, /taken down again: gone\n$/);
    assert.equal((await world.exists('exampled')).instances.length, 0);
  });
});
