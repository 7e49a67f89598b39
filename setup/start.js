/** Brings the npm packages and the Python environment up to date, then becomes the script that was asked for. */

import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runChild, SIGNALS } from './child.js';
import { stopInstallers } from './install.js';
import { ensurePackages } from './packages.js';
import { ensurePython } from './python.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');

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
async function run(node, args, python) {
  const path = [BIN, ...(process.env.PATH ?? '').split(delimiter).filter((entry) => entry !== BIN)].join(
    delimiter,
  );
  const env = { ...process.env, PATH: path, MUSTER_PYTHON: process.env.MUSTER_PYTHON || python };
  try {
    return await runChild(node, args, env);
  } catch (error) {
    say(`${node} could not be started: ${messageOf(error)}`);
    return 1;
  }
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
