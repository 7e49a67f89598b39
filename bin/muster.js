#!/usr/bin/env node
// Finds what to run: the built command of the published package, or the sources, which need a Node that strips types.

import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const built = new URL('../cli/main.js', import.meta.url);
const source = new URL('../cli/main.ts', import.meta.url);
const ownNode = fileURLToPath(
  new URL(`../node_modules/node/bin/node${process.platform === 'win32' ? '.exe' : ''}`, import.meta.url),
);

/** Set for a child that runs in the place of this one. */
const CHILD = 'MUSTER_CHILD';

if (process.features.typescript || !existsSync(source)) {
  // Compiled code is kept between starts, which saves a third of the command's start.
  module.enableCompileCache?.();
  endWithParent();
  const { main } = await import((existsSync(source) ? source : built).href);
  await main(process.argv.slice(2));
} else if (existsSync(ownNode)) {
  const { runChild } = await import('../setup/child.js');
  process.exitCode = await runChild(ownNode, process.argv.slice(1), { ...process.env, [CHILD]: '1' }, true);
} else {
  console.error(
    `muster: Node ${process.version} cannot run the sources; 'npm ci' in ${fileURLToPath(new URL('..', import.meta.url))} fetches one that can.`,
  );
  process.exitCode = 1;
}

/** Whoever kills the process that stands for this one has killed no worker otherwise. */
function endWithParent() {
  if (process.env[CHILD] === undefined) return;
  delete process.env[CHILD];
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}
