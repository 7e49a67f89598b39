/**
 * A hundred fleets at once on one worker, beside bare workflows with as many activities: once empty ones, which is the
 * most that Temporal gives here, and once with the same AWS calls, which is the most that this AWS gives. How long the
 * calls alone take, without any Temporal, is told beside it.
 */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { specFromFile } from '../../client/index.ts';
import { fleetWorkflowId, TASK_QUEUE } from '../../fleet/run.ts';
import { awsCalls } from '../bare/aws-calls.ts';
import type { Stages } from '../bare/workflow.ts';
import type { BenchCase, Row } from '../case.ts';
import { type Field, onField } from '../field.ts';

const FLEETS = 100;
const WANTED = 0.8;
const BARE_WORKER = fileURLToPath(new URL('../bare-worker.ts', import.meta.url));

export const crowd: BenchCase = { name: 'crowd', measure };

/** What one way of doing a hundred came to. */
interface Pace {
  readonly perSecond: number;
  /** AWS calls for each fleet. */
  readonly calls: number;
}

async function measure(): Promise<Row[]> {
  const { muster, empty, stages } = await onEmptyField(async (field, client) => {
    await fleets(field, client, 'warm', 1);
    const stages = await stagesOf(client, fleetWorkflowId('warm-0'));
    const empty = await paceOf(field, () => bares(field, client, stages, 'nothing', 'empty'));
    const muster = await paceOf(field, () => fleets(field, client, 'crowd', FLEETS));
    await allRun(field, 'crowd');
    return { muster, empty, stages };
  });
  const calls = await onEmptyField(async (field, client) => {
    const pace = await paceOf(field, () => bares(field, client, stages, 'calls', 'calls'));
    await allRun(field, 'calls');
    return pace;
  });
  const alone = await onEmptyField(async (field) => {
    const pace = await paceOf(field, () => callsAlone(field, stages, 'alone'));
    await allRun(field, 'alone');
    return pace;
  });
  const row = (what: string, against: Pace, words: string): Row => {
    const ratio = muster.perSecond / against.perSecond;
    return {
      case: `${FLEETS} fleets at once on one worker, ${what}`,
      muster: paceWords(muster),
      against: words,
      ratio: ratio.toFixed(2),
      wanted: `at least ${WANTED}`,
      holds: ratio >= WANTED,
    };
  };
  return [
    row(
      'launches not paced',
      empty,
      `bare workflows of ${stages.flat().length} empty activities: ${empty.perSecond.toFixed(1)}/s`,
    ),
    row(
      'the emulated AWS counted in',
      calls,
      `the same bare workflows making the calls: ${paceWords(calls)}; the calls without Temporal: ${paceWords(alone)}`,
    ),
  ];
}

function paceWords({ perSecond, calls }: Pace): string {
  return `${perSecond.toFixed(1)}/s, ${calls.toFixed(1)} AWS calls each`;
}

/** The emulator gets slower with all that it holds: each way that calls it begins with one that holds nothing. */
function onEmptyField<T>(use: (field: Field, client: Client) => Promise<T>): Promise<T> {
  return onField(
    {
      behaviour: { propagationSeconds: 0 },
      // EC2's own pace of 2 a second would be all that is measured.
      workerEnv: { MUSTER_LAUNCHES_PER_SECOND: '1000' },
    },
    async (field) => {
      const { address, namespace } = field.sandbox.temporal;
      const connection = await Connection.connect({ address });
      try {
        return await use(field, new Client({ connection, namespace }));
      } finally {
        await connection.close();
      }
    },
  );
}

async function paceOf({ sandbox }: Field, way: () => Promise<number>): Promise<Pace> {
  sandbox.aws.clearCalls();
  const seconds = await way();
  return { perSecond: FLEETS / seconds, calls: sandbox.aws.calls().length / FLEETS };
}

/** Seconds from the first start to the last end. */
async function timed(work: (index: number) => Promise<unknown>, count: number): Promise<number> {
  const started = performance.now();
  await Promise.all(Array.from({ length: count }, (_, index) => work(index)));
  return (performance.now() - started) / 1000;
}

async function fleets(field: Field, client: Client, name: string, count: number): Promise<number> {
  const names = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const checked = await Promise.all(names.map(async (name) => specFromFile(await field.spec(name, 1))));
  return timed((index) => {
    const { spec, hash } = checked[index]!;
    return client.workflow.execute('bootstrapFleet', {
      args: [{ spec, specHash: hash }],
      taskQueue: TASK_QUEUE,
      workflowId: fleetWorkflowId(spec.name),
    });
  }, count);
}

/** The activities of a run as its history has them: those that one workflow task has scheduled are one stage. */
async function stagesOf(client: Client, workflowId: string): Promise<Stages> {
  const stages = new Map<string, string[]>();
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? []) {
    if (!scheduled) continue;
    const task = `${scheduled.workflowTaskCompletedEventId}`;
    stages.set(task, [...(stages.get(task) ?? []), scheduled.activityType!.name!]);
  }
  return [...stages.values()];
}

async function bares(
  field: Field,
  client: Client,
  stages: Stages,
  what: 'nothing' | 'calls',
  name: string,
): Promise<number> {
  const taskQueue = `bare-${name}`;
  const worker = spawn(process.execPath, [BARE_WORKER, taskQueue, what], {
    env: field.env,
    stdio: 'inherit',
  });
  const one = (index: number | string) =>
    client.workflow.execute('bare', {
      args: [`${name}-${index}`, stages],
      taskQueue,
      workflowId: `${taskQueue}-${index}`,
    });
  try {
    // As Muster's worker it has had a run when it is measured.
    await client.workflow.execute('bare', { args: ['', []], taskQueue, workflowId: `${taskQueue}-warm` });
    return await timed(one, FLEETS);
  } finally {
    worker.kill('SIGTERM');
    if (worker.exitCode === null) await new Promise((resolve) => worker.once('exit', resolve));
  }
}

/** The calls of each fleet in the same order, all fleets at once, from this process. */
async function callsAlone(field: Field, stages: Stages, name: string): Promise<number> {
  Object.assign(process.env, field.sandbox.env);
  const calls: Record<string, (fleet: string) => Promise<void>> = awsCalls();
  return timed(async (index) => {
    for (const stage of stages) {
      await Promise.all(stage.map((activity) => calls[activity]!(`${name}-${index}`)));
    }
  }, FLEETS);
}

/** That AWS has all of them is what makes a figure one. */
async function allRun(field: Field, name: string): Promise<void> {
  const running = await field.running(`${name}-*`);
  if (running !== FLEETS) throw new Error(`of ${FLEETS} fleets ${running} run`);
}
