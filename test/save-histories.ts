/**
 * `npm run histories`: runs one fleet to each kind of end and saves the histories, which test/replay.test.ts replays
 * against the workflows as they are now. Run it when a new kind of end comes; old histories stay as they are, because
 * runs with them may be under way somewhere.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { PutRolePolicyCommand } from '@aws-sdk/client-iam';
import type { WorkflowHandle } from '@temporalio/client';
import {
  DECIDE_UPDATE,
  EXTEND_UPDATE,
  fleetWorkflowId,
  KEEPER,
  placeWorkflowId,
  TASK_QUEUE,
} from '../fleet/run.ts';
import { scheduleId } from '../fleet/schedule.ts';
import type { Fault } from '../sandbox/index.ts';
import { ensurePython } from '../setup/python.js';
import { endOf, openWorld, QUICK, specOf, until, untilPolled } from './world.ts';

const { bin } = await ensurePython();
const FOLDER = fileURLToPath(new URL('./histories/', import.meta.url));
const DENIED = {
  code: 'AccessDenied',
  message: 'User is not authorized to perform this action',
  status: 403,
};
const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };

const world = await openWorld({ ...QUICK, propagationSeconds: 2 });
await untilPolled(world.muster);
mkdirSync(FOLDER, { recursive: true });

await save('complete', async (name) => world.start({ name }));
await save('gone', async (name) => {
  await world.up({ name });
  return (await world.down(name)).handle;
});
await save('rolled-back', async (name) => failing(name, { ...LAUNCH, error: DENIED }));
await save('left-over', async (name) => {
  world.aws.fault({ action: 'DeleteRole', match: `=${name}`, error: DENIED, times: 1000 });
  return failing(name, { ...LAUNCH, error: DENIED });
});
await save('lost-launch', async (name) => failing(name, { ...LAUNCH, lost: true }));
await save('kept', async (name) => failing(name, { ...LAUNCH, error: DENIED }, { onFailure: 'keep' }));
await save('cancelled', async (name) => {
  const handle = await world.start({ name });
  await until(handle, ({ steps }) =>
    steps.some(({ name: step, state }) => step === 'await-profile' && state === 'running'),
  );
  await handle.cancel();
  return handle;
});
await save('cancelled-in-a-call', async (name) => {
  const error = { code: 'InternalError', message: 'An internal error has occurred', status: 500 };
  world.aws.fault({ action: 'PutRolePolicy', error, delayMs: 2_000 });
  // Whether somebody is told of a failure shows in the history.
  const notify = { webhook: 'http://127.0.0.1:9/', secret: 'env:HOOK_SECRET', on: ['failed'] };
  const handle = await world.start({ name, notify });
  // A fault that is used up is listed no more.
  while (world.aws.weather().faults.length > 0) await sleep(20);
  await handle.cancel();
  return handle;
});
await save('paused-and-retried', async (name) => {
  const handle = await failing(name, { action: 'PutRolePolicy', error: DENIED }, { onFailure: 'pause' });
  await until(handle, ({ state }) => state === 'paused');
  await handle.executeUpdate(DECIDE_UPDATE, { args: ['retry'] });
  return handle;
});
await save('reused-profile', async (name) => {
  await world.up({ name: 'lender' });
  return world.start({ name, profile: 'lender' });
});
await save('handed-over', leased, 'bootstrapFleet');
await save('kept-for-a-time', leased, KEEPER);
await save(
  'given-a-lease',
  async (name) => {
    await world.up({ name });
    await world.muster.extend(name, { seconds: 2 });
    return world.client.workflow.getHandle(fleetWorkflowId(name));
  },
  KEEPER,
);
await save('scheduled', async (name) => scheduled(name));
await save('scheduled-and-skipped', async (name) => {
  await world.up({ name });
  return scheduled(name);
});
await save('scheduled-in-places', async (name) => scheduled(name, inPlaces(name)));
await save('from-spec', (name) => {
  const policy = { allow: { actions: 's3:Get*', resources: '*' } };
  const instances = { count: 2, image: 'ami-12c6146b', type: 't3.micro' };
  const args = [{ spec: { name, region: 'us-east-1', policy, instances } }];
  return world.client.workflow.start('fleetFromSpec', {
    args,
    taskQueue: TASK_QUEUE,
    workflowId: `up:${name}`,
  });
});
await save('scaled-up', (name) => scaled(name, 3), KEEPER);
await save('scaled-down', (name) => scaled(name, 1), KEEPER);
await save('scaled-and-taken-back', async (name) => scaled(name, 3, { ...LAUNCH, error: DENIED }), KEEPER);
await save('changed', (name) => changed(name), KEEPER);
await save('changed-and-taken-back', (name) => changed(name, { ...LAUNCH, error: DENIED }), KEEPER);
await save('repaired', (name) => repaired(name), KEEPER);
await save('repaired-and-taken-back', (name) => repaired(name, { ...LAUNCH, error: DENIED }), KEEPER);
await save('rolled', (name) => rolled(name), KEEPER);
await save('rolled-and-taken-back', (name) => rolled(name, { ...LAUNCH, error: DENIED, nth: 2 }), KEEPER);
await save('places', (name) => world.start(inPlaces(name)), 'bootstrapPlaces');
await save('places-taken-back', (name) => {
  world.aws.fault({ ...LAUNCH, region: 'eu-west-1', error: DENIED });
  return world.start(inPlaces(name));
});
await save('places-gone', async (name) => {
  await world.up(inPlaces(name));
  const { places } = specOf(inPlaces(name)).spec;
  return (await world.down(name, { region: undefined, places })).handle;
});
await save('place', async (name) => {
  await world.up(inPlaces(name));
  return world.client.workflow.getHandle(placeWorkflowId(name, 'eu-west-1'));
});
await save('places-scaled', (name) => scaledAbroad(name), KEEPER);
await save('place-scaled', async (name) => {
  await endOf(await scaledAbroad(name));
  return world.client.workflow.getHandle(placeWorkflowId(name, 'eu-west-1'));
});
await save('places-repaired', (name) => repairedAbroad(name), KEEPER);
await save('place-repaired', async (name) => {
  await endOf(await repairedAbroad(name));
  return world.client.workflow.getHandle(placeWorkflowId(name, 'eu-west-1'));
});
await world.close();

/** A fleet in two regions. */
function inPlaces(name: string) {
  return { name, region: undefined, places: [{ region: 'us-east-1' }, { region: 'eu-west-1', count: 1 }] };
}

