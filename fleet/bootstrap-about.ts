/** What a bootstrap says of itself in Temporal's lists and its web UI, whoever starts it. */

import type { BootstrapRequest, FleetMemo } from './run.ts';
import { type FleetSpec, instancesWords } from './spec.ts';

export interface About {
  readonly memo: FleetMemo;
  readonly staticSummary: string;
  /** Markdown. */
  readonly staticDetails: string;
}

export function bootstrapAbout({ spec, specHash }: BootstrapRequest<FleetSpec>): About {
  return {
    memo: { fleet: spec.name, region: spec.region, ...specMemo(spec, specHash) },
    staticSummary: `up ${spec.name}: ${instancesWords(spec.instances)} in ${spec.region}`,
    staticDetails: `Brings up the fleet \`${spec.name}\`. Cancelling it takes back what it made; terminating it does not.`,
  };
}

/** What of a fleet's spec its runs carry. */
export function specMemo(spec: FleetSpec, specHash: string): Pick<FleetMemo, 'specHash' | 'undo' | 'notify'> {
  return { specHash, undo: spec.deadlines.undo, notify: spec.notify };
}
