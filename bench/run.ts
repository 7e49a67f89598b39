/**
 * `npm run bench`: how long `muster up` takes as a person meets it, from the command's start to its exit, against a
 * running worker and the sandbox's AWS. After each run AWS is asked whether the fleet is there.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { FLEET_TAG } from '../fleet/tags.ts';
import { startSandbox } from '../sandbox/index.ts';

const MUSTER = fileURLToPath(new URL('../bin/muster.js', import.meta.url));
const RUNS = 5;

interface Case {
  readonly title: string;
  readonly count: number;
  readonly propagation: number;
  readonly wanted: string;
}

const CASES: readonly Case[] = [
  { title: '10 instances, no propagation', count: 10, propagation: 0, wanted: 'under 2 s' },
  { title: '10 instances, propagation 8 s', count: 10, propagation: 8, wanted: 'under 10 s' },
];

const sandbox = await startSandbox({ behaviour: { pendingSeconds: 0 } });
const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
const env = { ...process.env, ...sandbox.env };
const worker = spawn(process.execPath, [MUSTER, 'worker'], { env, stdio: ['ignore', 'ignore', 'pipe'] });

try {
  const ec2 = new EC2Client({
    region: 'us-east-1',
    endpoint: sandbox.aws.endpoint,
    credentials: {
      accessKeyId: sandbox.env.AWS_ACCESS_KEY_ID!,
      secretAccessKey: sandbox.env.AWS_SECRET_ACCESS_KEY!,
    },
  });
  await workerPolls();
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${RUNS} runs each\n`,
  );
  console.log('| case | median | least | most | beyond the propagation | AWS calls | wanted |');
  console.log('|---|---|---|---|---|---|---|');
  for (const [at, bench] of CASES.entries()) console.log(await measure(ec2, `bench-${at}`, bench));
} finally {
  worker.kill('SIGTERM');
  await new Promise((resolve) => worker.once('exit', resolve));
  await sandbox.stop();
  await rm(folder, { recursive: true });
}

async function measure(ec2: EC2Client, name: string, bench: Case): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `name: ${name}
region: us-east-1
policy: { allow: [{ actions: ["s3:Get*", "s3:List*"], resources: ["*"] }] }
instances: { count: ${bench.count}, image: ami-12c6146b, type: t3.micro }
`,
  );
  sandbox.aws.configure({ propagationSeconds: bench.propagation });
  const seconds: number[] = [];
  let calls = 0;
  for (let run = 0; run < RUNS; run++) {
    sandbox.aws.clearCalls();
    const started = performance.now();
    await muster('up', file, '--json');
    seconds.push((performance.now() - started) / 1000);
    calls = sandbox.aws.calls().length;
    await assertThere(ec2, name, bench.count);
    await muster('down', name, '--yes', '--json');
  }
  seconds.sort((a, b) => a - b);
  const median = seconds[Math.floor(RUNS / 2)]!;
  const beyond =
    bench.propagation === 0
      ? ''
      : `${(median - bench.propagation).toFixed(2)} s (× ${(median / bench.propagation).toFixed(2)})`;
  return `| ${bench.title} | ${median.toFixed(2)} s | ${seconds[0]!.toFixed(2)} s | ${seconds.at(-1)!.toFixed(2)} s | ${beyond} | ${calls} | ${bench.wanted} |`;
}

function muster(...args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MUSTER, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`muster ${args.join(' ')} ended with ${code}:\n${said}`)),
    );
  });
}

/** `list` answers 4 as long as no worker polls. */
async function workerPolls(): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const started = await muster('status', 'nobody', '--json').then(
      () => true,
      (error: Error) => !error.message.includes('ended with 4'),
    );
    if (started) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the worker does not poll');
}

async function assertThere(ec2: EC2Client, name: string, count: number): Promise<void> {
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({
      Filters: [
        { Name: `tag:${FLEET_TAG}`, Values: [name] },
        { Name: 'instance-state-name', Values: ['running'] },
      ],
    }),
  );
  const running = Reservations.flatMap(({ Instances = [] }) => Instances).length;
  if (running !== count) throw new Error(`${name} has ${running} running instances, not ${count}`);
}
