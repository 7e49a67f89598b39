/** What differs between two specs, line by line. */

import { NO_MORE, type SpecChange } from './spec-change.ts';

/** A line for each difference; of a policy's document one for each statement. */
export function changeLines(changes: readonly SpecChange[]): string[] {
  const widest = Math.max(0, ...changes.map(({ field }) => field.length));
  return changes.flatMap((change) =>
    sides(change).map((side, at) => `${(at === 0 ? change.field : '').padEnd(widest)}  ${side}`),
  );
}

function sides({ field, from, to }: SpecChange): string[] {
  if (field !== 'policy.document') return [`${from} → ${to}`];
  const statements = (side: string) => (side === NO_MORE ? [] : side.split('\n'));
  return [...statements(from).map((one) => `- ${one}`), ...statements(to).map((one) => `+ ${one}`)];
}
