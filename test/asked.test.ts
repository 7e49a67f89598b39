/** What a person at a terminal is asked before machines are terminated; without a terminal nobody is asked. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type SpecInput, specFrom } from '../client/index.ts';
import { ended, startMuster } from './command.ts';
import { converse } from './terminal.ts';
import { openWorld, QUICK, untilPolled, type World } from './world.ts';

const [OLD, NEW] = ['ami-12c6146b', 'ami-1e749f67'] as const;

let world: World;
let folder: string;
before(async () => {
  world = await openWorld({ ...QUICK, initializingSeconds: 0.2 });
  folder = await mkdtemp(join(tmpdir(), 'muster-asked-'));
  await untilPolled(world.muster);
});
after(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

const written = (name: string, instances: object = {}): SpecInput => ({
  name,
  region: 'us-east-1',
  policy: { allow: { actions: 's3:Get*', resources: '*' } },
  instances: { count: 3, image: OLD, type: 't3.micro', ...instances },
  deadlines: { propagation: 20, launch: 60, step: '60s', undo: 20, consistency: 1 },
});

async function fileOf(name: string, instances?: object): Promise<string> {
  const path = join(folder, `${name}.json`);
  await writeFile(path, JSON.stringify(written(name, instances)));
  return path;
}

/** A complete fleet of three. */
async function fleetOf(name: string, lease?: number): Promise<string[]> {
  const run = await world.muster.up(specFrom(written(name)), { lease });
  assert.equal((await run.result()).state, 'complete');
  return idsIn(name);
}

const idsIn = async (name: string) =>
  (await world.exists(name)).instances.map(({ InstanceId }) => InstanceId!).sort();

const typed = (args: string[], ...answers: Parameters<typeof converse>[1]) =>
  converse(args, answers, { env: world.sandbox.env });

const unasked = (...args: string[]) => ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1' }));

/** Each answer that is no yes leaves the fleet as it is, and ends as `up` does. */
async function assertDeclined(name: string, args: string[], question: RegExp, shown: RegExp): Promise<void> {
  const before = await idsIn(name);
  for (const [answer, ends] of [
    ['n\n', 0],
    ['\n', 0],
    ['\x03', 130],
  ] as const) {
    const { code, screen } = await typed(args, [question, answer]);
    assert.equal(code, ends, screen);
    assert.match(screen, shown);
    assert.match(screen, /Nothing was changed\./);
    assert.deepEqual(await idsIn(name), before);
  }
}

describe('muster scale', () => {
  it('that terminates machines says how many of how many, and does as it is answered', async () => {
    const ids = await fleetOf('fewer');
    await assertDeclined(
      'fewer',
      ['scale', 'fewer', '1', '--by', 'oldest'],
      /Terminate them\? \[y\/N\] $/,
      /The fleet fewer has 3 instances in us-east-1, account \d{12}\.\s+2 of 3 are terminated: the oldest\./,
    );
    const { code, screen } = await typed(
      ['scale', 'fewer', '2'],
      [/: the newest\.\s+Terminate it\? .*$/, 'y\n'],
    );
    assert.equal(code, 0, screen);
    assert.equal((await idsIn('fewer')).length, 2);
    // More machines, --yes and no terminal are nothing to be asked about.
    const more = await typed(['scale', 'fewer', '3']);
    assert.equal(more.code, 0, more.screen);
    const yes = await typed(['scale', 'fewer', '2', '--yes']);
    assert.equal(yes.code, 0, yes.screen);
    const none = await unasked('scale', 'fewer', '1');
    assert.equal(none.code, 0, none.stderr);
    for (const said of [more.screen, yes.screen, none.stderr]) assert.doesNotMatch(said, /Terminate/);
    const [left] = await idsIn('fewer');
    assert.ok(ids.includes(left!));
    assert.equal((await idsIn('fewer')).length, 1);
  });
});

