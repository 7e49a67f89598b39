/** Reading roles and profiles: what IAM answers, in the few fields that anyone here needs. */

import {
  GetInstanceProfileCommand,
  GetRoleCommand,
  type IAMClient,
  type InstanceProfile,
  type Role,
} from '@aws-sdk/client-iam';
import { decodePolicy, letsEc2Assume } from '../fleet/policy.ts';
import type { Tags } from '../fleet/spec.ts';
import { ask, isAbsent } from './aws-errors.ts';
import { UNSURE } from './ownership.ts';
import { fromAwsTags } from './tags.ts';

export interface RoleSeen {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  readonly tags: Tags;
  /** Whether its trust policy lets EC2 assume it. EC2 launches without that too: only the machine finds out. */
  readonly trustsEc2: boolean;
  /** Its trust policy, decoded. */
  readonly trust: unknown;
  readonly description?: string;
  /** ARN of its permissions boundary; a role inside a profile's answer has none. */
  readonly boundary?: string;
}

export interface ProfileSeen {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  readonly tags: Tags;
  /** The one role that a profile can hold; its tags are not in this answer. */
  readonly role?: RoleSeen;
}

/** Reads a role, or `undefined` when IAM knows none by that name. */
export async function readRole(iam: IAMClient, name: string): Promise<RoleSeen | undefined> {
  const answer = await unlessAbsent(ask('iam:GetRole', iam.send(new GetRoleCommand({ RoleName: name }))));
  return answer?.Role && roleSeen(answer.Role);
}

/** Reads an instance profile, or `undefined` when IAM knows none by that name. */
export async function readProfile(iam: IAMClient, name: string): Promise<ProfileSeen | undefined> {
  const command = new GetInstanceProfileCommand({ InstanceProfileName: name });
  const answer = await unlessAbsent(ask('iam:GetInstanceProfile', iam.send(command)));
  return answer?.InstanceProfile && profileSeen(answer.InstanceProfile);
}

function roleSeen(role: Role): RoleSeen {
  const trust = decodePolicy(role.AssumeRolePolicyDocument ?? '{}');
  return {
    name: role.RoleName!,
    arn: role.Arn!,
    id: role.RoleId!,
    tags: fromAwsTags(role.Tags),
    trustsEc2: letsEc2Assume(trust),
    trust,
    description: role.Description || undefined,
    boundary: role.PermissionsBoundary?.PermissionsBoundaryArn,
  };
}

function profileSeen(profile: InstanceProfile): ProfileSeen {
  const role = profile.Roles?.[0];
  return {
    name: profile.InstanceProfileName!,
    arn: profile.Arn!,
    id: profile.InstanceProfileId!,
    tags: fromAwsTags(profile.Tags),
    role: role && roleSeen(role),
  };
}

async function unlessAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** A removal of what IAM does not know any more has nothing to do. */
export async function absentIsDone(call: Promise<unknown>): Promise<void> {
  await unlessAbsent(call);
}

/** A deletion of what IAM has just shown: that it knows nothing of it proves nothing yet. */
export async function unsureIfAbsent(call: Promise<unknown>): Promise<typeof UNSURE | undefined> {
  return (await unlessAbsent(call.then(() => DELETED))) === DELETED ? undefined : UNSURE;
}

const DELETED = 'deleted';