/** That gets two more instances in one of them. */
async function scaledAbroad(name: string): Promise<WorkflowHandle> {
  await (await world.muster.up(specOf(inPlaces(name)))).result();
  const { workflowId } = await world.muster.scale(name, { count: 3, place: 'eu-west-1' });
  return world.client.workflow.getHandle(workflowId);
}

/** Of which other hands have ended an instance in one of them. */
async function repairedAbroad(name: string): Promise<WorkflowHandle> {
  const { places } = await (await world.muster.up(specOf(inPlaces(name)))).result();
  const { id } = places![1]!.instances[0]!;
  const abroad = new EC2Client({ region: 'eu-west-1', maxAttempts: 1 });
  await abroad.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  const { workflowId } = await world.muster.repair(name);
  return world.client.workflow.getHandle(workflowId);
}

/** A fleet of three seconds, of which one is added while it is there. */
async function leased(name: string): Promise<WorkflowHandle> {
  const handle = await world.start({ name }, { lease: 2 });
  await until(handle, ({ lease }) => lease !== undefined);
  await world.client.workflow
    .getHandle(handle.workflowId)
    .executeUpdate(EXTEND_UPDATE, { args: [{ seconds: 1 }] });
  return handle;
}

/** As a schedule starts it. */
function scheduled(name: string, written = { name }): Promise<WorkflowHandle> {
  const { spec, hash } = specOf(written);
  return world.client.workflow.start('scheduledFleet', {
    args: [{ spec, specHash: hash }],
    taskQueue: TASK_QUEUE,
    workflowId: scheduleId(name),
  });
}

