/** A fleet in several places: what it is in each of them. */

import type { FleetSpec, PlaceSpec } from './spec.ts';

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
