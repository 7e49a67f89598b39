/** Command lines that go wrong: each command tells what, where to look next, and as JSON where that is asked for. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Ended, ended, startMuster } from './command.ts';
import { writeSpec } from './specs.ts';

let folder: string;
let spec: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-wrong-'));
  spec = writeSpec(folder, 'web');
});
after(() => rmSync(folder, { recursive: true }));

/** Nobody listens there. */
const NOWHERE = { TEMPORAL_ADDRESS: '127.0.0.1:1', NO_COLOR: '1' };
const muster = (...args: string[]): Promise<Ended> => ended(startMuster(args, NOWHERE, folder));

/** Each waits for a server for some seconds. */
async function someAtOnce(lines: readonly string[][]): Promise<(Ended & { readonly line: string[] })[]> {
  const all: (Ended & { readonly line: string[] })[] = [];
  for (let at = 0; at < lines.length; at += 6) {
    const some = lines
      .slice(at, at + 6)
      .map(async (line) => ({ line, ...(await muster(...line, '--json')) }));
    all.push(...(await Promise.all(some)));
  }
  return all;
}

const COMMANDS = [
  ...['init', 'plan', 'up', 'down', 'scale', 'roll', 'status', 'watch', 'logs', 'report', 'check', 'list'],
  ...['extend', 'release', 'cancel', 'retry', 'rollback', 'sweep', 'permissions', 'doctor', 'worker'],
  ...['sandbox', 'demo', 'completion', 'schedule set', 'schedule list', 'schedule show', 'schedule pause'],
  ...['schedule resume', 'schedule trigger', 'schedule backfill', 'schedule check', 'schedule delete'],
  ...['roll pause', 'roll resume', 'roll abort'],
].map((words) => words.split(' '));

describe('a command line that cannot be read', () => {
  it('is told in two lines, and with --json as one value on stdout, by every command', async () => {
    for (const words of COMMANDS) {
      const line = [...words, '--nonsense', '--json'];
      const { code, stdout, stderr } = await muster(...line);
      const { error } = JSON.parse(stdout);
      assert.deepEqual([code, error.code], [2, 'Usage'], line.join(' '));
      assert.match(error.message, /^unknown option '--(nonsense|json)'$/, line.join(' '));
      assert.equal(stderr, `✗ ${error.message}\n  ${error.mend}\n`);
      assert.match(
        error.mend,
        RegExp(`^muster ${words.join(' ')} .*; 'muster ${words.join(' ')} --help' shows`),
      );
    }
  });

  it('without what it is about shows how it is called', async () => {
    const { code, stdout, stderr } = await muster('extend', 'web');
    assert.deepEqual([code, stdout], [2, '']);
    assert.equal(
      stderr,
      "✗ missing required argument 'time'\n" +
        "  muster extend [options] <name> <time>; 'muster extend --help' shows what there is\n",
    );
    const many = await muster('up', 'one.yaml', 'two.yaml', '--json');
    assert.match(JSON.parse(many.stdout).error.message, /^too many arguments for 'up'/);
    const shell = await muster('completion', 'csh', '--json');
    assert.deepEqual([shell.code, JSON.parse(shell.stdout).error.code], [2, 'Usage']);
  });

  it('with a time that is none is told before anybody is asked', async () => {
    const { code, stdout } = await muster('schedule', 'check', 'web', '--every', '1s', '--json');
    assert.equal(code, 2);
    assert.match(JSON.parse(stdout).error.message, /^--every 1s: 1 s is no time .*: 1 minute to 365 days/);
  });

  it('without a command shows the help, and with --json says that', async () => {
    for (const words of [[], ['schedule']]) {
      const bare = await muster(...words);
      assert.deepEqual([bare.code, bare.stdout], [2, '']);
      assert.match(bare.stderr, /^Usage: muster/);
      const json = await muster(...words, '--json');
      assert.deepEqual([json.code, JSON.parse(json.stdout).error.code], [2, 'Usage'], words.join(' '));
    }
  });

  it('that asks for help on what is no command says so', async () => {
    const { code, stdout, stderr } = await muster('help', 'scael');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /\n✗ unknown command 'scael'\n$/);
    assert.equal((await muster('help', 'scale')).code, 0);
  });

  it('is a line of JSON where lines are asked for, and where both are', async () => {
    const events = await muster('up', '--events');
    assert.deepEqual([events.code, events.stdout.trim().split('\n').length], [2, 1]);
    const { type, error } = JSON.parse(events.stdout);
    assert.deepEqual([type, error.code], ['error', 'Usage']);
    const both = await muster('up', spec, '--events', '--json');
    assert.deepEqual([both.code, JSON.parse(both.stdout).error.code], [2, 'Usage']);
  });

  it('with a file where a name belongs says so', async () => {
    const path = await muster('status', join(folder, 'web.yaml'));
    assert.equal(path.code, 2);
    assert.match(path.stderr, /is no name of a fleet.*\n {2}it is a file: give the fleet's name/);
    const bare = await muster('status', 'web.yaml', '--json');
    assert.match(bare.stderr, /^web\.yaml is a file, too: here it is taken for the name of a fleet\n/);
    assert.equal(JSON.parse(bare.stdout).error.code, 'TemporalUnreachable');
  });
});

