/** Completion in a real bash; in zsh and fish the scripts are read, where those are installed. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ended, MUSTER } from './command.ts';
import { openWorld, specOf, untilPolled, type World } from './world.ts';

/** Where nobody listens. */
const NOWHERE = { TEMPORAL_ADDRESS: '127.0.0.1:1' };

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-completion-'));
  mkdirSync(join(folder, 'specs'));
  writeFileSync(join(folder, 'specs', 'one web.yaml'), '');
  // As it is found once it is installed.
  writeFileSync(join(folder, 'muster'), `#!/bin/sh\nexec '${process.execPath}' '${MUSTER}' "$@"\n`);
  chmodSync(join(folder, 'muster'), 0o755);
});
after(() => rmSync(folder, { recursive: true }));

function run(command: string, args: readonly string[], env: Record<string, string> = NOWHERE) {
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...env, PATH: `${folder}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return ended(child);
}

/** What bash offers for the last of the words, which it takes apart as bash does: `=` by itself. */
async function offered(words: readonly string[], env?: Record<string, string>): Promise<string[]> {
  const script = `eval "$(muster completion bash)"
COMP_WORDS=(muster "$@"); COMP_CWORD=$#
"$(complete -p muster | sed 's/.*-F \\([^ ]*\\) .*/\\1/')"
((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await run('bash', ['--norc', '-c', script, 'bash', ...words], env);
  assert.deepEqual([code, stderr], [0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion in bash', () => {
  it('knows commands, and those within', async () => {
    assert.deepEqual(await offered(['sc']), ['scale', 'schedule']);
    assert.deepEqual(await offered(['schedule', 're']), ['resume']);
    assert.ok(!(await offered([''])).includes('complete'));
  });

  it('knows options, but for those that are there', async () => {
    const all = await offered(['up', 'a.yaml', '--']);
    assert.deepEqual(all.sort(), ['--detach', '--events', '--for', '--help', '--json', '--yes']);
    assert.deepEqual((await offered(['up', 'a.yaml', '--for', '8h', '--json', '--'])).sort(), [
      ...['--detach', '--events', '--help', '--yes'],
    ]);
    assert.deepEqual(await offered(['--ver']), ['--version']);
  });

  it('knows the values of options and arguments, with = and without', async () => {
    assert.deepEqual(await offered(['scale', 'x', '3', '--by', 'n']), ['newest']);
    assert.deepEqual(await offered(['scale', 'x', '3', '--by', '=', 'n']), ['newest']);
    assert.deepEqual(await offered(['scale', 'x', '3', '--by', '=']), ['newest', 'oldest', 'zone']);
    assert.deepEqual(await offered(['schedule', 'set', 'f', '--overlap', 'buf']), [
      ...['buffer-one', 'buffer-all'],
    ]);
    assert.deepEqual(await offered(['completion', '']), ['bash', 'zsh', 'fish']);
    assert.deepEqual(await offered(['up', 'a.yaml', '--for', '']), []);
  });

  it('leaves files to the shell', async () => {
    assert.deepEqual(await offered(['up', 'spe']), ['specs']);
    assert.deepEqual(await offered(['check', 'x', '--file', 'specs/one']), ['specs/one web.yaml']);
  });

  it('knows fleets and schedules by name, and is quiet without a Temporal', async () => {
    assert.deepEqual(await offered(['down', '']), []);
    const world: World = await openWorld();
    try {
      await untilPolled(world.muster);
      const { spec, hash } = specOf({ name: 'known' });
      const run = await world.muster.up({ spec, hash });
      await run.result();
      await world.muster.schedules.set(
        { spec: { ...spec, name: 'timed' }, hash },
        { cron: '0 8 * * 1-5', for: '8h' },
      );
      await untilListed(world);
      assert.deepEqual(await offered(['down', ''], world.sandbox.env), ['known']);
      assert.deepEqual(await offered(['scale', 'kn'], world.sandbox.env), ['known']);
      assert.deepEqual(await offered(['scale', 'known', ''], world.sandbox.env), []);
      assert.deepEqual(await offered(['schedule', 'show', ''], world.sandbox.env), ['timed']);
    } finally {
      await world.close();
    }
  });
});

/** Temporal's lists show things a moment after they are there. */
async function untilListed({ muster }: World): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const [fleets, schedules] = await Promise.all([muster.list(), muster.schedules.list()]);
    if (fleets.length > 0 && schedules.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('not listed');
}

describe('the script', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`for ${shell} is printed, and is what ${shell} can read`, async () => {
      const { code, stdout } = await run('muster', ['completion', shell]);
      assert.equal(code, 0);
      assert.match(stdout, /muster complete -- /);
      // Where it is not installed, there is no more to be known.
      if (spawnSync(shell, ['-c', 'exit']).error) return;
      writeFileSync(join(folder, `script.${shell}`), stdout);
      const read = await run(shell, ['-n', `script.${shell}`]);
      assert.deepEqual([read.code, read.stderr], [0, '']);
    });
  }

  it('is refused for another shell, with those that there are', async () => {
    const { code, stderr } = await run('muster', ['completion', 'tcsh']);
    assert.equal(code, 2);
    assert.match(stderr, /bash, zsh, fish/);
  });
});
