/** Why a launch came to too little, in a few lines however many placements have refused. */

import type { Decision } from './launch-plan.ts';

/** So many are told in AWS's words; who has refused most often the same is told by counts. */
const MOST_IN_WORDS = 3;

/** The last refusal of each placement, or how many there are of each kind and the first of them. */
export function refusalLines(decisions: readonly Decision[]): string[] {
  const refused = decisions.filter(({ what }) => what === 'refused');
  const last = [...new Map(refused.map((one) => [one.placement, one])).values()];
  const words = last.slice(0, MOST_IN_WORDS).map(inWords);
  if (last.length <= MOST_IN_WORDS) return words;
  const counts = new Map<string, number>();
  for (const { code } of last) counts.set(code, (counts.get(code) ?? 0) + 1);
  const byReason = [...counts].sort(([, a], [, b]) => b - a).map(([code, count]) => `${code} ${count}`);
  return [
    `refused by ${last.length} placements: ${byReason.join(', ')}; the first of them:`,
    ...words,
    `the other ${last.length - MOST_IN_WORDS}: 'decisions' of the report, with --json`,
  ];
}

function inWords({ placement, code, reason }: Decision): string {
  return `${placement}: ${code}: ${reason}`;
}
