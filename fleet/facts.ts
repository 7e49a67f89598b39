/** Facts: what AWS shows of a fleet, in the fields that a check compares. */

import type { Tags } from './spec.ts';

/** A fleet as AWS shows it. */
export interface Facts {
  readonly role?: RoleFacts;
  readonly profile?: ProfileFacts;
  readonly instances: readonly InstanceFacts[];
}

export interface RoleFacts {
  readonly id: string;
  readonly tags: Tags;
  readonly trustsEc2: boolean;
  /** Decoded. */
  readonly trust: unknown;
  /** ARN of its permissions boundary. */
  readonly boundary?: string;
  /** Inline policies by name, decoded; of a role that is only used, none is read. */
  readonly policies: Readonly<Record<string, unknown>>;
  /** ARNs of its managed policies. */
  readonly managed: readonly string[];
}

export interface ProfileFacts {
  readonly id: string;
  readonly tags: Tags;
  readonly role?: { readonly name: string; readonly id: string };
}

export interface InstanceFacts {
  readonly id: string;
  /** As EC2 names it. */
  readonly state: string;
  readonly tags: Tags;
  /** The client token of its launch. */
  readonly token?: string;
  /** Unique id of the profile that EC2 has tied to it. */
  readonly profileId?: string;
  readonly type: string;
  readonly image: string;
  readonly zone: string;
  readonly subnet?: string;
  readonly securityGroups: readonly string[];
  /** Absent while EC2 does not tell them. */
  readonly metadata?: {
    readonly endpoint?: string;
    readonly tokens?: string;
    readonly hopLimit?: number;
    readonly tags?: string;
  };
}
