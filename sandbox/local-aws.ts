/** The sandbox's AWS, as whoever uses it knows it. */

import type { NewAccount, OpenedAccount } from './accounts.ts';
import type { Behaviour } from './behaviour.ts';
import type { Fault } from './faults.ts';
import type { Keys } from './forwarding.ts';
import type { Weather } from './weather.ts';

/** A call that AWS was asked for. */
export interface Call {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** `ec2`, `iam`, `sts`, `ssm`, `events`, `s3`. */
  readonly service: string;
  readonly action: string;
  /** HTTP status; 0 when the connection was cut instead. */
  readonly status: number;
  /** AWS's error code. */
  readonly code?: string;
  readonly dryRun?: boolean;
}

export interface LocalAws {
  readonly endpoint: string;
  /** Keys of a user who may do everything. */
  readonly keys: Keys;
  readonly behaviour: Readonly<Behaviour>;
  /** Rejects when the emulator ends by itself. */
  readonly died: Promise<never>;
  configure(change: Partial<Behaviour>): void;
  /** How it is at the moment. */
  weather(): Required<Weather>;
  /** Replaces seed, behaviour and faults; what differs from a quiet day is all that need be said. */
  setWeather(weather: Weather): void;
  /** Makes calls fail; answers a function that takes it back. */
  fault(fault: Fault): () => void;
  clearFaults(): void;
  calls(): readonly Call[];
  clearCalls(): void;
  /** Where the metadata service of an instance answers; what AWS_EC2_METADATA_SERVICE_ENDPOINT is for. */
  metadataEndpoint(instanceId: string): Promise<string>;
  /** The instance's metadata service has new credentials for the next who asks. */
  rotate(instanceId: string): void;
  /** Another account beside the one that there is, and a role in it that can be assumed. */
  openAccount(account: NewAccount): Promise<OpenedAccount>;
  /** Makes a bucket with these objects: key to text. */
  seedBucket(bucket: string, objects: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
}
