/**
 * A place to try everything: a real Temporal server with its web UI and a local AWS, on one machine, with nothing to
 * sign up for. It knows nothing of Muster; whoever uses it is told of it by the environment alone.
 */

import { ensurePython } from '../setup/python.js';
import { startLocalAws } from './aws.ts';
import type { Behaviour } from './behaviour.ts';
import type { LocalAws } from './local-aws.ts';
import { type LocalTemporal, startLocalTemporal } from './temporal.ts';
import type { Weather } from './weather.ts';

export type { Behaviour } from './behaviour.ts';
export { WrongValue } from './checked.ts';
export type { Fault } from './faults.ts';
export type { Call, LocalAws } from './local-aws.ts';
export { freePort, isFree } from './processes.ts';
export { readWeather, type Weather } from './weather.ts';

export interface Sandbox {
  readonly aws: LocalAws;
  readonly temporal: LocalTemporal;
  /** What a program needs in its environment to find both. */
  readonly env: Readonly<Record<string, string>>;
  /** Rejects when one of the servers ends by itself. */
  readonly died: Promise<never>;
  stop(): Promise<void>;
}

export interface SandboxOptions {
  /** Free ones where none is given. */
  readonly ports?: { readonly aws?: number; readonly temporal?: number; readonly ui?: number };
  readonly weather?: Weather;
  /** On top of the weather's. */
  readonly behaviour?: Partial<Behaviour>;
  /** Of Temporal's namespace: names and types, `Keyword` for instance. */
  readonly searchAttributes?: Readonly<Record<string, string>>;
  /** Told what is going on while it starts. */
  readonly say?: (text: string) => void;
}

export async function startSandbox({
  ports = {},
  weather,
  behaviour,
  searchAttributes,
  say = () => {},
}: SandboxOptions = {}): Promise<Sandbox> {
  const python = await ensurePython({ say });
  const [temporal, aws] = await bothOrNone(
    startLocalTemporal({ port: ports.temporal, uiPort: ports.ui, python, searchAttributes }),
    startLocalAws({ python: python.python, port: ports.aws, weather, behaviour }),
  );
  const died = Promise.race([temporal.died, aws.died]);
  died.catch(() => {});
  return {
    aws,
    temporal,
    env: {
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_ACCESS_KEY_ID: aws.keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: aws.keys.secretAccessKey,
      AWS_REGION: 'us-east-1',
      // Of the two boto3 knows this one alone.
      AWS_DEFAULT_REGION: 'us-east-1',
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      MUSTER_UI_URL: temporal.uiUrl,
    },
    died,
    stop: async () => {
      await Promise.all([temporal.stop(), aws.stop()]);
    },
  };
}

/** Where one cannot be started the other does not stay. */
async function bothOrNone<A extends { stop(): Promise<void> }, B extends { stop(): Promise<void> }>(
  first: Promise<A>,
  second: Promise<B>,
): Promise<[A, B]> {
  const [one, other] = await Promise.allSettled([first, second]);
  if (one.status === 'fulfilled' && other.status === 'fulfilled') return [one.value, other.value];
  if (one.status === 'fulfilled') await one.value.stop();
  if (other.status === 'fulfilled') await other.value.stop();
  throw one.status === 'rejected' ? one.reason : (other as PromiseRejectedResult).reason;
}
