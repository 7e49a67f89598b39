/**
 * `npm run histories`: runs one fleet to each kind of end and saves the histories, which test/replay.test.ts replays
 * against the workflows as they are now. Run it when a new kind of end comes; old histories stay as they are, because
 * runs with them may be under way somewhere.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { DECIDE_UPDATE } from '../fleet/run.ts';
import type { Fault } from '../sandbox/index.ts';
import { ensurePython } from '../setup/python.js';
import { endOf, openWorld, QUICK, until } from './world.ts';

const { bin } = await ensurePython();
const FOLDER = fileURLToPath(new URL('./histories/', import.meta.url));
const DENIED = {
  code: 'AccessDenied',
  message: 'User is not authorized to perform this action',
  status: 403,
};
const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };

const world = await openWorld({ ...QUICK, propagationSeconds: 2 });
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
await world.close();

async function failing(name: string, fault: Fault, more: object = {}): Promise<WorkflowHandle> {
  world.aws.fault(fault);
  return world.start({ name, deadlines: { undo: 3 }, ...more });
}

/** Saves the history of the run once it has ended, unless there is one of that kind. */
async function save(kind: string, begin: (name: string) => Promise<WorkflowHandle>): Promise<void> {
  const file = `${FOLDER}${kind}.json`;
  if (existsSync(file)) return;
  const { handle } = await endOf(await begin(kind));
  const history = JSON.parse(shown(handle.workflowId), withoutTheMachine);
  writeFileSync(file, `${JSON.stringify(history, null, 1)}\n`);
  world.aws.clearFaults();
  console.log(kind);
}

/** As Temporal's own tool exports it: the form that every SDK replays. */
function shown(workflowId: string): string {
  const { address } = world.sandbox.temporal;
  const args = ['workflow', 'show', '--workflow-id', workflowId, '--address', address, '--output', 'json'];
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
