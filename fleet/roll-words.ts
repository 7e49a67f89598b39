/** What a roll changes and how far it is, in the words that reports and progress have in common. */

import type { RollReport } from './report.ts';
import type { SpecChange } from './spec-change.ts';
import { timeWords } from './words.ts';

/** Of each side; what is longer is a matter of the spec. */
const MOST_OF_A_SIDE = 40;

/** `image from ami-1 to ami-2, type from t3.micro to t3.small, user data`. */
export function rolledWords({ from, to, changes = [] }: Pick<RollReport, 'from' | 'to' | 'changes'>): string {
  const parts = changes.map(changeWords);
  // What a moving name means shows when it is looked at.
  const isOther = from !== to && (to.startsWith('ami-') || parts.length === 0);
  if (isOther) parts.unshift(`image from ${from} to ${to}`);
  return parts.length > 0 ? parts.join(', ') : `image ${from} as before`;
}

function changeWords({ field, from, to }: SpecChange): string {
  const title = titleOf(field, from, to);
  const isTold = field !== 'instances.userData' && Math.max(from.length, to.length) <= MOST_OF_A_SIDE;
  return isTold ? `${title} from ${from} to ${to}` : title;
}

/** `securityGroups` reads as `security groups`; placements of nothing but a type are that. */
function titleOf(field: string, from: string, to: string): string {
  const name = field.replace(/^instances\./, '');
  if (name === 'placements' && !/ /.test(`${from}${to}`)) return 'type';
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** `wave 2 of 3, 1 of 2 healthy; 2 of 5 replaced; paused since 12:00:00Z`. */
export function rollWords(roll: RollReport): string {
  const { wave, waves, count, size, healthy, replaced, pausedAt, nextAt } = roll;
  const last = count - size * (waves - 1);
  const inWave = wave === waves ? last : size;
  const parts = wave > 0 ? [`wave ${wave} of ${waves}, ${healthy} of ${inWave} healthy`] : [];
  parts.push(`${replaced} of ${count} replaced`);
  if (pausedAt !== undefined) parts.push(`paused since ${timeWords(pausedAt)}`);
  else if (nextAt !== undefined) parts.push(`the next wave begins at ${timeWords(nextAt)}`);
  return parts.join('; ');
}