/** A fleet of two that gets so many instead. */
async function scaled(name: string, count: number, fault?: Fault): Promise<WorkflowHandle> {
  const { spec, hash } = specOf({ name });
  await (await world.muster.up({ spec, hash })).result();
  if (fault) world.aws.fault(fault);
  const { workflowId } = await world.muster.scale(name, { count });
  return world.client.workflow.getHandle(workflowId);
}

/** A fleet that gets one more policy, a tag and an instance; and goes on with its new spec. */
async function changed(name: string, fault?: Fault): Promise<WorkflowHandle> {
  const { spec, hash } = specOf({ name });
  await (await world.muster.up({ spec, hash })).result();
  if (fault) world.aws.fault(fault);
  const policy = { allow: { actions: 's3:*', resources: '*' } };
  const wanted = specOf({ name, policy, tags: { team: 'blue' }, instances: { count: 3 } });
  const { workflowId } = await world.muster.change(wanted);
  return world.client.workflow.getHandle(workflowId);
}

/** A fleet of two of which one was ended by other hands, and whose policy was widened by them. */
async function repaired(name: string, fault?: Fault): Promise<WorkflowHandle> {
  const { spec, hash } = specOf({ name });
  const { instances } = await (await world.muster.up({ spec, hash })).result();
  await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instances[0]!.id] }));
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  });
  const put = { RoleName: name, PolicyName: name, PolicyDocument };
  await world.iam.send(new PutRolePolicyCommand(put));
  if (fault) world.aws.fault(fault);
  const { workflowId } = await world.muster.repair(name);
  return world.client.workflow.getHandle(workflowId);
}

/** A fleet of two that gets another image, one at a time. */
async function rolled(name: string, fault?: Fault): Promise<WorkflowHandle> {
  const { spec, hash } = specOf({ name });
  await (await world.muster.up({ spec, hash })).result();
  if (fault) world.aws.fault(fault);
  const run = await world.muster.roll({ fleet: name, image: 'ami-1e749f67' }, { wave: { count: 1 } });
  await run.result();
  return world.client.workflow.getHandle(run.workflowId);
}

async function failing(name: string, fault: Fault, more: object = {}): Promise<WorkflowHandle> {
  world.aws.fault(fault);
  return world.start({ name, deadlines: { undo: 3 }, ...more });
}

/** Of runs that followed one another the first of this type; else the last of all. */
async function runOf({ workflowId }: WorkflowHandle, type: string | undefined): Promise<string> {
  if (type === undefined) return (await world.client.workflow.getHandle(workflowId).describe()).runId;
  const query = `WorkflowId = '${workflowId}' AND WorkflowType = '${type}'`;
  for (let tries = 0; tries < 50; tries++) {
    const runs = [];
    for await (const run of world.client.workflow.list({ query })) runs.push(run);
    runs.sort((one, other) => one.startTime.getTime() - other.startTime.getTime());
    if (runs[0]) return runs[0].runId;
    await sleep(100);
  }
  throw new Error(`${workflowId} has no run of ${type}`);
}

/** Saves the history of the run once it has ended, unless there is one of that kind. */
async function save(
  kind: string,
  begin: (name: string) => Promise<WorkflowHandle>,
  type?: string,
): Promise<void> {
  const file = `${FOLDER}${kind}.json`;
  if (existsSync(file)) return;
  const { handle } = await endOf(await begin(kind));
  const history = JSON.parse(shown(handle.workflowId, await runOf(handle, type)), withoutTheMachine);
  writeFileSync(file, `${JSON.stringify(history, null, 1)}\n`);
  world.aws.clearFaults();
  console.log(kind);
}

/** As Temporal's own tool exports it: the form that every SDK replays. */
function shown(workflowId: string, runId: string): string {
  const { address } = world.sandbox.temporal;
  const args = [
    'workflow',
    'show',
    '--workflow-id',
    workflowId,
    '--run-id',
    runId,
    '--address',
    address,
    '--output',
    'json',
  ];
  return execFileSync(process.env.MUSTER_TEMPORAL ?? join(bin, 'temporal'), args, {
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
}

/** Where a history was made is nobody's business, and nothing that a replay looks at. */
function withoutTheMachine(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return '';
  if (key === 'identity') return 'a worker';
  return value;
}
