/** Watching what others have begun, what has happened to a fleet, and both as lines of JSON. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { owner } from '../client/owner.ts';
import type { FleetEvent } from '../fleet/event.ts';
import type { FleetReport } from '../fleet/report.ts';
import { ended, says, startMuster } from './command.ts';
import { writeSpec } from './specs.ts';
import { converse } from './terminal.ts';
import { openWorld, QUICK, specOf, type World } from './world.ts';

let world: World;
let folder: string;
before(async () => {
  world = await openWorld();
  folder = mkdtempSync(join(tmpdir(), 'muster-watch-'));
});
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

const specFile = (name: string, more = '') => writeSpec(folder, name, { more });

const start = (...args: string[]) => startMuster(args, { ...world.sandbox.env, NO_COLOR: '1' });
const muster = (...args: string[]) => ended(start(...args));

const eventsIn = (text: string): FleetEvent[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

type Result = Extract<FleetEvent, { type: 'result' }>;
type Failed = {
  readonly type: 'error';
  readonly error: { code: string; message: string; mistakes?: unknown[] };
};

/** What a log has of what was followed: what could only be seen while it was is left out. */
function lasting(events: readonly FleetEvent[]): FleetEvent[] {
  const lastAttempt = new Map(events.map((event) => [keyOf(event), event]));
  return events.filter(
    (event) =>
      !['step-waits', 'silent', 'result'].includes(event.type) &&
      (event.type !== 'step-retried' || lastAttempt.get(keyOf(event)) === event),
  );
}

const keyOf = (event: FleetEvent): string =>
  'step' in event ? `${event.type} ${event.undo} ${event.step}` : '';

/** In an order that does not hang on what was seen with which look; times of retries are those of the look. */
function comparable(events: readonly FleetEvent[]): string[] {
  return events
    .map((event) => JSON.stringify(event.type === 'step-retried' ? { ...event, at: '' } : event))
    .sort();
}

const DENIED = { code: 'AccessDenied', message: 'User is not authorized to perform this', status: 403 };
const BUSY = { code: 'ServiceUnavailable', message: 'come again', status: 503 };

