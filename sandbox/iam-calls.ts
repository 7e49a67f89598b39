/** IAM's calls about roles and profiles: which answers each of them changes. */

import type { AwsRequest } from './request.ts';

/** The fields by which a read names what it is about. */
const READS = {
  GetRole: ['RoleName'],
  GetRolePolicy: ['RoleName', 'PolicyName'],
  ListRolePolicies: ['RoleName'],
  ListAttachedRolePolicies: ['RoleName'],
  ListInstanceProfilesForRole: ['RoleName'],
  GetInstanceProfile: ['InstanceProfileName'],
} as const;
type Read = keyof typeof READS;

/** A role or profile that is being made needs no old answers: before, there was none. */
const CHANGES: Record<string, readonly Read[]> = {
  UpdateAssumeRolePolicy: ['GetRole'],
  TagRole: ['GetRole'],
  UntagRole: ['GetRole'],
  PutRolePolicy: ['GetRolePolicy', 'ListRolePolicies'],
  DeleteRolePolicy: ['GetRolePolicy', 'ListRolePolicies'],
  AttachRolePolicy: ['ListAttachedRolePolicies'],
  DetachRolePolicy: ['ListAttachedRolePolicies'],
  AddRoleToInstanceProfile: ['GetInstanceProfile', 'ListInstanceProfilesForRole'],
  RemoveRoleFromInstanceProfile: ['GetInstanceProfile', 'ListInstanceProfilesForRole'],
  TagInstanceProfile: ['GetInstanceProfile'],
  UntagInstanceProfile: ['GetInstanceProfile'],
  DeleteInstanceProfile: ['GetInstanceProfile'],
  DeleteRole: ['GetRole'],
};

/** What each removal takes away that forbids a deletion, in IAM's words (moto, iam/models.py; 99designs/iamy #47). */
const UNLINKS: Record<string, string> = {
  RemoveRoleFromInstanceProfile: 'must remove roles from instance profile first.',
  DeleteRolePolicy: 'must delete policies first.',
  DetachRolePolicy: 'must detach all policies first.',
};

export function isRead({ action }: AwsRequest): boolean {
  return /^(Get|List)/.test(action);
}

export function unlinked({ action }: AwsRequest): string | undefined {
  return UNLINKS[action];
}

/** The reads whose answers a call changes. */
export function changedReads({ action, params }: AwsRequest): URLSearchParams[] {
  return (CHANGES[action] ?? []).map((read) => {
    const asked = new URLSearchParams({ Action: read, Version: params.get('Version') ?? '' });
    for (const field of READS[read]) asked.set(field, params.get(field) ?? '');
    return asked;
  });
}

/** One name for all calls that read the same. */
export function readName(params: URLSearchParams): string {
  const action = params.get('Action') ?? '';
  const fields = READS[action as Read] ?? [];
  return [action, ...fields.map((field) => nameOf(field, params.get(field) ?? ''))].join(' ');
}

/** IAM's names are unique ignoring case. */
export function nameOf(kind: string, name: string): string {
  return `${kind}=${name.toLowerCase()}`;
}
