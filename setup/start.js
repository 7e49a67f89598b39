/** Brings the npm packages and the Python environment up to date, then becomes the script that was asked for. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopInstallers } from './install.js';
import { ensurePackages } from './packages.js';
import { ensurePython } from './python.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Ends this process: with the script's exit code, with 128 and the signal's number when a signal ended it, with 1 when
 * something could not be set up.
 *
 * @param {string[]} argv the script, as a path from the project's folder, and its arguments
 */
export async function main([script, ...args]) {
  if (script === undefined) {
    say('say which script to run: node setup/run.js SCRIPT [ARGS...]');
    process.exit(1);
  }
  const python = await prepare();
  process.exit(await run(projectNode(), [resolve(ROOT, script), ...args], python));
}

/** Sets up packages and Python side by side; answers the path of Python. */
async function prepare() {
  for (const signal of SIGNALS) process.on(signal, abandon);
  const [packages, python] = await Promise.allSettled([
    ensurePackages({ root: ROOT, say }),
    ensurePython({ say }),
  ]);
  for (const signal of SIGNALS) process.off(signal, abandon);
  if (packages.status === 'fulfilled' && python.status === 'fulfilled') return python.value.python;

  for (const result of [packages, python]) {
    if (result.status === 'rejected') say(messageOf(result.reason));
  }
  process.exit(1);
}

/**
 * A person or a supervisor ends the set-up. The next one starts over what is half made.
 *
 * @param {NodeJS.Signals} signal
 */
function abandon(signal) {
  stopInstallers();
  process.exit(128 + constants.signals[signal]);
}

/** The Node that the project pins, or this one where there is none. */
function projectNode() {
  const node = join(ROOT, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(node)) return node;
  say(
    `the project's own Node is missing (${node}), so this one, ${process.version}, has to do. Are install scripts ` +
      'switched off (npm config get ignore-scripts)? `npm rebuild node --ignore-scripts=false` fetches it.',
  );
  return process.execPath;
}

/**
 * @param {string} node
 * @param {string[]} args
 * @param {string} python
 * @returns {Promise<number>} the exit code
 */
function run(node, args, python) {
  const path = [BIN, ...(process.env.PATH ?? '').split(delimiter).filter((entry) => entry !== BIN)].join(
    delimiter,
  );
  const child = spawn(node, args, {
    stdio: 'inherit',
    env: { ...process.env, PATH: path, MUSTER_PYTHON: process.env.MUSTER_PYTHON || python },
  });
  for (const signal of SIGNALS) process.on(signal, forwarder(child));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      say(`${node} could not be started: ${error.message}`);
      resolve(1);
    });
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

/** @param {string} line */
function say(line) {
  process.stderr.write(`Set-up: ${line}\n`);
}

/** @param {unknown} reason */
function messageOf(reason) {
  if (!(reason instanceof Error)) return String(reason);
  return reason.name === 'SetupError' ? reason.message : (reason.stack ?? reason.message);
}
