/** The role: ensure and undo. */

import {
  CreateRoleCommand,
  DeleteRoleCommand,
  type IAMClient,
  ListInstanceProfilesForRoleCommand,
} from '@aws-sdk/client-iam';
import type { Where } from '../fleet/places.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import type { Removal } from '../fleet/removal.ts';
import type { RoleReport } from '../fleet/report.ts';
import type { RoleToMake, Tags } from '../fleet/spec.ts';
import type { Owner } from '../fleet/tags.ts';
import { AwsError, ask, isDeleteConflict, isTaken } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { ownedOrTaken, removeIfOurs, type UNSURE, type UndoRequest } from './ownership.ts';
import { emptyRole } from './policy.ts';
import { removeRoleFrom } from './profile.ts';
import { readRole, unsureIfAbsent } from './reads.ts';
import { toAwsTags } from './tags.ts';

export interface CreateRoleRequest extends Where {
  readonly owner: Owner;
  readonly role: RoleToMake;
  /** Ownership and the user's own tags. */
  readonly tags: Tags;
}

export function roleSteps(clientsFor: ClientsFor) {
  return {
    /**
     * Creates the role with its tags in one call. A role of that name that this run made by an earlier attempt, whose
     * answer was lost, is the same success; anyone else's is a failure.
     */
    async createRole({ owner, role, tags, ...where }: CreateRoleRequest): Promise<RoleReport> {
      const { iam } = clientsFor(where);
      const command = new CreateRoleCommand({
        RoleName: role.name,
        Path: role.path,
        Description: role.description,
        PermissionsBoundary: role.permissionsBoundary,
        AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy(where.region)),
        Tags: toAwsTags(tags),
      });
      try {
        const { Role } = await ask('iam:CreateRole', iam.send(command));
        return { name: role.name, arn: Role!.Arn!, id: Role!.RoleId!, reused: false };
      } catch (error) {
        if (!isTaken(error)) throw error;
        const existing = await ownedOrTaken(owner, 'iam:CreateRole', 'role', () => readRole(iam, role.name));
        return { name: existing.name, arn: existing.arn, id: existing.id, reused: false };
      }
    },
  };
}

export interface DeleteRoleRequest extends UndoRequest {
  readonly role: string;
}

export function roleUndos(clientsFor: ClientsFor) {
  return {
    /** Deletes the role, and first whatever AWS says still stands in the way: policies, profiles of the same owner. */
    async deleteRole(request: DeleteRoleRequest): Promise<Removal> {
      const { iam } = clientsFor(request);
      return removeIfOurs(
        request,
        () => readRole(iam, request.role),
        async () => {
          try {
            return await deleteNow(iam, request.role);
          } catch (error) {
            if (!isDeleteConflict(error)) throw error;
            await emptyRole(iam, request.role);
            const others = await leaveOwnProfiles(iam, request);
            if (others.length > 0) throw heldByOthers(error as AwsError, others);
            return deleteNow(iam, request.role);
          }
        },
      );
    },
  };
}

async function deleteNow(iam: IAMClient, role: string): Promise<typeof UNSURE | undefined> {
  return unsureIfAbsent(ask('iam:DeleteRole', iam.send(new DeleteRoleCommand({ RoleName: role }))));
}

/** The conflict's cause beside AWS's words: a person can take the role out, and nobody else may. */
function heldByOthers({ call, code, message, status, requestId }: AwsError, profiles: string[]): AwsError {
  const held = `it is in ${profiles.join(', ')}, which this fleet did not make`;
  return new AwsError(call, code, `${message} (${held})`, status, requestId);
}

/** A profile that somebody else made around our role is theirs and keeps its role: the names of such are answered. */
async function leaveOwnProfiles(iam: IAMClient, request: DeleteRoleRequest): Promise<string[]> {
  const { InstanceProfiles = [] } = await ask(
    'iam:ListInstanceProfilesForRole',
    iam.send(new ListInstanceProfilesForRoleCommand({ RoleName: request.role })),
  );
  const others: string[] = [];
  for (const { InstanceProfileName: profile } of InstanceProfiles) {
    if (!(await removeRoleFrom(iam, request.owner, profile!, request.role))) others.push(profile!);
  }
  return others;
}
