/**
 * `muster demo`, which `npm start` calls: a sandbox, a worker in it, the fleet of examples/s3-read-only.yaml, and the
 * proof that its machines hold credentials that nobody put there.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Muster } from '../client/muster.ts';
import { specFromFile } from '../client/specs.ts';
import { ATTRIBUTES } from '../fleet/attributes.ts';
import { exitCode } from '../fleet/report.ts';
import { freePort, type Sandbox, startSandbox } from '../sandbox/index.ts';
import { createFleetWorker, type FleetWorker, quietRuntime } from '../worker/index.ts';
import { DONE } from './exit.ts';
import { seeThrough } from './finish.ts';
import { announce } from './follow.ts';
import { say, stderrColors } from './output.ts';
import { prove } from './proof.ts';
import { exportLines, toldToStop } from './sandbox.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SPEC = join(ROOT, 'examples/s3-read-only.yaml');
const ENV_FILE = join(ROOT, '.muster/sandbox.env');

/** Short enough for the SDK to renew them while one looks on: it does so when less than five minutes are left. */
const CREDENTIAL_SECONDS = 303;

export async function demo(): Promise<number> {
  const colors = stderrColors();
  const isInteractive = Boolean(process.stdin.isTTY && process.stdout.isTTY);
  quietRuntime();
  say(colors.dim('Starting a Temporal server with its web UI, a local AWS and a worker …'));
  const sandbox = await startSandbox({
    searchAttributes: ATTRIBUTES,
    ports: { temporal: await freePort(7233), ui: await freePort(8233) },
    behaviour: { credentialSeconds: CREDENTIAL_SECONDS },
    say,
  });
  try {
    Object.assign(process.env, sandbox.env);
    writeExports(sandbox);
    const worker = await createFleetWorker({ shutdownGraceTime: 1000 });
    const working = worker.run();
    try {
      return await act(sandbox, isInteractive);
    } finally {
      await end(worker, working);
    }
  } finally {
    await sandbox.stop();
  }
}

async function act(sandbox: Sandbox, isInteractive: boolean): Promise<number> {
  const colors = stderrColors();
  const muster = await Muster.connect();
  try {
    say(colors.dim(`muster up ${relative(process.cwd(), SPEC)}\n`));
    const checked = specFromFile(SPEC);
    announce(checked.spec.name);
    const run = await muster.up(checked);
    const report = (await seeThrough(run, { isPassing: !isInteractive }))!;
    if (report.state !== 'complete') return exitCode(report);

    const instance = report.instances[0]!.id;
    say(
      `\n${colors.bold('The proof')}: a program on ${instance} (examples/on-instance.ts), which was given no credentials.`,
    );
    say(
      colors.dim(
        'The sandbox has no real machines: it runs as a process whose metadata service is that instance’s.\n',
      ),
    );
    await prove(sandbox.aws, instance, (line) => say(`  ${colors.green('✓')} ${line}`));

    if (isInteractive) {
      sayWhatToTry(run.uiUrl);
      await Promise.race([toldToStop(), sandbox.died]);
      say(colors.dim('\nEnding the sandbox and all that is in it …'));
      return DONE;
    }
    say(colors.dim(`\nmuster down ${report.fleet}\n`));
    announce(report.fleet);
    return exitCode((await seeThrough(await muster.down(report.fleet), {}))!);
  } finally {
    await muster.close();
  }
}

function sayWhatToTry(uiUrl: string | undefined): void {
  const colors = stderrColors();
  const file = relative(process.cwd(), ENV_FILE);
  say(`
${colors.bold('Try next')}, in a second shell in this folder:
  . ${file.padEnd(36)} ${colors.dim('so that it finds this sandbox')}
  npx muster status s3-read-only
  npx muster scale s3-read-only 5           ${colors.dim('Ctrl-C detaches; the change goes on')}
  npx muster list --all
  npx muster down s3-read-only
  npx muster up examples/s3-read-only.yaml  ${colors.dim('and once more')}
The run in the Temporal UI: ${colors.cyan(uiUrl ?? '')}
${colors.dim('Ctrl-C here ends the sandbox and all that is in it.')}`);
}

function writeExports({ env }: Sandbox): void {
  mkdirSync(join(ROOT, '.muster'), { recursive: true });
  writeFileSync(ENV_FILE, `${exportLines(env)}\n`, { mode: 0o600 });
}

async function end(worker: FleetWorker, working: Promise<void>): Promise<void> {
  worker.shutdown();
  await working;
}
