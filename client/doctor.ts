/** A doctor's round: everything that a fleet depends on, each looked at by itself and for a short time. */

import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import {
  type DoctorLine,
  type DoctorReport,
  type Examination,
  type ExaminedSpec,
  examinedLines,
  skipped,
  unexaminedLines,
} from '../fleet/doctor.ts';
import { withoutUserData } from '../fleet/spec.ts';
import packageJson from '../package.json' with { type: 'json' };
import { MusterError, noWorker, temporalUnreachable } from './errors.ts';
import type { CheckedSpec } from './specs.ts';
import {
  asMusterError,
  type ConnectOptions,
  connectToTemporal,
  pollersOf,
  type Temporal,
} from './temporal.ts';

export interface DoctorOptions extends ConnectOptions {
  /** What a worker is to be able to make: its permissions, its account and its secrets are held against it. */
  readonly spec?: CheckedSpec;
  /** How the spec is called in what is said. */
  readonly file?: string;
}

/** One answer of Temporal's. */
const ANSWER_MS = 6_000;
/** A worker's account of itself, which asks AWS. */
const EXAMINATION_MS = 20_000;

/**
 * Looks at Temporal, its namespace, a worker, its credentials, permissions and clock, for half a minute at most. Never rejects
 * for what it finds: that is in the lines.
 */
export async function diagnose({
  spec,
  file = 'the spec',
  ...options
}: DoctorOptions = {}): Promise<DoctorReport> {
  const examined: ExaminedSpec | undefined = spec && {
    file,
    account: spec.spec.account,
    tells: (spec.spec.notify ?? []).some((target) => 'webhook' in target),
  };
  const lines = [hereLine(), ...(await temporalLines(options, spec, examined))];
  return { schema: 1, lines };
}

function hereLine(): DoctorLine {
  const { version } = createRequire(import.meta.url)('@temporalio/client/package.json') as {
    version: string;
  };
  const words = `muster ${packageJson.version}, Temporal SDK ${version}, Node ${process.versions.node}`;
  return { check: 'here', state: 'ok', words };
}

async function temporalLines(
  options: ConnectOptions,
  spec: CheckedSpec | undefined,
  examined: ExaminedSpec | undefined,
): Promise<readonly DoctorLine[]> {
  let temporal: Temporal;
  try {
    temporal = await inTime(connectToTemporal(options), ANSWER_MS);
  } catch (error) {
    const failed = failedLine('temporal', asKnown(options.address ?? 'its address', error));
    const silent = (check: string) => skipped(check, 'only Temporal can say');
    return [failed, silent('namespace'), silent('worker'), ...unexaminedLines(examined)];
  }
  try {
    const [server, namespace, work] = await Promise.all([
      serverLine(temporal),
      namespaceLine(temporal),
      workerLines(temporal, spec, examined),
    ]);
    // Where there is no such namespace nobody can work in it.
    const ofWork =
      namespace.state === 'fail'
        ? [skipped('worker', 'it needs the namespace'), ...unexaminedLines(examined)]
        : work;
    return [server, namespace, ...ofWork];
  } finally {
    // A connection that hangs is not waited for.
    await inTime(temporal.own!.close(), 1_000).catch(() => {});
  }
}

async function serverLine({ client, address }: Temporal): Promise<DoctorLine> {
  try {
    const { serverVersion } = await inTime(client.workflowService.getSystemInfo({}), ANSWER_MS);
    return {
      check: 'temporal',
      state: 'ok',
      words: `server ${serverVersion || 'of no stated version'} at ${address}`,
    };
  } catch (error) {
    return failedLine('temporal', asKnown(address, error));
  }
}

const DAY_SECONDS = 86_400;

async function namespaceLine({ client, address, namespace }: Temporal): Promise<DoctorLine> {
  const check = 'namespace';
  try {
    const { config } = await inTime(client.workflowService.describeNamespace({ namespace }), ANSWER_MS);
    const seconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
    const words = `${namespace} keeps the history of a run for ${retentionWords(seconds)} after its end`;
    if (seconds >= DAY_SECONDS) return { check, state: 'ok', words };
    return {
      check,
      state: 'warn',
      words: `${words}; a fleet is known by its tags alone from then on`,
      mend: `temporal operator namespace update --namespace ${namespace} --retention 72h`,
    };
  } catch (error) {
    return failedLine(check, asKnown(address, asMusterError({ namespace, address }, error)));
  }
}

function retentionWords(seconds: number): string {
  const days = seconds / DAY_SECONDS;
  if (days >= 1) return days === 1 ? '1 day' : `${Math.floor(days)} days`;
  return `${Math.round(seconds / 3_600)} h`;
}

/** What a worker says, once it is known that one polls. */
async function workerLines(
  temporal: Temporal,
  spec: CheckedSpec | undefined,
  examined: ExaminedSpec | undefined,
): Promise<readonly DoctorLine[]> {
  const { address, taskQueue } = temporal;
  const failed = (error: MusterError) => [failedLine('worker', error), ...unexaminedLines(examined)];
  let pollers: readonly string[];
  try {
    pollers = await inTime(pollersOf(temporal), ANSWER_MS);
  } catch (error) {
    return failed(asKnown(address, error));
  }
  if (pollers.length === 0) return failed(noWorker(taskQueue, address));
  try {
    const seen = await inTime(examination(temporal, spec), EXAMINATION_MS);
    const [worker, ...others] = examinedLines(seen, {
      version: packageJson.version,
      now: Date.now(),
      spec: examined,
    });
    const polling = pollers.length === 1 ? pollers[0] : `${pollers.length} workers`;
    return [{ ...worker!, words: `${polling} on '${taskQueue}': ${worker!.words}` }, ...others];
  } catch (error) {
    const why =
      error instanceof Error ? (error.cause instanceof Error ? error.cause : error).message : `${error}`;
    const message = `${pollers.join(', ')} polled '${taskQueue}' within a minute, and says nothing of itself: ${why}`;
    return failed(
      new MusterError(
        'NoWorker',
        message,
        "see its log; it may have ended, or be of an earlier version: 'muster worker' starts one",
      ),
    );
  }
}

function examination({ client, taskQueue }: Temporal, spec: CheckedSpec | undefined): Promise<Examination> {
  return client.workflow.execute('examineWorker', {
    args: [{ spec: spec && withoutUserData(spec.spec) }],
    taskQueue,
    workflowId: `doctor:${randomUUID()}`,
    staticSummary: 'a worker’s account of itself',
    workflowExecutionTimeout: EXAMINATION_MS,
  });
}

function failedLine(check: string, { message, mend, code }: MusterError): DoctorLine {
  const isUnanswered = code === 'TemporalUnreachable' || code === 'NoWorker';
  return { check, state: 'fail', words: message, mend, ...(isUnanswered && { unanswered: true as const }) };
}

function asKnown(address: string, error: unknown): MusterError {
  return error instanceof MusterError ? error : temporalUnreachable(address, error);
}

/** Whatever is behind it, nobody waits any longer. */
async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  // What is late may fail later still.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
