/**
 * The transcripts of docs/: blocks of `console`, in which a line with `$ ` is a command and the lines up to the next one
 * are what it says. What a block needs of the world around it stands in comments before it, which a reader does not see:
 *
 *     <!-- sandbox: {"faults": [{"action": "CreateRole", "error": {...}}], "behaviour": {"propagationSeconds": 60}} -->
 *     <!-- command: TEMPORAL_NAMESPACE=other -->      of the environment of its commands
 *     <!-- worker: AWS_ACCESS_KEY_ID= -->             of a worker of its own; empty is unset
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Behaviour, Fault } from '../sandbox/index.ts';
import { MUSTER, startMuster } from './command.ts';
import type { World } from './world.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface Exchange {
  readonly command: string;
  readonly answer: string;
}

interface Block {
  readonly sandbox: { readonly faults?: readonly Fault[]; readonly behaviour?: Partial<Behaviour> };
  readonly commandEnv: Readonly<Record<string, string>>;
  /** Absent when the world's own worker does the work. */
  readonly workerEnv?: Readonly<Record<string, string>>;
  readonly exchanges: readonly Exchange[];
}

/** Names of the pages that have transcripts. */
export function pages(): string[] {
  const all = readdirSync(`${ROOT}/docs`).filter((name) => name.endsWith('.md'));
  return all.filter((name) => blocksOf(pageText(name)).length > 0);
}

export function pagePath(page: string): string {
  return `${ROOT}/docs/${page}`;
}

export function pageText(page: string): string {
  return readFileSync(pagePath(page), 'utf8');
}

const PART = /^<!-- (sandbox|command|worker): (.*?) -->$|^```console\n(.*?)^```$/gms;

export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let said: Record<string, string> = {};
  for (const [, about, value, block] of text.matchAll(PART)) {
    if (about !== undefined) said[about] = value!;
    else {
      blocks.push({
        sandbox: JSON.parse(said.sandbox ?? '{}'),
        commandEnv: envOf(said.command ?? ''),
        ...(said.worker !== undefined && { workerEnv: envOf(said.worker) }),
        exchanges: exchangesOf(block!),
      });
      said = {};
    }
  }
  return blocks;
}

function envOf(words: string): Record<string, string> {
  const pairs = words.split(' ').filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
}

function exchangesOf(block: string): Exchange[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command, ...answer] = part.split('\n');
      return { command: command!, answer: answer.join('\n').trim() };
    });
}

/** Runs a block's commands, one after the other, in the world that it asks for. */
export async function* runBlock(world: World, block: Block): AsyncGenerator<Exchange & { said: string }> {
  const { sandbox, commandEnv, workerEnv, exchanges } = block;
  const { aws } = world;
  const before = { ...aws.behaviour };
  for (const fault of sandbox.faults ?? []) aws.fault(fault);
  if (sandbox.behaviour) aws.configure(sandbox.behaviour);
  const worker = workerEnv && (await ownWorker(world, workerEnv));
  try {
    const env = { ...(worker && { MUSTER_TASK_QUEUE: OWN_QUEUE }), ...commandEnv };
    for (const exchange of exchanges) yield { ...exchange, said: await run(exchange.command, env) };
  } finally {
    aws.clearFaults();
    aws.configure(before);
    if (worker) await ended(worker);
  }
}

const OWN_QUEUE = 'own';

async function ownWorker({ client }: World, env: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const given = Object.entries(env).map(([name, value]) => [name, value === '' ? undefined : value]);
  const worker = startMuster(['worker'], { ...Object.fromEntries(given), MUSTER_TASK_QUEUE: OWN_QUEUE });
  // What it finds of AWS is not asked for: it may be meant to find nothing.
  const asked = { namespace: 'default', taskQueue: { name: OWN_QUEUE }, taskQueueType: 1 };
  for (let tries = 0; tries < 600; tries++) {
    const { pollers } = await client.workflowService.describeTaskQueue(asked);
    if (pollers && pollers.length > 0) return worker;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the worker does not poll');
}

async function ended(worker: ChildProcess): Promise<void> {
  const exit = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exit;
}

/** What differs from run to run, in letters that stand for it. */
export function timeless(text: string): string {
  return (
    text
      .replace(/\bi-[0-9a-f]{17}\b/g, 'ID')
      .replace(/(?:\b|(?<=%3A))[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'RUN')
      .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
      .replace(/since TIME \([^)]*\)/g, 'since TIME (SOME)')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d \S+,/g, 'TIME,')
      .replace(/[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d/g, 'WHEN')
      .replace(/\b10(\.\d+){3}\b/g, 'IP')
      .replace(/127\.0\.0\.1:\d+/g, 'HERE')
      .replace(/\d+\.\d+ s\b/g, 'SOME s')
      .replace(/\b\d+@\S+ on '/g, "WHO on '")
      .replace(/\bby [^\s@]+@\S+/g, 'by WHO')
      .replace(/\b(muster|SDK|Node|server) \d+\.\d+\.\d+/g, '$1 VERSION')
      .replace(/up for \d+ (s|min)\b/g, 'up for SOME s')
      .replace(/asked (once|\d+ times)/g, 'asked OFTEN')
      // Columns are as wide as what stands in them.
      .replace(/ {2,}/g, '  ')
      .trim()
  );
}

/** As a shell takes it apart: quotes hold together. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
}

/** What it says on stdout, or when there is nothing, on stderr. */
function run(command: string, env: Readonly<Record<string, string>>): Promise<string> {
  const [npx, muster, ...args] = wordsOf(command);
  assert.deepEqual([npx, muster], ['npx', 'muster'], `a command that the tests do not run: ${command}`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MUSTER, ...args], {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1', TZ: 'UTC', npm_command: 'exec', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, said] = ['', ''];
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.once('error', reject);
    child.once('close', () => resolve(out || said));
  });
}
