/** What came of removing one thing of a fleet, and the words in which a report tells it. */

import { counted } from './words.ts';

export type RemovalOutcome =
  /** It was there, and is gone. */
  | 'removed'
  /** It was looked for, and never seen. */
  | 'absent'
  /** Something by that name exists, and its tags say that it is not the fleet's: left as it is. */
  | 'not-ours';

export interface Removal {
  readonly outcome: RemovalOutcome;
  /** How often AWS was asked for it, and for how many seconds, before that was said. */
  readonly looks: number;
  readonly seconds: number;
}

/** Of instances, with the volumes that they leave behind. */
export interface Termination extends Removal {
  readonly terminated: number;
  /** How many had ended before anybody asked them to: EC2 shows them for about an hour. */
  readonly ended: number;
  readonly volumesDeleted: number;
  /** Ids of volumes left, as the spec asked (`deleteOnTermination: false`). */
  readonly volumesKept: readonly string[];
}

/** One look that finds nothing is not told as more than it is: AWS may show a thing late. */
export function removalWords(removal: Removal): string {
  switch (removal.outcome) {
    case 'removed':
      return 'removed';
    case 'absent':
      return `not there: ${looksInWords(removal)}`;
    case 'not-ours':
      return 'what has that name is not its own';
  }
}

export function terminationWords(termination: Termination): string {
  const { outcome, terminated, ended, volumesDeleted, volumesKept } = termination;
  const parts: string[] = [];
  if (outcome === 'removed') parts.push(`${terminated} terminated`);
  if (ended > 0) parts.push(`${ended} had ended before`);
  if (parts.length === 0) parts.push(`none there: ${looksInWords(termination)}, by tag and by client token`);
  if (volumesDeleted > 0) parts.push(`${counted(volumesDeleted, 'volume')} deleted`);
  if (volumesKept.length > 0) parts.push(`volumes kept: ${volumesKept.join(', ')}`);
  return parts.join('; ');
}

function looksInWords({ looks, seconds }: Removal): string {
  return looks === 1 ? 'looked once' : `looked ${looks} times in ${seconds.toFixed(0)} s`;
}
