/**
 * What a worker takes of the machine's memory while many fleets are under way, and when they have ended. All of them
 * borrow one profile that EC2 does not get to know: they have been planned, and wait for it.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { Client, Connection } from '@temporalio/client';
import { specFrom } from '../../client/index.ts';
import { fleetWorkflowId, TASK_QUEUE } from '../../fleet/run.ts';
import type { BenchCase, Row } from '../case.ts';
import { type Field, onField } from '../field.ts';

const CROWDS = [100, 1_000];
const ROUNDS = 2;
const MOST_MB = 300;
const MOST_GROWTH = 1.1;
const STARTS_AT_ONCE = 20;
const PROFILE = 'lent';
/** After all wait, and after all have ended: what is still under way comes to its end. */
const SETTLE_MS = 10_000;
/** For all to be planned. On a slow machine not all are by then, and the row says how many. */
const PATIENCE_MS = 240_000;

export const memory: BenchCase = {
  name: 'memory',
  async measure() {
    const rows: Row[] = [];
    for (const count of CROWDS) rows.push(await measureCrowd(count));
    return rows;
  },
};

interface Round {
  readonly planned: number;
  readonly waiting: number;
  readonly ended: number;
}

function measureCrowd(count: number): Promise<Row> {
  return onField({ behaviour: { propagationSeconds: 1e6 } }, async (field) => {
    const { address, namespace } = field.sandbox.temporal;
    const connection = await Connection.connect({ address });
    try {
      await lendProfile(field);
      const client = new Client({ connection, namespace });
      const rounds: Round[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        rounds.push(await measureRound(field, client, count, round));
      }
      return rowOf(count, rounds);
    } finally {
      await connection.close();
    }
  });
}

async function measureRound(field: Field, client: Client, count: number, round: number): Promise<Round> {
  const names = Array.from({ length: count }, (_, index) => `crowd-${round}-${index}`);
  field.sandbox.aws.clearCalls();
  await forEach(names, (name) => start(client, name));
  const planned = await mostPlanned(field, count);
  await sleep(SETTLE_MS);
  const waiting = residentMB(field.worker.pid!);
  await forEach(names, async (name) => {
    const handle = client.workflow.getHandle(fleetWorkflowId(name));
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') throw new Error(`${name} was to wait, and is ${status.name}`);
    await handle.terminate();
  });
  await sleep(SETTLE_MS);
  return { planned, waiting, ended: residentMB(field.worker.pid!) };
}

function rowOf(count: number, rounds: readonly Round[]): Row {
  const most = Math.max(...rounds.map(({ waiting }) => waiting));
  const [first, last] = [rounds[0]!, rounds.at(-1)!];
  const planned = Math.min(...rounds.map((round) => round.planned));
  const growth = last.waiting / first.waiting;
  const listed = (of: (round: Round) => number) => rounds.map((round) => of(round).toFixed(0)).join(', ');
  return {
    case: `memory of a worker with ${count.toLocaleString('en')} fleets in progress, ${ROUNDS} rounds`,
    muster: `${listed((round) => round.planned)} planned and waiting, ${listed(({ waiting }) => waiting)} MB; when they have ended ${listed(({ ended }) => ended)} MB`,
    against: 'its first round',
    ratio: growth.toFixed(2),
    wanted: `under ${MOST_MB} MB, and at most ${MOST_GROWTH}`,
    holds: planned === count && most < MOST_MB && growth <= MOST_GROWTH,
  };
}

async function lendProfile({ sandbox: { aws } }: Field): Promise<void> {
  const iam = new IAMClient({ region: 'us-east-1', endpoint: aws.endpoint, credentials: aws.keys });
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  });
  await iam.send(new CreateRoleCommand({ RoleName: PROFILE, AssumeRolePolicyDocument }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: PROFILE }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: PROFILE, RoleName: PROFILE }));
  iam.destroy();
}

function start(client: Client, name: string): Promise<unknown> {
  const { spec, hash } = specFrom({
    name,
    region: 'us-east-1',
    profile: PROFILE,
    instances: { count: 1, image: 'ami-12c6146b', type: 't3.micro' },
    deadlines: { step: 3600, propagation: 3600 },
  });
  return client.workflow.start('bootstrapFleet', {
    args: [{ spec, specHash: hash }],
    taskQueue: TASK_QUEUE,
    workflowId: fleetWorkflowId(name),
  });
}

/** For how many the last call before the wait has been made: all of them, unless patience ends first. */
async function mostPlanned({ sandbox: { aws } }: Field, count: number): Promise<number> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const planned = aws.calls().filter(({ action }) => action === 'DescribeInstanceTypeOfferings').length;
    if (planned >= count) return count;
    if (Date.now() > until) return planned;
    await sleep(500);
  }
}

async function forEach(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const left = [...names];
  const hand = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await work(name);
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, hand));
}

/** Windows has neither. */
function residentMB(pid: number): number {
  const kib =
    process.platform === 'linux'
      ? /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]
      : execFileSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' });
  return (Number(kib) * 1024) / 1e6;
}
