/** What the worker's credentials need for a fleet: statements of IAM, each with its reason. One list for all who ask. */

import type { Permission } from './permission.ts';
import { changePermissions } from './permissions-changes.ts';
import { identityPermissions } from './permissions-identity.ts';
import { machinePermissions } from './permissions-machines.ts';
import { type PolicyDocument, type PolicyStatement, policySize } from './policy.ts';
import type { FleetSpec } from './spec.ts';

/** In the order in which a run comes to them, and then what only a fleet that is there needs. */
export function permissionsFor(spec: FleetSpec): readonly Permission[] {
  return [...identityPermissions(spec), ...machinePermissions(spec), ...changePermissions(spec)];
}

export function policyFor(permissions: readonly Permission[]): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: permissions.map(({ sid, actions, resources, condition }) => ({
      Sid: sid,
      Effect: 'Allow',
      Action: bare(actions),
      Resource: bare(resources),
      ...(condition && { Condition: bareCondition(condition) }),
    })),
  };
}

/** A list of one is its entry: a policy's characters are counted. */
function bare(list: readonly string[]): string | readonly string[] {
  return list.length === 1 ? list[0]! : list;
}

function bareCondition(condition: NonNullable<Permission['condition']>): PolicyStatement['Condition'] {
  return Object.fromEntries(
    Object.entries(condition).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, bare([values].flat())])),
    ]),
  );
}

/** What IAM takes, in characters without white space (IAM User Guide, "IAM and AWS STS quotas"). */
const PLACES = [
  { characters: 2_048, words: "a user's inline policies" },
  { characters: 6_144, words: 'a managed policy' },
  { characters: 10_240, words: "a role's inline policies" },
] as const;

export interface PolicyFit {
  readonly characters: number;
  readonly fits: readonly string[];
  readonly tooLargeFor: readonly string[];
}

export function fitOf(policy: PolicyDocument): PolicyFit {
  const characters = policySize(policy);
  const inWords = ({ characters, words }: (typeof PLACES)[number]) =>
    `${words} (${characters.toLocaleString('en')})`;
  return {
    characters,
    fits: PLACES.filter((place) => characters <= place.characters).map(inWords),
    tooLargeFor: PLACES.filter((place) => characters > place.characters).map(inWords),
  };
}
