/** A fleet in several places: what it is in each of them. */

import { type FleetReport, instanceCountOf, type ProfileReport, type RoleReport } from './report.ts';
import type { Assume, Count, FleetSpec, PlaceSpec, Tags } from './spec.ts';
import { REGION_TAG, REGIONS_TAG } from './tags.ts';

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

/** A complete fleet in one of its places. */
export interface Stand {
  /** Which of several. */
  readonly at?: string;
  readonly spec: FleetSpec;
  readonly report: FleetReport;
  readonly identity?: PlaceIdentity;
}

/** The tags of an account's role and profile that are not as those of its instances; or they are looked at in another place. */
export type PlaceIdentity = Tags | 'elsewhere';

/** Where it has come up; a fleet in one place as it is. */
export function standsOf(spec: FleetSpec, report: FleetReport): Stand[] {
  const { places = [] } = report;
  if (!spec.places) return [{ spec: locatedIn(spec, report), report }];
  const inUse = places.filter(({ state }) => isThere(state));
  return inUse.map((place) => {
    const ofPlace = spec.places!.find(({ name }) => name === place.place)!;
    const isFirst = inUse.find(({ account }) => account === place.account) === place;
    return {
      at: place.place,
      spec: locatedIn(fleetAt(spec, ofPlace), place),
      report: place,
      identity: isFirst ? identityTags(places, place.account) : ('elsewhere' as const),
    };
  });
}

/** The names of those that it has come up in; none of a fleet in one place. */
export function placesIn({ places = [] }: Pick<FleetReport, 'places'>): string[] {
  return places.flatMap(({ place, state }) => (isThere(state) ? [place!] : []));
}

/** What a report tells of one of its places; without a name all of it. */
export function placeIn(report: FleetReport, name: string | undefined): FleetReport {
  return report.places?.find(({ place }) => place === name) ?? report;
}

function isThere(state: FleetReport['state']): boolean {
  return state === 'complete' || state === 'degraded';
}

/** As the run that made them saw it: all places of the account in which something could be made, the first of them first. */
function identityTags(places: readonly FleetReport[], account: string | undefined): Tags {
  const there = places.filter((place) => place.account === account && place.error?.step !== 'preflight');
  const regions = there.map(({ region }) => region!);
  return { [REGION_TAG]: regions[0]!, [REGIONS_TAG]: regions.join(' ') };
}

/** With the account that its run has found it to be in, whether the spec names one or not. */
export function locatedIn(
  spec: FleetSpec,
  { account = spec.account }: Pick<FleetReport, 'account'>,
): FleetSpec {
  return { ...spec, account };
}

/** Where calls of AWS go, and as whom. */
export interface Where {
  readonly region: string;
  readonly assume?: Assume;
  /** Whose credentials these have to be, where that is known. */
  readonly account?: string;
}

export function whereOf({ region, assume, account }: FleetSpec): Where {
  return { region, assume, account };
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
    const hasIt = told !== undefined && isThere(told.state);
    // Whoever looks for a name that is gone looks for long.
    const mayBe = told?.state !== 'rolled-back' && told?.state !== 'cancelled';
    const nameOf = (thing: RoleReport | ProfileReport | undefined) =>
      mayBe && thing && !thing.reused ? thing.name : undefined;
    return {
      ...ref,
      account: told?.account,
      role: nameOf(told?.role),
      profile: nameOf(told?.profile),
      instances: hasIt ? told.instances.map(({ id }) => id) : undefined,
      count: hasIt ? instanceCountOf(told) : undefined,
      untouched: told?.state === 'rolled-back' && told.error?.step === 'preflight' ? true : undefined,
    };
  });
}

export function minPlacesOf({ places = [], minPlaces = places.length }: FleetSpec): number {
  return minPlaces;
}

/** How many instances in all of its places together, and the fewest with which as many places as are needed are complete. */
export function countInPlaces(spec: FleetSpec): Count {
  const counts = spec.places!.map(({ instances }) => instances.count);
  const leasts = counts.map(({ min }) => min).sort((a, b) => a - b);
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  return { want: sum(counts.map(({ want }) => want)), min: sum(leasts.slice(0, minPlacesOf(spec))) };
}

/** `us-east-1, eu-west-1`; of many the first two. */
export function placesWords(names: readonly string[]): string {
  if (names.length <= 3) return names.join(', ');
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}
