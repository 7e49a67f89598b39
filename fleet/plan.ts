/** What `up` would do, told before it is done. */

import type { PlaceOutlook } from './foresight.ts';
import type { PolicyDoubt } from './policy-mistakes.ts';
import type { StatementWords } from './policy-words.ts';
import type { FleetPrice } from './prices.ts';
import { quotaBucket } from './quota-bucket.ts';
import { type FleetSpec, instancesWords } from './spec.ts';
import type { SpecChange } from './spec-change.ts';

export type PlanStanding =
  /** Nothing of it is there. */
  | 'new'
  /** A run is making it by this very spec. */
  | 'coming-up'
  /** It is there, as the spec says. */
  | 'same'
  /** It is there by another spec. */
  | 'differs'
  /** It was complete, and a part of it has ended. */
  | 'degraded'
  /** An earlier run left a part of it. */
  | 'left-over'
  /** Another run has it. */
  | 'busy';

export type PlanAct = 'make' | 'reuse' | 'keep' | 'change' | 'remove';

export interface PlanItem {
  readonly act: PlanAct;
  readonly kind: 'role' | 'policy' | 'managed-policy' | 'profile' | 'instances';
  /** By which AWS knows it; of instances how many of what. */
  readonly name: string;
  /** The account or place that it is in, of a fleet that has several. */
  readonly at?: string;
  readonly detail?: string;
}

/** Something that `up` would be stopped by. */
export interface PlanObstacle {
  /** As a MusterError has it, or `PreflightFailed`. */
  readonly code: string;
  readonly message: string;
  readonly mend?: string;
}

export interface PlanPlace {
  /** Absent of a fleet in one place. */
  readonly place?: string;
  readonly region: string;
  readonly account?: string;
  /** Who would make it, as AWS names the caller. */
  readonly caller?: string;
  /** `ami-...`, as it is resolved now. */
  readonly image?: string;
  /** The types that its needs come to, in order of preference. */
  readonly types: readonly string[];
  readonly quotas: readonly PlanQuota[];
}

/** vCPUs that would count into a quota of the account; how much of it is left is not known. */
export interface PlanQuota {
  /** `on-demand Standard (A, C, D, H, I, M, R, T, Z)`. */
  readonly quota: string;
  readonly least: number;
  readonly most: number;
}

export interface PolicyPlan {
  readonly name: string;
  /** Of the data by which its actions are known. */
  readonly dataDate: string;
  readonly statements: readonly StatementWords[];
  readonly doubts: readonly PolicyDoubt[];
}

export interface PlanReport {
  /** Version of this shape; fields are only added within one. */
  readonly schema: 1;
  readonly fleet: string;
  readonly standing: PlanStanding;
  /** Whether `up` would go through; where it would change something in place, with its `--yes`. */
  readonly goes: boolean;
  readonly obstacles: readonly PlanObstacle[];
  readonly warnings: readonly string[];
  readonly items: readonly PlanItem[];
  /** What differs from the fleet that is there. */
  readonly changes: readonly SpecChange[];
  /** Where something would be launched. */
  readonly places: readonly PlanPlace[];
  /** Absent when the spec has no policy of its own. */
  readonly policy?: PolicyPlan;
  /** Absent without a price list. */
  readonly price?: FleetPrice;
}

/** What a fleet has by its spec, all of it made or, of one that is there, kept. `accounts`, when there are several. */
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

/** What a change in place makes of a fleet. `count` is how many instances it has. */
export function changedItems(
  from: FleetSpec,
  to: FleetSpec,
  changes: readonly SpecChange[],
  count: number,
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
    ...instanceItems(to, count, {
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
  const kind = 'instances';
  const detail = needOthers ? "what other machines need stays: 'muster roll'" : undefined;
  const kept: PlanItem = {
    act: isTagged ? 'change' : 'keep',
    kind,
    name: `${Math.min(has, to)} of ${has}`,
    ...(detail && { detail }),
  };
  if (to > has) {
    const more = instancesWords({ ...instances, count: { want: to - has, min: to - has } });
    return [kept, { act: 'make', kind, name: more, detail: 'more of them' }];
  }
  return to < has
    ? [kept, { act: 'remove', kind, name: `${has - to} of ${has}`, detail: 'the newest' }]
    : [kept];
}

export function placeOf(
  { place, region, account, caller, image, placements = [], ...seen }: PlaceOutlook,
  spec: FleetSpec,
): PlanPlace {
  const types = [...new Set(placements.map(({ type }) => type))];
  return {
    ...(place !== undefined && { place }),
    region,
    ...(account !== undefined && { account, caller }),
    ...(image !== undefined && { image }),
    types,
    quotas: quotasOf(types, seen, spec.instances.market),
  };
}

/** Of each quota that its types count into: from all of its instances elsewhere to all of them of its largest type. */
function quotasOf(
  types: readonly string[],
  { vcpus, count: { want } }: Pick<PlaceOutlook, 'vcpus' | 'count'>,
  market: FleetSpec['instances']['market'],
): PlanQuota[] {
  const buckets = new Map<string, number[]>();
  for (const type of types) {
    const bucket = quotaBucket(type);
    if (vcpus[type] !== undefined) buckets.set(bucket, [...(buckets.get(bucket) ?? []), vcpus[type] * want]);
  }
  const isOnly = buckets.size === 1 && market !== 'spot-then-on-demand';
  return [...buckets].flatMap(([bucket, amounts]) => {
    const least = isOnly ? Math.min(...amounts) : 0;
    return quotaNames(bucket, market).map((quota) => ({ quota, least, most: Math.max(...amounts) }));
  });
}

/** `on-demand Standard (A, C, D, H, I, M, R, T, Z)`: spot machines count into quotas of their own. */
function quotaNames(bucket: string, market: FleetSpec['instances']['market']): string[] {
  const families = FAMILIES[bucket] ?? bucket;
  return [
    ...(market === 'on-demand' ? [] : [`spot ${families}`]),
    ...(market === 'spot' ? [] : [`on-demand ${families}`]),
  ];
}

/** As Service Quotas groups them. */
const FAMILIES: Readonly<Record<string, string>> = {
  standard: 'Standard (A, C, D, H, I, M, R, T, Z)',
  graphics: 'G and VT',
};
