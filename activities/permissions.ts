/** What a simulation says of the worker's permissions: asked before anything is made. */

import { type EvaluationResult, type IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { permissionsFor } from '../fleet/permissions.ts';
import { asksFor, type PermissionAsk, SIMULATE, undosOf } from '../fleet/permissions-asks.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { ask } from './aws-errors.ts';
import { readRole } from './reads.ts';

export interface Identity {
  readonly account: string;
  /** As AWS names the caller. */
  readonly caller: string;
}

/**
 * The actions of a rollback that a simulation of the caller's policies denies. A missing one would be noticed only when
 * it is too late (karpenter #9185: a cleanup that was stuck for ever over a missing List). Nothing is known, and nothing
 * is answered, where simulating is not allowed.
 */
export async function deniedRemovals(iam: IAMClient, identity: Identity, spec: FleetSpec): Promise<string[]> {
  try {
    const undos = undosOf(permissionsFor({ ...spec, account: identity.account }));
    return (await simulated(iam, identity, asksFor(undos, spec.region))) ?? [];
  } catch {
    return [];
  }
}

/**
 * The actions that are denied to the caller; undefined for a caller that cannot be simulated. AWS calls it advisory, so
 * a denial that hangs on a condition key which the simulation was not told does not count.
 */
export async function simulated(
  iam: IAMClient,
  { caller }: Identity,
  asks: readonly PermissionAsk[],
): Promise<string[] | undefined> {
  const principal = await principalOf(iam, caller);
  if (principal === undefined) return undefined;
  const results = await Promise.all(asks.map((each) => simulate(iam, principal, each)));
  const denied = results.flat().filter(isDenied);
  return [...new Set(denied.map(({ EvalActionName }) => EvalActionName!))];
}

/** A session's policies are those of its role, which its ARN names without its path. */
async function principalOf(iam: IAMClient, arn: string): Promise<string | undefined> {
  const role = /^arn:[\w-]+:sts::\d+:assumed-role\/([^/]+)\//.exec(arn)?.[1];
  if (role !== undefined) return (await readRole(iam, role))?.arn;
  return arn.endsWith(':root') ? undefined : arn;
}

async function simulate(
  iam: IAMClient,
  principal: string,
  { actions, resources, context }: PermissionAsk,
): Promise<EvaluationResult[]> {
  const command = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: principal,
    ActionNames: [...actions],
    ResourceArns: resources.length > 0 ? [...resources] : undefined,
    ContextEntries: Object.entries(context).map(([ContextKeyName, value]) => ({
      ContextKeyName,
      ContextKeyType: 'string',
      ContextKeyValues: [value],
    })),
  });
  const { EvaluationResults = [] } = await ask(SIMULATE, iam.send(command));
  return EvaluationResults;
}

function isDenied({ EvalDecision, MissingContextValues = [] }: EvaluationResult): boolean {
  return EvalDecision !== 'allowed' && MissingContextValues.length === 0;
}
