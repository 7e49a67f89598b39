/** How many instances of what a spec asks for, in words. */

import { needWords } from './need-words.ts';
import type { InstancesSpec } from './spec.ts';

/** `3 × t3.micro`, `80 to 100 × t3.micro or t3.small, spot`, `2 × 2 to 4 vCPUs and at least 4 GiB of memory`. */
export function instancesWords({ count: { want, min }, placements, market }: InstancesSpec): string {
  const types = placements.map((placement) =>
    'type' in placement ? placement.type : needWords(placement.need),
  );
  const bought = market === 'on-demand' ? '' : `, ${market}`;
  return `${min < want ? `${min} to ${want}` : want} × ${[...new Set(types)].join(' or ')}${bought}`;
}
