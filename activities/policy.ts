/** The policies of a role, inline and managed: ensure and undo. */

import {
  AttachRolePolicyCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import type { Where } from '../fleet/places.ts';
import { decodePolicy } from '../fleet/policy.ts';
import type { Removal } from '../fleet/removal.ts';
import type { PolicySpec } from '../fleet/spec.ts';
import { type AwsError, ask, isAbsent, notYet } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { removeIfOurs, type UndoRequest } from './ownership.ts';
import { absentIsDone, readRole } from './reads.ts';

export interface PutPolicyRequest extends Where {
  readonly role: string;
  readonly policy: PolicySpec;
}

export interface AttachPoliciesRequest extends Where {
  readonly role: string;
  /** ARNs. */
  readonly policies: readonly string[];
}

export function policySteps(clientsFor: ClientsFor) {
  return {
    /** Puts the inline policy; putting it twice is putting it once. */
    async putPolicy({ role, policy, ...where }: PutPolicyRequest): Promise<void> {
      const { iam } = clientsFor(where);
      const put = new PutRolePolicyCommand({
        RoleName: role,
        PolicyName: policy.name,
        PolicyDocument: JSON.stringify(policy.document),
      });
      await onFreshRole(ask('iam:PutRolePolicy', iam.send(put)));
    },

    /** Attaches managed policies; attaching one twice is attaching it once. */
    async attachPolicies({ role, policies, ...where }: AttachPoliciesRequest): Promise<void> {
      const { iam } = clientsFor(where);
      for (const PolicyArn of policies) {
        const attach = new AttachRolePolicyCommand({ RoleName: role, PolicyArn });
        await onFreshRole(ask('iam:AttachRolePolicy', iam.send(attach)));
      }
    },
  };
}

/** The run has just made the role: that IAM does not know it means 'not yet'. */
async function onFreshRole<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw isAbsent(error) ? notYet(error as AwsError) : error;
  }
}

export interface DeletePolicyRequest extends UndoRequest {
  readonly role: string;
  /** Name of the inline policy. */
  readonly policy: string;
}

export interface EmptyRoleRequest extends UndoRequest {
  readonly role: string;
}

export function policyUndos(clientsFor: ClientsFor) {
  return {
    /** Deletes one inline policy of a role of the owner's. */
    async deletePolicy(request: DeletePolicyRequest): Promise<Removal> {
      const { iam } = clientsFor(request);
      return removeIfOurs(
        request,
        () => readRole(iam, request.role),
        () => deleteInline(iam, request.role, request.policy),
      );
    },

    /** Detaches the named managed policies from a role of the owner's; those that stay are told by the failure. */
    async detachPolicies(
      request: UndoRequest & { role: string; policies: readonly string[] },
    ): Promise<Removal> {
      const { iam } = clientsFor(request);
      return removeIfOurs(
        request,
        () => readRole(iam, request.role),
        async () => {
          // The step may have been refused: only what is there can be left.
          const attached = await attachedPolicies(iam, request.role);
          await detachEach(
            iam,
            request.role,
            request.policies.filter((arn) => attached.includes(arn)),
          );
          return undefined;
        },
      );
    },

    /** Deletes all inline policies of a role of the owner's and detaches all managed ones. */
    async deletePolicies(request: EmptyRoleRequest): Promise<Removal> {
      const { iam } = clientsFor(request);
      return removeIfOurs(
        request,
        () => readRole(iam, request.role),
        () => emptyRole(iam, request.role),
      );
    },
  };
}

/** A role of Muster's has one. */
export async function inlinePolicies(iam: IAMClient, role: string): Promise<string[]> {
  const command = new ListRolePoliciesCommand({ RoleName: role });
  const { PolicyNames = [] } = await ask('iam:ListRolePolicies', iam.send(command));
  return PolicyNames;
}

/** ARNs of a role's managed policies. */
export async function attachedPolicies(iam: IAMClient, role: string): Promise<string[]> {
  const command = new ListAttachedRolePoliciesCommand({ RoleName: role });
  const { AttachedPolicies = [] } = await ask('iam:ListAttachedRolePolicies', iam.send(command));
  return AttachedPolicies.map(({ PolicyArn }) => PolicyArn!);
}

/** Names of a role's inline policies and ARNs of its managed ones. */
export async function policiesOf(iam: IAMClient, role: string): Promise<string[]> {
  const both = await Promise.all([inlinePolicies(iam, role), attachedPolicies(iam, role)]);
  return both.flat();
}

/** An inline policy's document, decoded; undefined when the role has none of that name any more. */
export async function inlineDocument(iam: IAMClient, role: string, policy: string): Promise<unknown> {
  const command = new GetRolePolicyCommand({ RoleName: role, PolicyName: policy });
  try {
    const { PolicyDocument } = await ask('iam:GetRolePolicy', iam.send(command));
    return decodePolicy(PolicyDocument!);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** One that is refused holds no other up. */
async function detachEach(iam: IAMClient, role: string, arns: readonly string[]): Promise<void> {
  const left: string[] = [];
  let refused: AwsError | undefined;
  for (const arn of arns) {
    try {
      await detach(iam, role, arn);
    } catch (error) {
      refused = error as AwsError;
      left.push(arn);
    }
  }
  if (refused) throw refused.leaving(left);
}

/** Takes every policy off a role, whoever put it there: a role goes only when it is empty. */
export async function emptyRole(iam: IAMClient, role: string): Promise<undefined> {
  const [inline, attached] = await Promise.all([inlinePolicies(iam, role), attachedPolicies(iam, role)]);
  for (const name of inline) await deleteInline(iam, role, name);
  await detachEach(iam, role, attached);
}

/** That the role has no such policy is no matter: if it has one after all, its own deletion says so. */
export async function deleteInline(iam: IAMClient, role: string, policy: string): Promise<undefined> {
  const command = new DeleteRolePolicyCommand({ RoleName: role, PolicyName: policy });
  await absentIsDone(ask('iam:DeleteRolePolicy', iam.send(command)));
}

export async function detach(iam: IAMClient, role: string, arn: string): Promise<void> {
  const command = new DetachRolePolicyCommand({ RoleName: role, PolicyArn: arn });
  await absentIsDone(ask('iam:DetachRolePolicy', iam.send(command)));
}
