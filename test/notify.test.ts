/** Who is told: asked of a receiver that writes down what it gets, of Temporal, and of AWS. */

import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateArchiveCommand, DescribeArchiveCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { notifySteps } from '../activities/notify.ts';
import type { specFrom } from '../client/index.ts';
import type { Delivery, FleetNotification, NotifyReport } from '../fleet/notification.ts';
import { notificationOf } from '../fleet/notification.ts';
import { blankReport, type FleetReport } from '../fleet/report.ts';
import { DECIDE_UPDATE } from '../fleet/run.ts';
import { type End, endOf, openWorld, specOf, until, type World } from './world.ts';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const OLD_SECRET = `whsec_${randomBytes(24).toString('base64')}`;
const DENIED = { code: 'AccessDenied', message: 'User is not authorized', status: 403 };
const ARCHIVED = 'arn:aws:events:us-east-1:123456789012:event-bus/default';

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly told: FleetNotification;
}

/** A server that writes down what it is told, by the path, and answers as it is bidden. */
async function startReceiver() {
  const got = new Map<string, Got[]>();
  const answers = new Map<
    string,
    (before: number) => [status: number, headers?: object, body?: string] | 'never' | 'endless'
  >();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const path = request.url!;
    const before = got.get(path) ?? [];
    got.set(path, [...before, { headers: request.headers, body, told: JSON.parse(body) }]);
    const answer = answers.get(path)?.(before.length) ?? ([204] as const);
    if (answer === 'never') return;
    if (answer === 'endless') {
      response.writeHead(200).write('and so on');
      return;
    }
    const [status, headers = {}, text = ''] = answer;
    response.writeHead(status, headers as Record<string, string>).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: (path: string) => base + path,
    answer: (path: string, how: NonNullable<ReturnType<typeof answers.get>>) => answers.set(path, how),
    got: (path: string): readonly Got[] => got.get(path) ?? [],
    /** What came to the path, once there are so many. */
    async gets(path: string, count: number): Promise<readonly Got[]> {
      for (let tries = 0; tries < 1200; tries++) {
        const those = got.get(path) ?? [];
        if (those.length >= count) return those;
        await sleep(25);
      }
      throw new Error(`${path} got ${got.get(path)?.length ?? 0} of ${count}`);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

let world: World;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
before(async () => {
  process.env.HOOK_SECRET = SECRET;
  process.env.BOTH_SECRETS = `${SECRET} ${OLD_SECRET}`;
  process.env.NO_SECRET = 'hunter2';
  [world, receiver] = await Promise.all([openWorld(), startReceiver()]);
});
after(async () => {
  receiver.close();
  await world.close();
});

const hook = (path: string, more: object = {}) => ({
  webhook: receiver.url(path),
  secret: 'env:HOOK_SECRET',
  ...more,
});

/** Computed from the specification's text alone. */
function signatureOf({ headers, body }: Got, secret = SECRET): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

/** What became of the deliveries of an event of the run. */
async function deliveriesOf({ notifications }: FleetReport, event: string): Promise<NotifyReport> {
  const { workflowId } = notifications!.find((one) => one.event === event)!;
  try {
    // What is tried again is tried for a day.
    return await world.client.withDeadline(Date.now() + 20_000, () =>
      world.client.workflow.getHandle(workflowId).result(),
    );
  } catch (error) {
    assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure, `${error}`);
    assert.equal(error.cause.type, 'NotDelivered');
    return error.cause.details![0] as NotifyReport;
  }
}

/** All texts in it, and the bytes of payloads as the texts that they are. */
function textsIn(value: unknown): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsIn);
  return [String(value)];
}

function assertComplete({ report, status }: End): void {
  assert.equal(report.state, 'complete', JSON.stringify(report.error));
  assert.equal(status, 'COMPLETED');
}

