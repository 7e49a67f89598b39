/** Whose a thing is: what is said of a name that somebody else has, and the removal of nothing but one's own. */

import { Context } from '@temporalio/activity';
import { NAME_TAKEN } from '../fleet/failures.ts';
import type { Tags } from '../fleet/spec.ts';
import { FLEET_TAG, type Owner, owns, RUN_TAG } from '../fleet/tags.ts';
import { AwsError } from './aws-errors.ts';
import { lookFor } from './patience.ts';

export interface UndoRequest {
  readonly region: string;
  /** Only what carries this owner's tags is touched. */
  readonly owner: Owner;
  /** Seconds to go on looking for what may have been made without an answer. */
  readonly patience: number;
}

export type UndoOutcome =
  | 'removed'
  /** Looked for during all of the patience, and never seen. */
  | 'absent'
  /** Something by that name exists, and its tags say that it is not the owner's: left as it is. */
  | 'not-ours';

interface Tagged {
  readonly tags: Tags;
}

/**
 * The shape of every removal of a named thing: look for it, make sure whose it is, remove it. Once it was seen,
 * a later attempt that finds nothing knows that an earlier one removed it, and does not look again for long.
 */
export async function removeIfOurs<T extends Tagged>(
  request: UndoRequest,
  look: () => Promise<T | undefined>,
  remove: (found: T) => Promise<void>,
): Promise<UndoOutcome> {
  const context = Context.current();
  const seenBefore = context.info.heartbeatDetails === SEEN;
  const found = await lookFor(look, seenBefore ? 0 : request.patience);
  if (!found) return seenBefore ? 'removed' : 'absent';
  if (!owns(request.owner, found.tags)) return 'not-ours';
  context.heartbeat(SEEN);
  await remove(found);
  return 'removed';
}

const SEEN = 'seen';

/** What is said of a name that somebody else has. */
export function takenError(
  call: string,
  kind: 'role' | 'instance profile',
  existing: { name: string; tags: Tags },
): AwsError {
  return new AwsError(call, NAME_TAKEN, takenWords(kind, existing), 409);
}

export function takenWords(
  kind: 'role' | 'instance profile',
  existing: { name: string; tags: Tags },
): string {
  const fleet = existing.tags[FLEET_TAG];
  const article = kind === 'role' ? 'A role' : 'An instance profile';
  if (fleet === undefined) {
    return `${article} named ${existing.name} exists and is not of this fleet. It stays as it is: choose another name, or say 'reuse: true' to use it.`;
  }
  return `${article} named ${existing.name} exists: run ${existing.tags[RUN_TAG]} of the fleet ${fleet} made it. 'muster status ${fleet}' shows that fleet, 'muster down ${fleet}' removes it.`;
}
