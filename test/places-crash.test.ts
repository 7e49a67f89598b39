/** A worker that is killed (SIGKILL) while a fleet in several places comes up, is taken back or down: another goes on. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { type Bundle, bundleOnce, WorkerProcess } from '../chaos/workers.ts';
import { type FleetReport, Muster, specFrom } from '../client/index.ts';
import { FLEET_TAG } from '../fleet/tags.ts';
import type { Fault } from '../sandbox/index.ts';
import { openWorld, QUICK, untilPolled, type World } from './world.ts';

const TASK_QUEUE = 'killed';
const [HERE, ABROAD] = ['us-east-1', 'eu-west-1'] as const;

let world: World;
let bundle: Bundle;
let muster: Muster;
/** At any time one of them is alive. */
let worker: WorkerProcess;

before(async () => {
  [world, bundle] = await Promise.all([openWorld(), bundleOnce()]);
  worker = await startWorker();
  muster = await Muster.connect({ taskQueue: TASK_QUEUE });
  await untilPolled(muster);
});
after(async () => {
  await Promise.all([worker.kill(), muster.close()]);
  await Promise.all([world.close(), bundle.remove()]);
});
afterEach(() => {
  world.aws.clearFaults();
  world.aws.configure({ ...QUICK, soldOut: [] });
});

async function startWorker(): Promise<WorkerProcess> {
  const started = new WorkerProcess({
    ...world.sandbox.env,
    MUSTER_TASK_QUEUE: TASK_QUEUE,
    MUSTER_LAUNCHES_PER_SECOND: '100',
    CHAOS_BUNDLE: bundle.path,
  });
  await started.start();
  return started;
}

const spec = (name: string, more: object = {}) =>
  specFrom({
    name,
    places: [{ region: HERE }, { region: ABROAD, count: 1 }],
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
    // A dead worker is missed after seven seconds, and on a busy machine another takes as long to start.
    deadlines: { propagation: 90, launch: 90, step: 90, running: 90, undo: 90, consistency: 2 },
    ...more,
  });

/** The moment of the death: the call comes to nothing, or has its effect when the worker is dead, or has had it. */
const MOMENTS = {
  before: { delayMs: 1_000, cut: true },
  during: { delayMs: 1_000 },
  after: { lost: true },
} satisfies Record<string, Partial<Fault>>;

/** Kills the worker at that call and has another go on. Resolves when that one polls. */
async function killedAt(
  call: Partial<Fault> & { action: string },
  moment: keyof typeof MOMENTS,
): Promise<void> {
  const fault: Fault = { ...call, ...MOMENTS[moment], times: 1 };
  const callsBefore = world.aws.calls().length;
  world.aws.fault(fault);
  const waits = () =>
    world.aws.weather().faults.some((one) => one.action === fault.action && one.delayMs === fault.delayMs);
  const hasHad = () =>
    world.aws
      .calls()
      .slice(callsBefore)
      .some(({ action, status }) => action === fault.action && status === 0);
  while (fault.lost ? !hasHad() : waits()) await new Promise((resolve) => setTimeout(resolve, 5));
  await worker.kill();
  worker = await startWorker();
}

/** What AWS has by the fleet's tag, and how many machines were ever launched in each region. */
async function exists(name: string) {
  const { role, profile } = await world.exists(name);
  const [alive, ever]: [number[], number[]] = [[], []];
  for (const region of [HERE, ABROAD]) {
    const ec2 = new EC2Client({ region, maxAttempts: 1 });
    const Filters = [{ Name: `tag:${FLEET_TAG}`, Values: [name] }];
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
    const all = Reservations.flatMap(({ Instances = [] }) => Instances);
    ever.push(all.length);
    alive.push(all.filter(({ State }) => State?.Name !== 'terminated').length);
  }
  return { alive, ever, role: Boolean(role), profile: Boolean(profile) };
}

const NOTHING_LEFT = { alive: [0, 0], ever: [2, 1], role: false, profile: false };
const ALL_OF_IT = { alive: [2, 1], ever: [2, 1], role: true, profile: true };

async function assertComplete(name: string, report: FleetReport): Promise<void> {
  assert.equal(report.state, 'complete', JSON.stringify(report));
  assert.deepEqual(await exists(name), ALL_OF_IT);
  const { state, instanceCount } = await muster.status(name);
  assert.deepEqual([state, instanceCount], ['complete', 3]);
}

async function assertNothingLeft(name: string, report: FleetReport, state: string): Promise<void> {
  assert.deepEqual([report.state, report.leftovers], [state, []], JSON.stringify(report));
  assert.deepEqual(await exists(name), NOTHING_LEFT);
}

const LAUNCH = { action: 'RunInstances', match: 'TagSpecification', region: ABROAD };
const TERMINATE = { action: 'TerminateInstances', region: ABROAD };