describe('--events', () => {
  it('are one object a line, as it happens, with the report that --json has as the last', async () => {
    const undo = world.aws.fault({ action: 'PutRolePolicy', error: BUSY, times: 4 });
    const { code, stdout, stderr } = await muster('up', specFile('told'), '--events');
    undo();
    assert.equal(code, 0, stderr);
    const events = eventsIn(stdout);
    for (const event of events) {
      assert.deepEqual([event.schema, event.fleet], [1, 'told']);
      assert.equal(event.at, new Date(event.at).toISOString());
    }
    const { report } = events.at(-1) as Result;
    const { role, instances } = await world.exists('told');
    assert.deepEqual([report.state, report.role!.arn, report.error], ['complete', role!.Arn, null]);
    assert.deepEqual(
      report.instances.map(({ id }) => id).sort(),
      instances.map((one) => one.InstanceId).sort(),
    );
    const ofPolicy = events.filter((event) => 'step' in event && event.step === 'put-policy');
    assert.deepEqual(
      [...new Set(ofPolicy.map(({ type }) => type))],
      ['step-began', 'step-retried', 'step-done'],
      stdout,
    );
    const retried = ofPolicy.find(({ type }) => type === 'step-retried') as { reason?: string };
    assert.match(retried.reason!, /iam:PutRolePolicy: ServiceUnavailable: come again/);
    assert.doesNotMatch(stderr, /put the policy/, 'what happens is told once');

    const logged = await muster('logs', 'told', '--json');
    assert.equal(logged.code, 0, logged.stderr);
    assert.deepEqual(comparable(lasting(eventsIn(logged.stdout))), comparable(lasting(events)));
    const times = eventsIn(logged.stdout).map(({ at }) => at);
    assert.deepEqual(times, [...times].sort());
  });

  it('tell a failure, what was taken back, and end with the exit code of the run', async () => {
    const undo = world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED });
    const { code, stdout } = await muster('up', specFile('fails'), '--events');
    undo();
    assert.equal(code, 1);
    const events = eventsIn(stdout);
    const failed = events.find(({ type }) => type === 'step-failed') as { step: string; reason: string };
    assert.deepEqual([failed.step, /AccessDenied/.test(failed.reason)], ['launch', true]);
    assert.ok(
      events.some((event) => event.type === 'step-done' && event.undo && event.step === 'delete-role'),
    );
    const { report } = events.at(-1) as Result;
    assert.deepEqual([report.state, report.error!.step], ['rolled-back', 'launch']);
    assert.equal((await world.exists('fails')).role, undefined);
  });

  it('tell what is there by zone as it comes', async () => {
    const file = specFile('zones');
    const spec = readFileSync(file, 'utf8');
    const zones = '[{ type: t3.micro, zone: us-east-1a }, { type: t3.micro, zone: us-east-1b }]';
    writeFileSync(file, spec.replace('type: t3.micro', `placements: ${zones}, spread: true`));
    const undo = world.aws.fault({
      action: 'RunInstances',
      match: 'TagSpecification',
      delayMs: 5_000,
      nth: 2,
    });
    const { code, stdout, stderr } = await muster('up', file, '--events');
    undo();
    assert.equal(code, 0, stderr);
    const waits = eventsIn(stdout).flatMap((event) =>
      event.type === 'step-waits' && event.step === 'launch' ? [event.detail] : [],
    );
    assert.deepEqual(
      waits.map((words) => words.replace(/1[ab]/, '1x')),
      ['us-east-1x 1 of 2'],
    );
    const there = (await world.exists('zones')).instances.map((one) => one.Placement!.AvailabilityZone);
    assert.deepEqual(there.sort(), ['us-east-1a', 'us-east-1b']);
  });

  it('end at a person’s decision, which is an event of the next', async () => {
    const undo = world.aws.fault({ action: 'CreateInstanceProfile', error: DENIED });
    const first = await muster('up', specFile('waits', 'onFailure: pause'), '--events');
    undo();
    assert.equal(first.code, 5);
    assert.equal((eventsIn(first.stdout).at(-1) as Result).report.state, 'paused');
    const again = await muster('retry', 'waits', '--events');
    assert.equal(again.code, 0, again.stderr);
    const types = eventsIn(again.stdout).flatMap((event) =>
      event.type === 'asked' || ('step' in event && event.step === 'create-profile') ? [event.type] : [],
    );
    assert.deepEqual(types, ['step-began', 'step-paused', 'asked', 'step-began', 'step-done']);
  });

  it('are those of a change alone, and of a teardown', async () => {
    assert.equal((await muster('up', specFile('sized'), '--for', '8h')).code, 0);
    assert.equal((await muster('extend', 'sized', '2h')).code, 0);
    const scaled = eventsIn((await muster('scale', 'sized', '3', '--events')).stdout);
    const [asked] = scaled as Extract<FleetEvent, { type: 'asked' }>[];
    assert.deepEqual([asked!.type, asked!.request, asked!.detail], ['asked', 'scale', 'to 3']);
    assert.equal(asked!.by, owner());
    assert.ok(!scaled.some((event) => event.type === 'asked' && event.request === 'extend'));
    assert.equal((scaled.at(-1) as Result).report.instances.length, 3);
    assert.equal((await world.exists('sized')).instances.length, 3);
    const down = eventsIn((await muster('down', 'sized', '--yes', '--events')).stdout);
    assert.equal((down.at(-1) as Result).report.state, 'gone');
    assert.ok(down.some((event) => event.type === 'step-done' && event.step === 'terminate'));
  });

  it('of a fleet in several places say in which, and a log has the same', async () => {
    const file = specFile('spread-out');
    const spec = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      spec.replace('region: us-east-1', 'places: [{ region: us-east-1 }, { region: eu-west-1 }]'),
    );
    const undo = world.aws.fault({
      action: 'RunInstances',
      match: 'TagSpecification',
      region: 'eu-west-1',
      error: BUSY,
      times: 2,
    });
    const { code, stdout, stderr } = await muster('up', file, '--events');
    undo();
    assert.equal(code, 0, stderr);
    const events = eventsIn(stdout);
    const placesOf = (type: string) =>
      events.flatMap((one) => (one.type === type ? (one.place ?? []) : [])).sort();
    assert.deepEqual(placesOf('launched'), ['eu-west-1', 'us-east-1']);
    assert.deepEqual(placesOf('run-ended'), ['eu-west-1', 'us-east-1']);
    const retried = events.filter((one) => one.type === 'step-retried');
    assert.deepEqual([...new Set(retried.map(({ place }) => place))], ['eu-west-1']);
    const roles = events.filter((one) => one.type === 'step-done' && one.step === 'create-role');
    assert.equal(roles.length, 1, 'made once');
    const logged = eventsIn((await muster('logs', 'spread-out', '--json')).stdout);
    assert.deepEqual(comparable(lasting(logged)), comparable(lasting(events)));
    assert.equal((await muster('down', 'spread-out', '--yes')).code, 0);
  });

  it('have an error as the last, also when they are refused together with --json and --detach', async () => {
    const missing = await muster('up', join(folder, 'missing.yaml'), '--events');
    assert.equal(missing.code, 2);
    const [error] = eventsIn(missing.stdout) as unknown as Failed[];
    assert.deepEqual([error!.type, error!.error.code], ['error', 'SpecMistakes']);
    const unknown = await muster('cancel', 'nobody', '--events');
    assert.deepEqual(
      [unknown.code, (eventsIn(unknown.stdout) as unknown as Failed[])[0]!.error.code],
      [2, 'FleetNotFound'],
    );
    const both = await muster('up', specFile('both'), '--events', '--json');
    const [refused] = eventsIn(both.stdout) as unknown as Failed[];
    assert.deepEqual([both.code, refused!.type, refused!.error.code], [2, 'error', 'Usage']);
    assert.match(both.stderr, /--events and --json are two forms of one thing/);
    const left = await muster('up', specFile('both'), '--events', '--detach');
    assert.equal(left.code, 2);
    assert.match(left.stderr, /with --detach nobody waits/);
    assert.equal((await muster('check', 'told', '--events')).code, 2);
    assert.equal((await world.exists('both')).role, undefined);
  });

  it('of the library end when whoever reads them has enough', async () => {
    const run = await world.muster.up(specOf({ name: 'library' }));
    const types: string[] = [];
    for await (const event of run.events()) {
      types.push(event.type);
      if (types.length === 3) break;
    }
    assert.deepEqual([types.length, types[0]], [3, 'run-began']);
    const report: FleetReport = await run.result();
    assert.equal(report.state, 'complete');
    let last: FleetEvent | undefined;
    for await (last of run.events());
    assert.deepEqual([last!.type, (last as Result).report.state], ['result', 'complete']);
  });
});

