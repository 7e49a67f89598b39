/** Where a worker has its workflows from: a bundle that came along, or one made of the source tree. */

import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorkflowBundleOption } from '@temporalio/worker';

/** The published package brings its bundle along; in the source tree workflows/ is bundled at each start. */
export async function workflowSource(): Promise<WorkflowBundleOption> {
  const bundled = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  return existsSync(bundled) ? { codePath: bundled } : { code: await bundledCode() };
}

/** In a process of its own: bundling takes 200 MB (measured), which this one would never give back. */
function bundledCode(): Promise<string> {
  return new Promise((resolve, reject) => {
    let code: string | undefined;
    const bundler = fork(fileURLToPath(new URL('./bundle.ts', import.meta.url)));
    bundler.once('message', (message: string) => {
      code = message;
    });
    bundler.once('error', reject);
    bundler.once('close', (status) =>
      code === undefined ? reject(new Error(`the workflows were not bundled: ${status}`)) : resolve(code),
    );
  });
}
