/** Where a case is measured: a sandbox, a worker of its own process, and the command as a person meets it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DescribeInstancesCommand, EC2Client, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { ATTRIBUTES } from '../fleet/attributes.ts';
import { FLEET_TAG } from '../fleet/tags.ts';
import { type Behaviour, type Sandbox, startSandbox } from '../sandbox/index.ts';

/** As users install it; `buildMuster` puts it there. It finds what it depends on in the project's node_modules. */
const PACKAGE = fileURLToPath(new URL('../.muster/package', import.meta.url));
const MUSTER = join(PACKAGE, 'bin', 'muster.js');
const BUILD = fileURLToPath(new URL('../setup/build.ts', import.meta.url));

/** Of which all fleets are, whoever makes them. */
export const IMAGE = 'ami-12c6146b';
export const TYPE = 't3.micro';

export interface Field {
  readonly sandbox: Sandbox;
  readonly worker: ChildProcess;
  /** What a command needs in its environment to find the sandbox. */
  readonly env: NodeJS.ProcessEnv;
  /** Removed with the field. */
  readonly folder: string;
  /** Writes a spec of so many instances and answers its path; `more` is YAML of the top level. */
  spec(name: string, count: number, more?: string): Promise<string>;
  /** Runs the command, answers its stdout; fails with what it said unless it ends with 0. */
  muster(...args: string[]): Promise<string>;
  /** How many instances of the fleet AWS says are running. */
  running(fleet: string): Promise<number>;
}

export interface FieldOptions {
  readonly behaviour?: Partial<Behaviour>;
  /** On top of the sandbox's, for the worker. */
  readonly workerEnv?: Record<string, string>;
}

/** Builds the package that is measured. */
export async function buildMuster(): Promise<void> {
  await run(process.execPath, [BUILD, PACKAGE], process.env);
}

/** Opens a field for as long as `use` takes, and leaves nothing behind. */
export async function onField<T>(options: FieldOptions, use: (field: Field) => Promise<T>): Promise<T> {
  const sandbox = await startSandbox({
    searchAttributes: ATTRIBUTES,
    behaviour: { pendingSeconds: 0, ...options.behaviour },
  });
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const env = { ...process.env, ...sandbox.env };
  const worker = spawn(process.execPath, [MUSTER, 'worker'], {
    env: { ...env, ...options.workerEnv },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const ec2 = ec2Of(sandbox);
  const field: Field = {
    sandbox,
    worker,
    env,
    folder,
    async spec(name, count, more = '') {
      const file = join(folder, `${name}.yaml`);
      await writeFile(file, specText(name, count, more));
      return file;
    },
    muster: (...args) => run(process.execPath, [MUSTER, ...args], env),
    async running(fleet) {
      let running = 0;
      const filters = [
        { Name: `tag:${FLEET_TAG}`, Values: [fleet] },
        { Name: 'instance-state-name', Values: ['running'] },
      ];
      const pages = paginateDescribeInstances({ client: ec2, pageSize: 1000 }, { Filters: filters });
      for await (const { Reservations = [] } of pages) {
        for (const { Instances = [] } of Reservations) running += Instances.length;
      }
      return running;
    },
  };
  try {
    await ec2.send(new DescribeInstancesCommand({ MaxResults: 5 }));
    await workerPolls(field);
    return await use(field);
  } finally {
    worker.kill('SIGTERM');
    if (worker.exitCode === null) await new Promise((resolve) => worker.once('exit', resolve));
    ec2.destroy();
    await sandbox.stop();
    await rm(folder, { recursive: true });
  }
}

/** The same fleet for everybody: one role that may read S3, and machines of one kind. */
function specText(name: string, count: number, more: string): string {
  return `name: ${name}
region: us-east-1
policy: { allow: [{ actions: ["s3:Get*", "s3:List*"], resources: ["*"] }] }
instances: { count: ${count}, image: ${IMAGE}, type: ${TYPE} }
${more}`;
}

/** Runs a program to its end and answers its stdout. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, said] = ['', ''];
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      said = (said + text).slice(-4000);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(out)
        : reject(new Error(`${program} ${args.join(' ')} ended with ${code}:\n${out.slice(-2000)}${said}`)),
    );
  });
}

/** `status` answers 4 as long as no worker polls. */
async function workerPolls({ muster }: Field): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const polls = await muster('status', 'nobody', '--json').then(
      () => true,
      (error: Error) => !error.message.includes('ended with 4'),
    );
    if (polls) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the worker does not poll');
}

function ec2Of({ aws }: Sandbox): EC2Client {
  return new EC2Client({
    region: 'us-east-1',
    endpoint: aws.endpoint,
    credentials: aws.keys,
    maxAttempts: 1,
  });
}
