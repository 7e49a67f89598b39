/** What IAM's simulator is asked about permissions: as few calls as there are different resources. */

import type { Permission } from './permission.ts';

export interface PermissionAsk {
  readonly actions: readonly string[];
  /** None: all. */
  readonly resources: readonly string[];
  /** What a call of Muster's would bring along, by condition key. */
  readonly context: Readonly<Record<string, string>>;
}

export const SIMULATE = 'iam:SimulatePrincipalPolicy';

export function asksFor(permissions: readonly Permission[], region: string): readonly PermissionAsk[] {
  const asks = new Map<string, PermissionAsk>();
  for (const { actions, resources, condition } of permissions) {
    const asked = actions.filter((action) => action !== SIMULATE);
    // Where a spec knows but a part of an ARN, the simulator could only guess.
    if (asked.length === 0 || resources.some((arn) => isVague(arn))) continue;
    const key = resources.join();
    const before = asks.get(key);
    asks.set(key, {
      actions: [...new Set([...(before?.actions ?? []), ...asked])],
      resources: resources.includes('*') ? [] : resources,
      context: { 'aws:RequestedRegion': region, ...before?.context, ...metBy(condition) },
    });
  }
  return [...asks.values()];
}

/** Only the actions without which a rollback could not go on. */
export function undosOf(permissions: readonly Permission[]): readonly Permission[] {
  return permissions.flatMap((permission) => {
    const { forUndo, actions } = permission;
    return forUndo === undefined ? [] : { ...permission, actions: forUndo === 'all' ? actions : forUndo };
  });
}

function isVague(arn: string): boolean {
  return /:(?:role|instance-profile)\/\*|\/\*\//.test(arn);
}

/** Values by which a condition holds. */
function metBy(condition: Permission['condition'] = {}): Record<string, string> {
  const all = Object.values(condition).flatMap((keys) => Object.entries(keys));
  return Object.fromEntries(all.map(([key, values]) => [key, [values].flat()[0]!]));
}