describe('a webhook', () => {
  it('is told in the payload of the docs, signed', async () => {
    const end = await world.up({ name: 'told', notify: hook('/told') });
    assertComplete(end);
    const [got] = await receiver.gets('/told', 1);
    const { report } = end;
    assert.equal(got!.headers['webhook-signature'], signatureOf(got!));
    assert.equal(got!.headers['content-type'], 'application/json');
    assert.ok(Math.abs(Date.now() / 1000 - Number(got!.headers['webhook-timestamp'])) < 60);
    const { at, ...told } = got!.told;
    assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000);
    assert.deepEqual(told, {
      schema: 1,
      id: `${report.runId}:complete`,
      event: 'complete',
      fleet: 'told',
      action: 'up',
      account: report.account,
      region: 'us-east-1',
      state: 'complete',
      counts: { instances: 2, wanted: 2, leftovers: 0 },
      workflowId: 'fleet:told',
      runId: report.runId,
      uiUrl: `${process.env.MUSTER_UI_URL}/namespaces/default/workflows/fleet%3Atold/${report.runId}`,
    });
    assert.equal(got!.headers['webhook-id'], told.id);
    assert.deepEqual(report.notifications, [
      { event: 'complete', workflowId: `notify:told:${report.runId}:complete` },
    ]);
    assert.equal((await deliveriesOf(report, 'complete')).deliveries[0]?.detail, 'HTTP 204');
  });

  it('is verified by the code in the docs, and no other text is', async () => {
    const docs = readFileSync(new URL('../docs/notify.md', import.meta.url), 'utf8');
    const [, code] = /```js\n(.*?)```/s.exec(docs)!;
    const { isFromMuster } = await import(`data:text/javascript,${encodeURIComponent(code!)}`);
    const [{ headers, body }] = (await receiver.gets('/told', 1)) as [Got];
    assert.equal(isFromMuster(headers, body, SECRET), true);
    assert.equal(isFromMuster(headers, `${body} `, SECRET), false);
    assert.equal(isFromMuster(headers, body, OLD_SECRET), false);
    assert.equal(isFromMuster({ ...headers, 'webhook-id': 'another' }, body, SECRET), false);
    assert.equal(isFromMuster({ ...headers, 'webhook-timestamp': '1700000000' }, body, SECRET), false);
    assert.equal(isFromMuster({}, body, SECRET), false);
  });

  it('is signed with both secrets while one takes the place of the other', async () => {
    await world.up({ name: 'both', notify: hook('/both', { secret: 'env:BOTH_SECRETS' }) });
    const [got] = await receiver.gets('/both', 1);
    assert.equal(got!.headers['webhook-signature'], `${signatureOf(got!)} ${signatureOf(got!, OLD_SECRET)}`);
  });

  it('that fails is tried again with the same id, and not once more when it is delivered', async () => {
    receiver.answer('/flaky', (before) => (before === 0 ? [500, {}, 'out of order'] : [200]));
    const end = await world.up({ name: 'flaky', notify: hook('/flaky') });
    assertComplete(end);
    const [first, second] = await receiver.gets('/flaky', 2);
    assert.equal(first!.headers['webhook-id'], second!.headers['webhook-id']);
    assert.equal(first!.body, second!.body);
    assert.notEqual(first!.headers['webhook-timestamp'], second!.headers['webhook-timestamp']);
    assert.equal(second!.headers['webhook-signature'], signatureOf(second!));
    assert.equal((await deliveriesOf(end.report, 'complete')).deliveries[0]?.state, 'delivered');
    await sleep(3_000);
    assert.equal(receiver.got('/flaky').length, 2);
  });

  it('is told once, however long its answer goes on', async () => {
    receiver.answer('/endless', () => 'endless');
    const { report } = await world.up({ name: 'endless', notify: hook('/endless') });
    const [delivery] = (await deliveriesOf(report, 'complete')).deliveries;
    assert.deepEqual([delivery?.state, delivery?.detail], ['delivered', 'HTTP 200']);
    assert.equal(receiver.got('/endless').length, 1);
  });

  it('that hangs, or that nobody serves, holds up no run', async () => {
    receiver.answer('/hangs', () => 'never');
    const nobody = { webhook: 'http://127.0.0.1:1/', secret: 'env:HOOK_SECRET' };
    const end = await world.up({ name: 'hung', notify: [hook('/hangs'), nobody, hook('/beside')] });
    assertComplete(end);
    await receiver.gets('/hangs', 1);
    await receiver.gets('/beside', 1);
    const handle = world.client.workflow.getHandle(end.report.notifications![0]!.workflowId);
    assert.equal((await handle.describe()).status.name, 'RUNNING');
    await handle.terminate();
  });

  for (const status of [410, 404, 302]) {
    it(`that answers ${status} is not asked again, and the fleet is complete`, async () => {
      const path = `/answers-${status}`;
      receiver.answer(path, () => [
        status,
        status === 302 ? { location: receiver.url('/elsewhere') } : {},
        'no more of it',
      ]);
      const end = await world.up({ name: `answers-${status}`, notify: hook(path) });
      assertComplete(end);
      const { deliveries } = await deliveriesOf(end.report, 'complete');
      assert.equal(deliveries[0]?.state, 'failed');
      assert.match(
        deliveries[0]!.detail!,
        status === 302 ? /^HTTP 302: it is at http/ : /^HTTP 4\d\d: no more of it$/,
      );
      assert.equal(receiver.got(path).length, 1);
      assert.equal(receiver.got('/elsewhere').length, 0);
    });
  }

  it('is told but the beginning of what it answers is in the history', async () => {
    receiver.answer('/talks', () => [400, {}, `\u001b[2J${'x'.repeat(100_000)}`]);
    const { report } = await world.up({ name: 'talks', notify: hook('/talks') });
    const { detail = '' } = (await deliveriesOf(report, 'complete')).deliveries[0]!;
    assert.match(detail!, /^HTTP 400: \[2Jx{200,300}$/);
  });

  for (const [env, words] of [
    ['MISSING_SECRET', /^the worker has no MISSING_SECRET in its environment$/],
    ['NO_SECRET', /^the worker's NO_SECRET is not whsec_ and the base64 of 24 to 64 bytes$/],
  ] as const) {
    it(`whose secret is not there (${env}) is told in the report, and nothing else fails`, async () => {
      const name = env.toLowerCase().replace('_', '-');
      const end = await world.up({
        name,
        notify: [hook(`/${name}`, { secret: `env:${env}` }), hook(`/${name}-other`)],
      });
      assertComplete(end);
      const [{ to, state, detail }, other] = (await deliveriesOf(end.report, 'complete')).deliveries as [
        Delivery,
        ...Delivery[],
      ];
      assert.equal(state, 'failed');
      assert.match(detail!, words);
      assert.equal(other?.state, 'delivered');
      assert.deepEqual(end.report.unheard, [`${to}: ${detail}`]);
      assert.equal(receiver.got(`/${name}`).length, 0);
      assert.equal(receiver.got(`/${name}-other`).length, 1);
    });
  }

  it('has its secret in no history and no memo', async () => {
    const { handle, report } = await world.up({
      name: 'secretive',
      notify: [hook('/secretive', { secret: 'env:BOTH_SECRETS' }), hook('/s', { secret: 'env:NO_SECRET' })],
    });
    await deliveriesOf(report, 'complete');
    const told = world.client.workflow.getHandle(report.notifications![0]!.workflowId);
    const all = textsIn([
      await handle.fetchHistory(),
      await told.fetchHistory(),
      (await handle.describe()).raw,
      (await told.describe()).raw,
    ]).join('\n');
    assert.ok(all.includes('BOTH_SECRETS') && all.includes('sendWebhook'), 'its texts are found');
    for (const secret of [SECRET, OLD_SECRET, 'hunter2']) {
      assert.ok(!all.includes(secret.replace('whsec_', '')), 'the secret is in it');
    }
  });
});

describe('what is told', () => {
  const events = (path: string) => receiver.got(path).map(({ told }) => told.event);

  it('failed and rolled back: why, and how it ended', async () => {
    const undo = world.aws.fault({ action: 'CreateRole', error: DENIED, times: 1 });
    const { report, status } = await world.up({ name: 'fails', notify: hook('/fails') });
    undo();
    assert.equal(status, 'FAILED');
    assert.equal(report.state, 'rolled-back');
    const told = (await receiver.gets('/fails', 2)).map((got) => got.told);
    assert.deepEqual(told.map(({ event }) => event).sort(), ['failed', 'rolled-back']);
    const failed = told.find(({ event }) => event === 'failed')!;
    assert.deepEqual(failed.error, {
      step: 'create-role',
      code: 'AccessDenied',
      message: 'User is not authorized',
      call: 'iam:CreateRole',
      requestId: report.error!.requestId,
    });
    assert.deepEqual(
      report.notifications!.map(({ event }) => event),
      ['failed', 'rolled-back'],
    );
  });

  it('leftovers: what they are, by the events that are asked for', async () => {
    const undos = [
      world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED, times: 1 }),
      world.aws.fault({ action: 'DeleteRole', match: '=leaves', error: DENIED, times: 1000 }),
    ];
    const end = await world.up({
      name: 'leaves',
      deadlines: { undo: 2 },
      notify: [hook('/leaves', { on: 'leftovers' }), hook('/not-asked', { on: ['complete', 'gone'] })],
    });
    for (const undo of undos) undo();
    assert.equal(end.report.state, 'left-over');
    const [{ told }] = (await receiver.gets('/leaves', 1)) as [Got];
    assert.deepEqual(told.leftovers, [{ kind: 'role', id: 'leaves' }]);
    assert.equal(told.counts.leftovers, 1);
    assert.equal(told.state, 'left-over');
    assert.deepEqual(
      end.report.notifications!.map(({ event }) => event),
      ['leftovers'],
    );
    assert.deepEqual(receiver.got('/not-asked'), []);
    assert.equal((await world.down('leaves')).report.state, 'gone');
    assert.deepEqual(events('/leaves'), ['leftovers'], 'a teardown that knows of nobody tells nobody');
  });

  it('kept as the spec says: failed, then leftovers', async () => {
    const undo = world.aws.fault({ action: 'AddRoleToInstanceProfile', error: DENIED, times: 1 });
    await world.up({ name: 'kept', onFailure: 'keep', notify: hook('/kept') });
    undo();
    await receiver.gets('/kept', 2);
    assert.deepEqual(events('/kept').sort(), ['failed', 'leftovers']);
    await world.down('kept');
  });

  it('paused: failed, once for each time that a person is asked', async () => {
    const undo = world.aws.fault({ action: 'CreateRole', error: DENIED, times: 2 });
    const handle = await world.start({ name: 'asks', onFailure: 'pause', notify: hook('/asks') });
    for (const count of [1, 2]) {
      const [{ told }] = (await receiver.gets('/asks', count)).slice(-1) as [Got];
      await until(handle, ({ state }) => state === 'paused');
      assert.deepEqual([told.event, told.state], ['failed', 'paused']);
      await handle.executeUpdate(DECIDE_UPDATE, { args: ['retry'] });
    }
    undo();
    const { report } = await endOf(handle);
    const ids = (await receiver.gets('/asks', 3)).map(({ told }) => told.id);
    assert.deepEqual(ids, [`${report.runId}:failed`, `${report.runId}:failed:2`, `${report.runId}:complete`]);
  });

  it('rolled back as a person decided: failed is told but once', async () => {
    const undo = world.aws.fault({ action: 'CreateRole', error: DENIED, times: 1 });
    const handle = await world.start({ name: 'decided', onFailure: 'pause', notify: hook('/decided') });
    await until(handle, ({ state }) => state === 'paused');
    await handle.executeUpdate(DECIDE_UPDATE, { args: ['rollback'] });
    await endOf(handle);
    undo();
    await receiver.gets('/decided', 2);
    assert.deepEqual(events('/decided').sort(), ['failed', 'rolled-back']);
  });

  it('cancelled: rolled back', async () => {
    world.aws.configure({ propagationSeconds: 5 });
    const handle = await world.start({ name: 'cancelled', notify: hook('/cancelled') });
    await until(handle, ({ steps }) =>
      steps.some(({ name, state }) => name === 'await-profile' && state === 'running'),
    );
    await handle.cancel();
    const { status } = await endOf(handle);
    world.aws.configure({ propagationSeconds: 0.3 });
    assert.equal(status, 'CANCELLED');
    const [{ told }] = (await receiver.gets('/cancelled', 1)) as [Got];
    assert.deepEqual([told.event, told.state], ['rolled-back', 'cancelled']);
    assert.equal(told.error, undefined);
  });

  it('taken down: gone, although a teardown has no spec', async () => {
    const { spec, hash } = specOf({ name: 'goes', notify: hook('/goes') });
    const up = await world.muster.up({ spec, hash } as ReturnType<typeof specFrom>);
    assert.equal((await up.result()).state, 'complete');
    const down = await world.muster.down('goes');
    assert.equal((await down.result()).state, 'gone');
    const [, { told }] = (await receiver.gets('/goes', 2)) as [Got, Got];
    assert.deepEqual([told.event, told.state, told.action], ['gone', 'gone', 'down']);
    assert.equal(told.counts.instances, 0);
  });

  it('nothing twice when a run is reset', async () => {
    const { handle, report } = await world.up({ name: 'reset', notify: hook('/reset') });
    await receiver.gets('/reset', 1);
    const { events: history } = await handle.fetchHistory();
    const marked = history!.filter(({ workflowTaskCompletedEventAttributes: task }) => task).at(-2)!;
    await world.client.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: handle.workflowId, runId: report.runId },
      workflowTaskFinishEventId: marked.eventId,
      requestId: 'reset',
      reason: 'to see whether it is told again',
    });
    const again = await endOf(world.client.workflow.getHandle(handle.workflowId));
    assertComplete(again);
    assert.notEqual(again.report.runId, report.runId);
    assert.deepEqual(again.report.notifications, report.notifications);
    await sleep(500);
    assert.equal(receiver.got('/reset').length, 1);
  });

  it('a lease: complete, soon over, gone, each once', async () => {
    const handle = await world.start({ name: 'leased', notify: hook('/leased') }, { lease: 3 });
    assert.equal((await endOf(handle)).report.state, 'gone');
    const got = await receiver.gets('/leased', 3);
    assert.deepEqual(
      got.map(({ told }) => told.event),
      ['complete', 'lease-ending', 'gone'],
    );
    const { runId } = got[0]!.told;
    assert.deepEqual(new Set(got.map(({ told }) => told.id)).size, 3);
    assert.equal(got[1]!.told.runId, runId);
    assert.equal(got[1]!.told.counts.instances, 2);
    assert.equal((await world.exists('leased')).role, undefined);
  });

  it('stays small, however much there is to tell', () => {
    const report = blankReport({ fleet: 'web', action: 'up', workflowId: 'fleet:web', runId: 'r' });
    report.leftovers = Array.from({ length: 30 }, (_, at) => ({
      ...{ kind: 'instance' as const, id: `i-${at}`, reason: 'x'.repeat(9_000), command: 'c' },
    }));
    report.error = { step: 'launch', code: 'C', message: 'x'.repeat(9_000) };
    const told = notificationOf(report, 'leftovers', { id: 'r:leftovers', at: 0 });
    assert.equal(told.at, '1970-01-01T00:00:00.000Z');
    assert.equal(told.leftovers!.length, 20);
    assert.equal(told.counts.leftovers, 30);
    assert.ok(JSON.stringify(told).length < 3_000);
  });
});

