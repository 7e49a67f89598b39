/** The process that hosts workflows and activities. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { TASK_QUEUE } from '../fleet/run.ts';

export interface FleetWorkerOptions {
  /** `host:port`; otherwise as Temporal's own tools find it (environment, TOML profiles). */
  readonly address?: string;
  readonly namespace?: string;
  /** Otherwise MUSTER_TASK_QUEUE, otherwise `muster`. */
  readonly taskQueue?: string;
  /** A bundle made before; otherwise workflows/ is bundled, which takes about a second. */
  readonly workflowBundle?: WorkflowBundleOption;
  /** How long running activities may go on after a shutdown has begun, in milliseconds. */
  readonly shutdownGraceTime?: number;
}

export interface FleetWorker {
  readonly taskQueue: string;
  /** Of Temporal. */
  readonly address: string;
  /** Polls until `shutdown` or a SIGTERM or SIGINT of the process; resolves when what it held is ended. */
  run(): Promise<void>;
  shutdown(): void;
}

/** Nothing at the address of Temporal, or no address. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly address: string;

  constructor(address: string, cause: unknown) {
    super(`Temporal does not answer at ${address}`, { cause });
    this.address = address;
  }
}

/** Where Temporal is, as its own tools find it. */
function temporalAddress(): string {
  return loadClientConnectConfig().connectionOptions.address ?? 'localhost:7233';
}

/** Connects and makes ready to poll. Throws an UnreachableError when there is no Temporal. */
export async function createFleetWorker(options: FleetWorkerOptions = {}): Promise<FleetWorker> {
  const config = loadClientConnectConfig();
  const address = options.address ?? temporalAddress();
  const connection = await NativeConnection.connect({ ...config.connectionOptions, address }).catch(
    (error) => {
      throw new UnreachableError(address, error);
    },
  );
  const taskQueue = options.taskQueue ?? process.env.MUSTER_TASK_QUEUE ?? TASK_QUEUE;
  const worker = await Worker.create({
    connection,
    namespace: options.namespace ?? config.namespace,
    taskQueue,
    activities: createActivities(),
    ...workflowSource(options),
    shutdownGraceTime: options.shutdownGraceTime ?? 10_000,
    // An activity learns of a cancellation by its heartbeat: nobody should wait a minute for that.
    maxHeartbeatThrottleInterval: 2_000,
  });
  return {
    taskQueue,
    address,
    run: async () => {
      try {
        await worker.run();
      } finally {
        await connection.close();
      }
    },
    shutdown: () => {
      // A signal to the process may have been quicker.
      if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}

/**
 * Has the SDK log warnings and errors alone, and nothing of calls whose asker went away: a watcher that detaches takes
 * its query along, a cancelled step its answer. Before the first worker of a process, if at all.
 */
export function quietRuntime(): void {
  const filter = [
    makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }),
    'temporalio_sdk_core::worker::workflow=error',
    'temporalio_sdk_core::worker::activities=error',
  ].join(',');
  Runtime.install({ logger: new DefaultLogger('WARN'), telemetryOptions: { logging: { filter } } });
}

/** The published package brings its bundle along; in the source tree workflows/ is bundled at each start. */
function workflowSource({ workflowBundle }: FleetWorkerOptions): Partial<WorkerOptions> {
  if (workflowBundle) return { workflowBundle };
  const bundled = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(bundled)) return { workflowBundle: { codePath: bundled } };
  return { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) };
}
