/** The checks that need no server: types, lint and format, unused code. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const CHECKS: readonly (readonly [string, ...string[]])[] = [
  ['tsc', '--noEmit', '-p', '.'],
  ['biome', 'check', '--error-on-warnings', '.'],
  ['knip'],
];

/** Runs all checks and answers the names of those that failed. */
export async function runChecks(): Promise<{ passed: string[]; failed: string[] }> {
  const passed: string[] = [];
  const failed: string[] = [];
  for (const [command, ...args] of CHECKS) {
    const code = await run(command, args);
    (code === 0 ? passed : failed).push(command);
  }
  return { passed, failed };
}

function run(command: string, args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

if (import.meta.main) {
  const { passed, failed } = await runChecks();
  console.log(`${passed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
