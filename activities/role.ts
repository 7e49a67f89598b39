/** The role: ensure and undo. */

import {
  CreateRoleCommand,
  DeleteRoleCommand,
  type IAMClient,
  ListInstanceProfilesForRoleCommand,
} from '@aws-sdk/client-iam';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import type { RoleReport } from '../fleet/report.ts';
import type { RoleToMake, Tags } from '../fleet/spec.ts';
import { type Owner, owns } from '../fleet/tags.ts';
import { type AwsError, ask, isAbsent, isDeleteConflict, isTaken, notYet } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { removeIfOurs, takenError, type UndoOutcome, type UndoRequest } from './ownership.ts';
import { emptyRole } from './policy.ts';
import { removeRoleFrom } from './profile.ts';
import { readRole } from './reads.ts';
import { toAwsTags } from './tags.ts';

export interface CreateRoleRequest {
  readonly region: string;
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
    async createRole({ region, owner, role, tags }: CreateRoleRequest): Promise<RoleReport> {
      const { iam } = clientsFor(region);
      const command = new CreateRoleCommand({
        RoleName: role.name,
        Path: role.path,
        Description: role.description,
        PermissionsBoundary: role.permissionsBoundary,
        AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()),
        Tags: toAwsTags(tags),
      });
      try {
        const { Role } = await ask('iam:CreateRole', iam.send(command));
        return { name: role.name, arn: Role!.Arn!, id: Role!.RoleId!, reused: false };
      } catch (error) {
        if (!isTaken(error)) throw error;
        const existing = await readRole(iam, role.name);
        // IAM refuses the name and cannot show the role: one of its replicas lags behind.
        if (!existing) throw notYet(error as AwsError);
        if (!owns(owner, existing.tags)) throw takenError('iam:CreateRole', 'role', existing);
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
    async deleteRole(request: DeleteRoleRequest): Promise<UndoOutcome> {
      const { iam } = clientsFor(request.region);
      const remove = () => ask('iam:DeleteRole', iam.send(new DeleteRoleCommand({ RoleName: request.role })));
      return removeIfOurs(
        request,
        () => readRole(iam, request.role),
        async () => {
          try {
            await remove();
          } catch (error) {
            if (isAbsent(error)) return;
            if (!isDeleteConflict(error)) throw error;
            await emptyRole(iam, request.role);
            await leaveOwnProfiles(iam, request);
            await remove();
          }
        },
      );
    },
  };
}

/** A profile that somebody else made around our role is theirs: it keeps its role, and the role is a leftover. */
async function leaveOwnProfiles(iam: IAMClient, request: DeleteRoleRequest): Promise<void> {
  const { InstanceProfiles = [] } = await ask(
    'iam:ListInstanceProfilesForRole',
    iam.send(new ListInstanceProfilesForRoleCommand({ RoleName: request.role })),
  );
  for (const profile of InstanceProfiles) {
    await removeRoleFrom(iam, request.owner, profile.InstanceProfileName!, request.role);
  }
}
