/** The package that users install, as it is built: on a Node that strips no types, and in programs that are type-checked. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ended } from './command.ts';
import { openWorld, type World } from './world.ts';

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
    worker.kill();
    assert.equal((await end).code, 0);
  });

  it('has types that a program is checked by', async () => {
    const mistakes = async (text: string) => {
      writeFileSync(join(home, 'program.ts'), `import { Muster, specFromFile } from 'muster';\n${text}\n`);
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
    assert.equal(
      await mistakes(
        `const run = await (await Muster.connect()).up(specFromFile('web.yaml'));\nrun.watch();`,
      ),
      '',
    );
    assert.match(await mistakes(`(await Muster.connect()).scale('web', { count: 'many' });`), /TS2322/);
  });
});
