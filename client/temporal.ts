/** The way to Temporal: found as Temporal's own tools find it, and asked who polls. */

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  Connection,
  type ConnectionOptions,
  isGrpcServiceError,
  NamespaceNotFoundError,
  ServiceError,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { TASK_QUEUE } from '../fleet/run.ts';
import { uiBase } from '../fleet/ui-link.ts';
import { connectionClosed, MusterError, namespaceUnknown, noWorker, temporalUnreachable } from './errors.ts';
import { OwnCalls } from './own-calls.ts';
import { owner } from './owner.ts';
import { WorkerWait } from './worker-wait.ts';

export interface ConnectOptions {
  /** `host:port`. Otherwise from the environment (TEMPORAL_ADDRESS) or a TOML profile. */
  readonly address?: string;
  /** Otherwise from the environment (TEMPORAL_NAMESPACE) or the profile, otherwise `default`. */
  readonly namespace?: string;
  /** Otherwise MUSTER_TASK_QUEUE, otherwise `muster`. */
  readonly taskQueue?: string;
  /** Where Temporal's web UI is. Otherwise MUSTER_UI_URL, otherwise guessed for Temporal Cloud and a local server. */
  readonly uiUrl?: string;
  /**
   * Called once when no worker answers yet, with for how many seconds one is waited for. Without it none is waited for where
   * none polls.
   */
  readonly onWorkerAwaited?: (taskQueue: string, seconds: number) => void;
  /** Called when a look at AWS takes its time because a call of it is made again and again: with the call, and AWS's words. */
  readonly onLookRetried?: (reason: string) => void;
}

/** A way to Temporal, and where in it Muster's workers are. */
export interface Temporal {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly uiUrl: string | undefined;
  /** How long a worker is waited for by all that is asked in a row, and who is told. */
  readonly workerWait?: WorkerWait;
  readonly onLookRetried?: ConnectOptions['onLookRetried'];
  /** How long an answer of AWS is waited for, its retries included. Default: a minute. */
  readonly lookSeconds?: number;
  /** Of a connection that Muster has made, and so may close; nobody else's is closed. */
  readonly own?: OwnConnection;
}

export interface OwnConnection {
  readonly calls: OwnCalls;
  /** Calls that are under way end with it. */
  close(): Promise<void>;
}

/** A worker that polls asks again within a minute; Temporal remembers for five who has asked. */
const POLLS_WITHIN_MS = 70_000;
const GRPC_CANCELLED = 1;
const GRPC_DEADLINE_EXCEEDED = 4;
const GRPC_NOT_FOUND = 5;
const GRPC_RESOURCE_EXHAUSTED = 8;
const GRPC_FAILED_PRECONDITION = 9;
const UNANSWERED = [GRPC_CANCELLED, GRPC_DEADLINE_EXCEEDED, GRPC_RESOURCE_EXHAUSTED];

/** Throws TemporalUnreachable. */
export async function connectToTemporal(options: ConnectOptions): Promise<Temporal> {
  const config = loadConfig();
  const address = options.address ?? addressIn(config);
  const namespace = options.namespace ?? config.namespace ?? 'default';
  const calls = new OwnCalls();
  const taskQueue = options.taskQueue ?? process.env.MUSTER_TASK_QUEUE ?? TASK_QUEUE;
  let connection: Connection;
  try {
    connection = await Connection.connect({
      connectTimeout: '3s',
      interceptors: [calls.interceptor],
      ...config.connectionOptions,
      address,
    });
  } catch (error) {
    throw temporalUnreachable(address, error);
  }
  return {
    client: new Client({ connection, namespace, identity: owner() }),
    address,
    namespace,
    taskQueue,
    uiUrl: options.uiUrl ?? uiBase(process.env.MUSTER_UI_URL, address),
    workerWait: waitFor(taskQueue, options.onWorkerAwaited),
    onLookRetried: options.onLookRetried,
    own: {
      calls,
      close: () => {
        calls.end();
        return connection.close();
      },
    },
  };
}