describe('a spec that cannot be read', () => {
  it('is told as what it is', async () => {
    writeFileSync(join(folder, 'packed.yaml'), Buffer.from([0x1f, 0x8b, 0xff, 0xfe]));
    for (const [file, words] of [
      ['none.yaml', 'there is no such file'],
      ['.', 'it is a folder'],
      ['packed.yaml', 'it is no text (UTF-8)'],
    ] as const) {
      const { code, stdout, stderr } = await muster('permissions', file, '--json');
      const { mistakes } = JSON.parse(stdout).error;
      assert.deepEqual([code, mistakes.length, mistakes[0].message], [2, 1, words]);
      assert.match(stderr, /; name a spec; 'muster init' writes one\n$/);
    }
  });
});

describe('without Temporal', () => {
  it('each command that needs it ends with 4 and what to type, with --json as one value', async () => {
    const lines = [
      ...['down web --yes', 'release web --yes', 'scale web 3', 'status web', 'status web --instances'],
      ...[
        'watch web',
        'report web',
        'check web',
        'check web --repair',
        'list',
        'extend web 2h',
        'cancel web',
      ],
      ...['retry web', 'rollback web', 'sweep', 'roll web --image ami-12c6146b', 'roll pause web'],
      ...['roll resume web', 'roll abort web', 'schedule list', 'schedule show web', 'schedule pause web'],
      ...['schedule resume web', 'schedule trigger web', 'schedule check web', 'schedule delete web --yes'],
      'schedule backfill web --from 2026-11-25 --to 2026-11-26',
    ].map((line) => line.split(' '));
    const ofSpec = [
      ['plan', spec],
      ['up', spec],
      ['roll', spec],
      ['schedule', 'set', spec, '--cron', '0 8 * * *', '--for', '8h'],
    ];
    for (const { line, code, stdout, stderr } of await someAtOnce([...lines, ...ofSpec])) {
      assert.equal(code, 4, `${line.join(' ')}\n${stderr}`);
      const { error } = JSON.parse(stdout);
      assert.equal(error.code, 'TemporalUnreachable', line.join(' '));
      assert.match(
        stderr,
        /✗ Temporal does not answer at 127\.0\.0\.1:1: .*\n {2}start one \('muster sandbox'/,
      );
      assert.doesNotMatch(stderr, /^ +at /m);
    }
    const logs = await muster('logs', 'web', '--json');
    assert.deepEqual([logs.code, JSON.parse(logs.stdout).type], [4, 'error']);
    const doctor = await muster('doctor', spec, '--json');
    assert.equal(doctor.code, 4);
    assert.equal(JSON.parse(doctor.stdout).schema, 1);
  });
});
