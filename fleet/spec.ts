/**
 * The spec of a fleet: what a person asked for, checked and whole.
 *
 * A file is read into this shape by `readSpec` (fleet/read-spec.ts), which fills the defaults in and lists every
 * mistake. Nothing later needs to ask whether a field was given.
 */

import type { PolicyDocument } from './policy.ts';

/** Tag keys and values as AWS takes them: at most 128 and 256 characters, no key that starts with `aws:`. */
export type Tags = Readonly<Record<string, string>>;

export interface FleetSpec {
  /** Unique in the account, ignoring case; 1 to 64 of `[\w+=,.@-]`, as the role's name has to be. */
  readonly name: string;
  readonly region: string;
  /** Twelve digits. When given, a run with credentials of any other account stops before it makes anything. */
  readonly account?: string;
  /**
   * Absent when the fleet uses a role or a profile that exists: what exists is never changed. Also absent when its
   * role has managed policies and no other.
   */
  readonly policy?: PolicySpec;
  /** Absent when the fleet uses an instance profile that exists. */
  readonly role?: RoleSpec;
  readonly profile: ProfileSpec;
  readonly instances: InstancesSpec;
  readonly onFailure: OnFailure;
  readonly deadlines: Deadlines;
  /** Set on everything that is made, beside the tags of ownership (fleet/tags.ts). */
  readonly tags: Tags;
}

export interface PolicySpec {
  /** 1 to 128 of `[\w+=,.@-]`. */
  readonly name: string;
  readonly document: PolicyDocument;
}

export type RoleSpec = RoleToMake | RoleInUse;

export interface RoleToMake {
  readonly reuse: false;
  readonly name: string;
  /** `/` or `/.../`. */
  readonly path: string;
  readonly description?: string;
  /** ARN of a managed policy. */
  readonly permissionsBoundary?: string;
  /** ARNs of managed policies to attach, at most 20. */
  readonly managedPolicies: readonly string[];
  readonly tags: Tags;
}

export interface RoleInUse {
  readonly reuse: true;
  readonly name: string;
}

export type ProfileSpec = ProfileToMake | ProfileInUse;

export interface ProfileToMake {
  readonly reuse: false;
  readonly name: string;
  readonly path: string;
  readonly tags: Tags;
}

export interface ProfileInUse {
  readonly reuse: true;
  /** A name or an ARN, as it was written. */
  readonly ref: string;
}

export interface InstancesSpec {
  readonly count: number;
  /** `ami-...`, or `resolve:ssm:NAME` for a public or own SSM parameter: resolved once, by preflight. */
  readonly image: string;
  readonly type: string;
  readonly zone?: string;
  readonly subnet?: string;
  /** Ids (`sg-...`). */
  readonly securityGroups: readonly string[];
  /** Name of an EC2 key pair. */
  readonly key?: string;
  /** The text itself, at most 16,384 bytes; base64 is put on by the launch. */
  readonly userData?: string;
  readonly volumes: readonly VolumeSpec[];
  /** Detailed (one-minute) CloudWatch monitoring. */
  readonly monitoring: boolean;
  readonly metadata: MetadataSpec;
  /** On instances and their volumes, beside the fleet's tags. */
  readonly tags: Tags;
}

export interface VolumeSpec {
  /** As the image names it, for instance `/dev/xvda`. */
  readonly device: string;
  /** GiB. */
  readonly size?: number;
  readonly type?: string;
  readonly iops?: number;
  /** MiB/s. */
  readonly throughput?: number;
  readonly encrypted?: boolean;
  readonly kmsKey?: string;
  readonly snapshot?: string;
  readonly deleteOnTermination: boolean;
}

/** IMDSv2 is always required: there is no field to turn it off. */
export interface MetadataSpec {
  /** 1 to 64; containers behind a bridge need 2. */
  readonly hopLimit: number;
  /** Instance tags readable in the metadata. */
  readonly tags: boolean;
}

/** What a run does when a step has failed for good. */
export type OnFailure = 'rollback' | 'keep' | 'pause';

/** All in seconds. */
export interface Deadlines {
  /** Until EC2 accepts the instance profile. */
  readonly propagation: number;
  /** For each other step, its retries included. */
  readonly step: number;
  /** Until every instance runs and is verified. */
  readonly running: number;
  /** For each undo, its retries included: how long a rollback keeps trying. */
  readonly undo: number;
  /** How long AWS may be of two minds about what exists: an undo without an answer looks again for this long. */
  readonly consistency: number;
}

export const DEFAULT_DEADLINES: Deadlines = {
  propagation: 180,
  step: 300,
  running: 600,
  undo: 900,
  consistency: 60,
};