/** Whether anything listens where Temporal is said to be: known sooner than whether Temporal answers there. */
export async function isListening(withinMs: number): Promise<boolean> {
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(addressIn(loadConfig()))!;
  const socket = connect({ host, port: Number(port ?? 7233), timeout: withinMs });
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('timeout', () => resolve(false));
      socket.once('error', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

function addressIn({ connectionOptions }: ReturnType<typeof loadConfig>): string {
  return connectionOptions.address ?? 'localhost:7233';
}

function loadConfig(): { connectionOptions: ConnectionOptions; namespace?: string } {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    throw new MusterError(
      'TemporalUnreachable',
      `Temporal's configuration cannot be read: ${(error as Error).message}`,
      'see TEMPORAL_CONFIG_FILE and TEMPORAL_PROFILE',
    );
  }
}

const LOOK_EVERY_MS = 250;

/** Waits a little for a worker, if somebody is to be told so. Throws NoWorker, or TemporalUnreachable when the namespace is unknown. */
export async function assertWorkerPolls(temporal: Temporal): Promise<void> {
  const { taskQueue, address, workerWait } = temporal;
  if (await workerPolls(temporal)) return;
  const begun = Date.now();
  while (workerWait?.isTold && !workerWait.missed(begun, true)) {
    await sleep(LOOK_EVERY_MS);
    if (await workerPolls(temporal)) return;
  }
  throw noWorker(taskQueue, address);
}

function waitFor(taskQueue: string, onAwaited: ConnectOptions['onWorkerAwaited']): WorkerWait {
  return new WorkerWait(onAwaited && ((seconds) => onAwaited(taskQueue, seconds)));
}

async function workerPolls(temporal: Temporal): Promise<boolean> {
  return (await pollersOf(temporal)).length > 0;
}

/** Who has lately asked for work, as their SDK calls them: `PID@HOST`. */
export async function pollersOf(temporal: Temporal): Promise<string[]> {
  const { client, namespace, taskQueue } = temporal;
  try {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: 1,
    });
    const polling = (pollers ?? []).filter(
      ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < POLLS_WITHIN_MS,
    );
    return [...new Set(polling.map(({ identity }) => identity || 'a worker'))];
  } catch (error) {
    throw asMusterError(temporal, error);
  }
}

/**
 * Whether the call was given up because nobody answered in time: here, or in Temporal, which ends it a moment earlier, or
 * takes none because too many wait.
 */
export function isUnanswered(error: unknown): boolean {
  return UNANSWERED.includes(grpcError(error)?.code as number);
}

/** Whether Temporal answered that no worker will: none has asked for work lately, or the run ended before one did. */
export function isPastWorkers(error: unknown): boolean {
  return grpcError(error)?.code === GRPC_FAILED_PRECONDITION;
}

/** Whether Temporal knows no such run, or no more. */
export function isUnknown(error: unknown): boolean {
  return grpcError(error)?.code === GRPC_NOT_FOUND;
}

/** Whether the run ended before any worker took it up. */
export function hadNotBegun(error: unknown): boolean {
  return isPastWorkers(error) && grpcError(error)!.details.includes('closed before WorkflowTaskStarted');
}

function grpcError(error: unknown) {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) ? cause : undefined;
}

/** What Temporal's refusal means; an error of any other kind stays as it is. */
export function asMusterError(
  { namespace, address, own }: Pick<Temporal, 'namespace' | 'address' | 'own'>,
  error: unknown,
) {
  if (own?.calls.haveEnded && isOfTemporal(error)) return connectionClosed(address);
  if (error instanceof NamespaceNotFoundError) return namespaceUnknown(namespace, address);
  if (isGrpcServiceError(error) && error.code === GRPC_NOT_FOUND) return namespaceUnknown(namespace, address);
  if (isOfTemporal(error)) return temporalUnreachable(address, error);
  return error;
}

/** Whether the same call may be answered a little later, by a server that was restarted meanwhile. */
export function isOutage({ own }: Pick<Temporal, 'own'>, known: unknown): boolean {
  return known instanceof MusterError && known.code === 'TemporalUnreachable' && !own?.calls.haveEnded;
}

const isOfTemporal = (error: unknown): boolean => isGrpcServiceError(error) || error instanceof ServiceError;
