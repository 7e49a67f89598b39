/** Runs an installer (npm, venv, pip) quietly: a line now and then while it works, its last words when it fails. */

import { spawn } from 'node:child_process';

/** What a person can put right; its message is complete and needs no stack. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/** @typedef {(line: string) => void} Say */

const BREATH_MS = 10_000;
const LAST_WORDS = 15;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Asks the installers that run now to end. Those of the terminal's foreground may have heard it already. */
export function stopInstallers() {
  for (const child of running) child.kill('SIGTERM');
}

/**
 * Runs a command to its end. It never throws for what the command does: a command that cannot be started answers as
 * one that failed.
 *
 * @param {readonly string[]} command the program and its arguments
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {boolean} [options.shell] Windows starts .cmd files only through its shell
 * @param {(pid: number) => void} [options.onStart]
 * @param {(line: string) => void} [options.onLine] hears each line of the output
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export function runQuietly([program = '', ...args], { cwd, env, shell = false, onStart, onLine } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: env ?? process.env,
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    if (child.pid !== undefined) onStart?.(child.pid);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk) => {
        output += chunk;
        if (onLine) for (const line of chunk.split('\n')) onLine(line);
      });
    }
    child.on('error', (error) => {
      running.delete(child);
      resolve({ ok: false, output: `${program}: ${error.message}` });
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ ok: code === 0, output: signal === null ? output : `${output}\nended by ${signal}` });
    });
  });
}

/**
 * Tells when a piece of work begins, every ten seconds how far it is, and how long it took.
 *
 * @template T
 * @param {Say} say
 * @param {string} what such as 'fetching npm packages'
 * @param {string} size what to expect, for the first line
 * @param {() => string} progress
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function narrated(say, what, size, progress, work) {
  const begun = performance.now();
  const took = () => `${((performance.now() - begun) / 1000).toFixed(0)} s`;
  say(`${what} (${size}) ...`);
  const breath = setInterval(() => say(`still ${what}, ${took()}: ${progress()}`), BREATH_MS);
  try {
    const result = await work();
    say(`${what}: done in ${took()}`);
    return result;
  } finally {
    clearInterval(breath);
  }
}

/** @param {string} output */
export function lastWords(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-LAST_WORDS)
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n');
}
