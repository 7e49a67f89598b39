/** Worker processes: started, killed without a word, and started again. */

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export interface Bundle {
  readonly path: string;
  remove(): Promise<void>;
}

/** The workflows, bundled once for all workers; brisk ones miss a dead worker sooner than in earnest. */
export async function bundleOnce({ isBrisk = true } = {}): Promise<Bundle> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileOf('../workflows/index.ts'),
    workflowInterceptorModules: isBrisk ? [fileOf('./brisk.ts')] : [],
    logger: new DefaultLogger('ERROR'),
  });
  const folder = await mkdtemp(join(tmpdir(), 'muster-chaos-'));
  const path = join(folder, 'workflows.cjs');
  await writeFile(path, code);
  return { path, remove: () => rm(folder, { recursive: true }) };
}

/** The one worker of a task queue, in process after process. */
export class WorkerProcess {
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  /** Resolves when it polls, or was killed before that. */
  start(): Promise<void> {
    const child = fork(fileOf('./worker.ts'), [], {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'ignore', process.env.CHAOS_LOUD ? 'inherit' : 'ignore', 'ipc'],
    });
    this.#child = child;
    return new Promise((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('error', reject);
      child.once('exit', (code) =>
        code === null ? resolve() : reject(new Error(`the worker ended with ${code}`)),
      );
    });
  }

  /** SIGKILL: it has no time for anything. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Kills it and has another take over. */
  async replace(): Promise<void> {
    const killed = this.#child;
    await this.kill();
    // Whoever killed it at the same moment may have been quicker.
    if (this.#child === killed) await this.start();
  }
}
