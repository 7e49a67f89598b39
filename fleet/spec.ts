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
  /** Who is told what becomes of it. Absent: nobody. */
  readonly notify?: readonly NotifyTarget[];
  /** The role through which its account is reached. Absent: the worker's own credentials. */
  readonly assume?: Assume;
  /** Of a fleet that is in several places: which. Region, account, role and instances are then those of the first. */
  readonly places?: readonly PlaceSpec[];
  /** With fewer places than these it has failed. Absent: all of them. */
  readonly minPlaces?: number;
}

/** A role that the worker takes on for its calls. */
export interface Assume {
  readonly role: string;
  /** What the role's trust policy demands, or the variable of the worker's environment that has it. */
  readonly externalId?: string | { readonly env: string };
}

/** One of several places of a fleet: a region of an account. */
export interface PlaceSpec {
  /** `eu-west-1`, or with an account `123456789012:eu-west-1`; no two places of a fleet have the same. */
  readonly name: string;
  readonly region: string;
  readonly account?: string;
  readonly assume?: Assume;
  /** What may be another in each place; all else is the fleet's. */
  readonly instances: Pick<InstancesSpec, (typeof OF_PLACES)[number]>;
}

/** What of its instances a place may have of its own. */
export const OF_PLACES = ['count', 'image', 'placements', 'securityGroups', 'key'] as const;

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
  readonly count: Count;
  /** `ami-...`, or `resolve:ssm:NAME` for a public or own SSM parameter: resolved once, by preflight. */
  readonly image: string;
  /** In order of preference; at least one. */
  readonly placements: readonly WantedPlacement[];
  /** The count is shared over the placements, instead of falling from one to the next. */
  readonly spread: boolean;
  readonly market: Market;
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

/** More are no fleet that Muster has ever made. */
export const MOST_INSTANCES = 10_000;

/** How many instances a fleet is to have. With fewer than `min` it has failed. */
export interface Count {
  readonly want: number;
  readonly min: number;
}

/** Where instances come from: of one type, in a zone or a subnet, or wherever the region has room. */
export interface Placement {
  readonly type: string;
  readonly zone?: string;
  readonly subnet?: string;
}

/** A placement with the type that meets its need. */
export interface ResolvedPlacement extends Placement {
  /** Which of the spec's placements it comes from, counted from 0: a need can be met by several types. */
  readonly share: number;
}

/** A placement as a spec has it: of a type, or of whatever type meets a need. */
export type WantedPlacement = Placement | (Omit<Placement, 'type'> & { readonly need: Need });

/** What a type has to have. */
export interface Need {
  /** Of its default number. */
  readonly vcpu?: Range;
  /** In MiB. */
  readonly memory?: Range;
  /** As EC2 names it, `x86_64` or `arm64`; otherwise the image's. */
  readonly arch?: string;
}

/** Both ends are part of it; without an end it goes on for ever. */
export interface Range {
  readonly least?: number;
  readonly most?: number;
}

export type Market = 'on-demand' | 'spot' | 'spot-then-on-demand';

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

/** What somebody can be told of; docs/notify.md says when each happens. */
export const NOTIFY_EVENTS = [
  'complete',
  'failed',
  'rolled-back',
  'leftovers',
  'gone',
  'lease-ending',
  'drift',
  'repaired',
] as const;

export type NotifyEvent = (typeof NOTIFY_EVENTS)[number];

export type NotifyTarget = WebhookTarget | EventBridgeTarget;

export interface WebhookTarget {
  /** An http or https URL without credentials. */
  readonly webhook: string;
  /** Where the worker finds the secret to sign with: the name of a variable of its environment. */
  readonly secret: { readonly env: string };
  /** Absent: all. */
  readonly on?: readonly NotifyEvent[];
}

export interface EventBridgeTarget {
  /** Name or ARN of an event bus; a name is one of the fleet's account and region. */
  readonly eventBridge: string;
  /** Absent: all. */
  readonly on?: readonly NotifyEvent[];
}

/** All in seconds. */
export interface Deadlines {
  /** Until EC2 accepts the instance profile. */
  readonly propagation: number;
  /** Until all instances are launched; unless given it grows with their number (`launchSeconds`). */
  readonly launch: number;
  /** For each other step, its retries included. */
  readonly step: number;
  /** Until every instance runs and is verified. */
  readonly running: number;
  /** For each undo, its retries included: how long a rollback keeps trying. */
  readonly undo: number;
  /** How long AWS may be of two minds about what exists: an undo without an answer looks again for this long. */
  readonly consistency: number;
}

export const DEFAULT_DEADLINES: Omit<Deadlines, 'launch'> = {
  propagation: 180,
  step: 300,
  running: 600,
  undo: 900,
  consistency: 60,
};

/**
 * The default for a launch of so many: EC2 lets an account have 1,000 instances at once and 2 a second after that (EC2
 * Developer Guide, "Request throttling"); half as long again, as others may launch meanwhile.
 */
export function launchSeconds(want: number): number {
  return 300 + Math.ceil(Math.max(0, want - 1000) * 0.75);
}

/** No look needs it, and it may be large. */
export function withoutUserData(spec: FleetSpec): FleetSpec {
  return { ...spec, instances: { ...spec.instances, userData: undefined } };
}

/** Whether it has volumes that outlive their machines. */
export function hasLastingVolumes({ instances }: Pick<FleetSpec, 'instances'>): boolean {
  return instances.volumes.some(({ deleteOnTermination }) => !deleteOnTermination);
}

/** What preflight looks at: neither at what programs may do, nor at user data, of which either may be large. */
export function preflightSpec(spec: FleetSpec): FleetSpec {
  const { policy } = spec;
  return {
    ...withoutUserData(spec),
    ...(policy && { policy: { ...policy, document: { Version: '2012-10-17', Statement: [] } } }),
  };
}