describe('an event of EventBridge', () => {
  it('arrives with its detail, where a rule can tell it', async () => {
    const events = new EventBridgeClient({ region: 'us-east-1', maxAttempts: 1 });
    const archive = (name: string, detail: object) =>
      events.send(
        new CreateArchiveCommand({
          ArchiveName: name,
          EventSourceArn: ARCHIVED,
          EventPattern: JSON.stringify({
            source: ['muster'],
            'detail-type': ['Muster Fleet Complete'],
            detail,
          }),
        }),
      );
    await archive('those', { fleet: ['bussed'], event: ['complete'], schema: [1], state: ['complete'] });
    await archive('others', { fleet: ['bussed'], event: ['failed'] });
    const { report } = await world.up({ name: 'bussed', notify: { eventBridge: 'default' } });
    const [{ to, state, detail }] = (await deliveriesOf(report, 'complete')).deliveries as [
      Delivery,
      ...Delivery[],
    ];
    assert.deepEqual([to, state], ['event bus default', 'delivered']);
    assert.match(detail!, /^event [\w-]{36}$/);
    const counts = await Promise.all(
      ['those', 'others'].map((ArchiveName) => events.send(new DescribeArchiveCommand({ ArchiveName }))),
    );
    assert.deepEqual(
      counts.map(({ EventCount }) => EventCount),
      [1, 0],
    );
  });

  it('that is refused fails alone; one without an answer is put again', async () => {
    const undos = [
      world.aws.fault({ action: 'PutEvents', lost: true, times: 1 }),
      world.aws.fault({ action: 'PutEvents', error: DENIED, times: 1 }),
    ];
    const end = await world.up({ name: 'unbussed', notify: { eventBridge: 'default' } });
    assertComplete(end);
    const [{ state, detail }] = (await deliveriesOf(end.report, 'complete')).deliveries as [
      Delivery,
      ...Delivery[],
    ];
    for (const undo of undos) undo();
    assert.equal(state, 'failed');
    assert.match(detail!, /^events:PutEvents: AccessDenied: /);
  });

  it('that EventBridge answers for and does not take is a failure', async () => {
    const seen: object[] = [];
    const asked = (entry: object) =>
      notifySteps(
        ({ region }) =>
          ({
            events: {
              send: async ({ input }: { input: object }) => {
                seen.push({ region, ...input });
                return { FailedEntryCount: 1, Entries: [entry] };
              },
            },
          }) as never,
      );
    const notification = notificationOf(
      blankReport({ fleet: 'web', action: 'up', workflowId: 'fleet:web', runId: 'r' }),
      'gone',
      { id: 'r:gone', at: 0 },
    );
    const target = { eventBridge: 'arn:aws:events:eu-west-1:123456789012:event-bus/ops' };
    const put = (entry: object) =>
      new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() =>
        asked(entry).putEvent({ target, notification }),
      );
    await assert.rejects(put({ ErrorCode: 'ThrottlingException', ErrorMessage: 'slower' }), {
      code: 'Throttling',
      call: 'events:PutEvents',
      message: 'slower',
    });
    assert.equal((seen[0] as { region: string }).region, 'eu-west-1');
  });
});
