/** A real Temporal server with its web UI: the development server of Temporal's command-line tool. */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { freePort, startLeashed, untilReady } from './processes.ts';

export interface LocalTemporal {
  /** `host:port` */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
  /** Rejects when the server ends by itself. */
  readonly died: Promise<never>;
  stop(): Promise<void>;
  /** By SIGKILL: what it has not written to its `dbFile` is lost. */
  kill(): Promise<void>;
}

export interface LocalTemporalOptions {
  readonly port?: number;
  readonly uiPort?: number;
  /** Of its namespace from the start on: one that is added later is known some seconds later. */
  readonly searchAttributes?: Readonly<Record<string, string>>;
  /** Where it keeps what it knows; otherwise it forgets all at its end. */
  readonly dbFile?: string;
  /** Of the project's Python environment. */
  readonly python: { readonly python: string; readonly bin: string };
}

/**
 * With its defaults the development server polls its queues 20 times a second, and a workflow pays 50 ms and more for
 * each step after its first ten (measured: 100 activities in a row took 5.1 s with them, 1.3 s without).
 */
const UNBRAKED = ['history.transferProcessorMaxPollRPS=5000', 'history.timerProcessorMaxPollRPS=5000'];

/**
 * Fairness keys count, and the rate of a task queue is kept exactly: over the four partitions that are the default, a
 * rate of 2 a second came to 1.4 (measured, 16 tasks).
 */
const FAIR = [
  'matching.useNewMatcher=true',
  'matching.enableFairness=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

const NAMESPACE = 'default';

export async function startLocalTemporal(options: LocalTemporalOptions): Promise<LocalTemporal> {
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  const settings = [
    ...[...UNBRAKED, ...FAIR].flatMap((setting) => ['--dynamic-config-value', setting]),
    ...Object.entries(options.searchAttributes ?? {}).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
    ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile]),
  ];
  const executable = findTemporal(options.python.bin);
  const server = executable
    ? startLeashed(options.python.python, 'The Temporal server', executable, [
        'server',
        'start-dev',
        ...['--ip', '127.0.0.1', '--port', `${port}`, '--ui-port', `${uiPort}`, '--log-level', 'error'],
        ...settings,
      ])
    : await startDownloaded(port, uiPort, settings);
  const address = `127.0.0.1:${port}`;
  try {
    await answers(address, server.died);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    address,
    namespace: NAMESPACE,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    died: server.died,
    stop: server.stop,
    kill: server.kill,
  };
}

/** An explicit path wins, then one on the PATH, then the wheel of the project's Python environment. */
export function findTemporal(bin: string): string | undefined {
  const explicit = process.env.MUSTER_TEMPORAL;
  if (explicit) {
    if (!existsSync(explicit)) throw new Error(`MUSTER_TEMPORAL names ${explicit}, which does not exist.`);
    return explicit;
  }
  const name = process.platform === 'win32' ? 'temporal.exe' : 'temporal';
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), bin];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Where no wheel exists (Windows, musl), the SDK fetches the server itself. */
async function startDownloaded(port: number, uiPort: number, extraArgs: string[]) {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { ip: '127.0.0.1', port, ui: true, uiPort, extraArgs },
  });
  const stop = () => environment.teardown();
  return { died: new Promise<never>(() => {}), stop, kill: stop };
}

async function answers(address: string, died: Promise<never>): Promise<void> {
  const { Connection } = await import('@temporalio/client');
  const connection = await untilReady(30, died, () => Connection.connect({ address, connectTimeout: 1000 }));
  try {
    await untilReady(30, died, () => connection.workflowService.describeNamespace({ namespace: NAMESPACE }));
  } finally {
    await connection.close();
  }
}