describe('muster scale with a sign', () => {
  it('goes by what the fleet has', async () => {
    await fleetOf('signed');
    const more = await unasked('scale', 'signed', '+2');
    assert.equal(more.code, 0, more.stderr);
    assert.equal((await idsIn('signed')).length, 5);
    const fewer = await unasked('scale', 'signed', '-1', '--by', 'oldest');
    assert.equal(fewer.code, 0, fewer.stderr);
    assert.equal((await idsIn('signed')).length, 4);
    const { code, screen } = await typed(
      ['scale', 'signed', '-3'],
      [/3 of 4 are .*[\s\S]*them\? .*$/, 'y\n'],
    );
    assert.equal(code, 0, screen);
    assert.equal((await idsIn('signed')).length, 1);
    const none = await unasked('scale', 'signed', '-1');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /'signed' is complete and has 1 instance, and -1 makes that 0: 0 is no count/);
    for (const wrong of ['+', '-x', '+1.5', '--2']) {
      assert.equal((await unasked('scale', 'signed', wrong)).code, 2, wrong);
    }
    assert.equal((await unasked('scale', 'nobody', '+1')).code, 2);
    assert.equal((await idsIn('signed')).length, 1);
  });

  it('changes nothing when another change has come in between', async () => {
    await fleetOf('raced');
    const meanwhile = async () => {
      assert.equal((await (await world.muster.scale('raced', { count: 5 })).result()).state, 'complete');
      return 'y\n';
    };
    const { code, screen } = await typed(
      ['scale', 'raced', '-1'],
      [/1 of 3 is terminated: [\s\S]*Terminate it\? \[y\/N\] $/, meanwhile],
    );
    assert.equal(code, 2, screen);
    assert.match(screen, /has 5 instances meanwhile, and not 3; nothing was changed/);
    assert.equal((await idsIn('raced')).length, 5);
  });

  it('is of the place that is named', async () => {
    const { region: _, ...rest } = written('placed', { count: 1 });
    const places = [{ region: 'us-east-1' }, { region: 'eu-west-1' }];
    await (await world.muster.up(specFrom({ ...rest, places }))).result();
    const which = await unasked('scale', 'placed', '+1');
    assert.equal(which.code, 2);
    assert.match(which.stderr, /is in several places: us-east-1, eu-west-1/);
    const more = await unasked('scale', 'placed', '+1', '--place', 'us-east-1');
    assert.equal(more.code, 0, more.stderr);
    assert.equal((await idsIn('placed')).length, 2);
    const { places: now } = await world.muster.status('placed');
    assert.deepEqual(
      now!.map(({ place, instances }) => [place, instances.length]),
      [
        ['us-east-1', 2],
        ['eu-west-1', 1],
      ],
    );
  });
});

describe('muster roll', () => {
  it('says what is replaced, in how many waves, and what differs, and does as it is answered', async () => {
    const old = await fleetOf('rolled');
    const byFile = ['roll', await fileOf('rolled', { image: NEW }), '--wave', '2'];
    await assertDeclined(
      'rolled',
      byFile,
      /Replace them\? \[y\/N\] $/,
      new RegExp(
        `has 3 instances in us-east-1, account \\d{12}\\.\\s+All are replaced, in 2 waves of 2: [^?]*instances\\.image +${OLD} → ${NEW}`,
      ),
    );
    const byImage = ['roll', 'rolled', '--image', NEW];
    const { code, screen } = await typed(byImage, [/in 3 waves of 1: [^?]*Replace them\? \[y\/N\] $/, 'y\n']);
    assert.equal(code, 0, screen);
    const now = await idsIn('rolled');
    assert.equal(now.length, 3);
    assert.deepEqual(
      now.filter((id) => old.includes(id)),
      [],
    );
    // Nothing to do is nothing to ask, nor is there anybody to ask without a terminal.
    const same = await typed(byFile);
    assert.equal(same.code, 0, same.screen);
    assert.doesNotMatch(same.screen, /Replace/);
    const back = await unasked('roll', 'rolled', '--image', OLD);
    assert.equal(back.code, 0, back.stderr);
    const yes = await typed([...byFile, '--yes']);
    assert.equal(yes.code, 0, yes.screen);
    for (const said of [back.stderr, yes.screen]) assert.doesNotMatch(said, /Replace/);
    const { instances } = await world.exists('rolled');
    assert.deepEqual(
      instances.map(({ ImageId }) => ImageId),
      [NEW, NEW, NEW],
    );
  });
});

describe('muster up with a smaller count', () => {
  it('says how many machines are terminated', async () => {
    await fleetOf('counted');
    const file = await fileOf('counted', { count: 1 });
    await assertDeclined(
      'counted',
      ['up', file],
      /Change what can be changed in place\? \[y\/N\] $/,
      /instances\.count +3 → 1\s+2 instances are terminated: the newest/,
    );
    const refused = await unasked('up', file);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /2 instances are terminated: the newest/);
    const { changes } = JSON.parse((await unasked('plan', file, '--json')).stdout);
    assert.deepEqual(changes, [{ field: 'instances.count', from: '3', to: '1', how: 'in-place', ends: 2 }]);
    const { code, screen } = await typed(['up', file], [/in place\? \[y\/N\] $/, 'y\n']);
    assert.equal(code, 0, screen);
    assert.equal((await idsIn('counted')).length, 1);
  });
});

describe('muster down and muster release', () => {
  it('name the account and the region in their question', async () => {
    await fleetOf('where', 600);
    for (const command of ['down', 'release']) {
      await assertDeclined(
        'where',
        [command, 'where'],
        /Remove all of it\? \[y\/N\] $/,
        /The fleet where in us-east-1, account \d{12} is complete and has 3 instances, the instance profile where, the role where\./,
      );
    }
  });

  it('name each place of a fleet in several', async () => {
    const { region: _, ...rest } = written('spread', { count: 1 });
    const places = [{ region: 'us-east-1' }, { region: 'eu-west-1' }];
    const run = await world.muster.up(specFrom({ ...rest, places }));
    assert.equal((await run.result()).state, 'complete');
    const { code, screen } = await typed(['down', 'spread'], [/Remove all of it\? \[y\/N\] $/, 'n\n']);
    assert.equal(code, 0, screen);
    assert.match(
      screen,
      /The fleet spread in us-east-1, eu-west-1, account \d{12} is complete and has 2 instances, /,
    );
  });
});
