/** The proof: a program on one of the instances uses credentials that nobody gave it. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LocalAws } from '../sandbox/index.ts';

const PROGRAM = fileURLToPath(new URL('../examples/on-instance.ts', import.meta.url));
const BUCKET = 'muster-demo';
const PATIENCE_MS = 60_000;

/**
 * Runs examples/on-instance.ts as if on the instance: a process whose metadata endpoint is the instance's, and which
 * knows nothing else. Tells each line it prints. Rejects when it does not end well.
 */
export async function prove(aws: LocalAws, instanceId: string, tell: (line: string) => void): Promise<void> {
  await aws.seedBucket(BUCKET, { 'hello.txt': 'hello from S3' });
  const home = await mkdtemp(join(tmpdir(), 'muster-instance-'));
  try {
    const program = spawn(process.execPath, ['--no-warnings', PROGRAM, BUCKET], {
      cwd: home,
      // No key, no profile, and a home without any.
      env: {
        HOME: home,
        USERPROFILE: home,
        PATH: process.env.PATH,
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL: aws.endpoint,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: await aws.metadataEndpoint(instanceId),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE_MS,
    });
    let complaint = '';
    program.stderr.on('data', (text) => {
      complaint += text;
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      program.once('error', reject);
      program.once('close', (code) => resolve(code));
    });
    for await (const line of createInterface({ input: program.stdout })) tell(line);
    const code = await ended;
    if (code !== 0) throw new Error(`the program on ${instanceId} ended with ${code}:\n${complaint}`);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
