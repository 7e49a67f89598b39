/** The process that hosts workflows and activities. */

import { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import {
  DefaultLogger,
  type LogEntry,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  TransportError,
  Worker,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { TASK_QUEUE } from '../fleet/run.ts';
import { registerAttributes } from './attributes.ts';
import { errands } from './errands.ts';
import { endWorker, LAUNCHES_PER_SECOND, LaunchQueues } from './launch-queues.ts';
import { RetryTeller } from './retry-teller.ts';
import { workflowSource } from './workflow-source.ts';

export interface FleetWorkerOptions {
  /** `host:port`; otherwise as Temporal's own tools find it (environment, TOML profiles). */
  readonly address?: string;
  readonly namespace?: string;
  /** Otherwise MUSTER_TASK_QUEUE, otherwise `muster`. */
  readonly taskQueue?: string;
  /** RunInstances calls for each account and region; otherwise MUSTER_LAUNCHES_PER_SECOND, otherwise EC2's own 2. */
  readonly launchesPerSecond?: number;
  /** A bundle made before; otherwise workflows/ is bundled, which takes about a second. */
  readonly workflowBundle?: WorkflowBundleOption;
  /** How long running activities may go on after a shutdown has begun, in milliseconds. */
  readonly shutdownGraceTime?: number;
  /** Told every ten seconds whether Temporal answers; the worker itself goes on asking for work either way. */
  readonly onTemporal?: (answers: boolean) => void;
}

export interface FleetWorker {
  readonly taskQueue: string;
  /** Of Temporal. */
  readonly address: string;
  /** Polls until `shutdown` or a SIGTERM or SIGINT of the process; resolves when what it held is ended. */
  run(): Promise<void>;
  shutdown(): void;
}

const ASK_EVERY_MS = 10_000;

/**
 * Workflows that are held ready; another is replayed from its history, which is short, when it goes on. The SDK's own
 * default is some two thousand. With 20 a hundred fleets at once took twice as long, and a worker some 20 MB less (measured).
 */
const MOST_CACHED = 100;

async function ask(connection: NativeConnection, tell: FleetWorkerOptions['onTemporal']): Promise<void> {
  if (!tell) return;
  try {
    await connection.withDeadline(Date.now() + 5_000, () => connection.healthService.check({}));
    tell(true);
  } catch {
    tell(false);
  }
}

/** Nothing at the address of Temporal, or no such namespace there. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  constructor(address: string, namespace: string, cause: unknown) {
    const isAnswered = cause instanceof Error && cause.message.includes('code: NotFound');
    super(
      isAnswered
        ? `Temporal at ${address} has no namespace '${namespace}'`
        : `Temporal does not answer at ${address}`,
      { cause },
    );
  }
}

/** Throws a RangeError for what is no pace. */
function paceOf(written: string | undefined): number {
  if (!written) return LAUNCHES_PER_SECOND;
  const pace = Number(written);
  if (pace > 0 && pace <= 1_000) return pace;
  throw new RangeError(`MUSTER_LAUNCHES_PER_SECOND is '${written}': a number over 0, at most 1,000`);
}

/** Where Temporal is, as its own tools find it. */
function temporalAddress(): string {
  return loadClientConnectConfig().connectionOptions.address ?? 'localhost:7233';
}

/** Connects and makes ready to poll. Throws an UnreachableError when there is no Temporal. */
export async function createFleetWorker(options: FleetWorkerOptions = {}): Promise<FleetWorker> {
  const config = loadClientConnectConfig();
  const address = options.address ?? temporalAddress();
  const namespace = options.namespace ?? config.namespace ?? 'default';
  const taskQueue = options.taskQueue ?? process.env.MUSTER_TASK_QUEUE ?? TASK_QUEUE;
  const unreachable = (error: unknown): never => {
    throw new UnreachableError(address, namespace, error);
  };
  const connection = await NativeConnection.connect({ ...config.connectionOptions, address }).catch(
    unreachable,
  );
  const common = {
    connection,
    namespace,
    shutdownGraceTime: options.shutdownGraceTime ?? 10_000,
    // An activity learns of a cancellation by its heartbeat: nobody should wait a minute for that.
    maxHeartbeatThrottleInterval: 2_000,
  };
  const launches = new LaunchQueues({
    common,
    taskQueue,
    launchesPerSecond: options.launchesPerSecond ?? paceOf(process.env.MUSTER_LAUNCHES_PER_SECOND),
  });
  const client = new Client({ connection, namespace });
  const activities = createActivities({
    openLaunches: (place) => launches.openLaunches(place),
    ...errands({ client, address, namespace, taskQueue }),
  });
  launches.serve(activities);
  const [bundle] = await Promise.all([
    options.workflowBundle ?? workflowSource(),
    registerAttributes(connection, namespace),
  ]);
  const worker = await Worker.create({
    ...common,
    taskQueue,
    activities,
    maxCachedWorkflows: MOST_CACHED,
    workflowBundle: bundle,
    interceptors: { activity: [(context) => ({ inbound: new RetryTeller(context) })] },
  }).catch((error) => (error instanceof TransportError ? unreachable(error) : Promise.reject(error)));
  return {
    taskQueue,
    address,
    run: async () => {
      const watch = setInterval(() => ask(connection, options.onTemporal), ASK_EVERY_MS);
      try {
        await worker.run();
      } finally {
        clearInterval(watch);
        launches.shutdown();
        await launches.ended();
        await connection.close();
      }
    },
    shutdown: () => endWorker(worker),
  };
}

/**
 * Has the SDK log warnings and errors alone; nothing of calls whose asker went away (a watcher that detaches takes its
 * query along, a cancelled step its answer), nor each retry of each poller while Temporal is away: `onTemporal` tells
 * that. Before the first worker of a process, if at all.
 */
export function quietRuntime(): void {
  const filter = [
    makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }),
    'temporalio_sdk_core::worker::workflow=error',
    'temporalio_sdk_core::worker::activities=error',
    'temporalio_sdk_core::worker::heartbeat=error',
    'temporalio_client::retry=error',
  ].join(',');
  Runtime.install({ logger: new DefaultLogger('WARN', logLine), telemetryOptions: { logging: { filter } } });
}

/** One line for each: the failure's own words, and of which call, without stacks and tokens. */
function logLine({ level, message, meta }: LogEntry): void {
  // A queue of launches has none on purpose.
  if (message.startsWith('No workflows registered')) return;
  const { activityType, workflowId, error } = (meta ?? {}) as LogMeta;
  const of = [workflowId, activityType].filter(Boolean).join(' ');
  const why = error?.message ?? (typeof error === 'string' ? error : undefined);
  process.stderr.write(
    `${[level, message, of && `(${of})`].filter(Boolean).join(' ')}${why ? `: ${why.replace(/\s+/g, ' ')}` : ''}\n`,
  );
}

interface LogMeta {
  readonly activityType?: string;
  readonly workflowId?: string;
  readonly error?: Error;
}
