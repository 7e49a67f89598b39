/** What `up` would do, told before it is done. */

import type { PlaceOutlook } from './foresight.ts';
import type { PolicyDoubt } from './policy-mistakes.ts';
import type { StatementWords } from './policy-words.ts';
import type { FleetPrice } from './prices.ts';
import { quotaBucket } from './quota-bucket.ts';
import type { FleetSpec } from './spec.ts';
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
  /** How many instances. */
  readonly count?: number;
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

export interface PlanScaled {
  /** The place, of a fleet in several. */
  readonly at?: string;
  readonly has: number;
  /** Of the spec: how many it wants. */
  readonly says: number;
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
  /** Where a scale has given it another count than its spec says; absent when nowhere. `up` leaves it so. */
  readonly scaled?: readonly PlanScaled[];
  /** Where something would be launched. */
  readonly places: readonly PlanPlace[];
  /** Absent when the spec has no policy of its own. */
  readonly policy?: PolicyPlan;
  /** Absent without a price list. */
  readonly price?: FleetPrice;
}

/** What was seen of a place, as a plan tells it. */
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
