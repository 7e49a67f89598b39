/** The command as a person or a script calls it, in a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const MUSTER = fileURLToPath(new URL('../bin/muster.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `env` comes on top of this process's own, less that it is npm which runs it. `stdout`: where else that goes. */
export function startMuster(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd?: string,
  stdout: 'pipe' | number = 'pipe',
): ChildProcess {
  return spawn(process.execPath, [MUSTER, ...args], {
    cwd,
    env: { ...process.env, npm_command: undefined, ...env },
    stdio: ['ignore', stdout, 'pipe'],
  });
}

/** All that a program has said, once it has ended. Rejects when it could not be started. */
export function ended(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (text) => {
    stdout += text;
  });
  child.stderr!.on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Resolves when the child has said it on one of its streams. */
export function says(child: ChildProcess, what: RegExp): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (text) => {
        said += text;
        if (what.test(said)) resolve();
      });
    }
    child.once('close', () => reject(new Error(`ended without ${what}:\n${said}`)));
  });
}
