/** Whether the worker may take back what it is about to make: asked before anything is made. */

import {
  type ContextEntry,
  type EvaluationResult,
  type IAMClient,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import type { FleetSpec } from '../fleet/spec.ts';
import { FLEET_TAG } from '../fleet/tags.ts';
import { ask } from './aws-errors.ts';
import { readRole } from './reads.ts';

/** What a rollback does to one kind of thing. */
interface Removal {
  readonly actions: readonly string[];
  readonly resource: string;
}

/**
 * The actions of a rollback that a simulation of the caller's policies denies. A missing one would be noticed only when
 * it is too late (karpenter #9185: a cleanup that was stuck for ever over a missing List). Nothing is known, and nothing
 * is answered, where simulating is not allowed; AWS calls it advisory, so a denial that hangs on a condition key which
 * the simulation was not told does not count.
 */
export async function deniedRemovals(
  iam: IAMClient,
  caller: { readonly account: string; readonly caller: string },
  spec: FleetSpec,
): Promise<string[]> {
  try {
    const principal = await principalOf(iam, caller.caller);
    if (principal === undefined) return [];
    const results = await Promise.all(
      removalsOf(spec, caller).map((removal) => simulate(iam, principal, removal, spec)),
    );
    return results
      .flat()
      .filter(isDenied)
      .map(({ EvalActionName }) => EvalActionName!);
  } catch {
    return [];
  }
}

/** A session's policies are those of its role, which its ARN names without its path. */
async function principalOf(iam: IAMClient, arn: string): Promise<string | undefined> {
  const role = /^arn:[\w-]+:sts::\d+:assumed-role\/([^/]+)\//.exec(arn)?.[1];
  if (role !== undefined) return (await readRole(iam, role))?.arn;
  return arn.endsWith(':root') ? undefined : arn;
}

function removalsOf(
  { role, profile, policy, region, instances }: FleetSpec,
  caller: { account: string; caller: string },
) {
  const partition = caller.caller.split(':')[1];
  const iamArn = (kind: string, { path, name }: { path: string; name: string }) =>
    `arn:${partition}:iam::${caller.account}:${kind}${path}${name}`;
  const ec2Arn = (kind: string) => `arn:${partition}:ec2:${region}:${caller.account}:${kind}/*`;
  const removals: Removal[] = [{ actions: ['ec2:TerminateInstances'], resource: ec2Arn('instance') }];
  if (instances.volumes.some(({ deleteOnTermination }) => !deleteOnTermination)) {
    removals.push({ actions: ['ec2:DeleteVolume'], resource: ec2Arn('volume') });
  }
  if (role && !role.reuse) {
    const actions = [
      'DeleteRole',
      'ListRolePolicies',
      'ListAttachedRolePolicies',
      'ListInstanceProfilesForRole',
    ];
    if (policy) actions.push('DeleteRolePolicy');
    if (role.managedPolicies.length > 0) actions.push('DetachRolePolicy');
    removals.push({ actions: actions.map((action) => `iam:${action}`), resource: iamArn('role', role) });
  }
  if (!profile.reuse) {
    const actions = ['iam:RemoveRoleFromInstanceProfile', 'iam:DeleteInstanceProfile'];
    removals.push({ actions, resource: iamArn('instance-profile', profile) });
  }
  return removals;
}

async function simulate(
  iam: IAMClient,
  principal: string,
  { actions, resource }: Removal,
  { name, region }: FleetSpec,
): Promise<EvaluationResult[]> {
  const told = (ContextKeyName: string, value: string): ContextEntry => ({
    ContextKeyName,
    ContextKeyType: 'string',
    ContextKeyValues: [value],
  });
  const command = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: principal,
    ActionNames: [...actions],
    ResourceArns: [resource],
    ContextEntries: [told(`aws:ResourceTag/${FLEET_TAG}`, name), told('aws:RequestedRegion', region)],
  });
  const { EvaluationResults = [] } = await ask('iam:SimulatePrincipalPolicy', iam.send(command));
  return EvaluationResults;
}

function isDenied({ EvalDecision, MissingContextValues = [] }: EvaluationResult): boolean {
  return EvalDecision !== 'allowed' && MissingContextValues.length === 0;
}
