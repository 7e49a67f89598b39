/** Whose a thing is: what is said of a name that somebody else has, and the removal of nothing but one's own. */

import { NAME_TAKEN } from '../fleet/failures.ts';
import type { Removal } from '../fleet/removal.ts';
import type { Tags } from '../fleet/spec.ts';
import { FLEET_TAG, type Owner, owns, RUN_TAG } from '../fleet/tags.ts';
import { AwsError, notYet } from './aws-errors.ts';
import { lookFor, note, noted, pause } from './patience.ts';

export interface UndoRequest {
  readonly region: string;
  /** Only what carries this owner's tags is touched. */
  readonly owner: Owner;
  /** Seconds to go on looking for what may have been made without an answer. */
  readonly patience: number;
}

interface Tagged {
  readonly tags: Tags;
}

/** AWS has just shown the thing and says of its removal that it knows no such thing: one of its replicas lags. */
export const UNSURE = 'unsure';

/**
 * The shape of every removal of a named thing: look for it, make sure whose it is, remove it. What is not seen, or is
 * seen as somebody else's, is looked for until the patience is over: an answer can be older than the thing.
 */
export async function removeIfOurs<T extends Tagged>(
  request: UndoRequest,
  look: () => Promise<T | undefined>,
  remove: (found: T) => Promise<typeof UNSURE | undefined>,
): Promise<Removal> {
  let wasSeen = noted() === SEEN;
  for (;;) {
    let foreign = false;
    const { found, ...search } = await lookFor(async () => {
      const seen = await look();
      foreign = seen !== undefined && !owns(request.owner, seen.tags);
      return foreign ? undefined : seen;
    }, request.patience);
    if (!found) return { ...search, outcome: wasSeen ? 'removed' : foreign ? 'not-ours' : 'absent' };
    wasSeen = true;
    note(SEEN);
    if ((await remove(found)) !== UNSURE) return { ...search, outcome: 'removed' };
    await pause(500);
  }
}

const SEEN = 'seen';

/**
 * What IAM has by a name that it refuses to give again: the owner's own, from an attempt whose answer was lost, or
 * else a failure with NameTaken. One read is not believed, as it can show what had the name before.
 */
export async function ownedOrTaken<T extends Tagged & { readonly name: string }>(
  owner: Owner,
  call: string,
  kind: 'role' | 'instance profile',
  read: () => Promise<T | undefined>,
): Promise<T> {
  let other: T | undefined;
  const { found } = await lookFor(async () => {
    const seen = await read();
    if (seen && owns(owner, seen.tags)) return seen;
    other = seen ?? other;
    return undefined;
  }, READ_AGAIN_SECONDS);
  if (found) return found;
  if (other) throw takenError(call, kind, other);
  throw notYet(new AwsError(call, 'EntityAlreadyExists', `the ${kind} exists and cannot be read yet`, 409));
}

/** Another's name is an end of the run: worth a few reads, and no more. */
const READ_AGAIN_SECONDS = 2;

/** What is said of a name that somebody else has. */
function takenError(
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
