/**
 * A Python environment as a lock file pins it, in a folder of its own: made once, and anew when the lock has changed.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lastWords, narrated, runQuietly, SetupError } from './install.js';
import { withLock } from './lock.js';

/** @typedef {import('./install.js').Say} Say */

/**
 * @typedef {object} Plan
 * @property {string} home the environment's folder
 * @property {string} requirements the path of the lock, with hashes
 * @property {string} what such as 'fetching Python packages'
 * @property {string} size what to expect, in a few words
 * @property {readonly [number, number]} oldest the Python that the lock needs
 * @property {readonly string[]} [optional] packages to go without where this platform has no wheel of them
 * @property {string} [without] told then: what is done instead
 * @property {string} [instead] what a person can do in place of it, as an order
 */

const WINDOWS = process.platform === 'win32';
const NEWEST_MINOR = 14;

/**
 * Makes the environment unless it is there; then it costs a few milliseconds.
 *
 * @param {Plan} plan
 * @param {Say} say
 * @throws {SetupError} with what to do by hand
 */
export async function ensureEnvironment(plan, say) {
  const { home, what } = plan;
  if (isComplete(plan)) return;
  await withLock(`${home}.lock`, { say, what }, async (alsoHeldBy) => {
    if (!isComplete(plan)) await make(plan, say, alsoHeldBy);
  });
}

/**
 * @param {string} home
 * @returns {{ python: string, bin: string }} its interpreter, and the folder of its programs
 */
export function programsOf(home) {
  const bin = join(home, WINDOWS ? 'Scripts' : 'bin');
  return { python: join(bin, WINDOWS ? 'python.exe' : 'python'), bin };
}

/** @param {string} file */
export const hashOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/**
 * The link to an interpreter that has been removed since leads nowhere, and then the environment is made anew.
 *
 * @param {Pick<Plan, 'home' | 'requirements'>} plan
 */
export function isComplete({ home, requirements }) {
  try {
    const { python } = programsOf(home);
    return statSync(python).isFile() && readFileSync(stampOf(home), 'utf8') === hashOf(requirements);
  } catch {
    return false;
  }
}

/** @param {string} home */
const stampOf = (home) => join(home, 'muster.stamp');

/**
 * The stamp comes last, so that what was interrupted is known for half made, and removed.
 *
 * @param {Plan} plan
 * @param {Say} say
 * @param {(pid: number) => void} alsoHeldBy
 */
async function make(plan, say, alsoHeldBy) {
  const { home, requirements, what, size } = plan;
  const system = await findPython(plan);
  let latest = 'starting';
  const onLine = (/** @type {string} */ line) => {
    const fetched = /^\s*(?:Collecting|Downloading) [^=<>;\s]+(?: \([^)]+\))?/.exec(line);
    if (fetched) latest = fetched[0].trim();
    else if (line.startsWith('Installing collected')) latest = 'all are here, unpacking them';
  };
  await narrated(
    say,
    what,
    size,
    () => latest,
    async () => {
      const pip = await makeEmpty(plan, system, alsoHeldBy);
      await installAll(plan, pip, say, { onLine, onStart: alsoHeldBy });
      writeFileSync(stampOf(home), hashOf(requirements));
    },
  );
}

/**
 * @param {Plan} plan
 * @returns {Promise<string[]>} the command of the first Python on this machine that is new enough
 * @throws {SetupError} if there is none
 */
async function findPython(plan) {
  const { oldest } = plan;
  const numbered = Array.from({ length: NEWEST_MINOR - oldest[1] + 1 }, (_, i) => [
    `python3.${NEWEST_MINOR - i}`,
  ]);
  const commands = [['python3'], ['python'], ...(WINDOWS ? [['py', '-3']] : numbered)];
  /** @type {string[]} */
  const tooOld = [];
  for (const command of commands) {
    const answer = await runQuietly([...command, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    if (!answer.ok) continue;
    if (isNewEnough(answer.output, oldest)) return command;
    tooOld.push(`${command.join(' ')} is ${answer.output.trim()}`);
  }
  const found =
    tooOld.length > 0 ? `Python is too old (${tooOld.join(', ')})` : 'there is no Python on the PATH';
  throw new SetupError(`${found}: ${howToInstall(plan)}.`);
}

/**
 * @param {string} version such as '3.11'
 * @param {readonly [number, number]} oldest
 */
export function isNewEnough(version, oldest) {
  const [major = 0, minor = 0] = version.trim().split('.').map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

/** @param {Plan} plan */
function howToInstall({ oldest, instead }) {
  const how = '(Debian: apt install python3 python3-venv; macOS: brew install python)';
  return `install Python ${oldest.join('.')} or later ${how}${instead ? ` or ${instead}` : ''}`;
}

/**
 * Makes an environment with nothing in it, and answers the command that is its pip. Debian ships venv without
 * ensurepip unless python3-venv is installed; there the system's pip can work on the environment (pip 22.3 or later).
 *
 * @param {Plan} plan
 * @param {string[]} system
 * @param {(pid: number) => void} onStart
 * @returns {Promise<string[]>}
 */
async function makeEmpty(plan, system, onStart) {
  const { home } = plan;
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
      `If it misses venv or ensurepip, add them (Debian: apt install python3-venv); else ${howToInstall(plan)}.`,
  );
}

/**
 * @param {Plan} plan
 * @param {string[]} pip
 * @param {Say} say
 * @param {{ onLine: (line: string) => void, onStart: (pid: number) => void }} hooks
 */
async function installAll({ home, requirements, optional = [], without = '', instead }, pip, say, hooks) {
  const install = (/** @type {string} */ file) => {
    const options = ['--require-hashes', '--disable-pip-version-check', '--no-input', '--progress-bar=off'];
    // A person's `user = true` is refused in an environment; without a terminal Python would keep its lines back.
    const env = { ...process.env, PIP_USER: '0', PYTHONUNBUFFERED: '1' };
    return runQuietly([...pip, 'install', ...options, '-r', file], { env, ...hooks });
  };
  let file = requirements;
  let done = await install(file);
  if (!done.ok && misses(done.output, optional)) {
    say(without);
    file = `${home}-requirements.txt`;
    writeFileSync(file, withoutPackages(readFileSync(requirements, 'utf8'), optional));
    done = await install(file);
  }
  if (done.ok) return;
  throw new SetupError(
    [
      'the Python packages could not be fetched. pip said last:',
      lastWords(done.output),
      `By hand: ${[...pip, 'install', '--require-hashes', '-r', file].join(' ')}`,
      ...(instead ? [`and then ${instead}, which ${programsOf(home).python} is then.`] : []),
      'A proxy or a mirror is set as ever for pip: pip config set global.proxy URL, pip config set global.index-url URL',
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
