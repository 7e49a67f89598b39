/** What of a fleet a plan makes, keeps, changes and removes. */

import { instancesWords } from './instances-words.ts';
import type { PlanItem } from './plan.ts';
import type { FleetSpec } from './spec.ts';
import type { SpecChange } from './spec-change.ts';

/**
 * What a fleet has by its spec, all of it made or, of one that is there, kept: what is in IAM once in each account, if
 * there are several, and instances in each place.
 */
export function itemsOf(
  spec: FleetSpec,
  act: 'make' | 'keep',
  specsByPlace: readonly (readonly [place: string | undefined, spec: FleetSpec])[],
  accounts: readonly string[],
): PlanItem[] {
  const whole = accounts.length > 1 ? accounts : [undefined];
  return [
    ...whole.flatMap((account) =>
      identityItems(spec, act).map((item) => (account === undefined ? item : { ...item, at: account })),
    ),
    ...specsByPlace.map(([place, { instances }]): PlanItem => {
      const item = {
        act,
        kind: 'instances',
        name: instancesWords(instances),
        count: instances.count.want,
        detail: launchWords(instances),
      } as const;
      return place === undefined ? item : { ...item, at: place };
    }),
  ];
}

function identityItems({ role, policy, profile }: FleetSpec, act: 'make' | 'keep'): PlanItem[] {
  return [
    ...(role ? [roleItem(role, act)] : []),
    ...(policy ? [{ act, kind: 'policy', name: policy.name, detail: IN_THE_ROLE } as const] : []),
    ...(role && !role.reuse
      ? role.managedPolicies.map((name) => ({ act, kind: 'managed-policy', name, detail: ATTACHED }) as const)
      : []),
    profile.reuse
      ? { act: 'reuse', kind: 'profile', name: profile.ref, detail: AS_IT_IS }
      : { act, kind: 'profile', name: profile.name },
  ];
}

const IN_THE_ROLE = 'inline, in the role';
const ATTACHED = 'attached to the role';
const AS_IT_IS = 'it stays as it is';

function roleItem(role: NonNullable<FleetSpec['role']>, act: 'make' | 'keep'): PlanItem {
  if (role.reuse) return { act: 'reuse', kind: 'role', name: role.name, detail: AS_IT_IS };
  const { name, path, permissionsBoundary: boundary } = role;
  const details = [
    ...(path === '/' ? [] : [`path ${path}`]),
    ...(boundary ? [`bounded by ${boundary}`] : []),
  ];
  return { act, kind: 'role', name, ...(details.length > 0 && { detail: details.join(', ') }) };
}

function launchWords({ image, market, volumes, spread, placements }: FleetSpec['instances']): string {
  return [
    image,
    ...(market === 'on-demand' ? [] : [market]),
    ...(spread && placements.length > 1 ? [`spread over ${placements.length} placements`] : []),
    ...(volumes.length > 0
      ? [`${volumes.length === 1 ? 'a volume' : `${volumes.length} volumes`} each`]
      : []),
  ].join(', ');
}

/** What a change in place makes of a fleet. `has` is how many instances there are. */
export function changedItems(
  from: FleetSpec,
  to: FleetSpec,
  changes: readonly SpecChange[],
  has: number,
): PlanItem[] {
  const differs = (...fields: string[]) =>
    changes.some(
      ({ field, how }) =>
        how === 'in-place' && fields.some((each) => field === each || field.startsWith(`${each}.`)),
    );
  const tagged = differs('tags');
  return [
    ...itemsOf(to, 'keep', [], []).flatMap((item): PlanItem[] => {
      if (item.act === 'reuse') return [item];
      const changed = { ...item, act: 'change' } as const;
      switch (item.kind) {
        case 'role':
          return [
            tagged || differs('role.description', 'role.permissionsBoundary', 'role.tags') ? changed : item,
          ];
        case 'profile':
          return [tagged || differs('profile') ? changed : item];
        case 'policy':
          return policyItems(from, item, differs('policy'));
        default:
          return managedOf(from).includes(item.name) ? [item] : [{ ...item, act: 'make' }];
      }
    }),
    ...(from.policy && !to.policy
      ? [{ act: 'remove', kind: 'policy', name: from.policy.name, detail: IN_THE_ROLE } as const]
      : []),
    ...managedOf(from)
      .filter((arn) => !managedOf(to).includes(arn))
      .map((name) => ({ act: 'remove', kind: 'managed-policy', name, detail: 'it is detached' }) as const),
    ...instanceItems(to, has, {
      isTagged: tagged || differs('instances.tags'),
      isCounted: differs('instances.count'),
      needOthers: changes.some(({ how }) => how === 'roll'),
    }),
  ];
}

function managedOf({ role }: FleetSpec): readonly string[] {
  return role && !role.reuse ? role.managedPolicies : [];
}

function policyItems({ policy: from }: FleetSpec, item: PlanItem, isChanged: boolean): PlanItem[] {
  if (!from) return [{ ...item, act: 'make' }];
  if (from.name === item.name) return [isChanged ? { ...item, act: 'change' } : item];
  return [
    { ...item, act: 'make' },
    { ...item, act: 'remove', name: from.name },
  ];
}

function instanceItems(
  { instances }: FleetSpec,
  has: number,
  { isTagged, isCounted, needOthers }: Readonly<Record<'isTagged' | 'isCounted' | 'needOthers', boolean>>,
): PlanItem[] {
  const to = isCounted ? instances.count.want : has;
  const some = (act: PlanItem['act'], count: number, detail: string | undefined): PlanItem => ({
    act,
    kind: 'instances',
    name: `${count} of ${has}`,
    count,
    ...(detail !== undefined && { detail }),
  });
  const detail = needOthers ? "what other machines need stays: 'muster roll'" : undefined;
  const kept = some(isTagged ? 'change' : 'keep', Math.min(has, to), detail);
  if (to < has) return [kept, some('remove', has - to, 'the newest')];
  if (to === has) return [kept];
  const name = instancesWords({ ...instances, count: { want: to - has, min: to - has } });
  return [kept, { ...some('make', to - has, 'more of them'), name }];
}
