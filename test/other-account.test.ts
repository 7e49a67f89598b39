/** A worker with credentials of another account: it sees nothing of the fleet, and nobody takes that for nothing being there. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Bundle, bundleOnce, WorkerProcess } from '../chaos/workers.ts';
import { type FleetReport, Muster, type SpecInput, specFrom } from '../client/index.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { openWorld, QUICK, until, untilPolled, type World } from './world.ts';

const TASK_QUEUE = 'two-accounts';
const OTHER = '210987654321';

let world: World;
let bundle: Bundle;
let muster: Muster;
/** Keys of another account, as a worker's environment has them. */
let others: Record<string, string>;
/** At any time one of them is alive. */
let worker: WorkerProcess;

before(async () => {
  [world, bundle] = await Promise.all([openWorld(), bundleOnce()]);
  const { keys } = await world.aws.openAccount({ id: OTHER });
  others = {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    ...(keys.sessionToken && { AWS_SESSION_TOKEN: keys.sessionToken }),
  };
  worker = await startWorker();
  muster = await Muster.connect({ taskQueue: TASK_QUEUE });
  await untilPolled(muster);
});
after(async () => {
  await Promise.all([worker.kill(), muster.close()]);
  await Promise.all([world.close(), bundle.remove()]);
});
afterEach(async () => {
  world.aws.configure(QUICK);
  await becomes({});
});

async function startWorker(keys: Record<string, string> = {}): Promise<WorkerProcess> {
  const started = new WorkerProcess({
    ...world.sandbox.env,
    ...keys,
    MUSTER_TASK_QUEUE: TASK_QUEUE,
    MUSTER_LAUNCHES_PER_SECOND: '100',
    CHAOS_BUNDLE: bundle.path,
  });
  await started.start();
  return started;
}

/** The worker is killed, and another with these keys takes its place. */
async function becomes(keys: Record<string, string>): Promise<void> {
  await worker.kill();
  worker = await startWorker(keys);
}

const spec = (name: string, more: Partial<SpecInput> = {}) =>
  specFrom({
    name,
    region: 'us-east-1',
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
    deadlines: { propagation: 90, launch: 60, step: 60, running: 60, undo: 90, consistency: 1 },
    ...more,
  });

const handle = (name: string) => world.client.workflow.getHandle(fleetWorkflowId(name));

async function exists(name: string) {
  const { role, profile, instances } = await world.exists(name);
  return [Boolean(role), Boolean(profile), instances.length];
}

/** Until somebody who looks at the run is told whose credentials the worker has. */
async function untilSaid(name: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const { raw } = await handle(name).describe();
    const said = (raw.pendingActivities ?? []).map(({ lastFailure }) => lastFailure?.message).join('; ');
    if (new RegExp(`OtherAccount: .* ${OTHER}, .* 123456789012`).test(said)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { raw } = await handle(name).describe();
  throw new Error(`nobody is told: ${JSON.stringify(raw)}`);
}

describe('a worker whose credentials are of another account', () => {
  it('takes nothing down that it does not see: another worker does', async () => {
    await (await muster.up(spec('down'))).result();
    await becomes(others);
    const run = await muster.down('down');
    await untilSaid('down');
    assert.deepEqual(await exists('down'), [true, true, 2]);
    await becomes({});
    const report = await run.result();
    assert.equal(report.state, 'gone', JSON.stringify(report));
    assert.deepEqual(await exists('down'), [false, false, 0]);
  });

  it('takes nothing back that it does not see, and names it', async () => {
    world.aws.configure({ ...QUICK, propagationSeconds: 600 });
    const run = await muster.up(spec('back', { deadlines: { propagation: 300, undo: 4, consistency: 1 } }));
    await until(handle('back'), ({ steps }) =>
      steps.some(({ name, state }) => name === 'await-profile' && state === 'running'),
    );
    await becomes(others);
    await muster.cancel('back');
    const report: FleetReport = await run.result();
    assert.equal(report.state, 'left-over', JSON.stringify(report));
    assert.deepEqual(report.leftovers.map(({ kind }) => kind).sort(), ['policy', 'profile', 'role']);
    assert.ok(
      report.leftovers.every(({ reason }) => reason.includes('OtherAccount')),
      JSON.stringify(report),
    );
    assert.deepEqual(await exists('back'), [true, true, 0]);
    await becomes({});
    assert.equal((await (await muster.retry('back')).result()).state, 'gone');
    assert.deepEqual(await exists('back'), [false, false, 0]);
  });

  it('says of no fleet that it is gone or degraded', async () => {
    await (await muster.up(spec('seen'))).result();
    await becomes(others);
    await assert.rejects(muster.status('seen'), ({ code, message }: { code: string; message: string }) => {
      assert.equal(code, 'LookFailed');
      assert.match(message, /credentials are of account 210987654321/);
      return true;
    });
    await becomes({});
    assert.equal((await muster.status('seen')).state, 'complete');
    assert.equal((await (await muster.down('seen')).result()).state, 'gone');
  });
});
