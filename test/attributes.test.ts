/** Search attributes: Temporal's lists find the runs of fleets by what they are doing, and by who should look. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { defineSearchAttributeKey } from '@temporalio/common';
import { specFrom } from '../client/index.ts';
import { ATTRIBUTES } from '../fleet/attributes.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { written } from './specs.ts';
import { openWorld, QUICK, untilPolled, type World } from './world.ts';

const DENIED = { code: 'AccessDenied', message: 'You may not', status: 403 };
const PASSING = { code: 'InternalFailure', message: 'An internal error occurred', status: 500 };

let world: World;
before(async () => {
  world = await openWorld();
  await untilPolled(world.muster);
});
after(() => world.close());
afterEach(() => {
  world.aws.clearFaults();
  world.aws.configure(QUICK);
});

/** As a list shows it: ids of the runs that a query finds, once it finds any or the patience is over. */
async function found(query: string): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const ids: string[] = [];
    for await (const { workflowId } of world.client.workflow.list({ query })) ids.push(workflowId);
    if (ids.length > 0 || tries > 100) return ids;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function attributesOf(fleet: string): Promise<Record<string, unknown>> {
  const { typedSearchAttributes: told } = await world.client.workflow
    .getHandle(fleetWorkflowId(fleet))
    .describe();
  const pairs = told.getAll().map(({ key, value }) => [key.name, value]);
  return Object.fromEntries(pairs.filter(([name]) => String(name).startsWith('Muster')));
}

async function until(fleet: string, attention: string | undefined): Promise<void> {
  for (let tries = 0; (await attributesOf(fleet)).MusterAttention !== attention; tries++) {
    assert.ok(tries < 600, JSON.stringify(await attributesOf(fleet)));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The server goes on for a while by what it knew. */
async function untilRefused(): Promise<void> {
  const owner = defineSearchAttributeKey('MusterOwner', 'KEYWORD');
  for (let tries = 0; tries < 600; tries++) {
    const options = { taskQueue: 'nobody', workflowId: `try:${tries}`, args: [] };
    const typedSearchAttributes = [{ key: owner, value: 'somebody' }];
    try {
      const run = await world.client.workflow.start('nothing', { ...options, typedSearchAttributes });
      await run.terminate();
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('the attribute is known still');
}

describe('the search attributes of a run', () => {
  it('tell the fleet, where it is, how it is, how many and whose', async () => {
    process.env.MUSTER_OWNER = 'team web';
    try {
      await (await world.muster.up(specFrom(written('known')), { lease: 600 })).result();
    } finally {
      delete process.env.MUSTER_OWNER;
    }
    const told = {
      MusterFleet: 'known',
      MusterOwner: 'team web',
      MusterAccount: ['123456789012'],
      MusterRegion: ['us-east-1'],
      MusterState: 'complete',
      MusterCount: 2,
    };
    // Also of the run that keeps it until its lease is over.
    assert.deepEqual(await attributesOf('known'), told);
    const query = `MusterState = 'complete' AND MusterRegion = 'us-east-1' AND MusterCount = 2 AND ExecutionStatus = 'Running'`;
    assert.deepEqual(await found(query), ['fleet:known']);
    await (await world.muster.scale('known', { count: 3 })).result();
    assert.deepEqual(await attributesOf('known'), { ...told, MusterCount: 3 });
    const down = await (await world.muster.down('known')).result();
    assert.equal(down.state, 'gone');
    const { MusterState, MusterCount } = await attributesOf('known');
    assert.deepEqual([MusterState, MusterCount], ['gone', 0]);
  });

  it('tell that a call is made again and again, and no more when it has been answered', async () => {
    world.aws.fault({ action: 'CreateInstanceProfile', error: PASSING, times: 9 });
    const run = await world.muster.up(specFrom(written('again')));
    await until('again', 'retrying');
    assert.deepEqual(await found(`MusterAttention = 'retrying'`), ['fleet:again']);
    world.aws.clearFaults();
    assert.equal((await run.result()).state, 'complete');
    await until('again', undefined);
  });

  it('tell that a person is waited for, and what has been left', async () => {
    world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED });
    const run = await world.muster.up(specFrom(written('paused', { onFailure: 'pause' })));
    await until('paused', 'person');
    assert.deepEqual(
      await found(`MusterAttention = 'person' AND MusterState = 'paused' AND MusterCount = 2`),
      ['fleet:paused'],
    );
    world.aws.fault({ action: 'DeleteRole', error: DENIED, times: 999 });
    await world.client.workflow.getHandle(fleetWorkflowId('paused')).executeUpdate('decide', {
      args: ['rollback'],
    });
    const report = await run.result();
    assert.equal(report.state, 'left-over');
    await until('paused', 'leftovers');
  });

  it('are registered by a worker, and done without where they are not', async () => {
    const { client } = world;
    const { operatorService } = client.connection;
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace: 'default' });
    for (const name of Object.keys(ATTRIBUTES)) assert.ok(name in customAttributes!, name);
    await operatorService.removeSearchAttributes({
      namespace: 'default',
      searchAttributes: ['MusterOwner'],
    });
    try {
      await untilRefused();
      const report = await (await world.muster.up(specFrom(written('without')))).result();
      assert.equal(report.state, 'complete');
      assert.deepEqual(await attributesOf('without'), {});
    } finally {
      await operatorService.addSearchAttributes({
        namespace: 'default',
        searchAttributes: { MusterOwner: 2 },
      });
    }
  });
});
