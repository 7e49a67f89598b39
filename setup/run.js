/**
 * `node setup/run.js SCRIPT [ARGS...]`: runs a script of the project on the project's own Node, once all that it needs
 * is there. It is what the npm scripts call. This file only asks whether this Node will do, in words that old ones
 * understand too: nothing may be imported before that.
 */

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 3)) {
  console.error(
    `Muster needs Node 20.3 or later, and this is Node ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(1);
}

import('./start.js').then((start) => start.main(process.argv.slice(2)));
