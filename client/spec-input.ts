/** A spec as a program writes it: the same words as in a file, with types. */

import type { Deadlines, NotifyEvent } from '../fleet/spec.ts';

export interface SpecInput {
  /** Names the role, its policy and the profile, unless they are named. */
  name: string;
  /** Otherwise AWS_REGION; of a fleet in several places, `places` says it. */
  region?: string;
  /** Instead of a region: all places that it is to be in. */
  places?: PlaceInput[];
  /** How many of them are enough. Default: all. */
  need?: 'all' | { min: number };
  /** Twelve digits: with credentials of any other account nothing is made. */
  account?: string | number;
  /** What programs on the instances may do; with `role.managedPolicies`, or a role or profile that exists, it may be left out. */
  policy?: PolicyInput;
  /** A role that exists, by name: it is used as it is; or what the one to be made is to have. */
  role?: string | RoleInput;
  /** A profile that exists, by name or ARN; or what the one to be made is called. */
  profile?: string | ProfileInput;
  instances: InstancesInput;
  /** On all that is made. Keys and values as AWS takes them: at most 128 and 256 characters. */
  tags?: Record<string, string>;
  /** What a run does when a step has failed for good. Default: rollback. */
  onFailure?: 'rollback' | 'keep' | 'pause';
  /** Seconds, or '90s', '3m', '1h30m'; see Deadlines. */
  deadlines?: Partial<Record<keyof Deadlines, number | string>>;
  notify?: NotifyInput | NotifyInput[];
}

/** Without `on`, all events. */
export type NotifyInput =
  /** The secret by the name of a variable of the worker: `env:HOOK_SECRET`. */
  | { webhook: string; secret: `env:${string}`; on?: NotifyEvent | NotifyEvent[] }
  | { eventBridge: string; on?: NotifyEvent | NotifyEvent[] };

/** The short form, a document of IAM's, or either in a file of its own. */
export type PolicyInput =
  | string
  | ShortPolicyInput
  | { name?: string; document: object }
  | { name?: string; file: string }
  | { Version?: string; Id?: string; Statement: object | object[] };

export interface ShortPolicyInput {
  name?: string;
  allow?: StatementInput | StatementInput[];
  deny?: StatementInput | StatementInput[];
}

/** Exactly one of actions and notActions, and of resources and notResources. */
export interface StatementInput {
  sid?: string;
  actions?: string | string[];
  notActions?: string | string[];
  resources?: string | string[];
  notResources?: string | string[];
  conditions?: Record<string, Record<string, string | string[]>>;
}

export interface RoleInput {
  name?: string;
  /** Use a role that exists; it is never changed. */
  reuse?: boolean;
  /** IAM's path, `/` or `/.../`. Default: `/`. */
  path?: string;
  description?: string;
  /** ARN of a managed policy. */
  permissionsBoundary?: string;
  /** ARNs: IAM attaches 10 to a role, 20 when its quota is raised. */
  managedPolicies?: string | string[];
  tags?: Record<string, string>;
}

export interface ProfileInput {
  name?: string;
  /** Use a profile that exists; it is never changed. */
  reuse?: boolean;
  path?: string;
  tags?: Record<string, string>;
}

/** A region, and what is another there than elsewhere. */
export interface PlaceInput
  extends PlacementInput,
    Partial<Pick<InstancesInput, 'count' | 'image' | 'placements' | 'securityGroups' | 'key'>> {
  region: string;
  /** Twelve digits. */
  account?: string | number;
  /** ARN of the role through which the account is reached. */
  assumeRole?: string;
  /** What the role's trust policy demands, or `env:NAME`: a variable of the worker that has it. */
  externalId?: string;
}

/** With a type, or with what a type has to have. */
export interface PlacementInput {
  /** For instance 't3.micro'; or `vcpu` and `memory`. */
  type?: string;
  /** `4`, or a range: '2..4', '2..'. */
  vcpu?: number | string;
  /** '4GiB', or a range: '4GiB..', '2GiB..8GiB'. */
  memory?: string;
  /** Otherwise the image's. */
  arch?: 'x86_64' | 'arm64';
  /** For instance 'us-east-1a'; otherwise wherever the region has room. */
  zone?: string;
  /** `subnet-...`, instead of a zone. */
  subnet?: string;
}

/** Of one placement, whose parts stand beside the other fields, or of `placements`. */
export interface InstancesInput extends PlacementInput {
  /** With fewer than `min`, by default `want`, the fleet has failed. */
  count: number | { want: number; min?: number };
  /** `ami-...` or `resolve:ssm:NAME`. */
  image: string;
  /** In order of preference. */
  placements?: PlacementInput[];
  /** Shares the count over the placements. */
  spread?: boolean;
  /** Default: on-demand. */
  market?: 'on-demand' | 'spot' | 'spot-then-on-demand';
  /** Ids, `sg-...`; otherwise the network's default. */
  securityGroups?: string | string[];
  /** Name of an EC2 key pair. */
  key?: string;
  /** The text, or a file that has it; at most 16,384 bytes (RunInstances, `UserData`). It is in the run's history. */
  userData?: string | { file: string };
  volumes?: VolumeInput | VolumeInput[];
  /** Detailed (one-minute) CloudWatch monitoring. Default: false. */
  monitoring?: boolean;
  /** IMDSv2 is always required. `hopLimit`: 1 to 64, by default 1; containers behind a bridge need 2. `tags`: readable there. */
  metadata?: { hopLimit?: number; tags?: boolean };
  /** On instances and their volumes, beside the fleet's. */
  tags?: Record<string, string>;
}

export interface VolumeInput {
  /** As the image names it, for instance '/dev/xvda'. */
  device: string;
  /** GiB, or '20GiB'. */
  size?: number | string;
  /** `gp2`, `gp3`, `io1`, `io2`, `st1`, `sc1` or `standard`. */
  type?: string;
  /** Only of gp3, io1 and io2, which io1 and io2 need. */
  iops?: number;
  /** MiB/s; only of gp3. */
  throughput?: number;
  encrypted?: boolean;
  /** Id, ARN or `alias/...`; with `encrypted`. */
  kmsKey?: string;
  /** `snap-...` */
  snapshot?: string;
  /** Default: true. Volumes with false outlive the fleet, and its teardown names them. */
  deleteOnTermination?: boolean;
}
