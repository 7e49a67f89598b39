/** The npm packages: `npm ci` when node_modules is not what package-lock.json says. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join, sep } from 'node:path';
import { lastWords, narrated, runQuietly, SetupError } from './install.js';
import { withLock } from './lock.js';

const WHAT = 'fetching npm packages';

/**
 * Cheap when all is there: one file is read and hashed, one more is compared.
 *
 * @param {{ root: string, say: import('./install.js').Say }} options the project's folder
 * @returns {Promise<void>}
 * @throws {SetupError} with npm's last words and what to do by hand
 */
export async function ensurePackages({ root, say }) {
  if (isUpToDate(root)) return;
  await withLock(join(root, '.muster', 'setup.lock'), { say, what: WHAT }, async (alsoHeldBy) => {
    if (isUpToDate(root)) return;
    const progress = () => `${arrived(root)} packages are here`;
    const result = await narrated(
      say,
      WHAT,
      'about 700 MB on disk; package-lock.json',
      progress,
      async () => {
        const { command, shell } = npm();
        // Whatever the person's settings leave out or hide, the project needs all of it, and the words of a failure.
        const args = ['ci', '--include=dev', '--include=optional', '--loglevel=warn', '--no-progress'];
        const done = await runQuietly([...command, ...args], {
          cwd: root,
          env: outside(),
          shell,
          onStart: alsoHeldBy,
        });
        if (!done.ok) throw new SetupError(failure(root, done.output));
        return done;
      },
    );
    if (!matchesLock(root)) throw new SetupError(failure(root, result.output));
    stamp(root);
  });
}

/**
 * A node_modules that somebody made by hand (npm install) counts as well, if it holds what the lock says.
 *
 * @param {string} root
 * @returns {boolean}
 */
function isUpToDate(root) {
  if (!existsSync(installedList(root))) return false;
  if (readOr(stampFile(root), '') === lockHash(root)) return true;
  if (!matchesLock(root)) return false;
  stamp(root);
  return true;
}

/**
 * Compares the lock with npm's own list of what it installed, which it writes last.
 *
 * @param {string} root
 * @returns {boolean}
 */
function matchesLock(root) {
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const installed = packagesIn(installedList(root));
  for (const [path, entry] of Object.entries(installed)) {
    if (wanted[path]?.version !== entry.version || wanted[path]?.integrity !== entry.integrity) return false;
  }
  return Object.entries(wanted).every(([path, entry]) => path === '' || entry.optional || path in installed);
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>} by path in the project
 */
function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/**
 * @param {string} root
 * @returns {string} such as '120 of 243'; those for other platforms do not count
 */
function arrived(root) {
  const wanted = Object.entries(packagesIn(join(root, 'package-lock.json')));
  const paths = wanted.filter(([path, entry]) => path !== '' && !entry.optional).map(([path]) => path);
  return `${paths.filter((path) => existsSync(join(root, path, 'package.json'))).length} of ${paths.length}`;
}

/** How to call the npm that called us, or else the one on the PATH. */
function npm() {
  const cli = process.env.npm_execpath ?? '';
  // npm ci removes node_modules first, and must not run on the Node in there.
  const ownNode = process.execPath.split(sep).includes('node_modules');
  if (basename(cli) === 'npm-cli.js' && !ownNode) return { command: [process.execPath, cli], shell: false };
  return { command: ['npm'], shell: process.platform === 'win32' };
}

/** The environment with no node_modules in its PATH, as the Node in there is about to be removed. */
function outside() {
  const entries = (process.env.PATH ?? '').split(delimiter);
  const path = entries.filter((entry) => !entry.split(sep).includes('node_modules')).join(delimiter);
  return { ...process.env, PATH: path };
}

/**
 * @param {string} root
 * @param {string} output
 */
function failure(root, output) {
  return [
    'the npm packages could not be fetched. npm said last:',
    lastWords(output),
    `By hand: cd ${root} && npm ci`,
    'A proxy or a mirror is set as ever for npm: npm config set proxy URL, npm config set registry URL.',
  ].join('\n');
}

/** @param {string} root */
function stamp(root) {
  mkdirSync(join(root, '.muster'), { recursive: true });
  writeFileSync(stampFile(root), lockHash(root));
}

/** @param {string} root */
const installedList = (root) => join(root, 'node_modules', '.package-lock.json');

/** @param {string} root */
const stampFile = (root) => join(root, '.muster', 'packages.stamp');

/** @param {string} root */
const lockHash = (root) =>
  createHash('sha256')
    .update(readOr(join(root, 'package-lock.json'), ''))
    .digest('hex');

/**
 * @param {string} file
 * @param {string} otherwise
 */
function readOr(file, otherwise) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}