describe('muster watch', () => {
  it('shows a run that was begun elsewhere, and ends as it does', async () => {
    world.aws.configure({ propagationSeconds: 5 });
    try {
      assert.equal((await muster('up', specFile('elsewhere'), '--detach')).code, 0);
      const { code, stdout, stderr } = await muster('watch', 'elsewhere');
      assert.equal(code, 0, stderr);
      assert.match(stderr, /attached to the run under way/);
      assert.match(stderr, /✓ wait until EC2 knows the profile/);
      assert.match(stdout, /^✓ fleet elsewhere is complete after/);
    } finally {
      world.aws.configure(QUICK);
    }
  });

  it('is left by Ctrl-C with 130, and the run goes on', async () => {
    world.aws.configure({ propagationSeconds: 8 });
    try {
      assert.equal((await muster('up', specFile('left'), '--detach')).code, 0);
      const child = start('watch', 'left');
      const end = ended(child);
      await says(child, /wait until EC2 knows/);
      child.kill('SIGINT');
      const { code, stderr } = await end;
      assert.equal(code, 130);
      assert.match(stderr, /the run of left goes on/);
      const events = start('watch', 'left', '--events');
      const endOfEvents = ended(events);
      await says(events, /"step-began"/);
      events.kill('SIGINT');
      const detached = await endOfEvents;
      assert.equal(detached.code, 130);
      assert.equal((eventsIn(detached.stdout).at(-1) as unknown as Failed).error.code, 'Interrupted');
      assert.equal((await muster('watch', 'left')).code, 0);
      assert.equal((await world.exists('left')).instances.length, 2);
    } finally {
      world.aws.configure(QUICK);
    }
  });

  it('shows a change, a failure with its exit code, and a teardown', async () => {
    assert.equal((await muster('up', specFile('changed'))).code, 0);
    const slow = world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', delayMs: 6_000 });
    assert.equal((await muster('scale', 'changed', '4', '--detach')).code, 0);
    const scaled = await muster('watch', 'changed');
    slow();
    assert.equal(scaled.code, 0, scaled.stderr);
    assert.match(scaled.stdout, /^✓ fleet changed is scaled from 2 to 4 instances/);

    world.aws.configure({ shuttingDownSeconds: 6 });
    assert.equal((await muster('down', 'changed', '--yes', '--detach')).code, 0);
    const down = await muster('watch', 'changed');
    world.aws.configure(QUICK);
    assert.equal(down.code, 0, down.stderr);
    assert.match(down.stdout, /^✓ fleet changed is gone/);

    const undo = world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED });
    world.aws.configure({ propagationSeconds: 5 });
    assert.equal((await muster('up', specFile('breaks'), '--detach')).code, 0);
    const broken = await muster('watch', 'breaks');
    world.aws.configure(QUICK);
    undo();
    assert.equal(broken.code, 1, broken.stdout);
    assert.match(broken.stderr, /✗ launch the instances .*AccessDenied[\s\S]*✓ undo: delete the role/);
    assert.match(broken.stdout, /^✗ fleet breaks failed; all that the run made is gone again/);
  });

  it('says of a fleet with which nothing is done how it is, and ends', async () => {
    assert.equal((await muster('up', specFile('still'))).code, 0);
    const { code, stdout, stderr } = await muster('watch', 'still', '--json');
    assert.equal(code, 0);
    assert.match(stderr, /nothing is being done with it/);
    assert.equal(JSON.parse(stdout).state, 'complete');
    const events = eventsIn((await muster('watch', 'still', '--events')).stdout);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['result'],
    );
    const [one] = (await world.exists('still')).instances;
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [one!.InstanceId!] }));
    assert.equal((await muster('watch', 'still')).code, 3);
    assert.equal((await muster('watch', 'nobody')).code, 2);
  });
});

