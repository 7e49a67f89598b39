/** Rolls that come to nothing: the fleet is as it was, or it is said what of it is not. */

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { fleetWorkflowId } from '../fleet/run.ts';
import {
  assertAll,
  assertAsBefore,
  fewestUntilEnd,
  fleetOf,
  gone,
  idsIn,
  isRefused,
  isRunning,
  LAUNCH,
  machinesOf,
  muster,
  NEW,
  OLD,
  pausedAfterTheFirst,
  protect,
  rolled,
  SOLD_OUT,
  specOf,
  startRoll,
  USUAL,
  useWorld,
  world,
} from './rolls.ts';

useWorld();

describe('a wave that does not become healthy', () => {
  it('ends what it launched when it is the first: nothing else was touched', async () => {
    const before = await fleetOf('first');
    world.aws.configure({ impaired: [{ image: NEW }] });
    const report = await rolled('first', { healthyWithin: 2 });
    assert.deepEqual(
      [report.state, report.error!.code],
      ['rolled-back', 'Unhealthy'],
      JSON.stringify(report),
    );
    assert.match(report.error!.message, /wave 1 of 3.*instance check impaired/);
    assert.deepEqual(await idsIn('first'), before);
    const status = await muster.status('first');
    assert.deepEqual([status.state, status.image], ['complete', OLD]);
    assert.match(status.roll!.failed!, /Unhealthy/);
    assert.equal((await muster.up(specOf('first'))).met, 'ended');
    await gone('first');
  });

  it('has the machines before it taken back, when it is a later one', async () => {
    const before = await fleetOf('second');
    const run = await pausedAfterTheFirst('second', { healthyWithin: 12 });
    world.aws.configure({ impaired: [{ image: NEW }] });
    await muster.steerRoll('second', 'resume');
    const fewest = await fewestUntilEnd('second', run);
    const report = await run.result();
    assert.deepEqual(
      [report.state, report.error!.code],
      ['rolled-back', 'Unhealthy'],
      JSON.stringify(report),
    );
    assert.match(report.error!.message, /wave 2 of 3/);
    assert.ok(fewest >= 5, `never fewer than before: ${fewest}`);
    await assertAsBefore('second', before, 3);
    const { findings } = await muster.check('second');
    assert.deepEqual(findings, []);
    const swept = (await muster.sweep()).swept.filter(({ remains }) => remains.fleet === 'second');
    assert.ok(
      swept.every(({ remove }) => !remove),
      JSON.stringify(swept),
    );

    world.aws.configure({ impaired: [] });
    assert.equal((await rolled('second')).state, 'complete');
    await assertAll('second', 5, NEW);
    await gone('second');
  });

  it('by the answer of each machine, which is no redirect', async () => {
    const asked: string[] = [];
    let answer = 200;
    const server = createServer((request, response) => {
      asked.push(request.url!);
      response.writeHead(request.url === '/elsewhere' ? 200 : answer, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const before = await fleetOf('asked', { count: 3 });
      world.aws.configure({ privateIp: '127.0.0.1' });
      const { port } = server.address() as AddressInfo;
      const healthyUrl = `http://{privateIp}:${port}/health`;
      for (const [status, reason] of [
        [302, /HTTP 302/],
        [500, /HTTP 500/],
      ] as const) {
        answer = status;
        const report = await rolled('asked', { healthyUrl, healthyWithin: 2 });
        assert.equal(report.state, 'rolled-back', JSON.stringify(report));
        assert.match(report.error!.message, reason);
        assert.deepEqual(await idsIn('asked'), before);
      }
      answer = 204;
      asked.length = 0;
      const report = await rolled('asked', { healthyUrl });
      assert.equal(report.state, 'complete', JSON.stringify(report));
      assert.ok(asked.length >= 3 && asked.every((path) => path === '/health'), asked.join());
      await assertAll('asked', 3, NEW);
      await gone('asked');
    } finally {
      await closed(server);
    }
  });
});

describe('a roll that fails otherwise', () => {
  it('leaves exactly what there was, when nothing can be launched', async () => {
    const before = await fleetOf('full');
    world.aws.fault({ ...LAUNCH, error: SOLD_OUT, times: 5 });
    const report = await rolled('full');
    assert.deepEqual([report.state, report.error!.code], ['rolled-back', 'InsufficientInstanceCapacity']);
    assert.deepEqual(await idsIn('full'), before);
    await gone('full');
  });

  it('goes back when an old machine is protected', async () => {
    const before = await fleetOf('held');
    const held = before[2]!;
    await protect(held, true);
    const report = await rolled('held');
    assert.deepEqual([report.state, report.error!.code], ['rolled-back', 'OperationNotPermitted']);
    assert.ok((await idsIn('held')).includes(held));
    await assertAll('held', 5, OLD);
    assert.equal((await muster.status('held')).state, 'complete');
    await protect(held, false);
    await gone('held');
  });

  it('keeps what nothing can take the place of, and says so', async () => {
    await fleetOf('kept');
    const run = await pausedAfterTheFirst('kept');
    world.aws.configure({ soldOut: [{}] });
    await muster.steerRoll('kept', 'resume');
    const report = await run.result();
    assert.equal(report.state, 'left-over', JSON.stringify(report));
    const all = await machinesOf('kept');
    assert.deepEqual([all.length, all.filter(isRunning).length], [5, 5]);
    const kept = all.filter(({ ImageId }) => ImageId === NEW).map(({ InstanceId }) => InstanceId!);
    assert.deepEqual(report.leftovers.map(({ id }) => id).sort(), kept.sort());
    assert.equal(kept.length, 2);
    await assert.rejects(startRoll('kept'), isRefused('FleetLeftOver'));
    world.aws.configure(USUAL);
    // What is new is gone, and one is missing now: that is no complete fleet.
    assert.equal((await (await muster.retry('kept')).result()).state, 'degraded');
    await assertAll('kept', 3, OLD);
    assert.equal((await muster.status('kept')).state, 'degraded');
    await gone('kept');
  });

  it('by a termination is said to be lost, and a retry removes what is new', async () => {
    await fleetOf('lost', { count: 3 });
    await pausedAfterTheFirst('lost', { wave: { count: 1 } });
    await world.client.workflow.getHandle(fleetWorkflowId('lost')).terminate('by hand');
    const lost = await muster.status('lost');
    assert.deepEqual([lost.state, lost.action, lost.leftovers.length], ['lost', 'roll', 1]);
    const cleared = await (await muster.retry('lost')).result();
    assert.deepEqual([cleared.state, cleared.instanceCount ?? cleared.instances.length], ['degraded', 2]);
    await assertAll('lost', 2, OLD);
    assert.equal((await muster.status('lost')).state, 'degraded');
    await gone('lost');
  });
});

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
