/** What a fleet is to have, and where, in words: of one in several places, all of it. */

import { instancesWords } from './instances-words.ts';
import { countInPlaces, placesWords } from './places.ts';
import type { FleetSpec } from './spec.ts';

/** `3 × t3.micro`, whatever of these is in which place. */
export function fleetInstancesWords(spec: FleetSpec): string {
  const { places, instances } = spec;
  if (!places) return instancesWords(instances);
  const placements = places.flatMap(({ instances }) => instances.placements);
  return instancesWords({ ...instances, count: countInPlaces(spec), placements });
}

/** `us-east-1, eu-west-1`. */
export function whereWords({ region, places }: Whereabouts): string {
  return places ? placesWords(places) : region!;
}

/** Where a fleet is: in one region, or in several places, which have names. */
export interface Whereabouts {
  readonly region?: string;
  readonly places?: readonly string[];
}

export function whereaboutsOf({ region, places }: FleetSpec): Whereabouts {
  return places ? { places: places.map(({ name }) => name) } : { region };
}
