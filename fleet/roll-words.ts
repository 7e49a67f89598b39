/** How far a roll is, in the words that reports and progress have in common. */

import type { RollReport } from './report.ts';

/** `wave 2 of 3, 1 of 2 healthy; 2 of 5 replaced; paused since 12:00:00Z`. */
export function rollWords(roll: RollReport): string {
  const { wave, waves, count, size, healthy, replaced, pausedAt, nextAt } = roll;
  const last = count - size * (waves - 1);
  const inWave = wave === waves ? last : size;
  const parts = wave > 0 ? [`wave ${wave} of ${waves}, ${healthy} of ${inWave} healthy`] : [];
  parts.push(`${replaced} of ${count} replaced`);
  if (pausedAt !== undefined) parts.push(`paused since ${timeOf(pausedAt)}`);
  else if (nextAt !== undefined) parts.push(`the next wave begins at ${timeOf(nextAt)}`);
  return parts.join('; ');
}

function timeOf(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}
