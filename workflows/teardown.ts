/** What the teardowns of a fleet in one place and in several have in common. */

import { ApplicationFailure } from '@temporalio/workflow';
import type { FoundFleet } from '../activities/inventory.ts';
import { PROFILE_IN_USE } from '../fleet/failures.ts';
import type { TeardownRequest } from '../fleet/run.ts';
import { counted, someOf } from '../fleet/words.ts';

export const DEFAULT_DEADLINE = 900;
const STALE_SECONDS = 15;
/** In a sentence. */
const MOST_NAMED = 5;

/** Before anything is removed: machines that somebody else runs with the profile would lose their credentials. */
export function assertNotBorrowed({ profile, borrowers, freeing = [] }: FoundFleet): void {
  if (borrowers.length === 0) return;
  const words = [
    `the instance profile ${profile?.name} is used by ${someOf(borrowers, MOST_NAMED)}: nothing was removed`,
    'end these first, or prove whose they are:',
    ...freeing.slice(0, MOST_NAMED).map((command) => `    ${command}`),
  ];
  throw ApplicationFailure.nonRetryable(words.join('\n'), PROFILE_IN_USE);
}

/** What was found is there: a look that does not show it is a stale one. */
export function patienceOf({ patience = 0 }: TeardownRequest): number {
  return Math.max(patience, STALE_SECONDS);
}

export function foundWords({ ids, role, profile, strangers = [] }: FoundFleet): string {
  const parts = [counted(ids.length, 'instance')];
  if (profile) parts.push(`profile ${profile.name}`);
  if (role) parts.push(`role ${role.name}`);
  const words = parts.join(', ');
  if (strangers.length === 0) return words;
  return `${words}; ${someOf(strangers, MOST_NAMED)} with its tags, launched by no run of it: left alone`;
}
