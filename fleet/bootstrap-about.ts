/** What a bootstrap says of itself in Temporal's lists and its web UI, whoever starts it. */

import { fleetInstancesWords, whereaboutsOf, whereWords } from './fleet-words.ts';
import { placeRefs } from './places.ts';
import type { BootstrapRequest, FleetMemo } from './run.ts';
import type { FleetSpec } from './spec.ts';

export interface About {
  readonly memo: FleetMemo;
  readonly staticSummary: string;
  /** Markdown. */
  readonly staticDetails: string;
}

export function bootstrapAbout({ spec, specHash }: BootstrapRequest<FleetSpec>): About {
  const { region } = whereaboutsOf(spec);
  return {
    memo: {
      fleet: spec.name,
      region,
      ...specMemo(spec, specHash),
      places: placeRefs(spec),
    },
    staticSummary: `up ${spec.name}: ${fleetInstancesWords(spec)} in ${whereWords(whereaboutsOf(spec))}`,
    staticDetails: `Brings up the fleet \`${spec.name}\`. Cancelling it takes back what it made; terminating it does not.`,
  };
}

/** What of a fleet's spec its runs carry. */
export function specMemo(spec: FleetSpec, specHash: string): Pick<FleetMemo, 'specHash' | 'undo' | 'notify'> {
  return { specHash, undo: spec.deadlines.undo, notify: spec.notify };
}