describe('muster logs', () => {
  it('has the last run, with who asked; with --all those before', async () => {
    assert.equal((await muster('up', specFile('logged'))).code, 0);
    assert.equal((await muster('scale', 'logged', '3')).code, 0);
    const last = await muster('logs', 'logged');
    assert.equal(last.code, 0, last.stderr);
    assert.match(last.stdout, /^\S+Z {2}▶ keep: .*, by \w+@\S+\n\S+Z {2}→ asked: scale to 3, by \w+@\S+\n/);
    assert.match(last.stdout, /Z {2}\+ 1 launched: us-east-1a 1\n/);
    assert.match(last.stdout, /Z {2}← scale: complete\n\S+Z {2}■ completed: complete\n$/);
    assert.doesNotMatch(last.stdout, /create the role/);
    const all = await muster('logs', 'logged', '--all');
    assert.match(all.stdout, /^\S+Z {2}▶ up: [\s\S]*✓ create the role [\s\S]*→ asked: scale to 3/);
    assert.equal((await muster('logs', 'nobody')).code, 2);
  });

  it('has a lease from the run that made its fleet to its end', async () => {
    assert.equal((await muster('up', specFile('leased'), '--for', '8h')).code, 0);
    assert.equal((await muster('extend', 'leased', '30m')).code, 0);
    assert.equal((await muster('release', 'leased', '--yes')).code, 0);
    const { stdout } = await muster('logs', 'leased');
    const parts = [
      /▶ up:/,
      /✓ mark it/,
      /→ asked: extend by 30 minutes/,
      /→ asked: release/,
      /✓ delete the role/,
    ];
    const places = parts.map((part) => stdout.search(part));
    assert.ok(!places.includes(-1), stdout);
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    );
    assert.match(stdout, /■ completed: gone\n$/);
  });

  it('has what EC2 refused where, and what was done about it', async () => {
    world.aws.configure({ soldOut: [{ zone: 'us-east-1a' }] });
    const file = specFile('refused');
    const spec = readFileSync(file, 'utf8');
    const zones = '[{ type: t3.micro, zone: us-east-1a }, { type: t3.micro, zone: us-east-1b }]';
    writeFileSync(file, spec.replace('type: t3.micro', `placements: ${zones}`));
    const { code, stderr } = await muster('up', file);
    world.aws.configure({ soldOut: [] });
    assert.equal(code, 0, stderr);
    const { stdout } = await muster('logs', 'refused');
    assert.match(
      stdout,
      /! t3.micro in us-east-1a: no capacity, trying t3.micro in us-east-1b \(.*\)\n[\s\S]*\+ 2 launched: us-east-1b 2\n/,
    );
  });

  it('has a run that was terminated, with by whom', async () => {
    world.aws.configure({ propagationSeconds: 20 });
    assert.equal((await muster('up', specFile('ended-by-hand'), '--detach')).code, 0);
    const child = start('logs', 'ended-by-hand', '--follow');
    const end = ended(child);
    await says(child, /… wait until EC2 knows the profile/);
    await world.client.workflow.getHandle('fleet:ended-by-hand').terminate('by hand');
    const { code, stdout } = await end;
    world.aws.configure(QUICK);
    assert.equal(code, 0);
    assert.match(stdout, /✓ create the role \d/);
    assert.match(stdout, /■ terminated.*: by hand, by \w+@\S+\n$/);
    assert.equal((await muster('down', 'ended-by-hand', '--yes')).code, 0);
  });

  it('follows a run to its end', async () => {
    world.aws.configure({ propagationSeconds: 4 });
    try {
      assert.equal((await muster('up', specFile('followed'), '--detach')).code, 0);
      const { code, stdout } = await muster('logs', 'followed', '--follow', '--json');
      assert.equal(code, 0);
      const events = eventsIn(stdout);
      assert.equal(events.at(-1)!.type, 'run-ended');
      assert.ok(events.some(({ type }) => type === 'step-waits'));
    } finally {
      world.aws.configure(QUICK);
    }
  });
});

describe('the live view', () => {
  for (const columns of [40, 80, 120]) {
    it(`fits ${columns} columns, in a run that fails, too`, async () => {
      const undos = [
        world.aws.fault({ action: 'PutRolePolicy', error: BUSY, times: 4 }),
        world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED }),
      ];
      const name = `wide-${columns}`;
      const { code, screen } = await converse(['up', specFile(name), '--yes'], [], {
        env: world.sandbox.env,
        columns,
      });
      for (const undo of undos) undo();
      assert.equal(code, 1, screen);
      const [before, after] = screen.split(/^✗ fleet/m);
      assert.ok(after, screen);
      const view = before!.slice(before!.indexOf('look before'));
      for (const line of view.split('\n')) assert.ok([...line.trimEnd()].length <= columns, line);
      const words = view.replace(/\s+/g, ' ');
      assert.match(words, /✗ launch the instances .*User is not authorized to.* taking back what was made: /);
      assert.match(words, /✓ delete the role /);
    });
  }
});