describe('a worker that is killed', () => {
  it('while a place launches: it is complete everywhere, with no machine too many', async () => {
    for (const moment of ['during', 'after'] as const) {
      const name = `launching-${moment}`;
      const run = await muster.up(spec(name));
      await killedAt(LAUNCH, moment);
      await assertComplete(name, await run.result());
    }
  });

  it('while the identity is made: the places find it', async () => {
    const run = await muster.up(spec('identity'));
    await killedAt({ action: 'AddRoleToInstanceProfile' }, 'after');
    await assertComplete('identity', await run.result());
  });

  it('while all is taken back: nothing is left in any place', async () => {
    for (const [name, call, moment] of [
      ['back-terminate', TERMINATE, 'during'],
      ['back-role', { action: 'DeleteRole' }, 'after'],
    ] as const) {
      // The last step: by then it is complete in both.
      world.aws.fault({ action: 'TagInstanceProfile', error: DENIED });
      const run = await muster.up(spec(name));
      await killedAt(call, moment);
      await assertNothingLeft(name, await run.result(), 'rolled-back');
    }
  });

  it('while places take back their own, as the run is cancelled: nothing is left in any of them', async () => {
    for (const moment of ['before', 'during'] as const) {
      const name = `cancelled-${moment}`;
      world.aws.configure({ pendingSeconds: 30 });
      const run = await muster.up(spec(name));
      await untilLaunched(name);
      const killed = killedAt(TERMINATE, moment);
      await muster.cancel(name);
      await killed;
      await assertNothingLeft(name, await run.result(), 'cancelled');
    }
  });

  it('and the run cancelled before another works: nothing is left in any place', async () => {
    world.aws.configure({ pendingSeconds: 30 });
    const run = await muster.up(spec('both'));
    await untilLaunched('both');
    await worker.kill();
    await muster.cancel('both');
    worker = await startWorker();
    await assertNothingLeft('both', await run.result(), 'cancelled');
  });

  it('while one place is taken back without which the fleet can do: it is complete with the other', async () => {
    // Abroad there is room for one of two, so that one has to be ended again.
    const placementsIn = (region: string) =>
      ['a', 'b'].map((zone) => ({ type: 't3.micro', zone: `${region}${zone}` }));
    const places = [
      { region: HERE, placements: placementsIn(HERE) },
      { region: ABROAD, placements: placementsIn(ABROAD) },
    ];
    const instances = { count: 2, image: 'ami-12c6146b', spread: true };
    world.aws.fault({ ...LAUNCH, error: SOLD_OUT, skip: 1, times: 1_000 });
    const run = await muster.up(spec('enough', { places, instances, need: { min: 1 } }));
    await killedAt(TERMINATE, 'during');
    const report = await run.result();
    assert.equal(report.state, 'complete', JSON.stringify(report));
    assert.deepEqual(
      report.places!.map(({ state }) => state),
      ['complete', 'rolled-back'],
    );
    assert.deepEqual(await exists('enough'), { ...ALL_OF_IT, alive: [2, 0] });
  });

  it('while it is taken down: it is gone from all places', async () => {
    await assertComplete('down', await (await muster.up(spec('down'))).result());
    const run = await muster.down('down');
    await killedAt(TERMINATE, 'after');
    await assertNothingLeft('down', await run.result(), 'gone');
  });

  it('while it is taken down, and the run cancelled then: what is left is named, and a retry removes it', async () => {
    await assertComplete('down-cancelled', await (await muster.up(spec('down-cancelled'))).result());
    const run = await muster.down('down-cancelled');
    await killedAt(TERMINATE, 'before');
    await muster.cancel('down-cancelled');
    const report = await run.result();
    const { alive, role, profile } = await exists('down-cancelled');
    const ids = (kind: string) => report.leftovers.filter((one) => one.kind === kind).length;
    assert.deepEqual(
      [ids('instance'), ids('role') === 1, ids('profile') === 1],
      [alive[0]! + alive[1]!, role, profile],
      JSON.stringify(report),
    );
    if (report.state === 'gone') return;
    assert.equal(report.state, 'left-over', JSON.stringify(report));
    const retried = await (await muster.retry('down-cancelled')).result();
    await assertNothingLeft('down-cancelled', retried, 'gone');
  });
});

const SOLD_OUT = { code: 'InsufficientInstanceCapacity', message: 'We are out of it', status: 500 };
const DENIED = { code: 'UnauthorizedOperation', message: 'You are not authorized', status: 403 };

/** Until it has launched something in each region. */
async function untilLaunched(name: string): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    const { alive } = await exists(name);
    if (alive.every((count) => count > 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing of ${name} in some region`);
}
