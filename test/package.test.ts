/**
 * The package that users install: as it is built, on a Node that strips no types, and in programs that are type-checked; and
 * as npm packs it and installs it in an empty project.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, sep } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TASK_QUEUE } from '../fleet/run.ts';
import { type Ended, ended } from './command.ts';
import { programOf } from './pages.ts';
import { openWorld, untilPolled, type World } from './world.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
let home: string;
let world: World;
before(async () => {
  world = await openWorld();
  folder = mkdtempSync(join(tmpdir(), 'muster-package-'));
  home = join(folder, 'muster');
  // What the package depends on is found where npm would have put it.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const built = await run(join(ROOT, 'setup', 'build.ts'), home);
  assert.equal(built.code, 0, built.stderr);
  await untilPolled(world.muster);
});
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

/** As on a Node that takes no TypeScript: what runs is what was compiled. */
function start(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, ['--no-strip-types', script, ...args], {
    cwd: folder,
    env: { ...process.env, ...world.sandbox.env, NO_COLOR: '1', MUSTER_TASK_QUEUE: 'packed', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const run = (script: string, ...args: string[]) =>
  ended(spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
const muster = (...args: string[]) => ended(start(join(home, 'bin', 'muster.js'), args));

describe('the package', () => {
  it('says its version, and has no source, script or test in it', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.deepEqual(await muster('--version'), { code: 0, stdout: `${version}\n`, stderr: '' });
    const own = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
    assert.deepEqual([own.scripts, own.devDependencies], [undefined, undefined]);
    for (const gone of ['cli/main.ts', 'setup/build.ts', 'setup/types.json', 'test', 'bench', 'chaos']) {
      assert.equal(existsSync(join(home, gone)), false, gone);
    }
  });

  it('brings a fleet up with a worker of its own and its own bundle, and takes it down', async () => {
    const worker = start(join(home, 'bin', 'muster.js'), ['worker']);
    const end = ended(worker);
    await Promise.race([
      once(worker.stderr!, 'data'),
      end.then(({ stderr }) => assert.fail(`the worker ended:\n${stderr}`)),
    ]);
    const spec = join(folder, 'packed.yaml');
    writeFileSync(
      spec,
      `name: packed
region: us-east-1
policy: { allow: [{ actions: ["s3:Get*"], resources: ["*"] }] }
instances: { count: 2, image: ami-12c6146b, type: t3.micro }
`,
    );
    const plan = await muster('plan', spec);
    assert.equal(plan.code, 0, plan.stderr);
    assert.match(plan.stdout, /may +read in Amazon S3, on everything/);
    const up = await muster('up', spec, '--json');
    assert.equal(up.code, 0, up.stderr);
    assert.doesNotMatch(up.stderr, /Warning/);
    const ids = JSON.parse(up.stdout).instances.map(({ id }: { id: string }) => id);
    const made = await world.exists('packed');
    assert.deepEqual(ids.sort(), made.instances.map(({ InstanceId }) => InstanceId).sort());
    assert.ok(made.role && made.profile);

    const down = await muster('down', 'packed', '--yes');
    assert.equal(down.code, 0, down.stderr);
    assert.equal((await world.exists('packed')).role, undefined);

    // What reads specs that come by Temporal is in it, too.
    const wrong = await world.client.workflow
      .execute('fleetFromSpec', { args: [{}], taskQueue: 'packed', workflowId: 'up:packed' })
      .catch((error) => error);
    assert.equal(wrong.cause.type, 'SpecMistakes', wrong);
    worker.kill();
    assert.equal((await end).code, 0);
  });

  it('has types that a program is checked by', async () => {
    const mistakes = async (text: string) => {
      writeFileSync(join(home, 'program.ts'), text);
      const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
      const options = [
        '--ignoreConfig',
        '--strict',
        '--noEmit',
        '--skipLibCheck',
        '--module',
        'nodenext',
        '--target',
        'es2023',
      ];
      const { stdout } = await run(tsc, ...options, join(home, 'program.ts'));
      return stdout;
    };
    assert.equal(await mistakes(programOf('library.md')), '');
    const wrong =
      "import { Muster } from 'muster';\n(await Muster.connect()).scale('web', { count: 'many' });";
    assert.match(await mistakes(wrong), /TS2322/);
  });
});

describe('the package as npm packs it', () => {
  it('is installed in an empty project, whose program brings a fleet up; npx has the command', async (t) => {
    const [{ filename }] = JSON.parse((await npm(['pack', home, '--json'], folder)).stdout);
    const file = join(folder, filename);
    const project = writeProject(file);
    const installed = await npm(['ci', '--ignore-scripts', '--prefer-offline'], project);
    if (isOffline(installed)) return t.skip(`there is no way to the packages: ${installed.stderr}`);
    assert.equal(installed.code, 0, installed.stderr);

    writeFileSync(join(project, 'program.mjs'), PROGRAM);
    const node = await ended(outside('node', ['program.mjs'], project));
    assert.equal(node.code, 0, node.stderr);
    const [ids, refused] = node.stdout.split('\n');
    const { instances, role } = await world.exists('installed');
    assert.deepEqual(JSON.parse(ids!), instances.map(({ InstanceId }) => InstanceId).sort());
    assert.ok(role);
    assert.equal(refused, 'true FleetNotFound');

    const version = `${JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version}\n`;
    const inside = await ended(outside('npx', ['muster', '--version'], project));
    assert.deepEqual([inside.code, inside.stdout], [0, version], inside.stderr);

    // What npx installs goes with the test; what is in npm's own cache it need not fetch.
    const cache = join(folder, 'npx-cache');
    mkdirSync(cache);
    const { stdout: own } = await npm(['config', 'get', 'cache'], folder);
    symlinkSync(join(own.trim(), '_cacache'), join(cache, '_cacache'));
    const args = ['--yes', '--prefer-offline', `--package=${file}`, 'muster', '--version'];
    const alone = await ended(outside('npx', args, folder, { npm_config_cache: cache }));
    if (isOffline(alone)) return t.skip(`there is no way to the packages: ${alone.stderr}`);
    assert.deepEqual([alone.code, alone.stdout], [0, version], alone.stderr);
  });
});

const PROGRAM = `import { Muster, MusterError, specFrom } from 'muster';
const muster = await Muster.connect();
const spec = specFrom({
  name: 'installed',
  region: 'us-east-1',
  policy: { allow: { actions: 's3:Get*', resources: '*' } },
  instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
});
const { instances } = await (await muster.up(spec)).result();
console.log(JSON.stringify(instances.map(({ id }) => id).sort()));
const refused = await muster.scale('nobody', { count: 1 }).catch((error) => error);
console.log(refused instanceof MusterError, refused.code);
await muster.close();
`;

/** A project with this package alone, whose own dependencies are at the versions of the clone's lock. Answers its folder. */
function writeProject(file: string): string {
  const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
  const { name, version, bin, dependencies } = json(join(home, 'package.json'));
  const locked = Object.entries<{ dev?: boolean }>(json(join(ROOT, 'package-lock.json')).packages);
  const about = { name: 'project', version: '1.0.0' };
  const own = { ...about, dependencies: { [name]: `file:${file}` } };
  const packages = {
    '': own,
    [`node_modules/${name}`]: { version, resolved: `file:${file}`, bin, dependencies },
    ...Object.fromEntries(locked.filter(([path, { dev }]) => path !== '' && !dev)),
  };
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify(own));
  writeFileSync(
    join(project, 'package-lock.json'),
    JSON.stringify({ ...about, lockfileVersion: 3, requires: true, packages }),
  );
  return project;
}

/** As a person calls it: with this machine's npm and Node, and nothing of those that run this test. */
function outside(program: string, args: readonly string[], cwd: string, more: NodeJS.ProcessEnv = {}) {
  const entries = (process.env.PATH ?? '').split(delimiter);
  const PATH = entries.filter((entry) => !entry.split(sep).includes('node_modules')).join(delimiter);
  const own = Object.entries(process.env).filter(
    ([key]) => !/^npm_(?!config_)|^npm_config_(local_)?prefix$/i.test(key),
  );
  const env = {
    ...Object.fromEntries(own),
    ...world.sandbox.env,
    MUSTER_TASK_QUEUE: TASK_QUEUE,
    PATH,
    ...more,
  };
  return spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

function npm(args: readonly string[], cwd: string): Promise<Ended> {
  return ended(outside('npm', args, cwd));
}

function isOffline({ code, stderr }: Ended): boolean {
  return code !== 0 && /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED)\b/.test(stderr);
}
