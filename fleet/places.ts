/** A fleet in several places: what it is in each of them. */

import { type FleetReport, instanceCountOf, type ProfileReport, type RoleReport } from './report.ts';
import type { Assume, FleetSpec, PlaceSpec } from './spec.ts';

/** The spec of what the fleet has in one of its places: that of a fleet in one place. */
export function fleetAt(spec: FleetSpec, { region, account, assume, instances }: PlaceSpec): FleetSpec {
  const { places: _, minPlaces: __, account: ___, assume: ____, ...common } = spec;
  const { key: _____, ...ofAll } = spec.instances;
  return {
    ...common,
    region,
    ...(account !== undefined && { account }),
    ...(assume && { assume }),
    instances: { ...ofAll, ...instances },
  };
}

/** Where calls of AWS go, and as whom. */
export interface Where {
  readonly region: string;
  readonly assume?: Assume;
}

export function whereOf({ region, assume }: FleetSpec): Where {
  return { region, assume };
}

/** A place as runs and memos know it. */
export interface PlaceRef extends Where {
  readonly name: string;
}

/** With what an earlier report told of it. */
export interface KnownPlace extends PlaceRef {
  /** Names of what the fleet made. */
  readonly role?: string;
  readonly profile?: string;
  /** Ids of instances. */
  readonly instances?: readonly string[];
  readonly count?: number;
  /** Something was wrong there before anything was made: a role that is refused, for instance. */
  readonly untouched?: boolean;
}

export function placeRefs({ places }: Pick<FleetSpec, 'places'>): readonly PlaceRef[] | undefined {
  return places?.map(({ name, region, assume }) => ({ name, region, assume }));
}

/** With what a report told of each: what a teardown looks for by name. */
export function knownPlaces(
  refs: readonly PlaceRef[],
  { places = [] }: Pick<FleetReport, 'places'>,
): KnownPlace[] {
  return refs.map((ref) => {
    const told = places.find(({ place }) => place === ref.name);
    const isThere = told?.state === 'complete' || told?.state === 'degraded';
    // Whoever looks for a name that is gone looks for long.
    const mayBe = told?.state !== 'rolled-back' && told?.state !== 'cancelled';
    const nameOf = (thing: RoleReport | ProfileReport | undefined) =>
      mayBe && thing && !thing.reused ? thing.name : undefined;
    return {
      ...ref,
      role: nameOf(told?.role),
      profile: nameOf(told?.profile),
      instances: isThere ? told.instances.map(({ id }) => id) : undefined,
      count: isThere ? instanceCountOf(told) : undefined,
      untouched: told?.state === 'rolled-back' && told.error?.step === 'preflight' ? true : undefined,
    };
  });
}

export function minPlacesOf({ places = [], minPlaces = places.length }: FleetSpec): number {
  return minPlaces;
}

/** `us-east-1, eu-west-1`; of many the first two. */
export function placesWords(names: readonly string[]): string {
  if (names.length <= 3) return names.join(', ');
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}
