/**
 * One set-up at a time: a file that names the processes at work. A lock is free again when all of them are gone,
 * however they went; an installer that outlived the set-up which started it still counts.
 */

import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 250;
const SAY_MS = 10_000;
const TOUCH_MS = 10_000;
/** A process id may be in use again by a stranger, so that a lock which nobody has touched for so long is free. */
const FORGOTTEN_MS = 10 * 60_000;
/** A lock is empty for a moment after it was made. */
const EMPTY_MS = 5_000;

/** @type {Set<string>} */
const held = new Set();

/**
 * Does the work while holding the lock, once whoever holds it is done.
 *
 * @template T
 * @param {string} path
 * @param {{ say: import('./install.js').Say, what: string }} told what the lock is for, such as 'fetching npm packages'
 * @param {(alsoHeldBy: (pid: number) => void) => Promise<T>} work `alsoHeldBy` enters a child that must end before the
 *   lock is free
 * @returns {Promise<T>}
 */
export async function withLock(path, { say, what }, work) {
  await take(path, say, what);
  const touch = setInterval(() => touched(path), TOUCH_MS);
  try {
    return await work((pid) => appendFileSync(path, `${pid}\n`));
  } finally {
    clearInterval(touch);
    held.delete(path);
    rmSync(path, { force: true });
  }
}

/**
 * @param {string} path
 * @param {import('./install.js').Say} say
 * @param {string} what
 */
async function take(path, say, what) {
  mkdirSync(dirname(path), { recursive: true });
  let said = Number.NEGATIVE_INFINITY;
  while (!tryLock(path)) {
    if (performance.now() - said >= SAY_MS) {
      said = performance.now();
      const [pid] = holders(path).filter((id) => isHolder(path, id));
      say(`another set-up is ${what} (process ${pid ?? 'unknown'}); waiting for it ...`);
    }
    await sleep(LOOK_MS);
  }
}

/**
 * Takes the lock if it is free or its holders are gone.
 *
 * @param {string} path
 * @returns {boolean}
 */
export function tryLock(path) {
  if (isStale(path)) removeStale(path);
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  held.add(path);
  return true;
}

/**
 * @param {string} path
 * @returns {boolean} whether it is there and nobody holds it
 */
function isStale(path) {
  const age = ageOf(path);
  if (age === undefined) return false;
  const pids = holders(path);
  if (pids.length === 0) return age > EMPTY_MS;
  return age > FORGOTTEN_MS || !pids.some((pid) => isHolder(path, pid));
}

/**
 * Another process may have found the same lock stale and hold a new one of that name by now, so it is moved aside
 * and looked at again before it is thrown away.
 *
 * @param {string} path
 */
function removeStale(path) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if (isStale(aside)) rmSync(aside, { force: true });
  else renameSync(aside, path);
}

/**
 * @param {string} path
 * @param {number} pid
 */
function isHolder(path, pid) {
  // In a container that was started anew, a process easily has the id of one that died in the last.
  return pid === process.pid ? held.has(path) : isAlive(pid);
}

/**
 * @param {number} pid
 * @returns {boolean}
 */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
  try {
    // In a container whose first process collects no children, a dead one stays in the table for ever.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/**
 * @param {string} path
 * @returns {number[]}
 */
function holders(path) {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/**
 * @param {string} path
 * @returns {number | undefined} milliseconds since it was touched; nothing when it is not there
 */
function ageOf(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function touched(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Somebody removed the lock; the work is not worse for it.
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function hasCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code;
}
