/** Help: each command has it whole, and what it shows can be typed. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import packageJson from '../package.json' with { type: 'json' };
import { ended, startMuster } from './command.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

const muster = (...args: string[]) => ended(startMuster(args, {}));

async function helpOf(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await muster(...words, '--help');
  assert.deepEqual([code, stderr], [0, ''], words.join(' '));
  return stdout;
}

/** The commands that a help lists, but for `help` itself. */
function commandsIn(help: string): string[] {
  const listed = help.slice(0, help.search(/^(Examples|Exit codes):/m)).split(/^Options:$/m)[1]!;
  return [...listed.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!).filter((name) => name !== 'help');
}

describe('muster --help', () => {
  it('groups the commands, has the exit codes, and the README has each command', async () => {
    const help = await helpOf();
    for (const part of ['Fleets:', 'Times:', 'When something went wrong:', 'Exit codes:', 'NO_COLOR']) {
      assert.ok(help.includes(part), part);
    }
    assert.doesNotMatch(help, /^Commands:/m);
    for (const name of commandsIn(help)) {
      if (name !== 'demo') assert.ok(README.includes(`\`muster ${name}`), `${name} is not in the README`);
    }
  });

  it('of each command has examples that its options allow, and points at the exit codes', async () => {
    const top = commandsIn(await helpOf());
    assert.ok(top.length >= 18, top.join(' '));
    const within = commandsIn(await helpOf('schedule')).map((name) => ['schedule', name]);
    for (const words of [...top.map((name) => [name]), ...within]) {
      const help = await helpOf(...words);
      assert.match(help, /Exit codes: see 'muster --help'/);
      const [, examples = ''] = /^Examples:\n((?: {2}.*\n)+)/m.exec(help) ?? [];
      const lines = examples.trim().split('\n');
      assert.ok(lines[0], `${words.join(' ')} has no example`);
      for (const line of lines) {
        assert.ok(line.includes(`muster ${words.join(' ')}`), line);
        if (words.length === 1 && within.length > 0 && words[0] === 'schedule') continue;
        for (const [option] of line.matchAll(/--[a-z-]+/g)) assert.match(help, RegExp(`${option}\\b`), line);
      }
    }
  });

  it('of what follows a run tells what Ctrl-C does', async () => {
    for (const name of ['up', 'scale', 'down']) assert.match(await helpOf(name), /second Ctrl-C/);
  });

  it('--version is that of the package', async () => {
    const { code, stdout } = await muster('--version');
    assert.deepEqual([code, stdout], [0, `${packageJson.version}\n`]);
  });

  it('is what an unknown command is sent to, with the nearest', async () => {
    for (const [args, near] of [
      [['scael', 'web', '3'], 'scale'],
      [['schedule', 'delte', 'web'], 'delete'],
      [['up', 'web.yaml', '--detatch'], '--detach'],
    ] as const) {
      const { code, stdout, stderr } = await muster(...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, RegExp(`; did you mean ${near}\\?`));
      assert.match(stderr, /--help' shows what there is/);
    }
  });
});

describe('what removes asks', () => {
  it('and without a terminal wants --yes, before anything is connected to', async () => {
    for (const words of [
      ['down', 'web'],
      ['release', 'web'],
      ['schedule', 'delete', 'web'],
    ]) {
      const { code, stderr } = await muster(...words);
      assert.equal(code, 2);
      assert.match(stderr, /there is no terminal to ask\n {2}add --yes/);
    }
  });
});
