/** The look at AWS before a fleet is brought up: whether it, or something of an earlier run, is there by its spec's names. */

import { placeRefs } from './places.ts';
import type { TeardownRequest } from './run.ts';
import type { FleetSpec } from './spec.ts';

export function lookBySpec(spec: FleetSpec): TeardownRequest {
  const { name, region, role, profile } = spec;
  const places = placeRefs(spec);
  return {
    fleet: name,
    region: places ? undefined : region,
    places,
    role: role && !role.reuse ? role.name : undefined,
    profile: profile.reuse ? undefined : profile.name,
    byNameOnly: true,
  };
}
