/** Whose a thing is: what is said of a name that somebody else has, and the removal of nothing but one's own. */

import { NAME_TAKEN, TAGS_GONE } from '../fleet/failures.ts';
import type { Where } from '../fleet/places.ts';
import type { Removal } from '../fleet/removal.ts';
import type { Tags } from '../fleet/spec.ts';
import { FLEET_TAG, type Owner, owns, RUN_TAG } from '../fleet/tags.ts';
import { AwsError, notYet } from './aws-errors.ts';
import { lookFor, note, noted, pause } from './patience.ts';

export interface UndoRequest extends Where {
  /** Only what carries this owner's tags is touched. */
  readonly owner: Owner;
  /** Seconds to go on looking for what may have been made without an answer. */
  readonly patience: number;
  /** The unique id (`AROA...`, `AIPA...`) that AWS gave the thing, when that is known. */
  readonly id?: string;
}

interface Tagged {
  readonly id: string;
  readonly name: string;
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
    let foreign: T | undefined;
    const { found, ...search } = await lookFor(async () => {
      const seen = await look();
      foreign = seen && !owns(request.owner, seen.tags) ? seen : undefined;
      return foreign ? undefined : seen;
    }, request.patience);
    if (foreign && foreign.id === request.id) throw tagsGone(foreign);
    if (!found) return { ...search, outcome: wasSeen ? 'removed' : foreign ? 'not-ours' : 'absent' };
    wasSeen = true;
    note(SEEN);
    if ((await remove(found)) !== UNSURE) return { ...search, outcome: 'removed' };
    await pause(500);
  }
}

const SEEN = 'seen';

/** Only its tags allow to remove a thing: without them a person has to say whose it is. */
function tagsGone({ name, id }: Tagged): AwsError {
  const message = `${name} (${id}) was made by this run, and its tags ${FLEET_TAG} and ${RUN_TAG} do not say so any more`;
  return new AwsError('', TAGS_GONE, message, 409);
}

/**
 * What IAM has by a name that it refuses to give again: the owner's own, from an attempt whose answer was lost, or
 * else a failure with NameTaken. One read is not believed, as it can show what had the name before.
 */
export async function ownedOrTaken<T extends Tagged>(
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
