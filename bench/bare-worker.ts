/**
 * The process of the bare workflow, with the options of Muster's worker. Its arguments are its task queue and what
 * its activities do: `nothing`, or the `calls` of AWS that Muster's make.
 */

import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { awsCalls } from './bare/aws-calls.ts';

const [taskQueue, what] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS! });
const calls = awsCalls();
const empty = Object.fromEntries(Object.keys(calls).map((name) => [name, async () => {}]));
const worker = await Worker.create({
  connection,
  namespace: process.env.TEMPORAL_NAMESPACE!,
  taskQueue: taskQueue!,
  workflowsPath: fileURLToPath(new URL('./bare/workflow.ts', import.meta.url)),
  activities: what === 'calls' ? calls : empty,
  shutdownGraceTime: 10_000,
  maxHeartbeatThrottleInterval: 2_000,
});
await worker.run();
await connection.close();
