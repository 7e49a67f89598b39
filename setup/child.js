/** A child in this process's place: it gets its streams and its signals, and its end becomes this one's. */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';

export const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @param {boolean} [leashed] opens a channel whose end tells the child that this process was killed
 * @returns {Promise<number>} the exit code, or 128 and the number of the signal that ended it; rejects when it cannot
 * be started
 */
export function runChild(command, args, env = process.env, leashed = false) {
  const stdio = ['inherit', 'inherit', 'inherit', ...(leashed ? ['ipc'] : [])];
  const child = spawn(command, args, {
    stdio: /** @type {import('node:child_process').StdioOptions} */ (stdio),
    env,
  });
  for (const signal of SIGNALS) process.on(signal, forwarder(child));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]),
    );
  });
}

/**
 * Hands signals on to the child, but not what it has already got. The terminal sends Ctrl-C, and the end of its
 * session, to all processes in its foreground, and npm then sends us the same once more: a child that takes a second
 * Ctrl-C for 'at once, without cleaning up' must not see these.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @returns {(signal: NodeJS.Signals) => void}
 */
function forwarder(child) {
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  let last = Number.NEGATIVE_INFINITY;
  return (signal) => {
    const repeated = performance.now() - last < 1000;
    last = performance.now();
    if (repeated || (onTerminal && signal !== 'SIGTERM')) return;
    child.kill(signal);
  };
}
