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

if (process.features.typescript || !existsSync(source)) {
  // Compiled code is kept between starts, which saves a third of the command's start.
  module.enableCompileCache?.();
  const { main } = await import((existsSync(source) ? source : built).href);
  await main(process.argv.slice(2));
} else if (existsSync(ownNode)) {
  const { runChild } = await import('../setup/child.js');
  process.exitCode = await runChild(ownNode, process.argv.slice(1));
} else {
  console.error(
    `muster: Node ${process.version} cannot run the sources; 'npm ci' in ${fileURLToPath(new URL('..', import.meta.url))} fetches one that can.`,
  );
  process.exitCode = 1;
}
