/** Waiting inside an activity: short, growing intervals, with heartbeats, so that a dead worker is noticed. */

import { Context } from '@temporalio/activity';
import type { AwsFailure } from '../fleet/failures.ts';
import { AwsError, detailOf, isOtherAccount, isPassing, isThrottled } from './aws-errors.ts';

/**
 * How long to wait before the next look, in milliseconds: a twelfth of the time waited so far, so that nobody waits
 * more than a twelfth longer than needed, but never under `least` nor over `most`.
 */
export function nextPause(waitedMs: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, waitedMs / 12));
}

/** Sleeps, unless the activity is cancelled or its worker ends: then it throws CancelledFailure. */
export async function pause(ms: number): Promise<void> {
  beat();
  await Context.current().sleep(ms);
}

const BEAT_MS = 4_000;

/** What an activity's heartbeats carry, for its next attempt and for whoever has to tell why it was given up. */
interface Notes {
  readonly word?: string;
  readonly failure?: AwsFailure;
}

const notes = new WeakMap<Context, Notes>();

/** Has the activity under way beat until it ends: a worker that was killed is missed within seconds. */
export async function beating<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Keeps a word for the activity's next attempt. */
export function note(word: string): void {
  add({ word });
}

/** The word that this attempt, or else the one before, has kept. */
export function noted(): string | undefined {
  return notesNow().word;
}

/** Keeps what AWS said last: when time runs out in the middle of the next attempt, it is the reason. */
export function noteFailure(failure: AwsFailure): void {
  add({ failure });
}

function add(more: Notes): void {
  notes.set(Context.current(), { ...notesNow(), ...more });
  beat();
}

function notesNow(): Notes {
  const context = Context.current();
  return notes.get(context) ?? (context.info.heartbeatDetails as Notes | undefined) ?? {};
}

function beat(): void {
  Context.current().heartbeat(notesNow());
}

export interface Search<T> {
  readonly found: T | undefined;
  /** How often was looked, and for how many seconds. */
  readonly looks: number;
  readonly seconds: number;
}

/**
 * Looks until something is found, or until AWS has had time to make up its mind: reads lag behind writes by up to
 * minutes, so that one empty answer does not prove absence ("Eventual consistency in the Amazon EC2 API"). A look that
 * is throttled or not answered is none, and does not begin the search anew; the last one has to be answered.
 */
export async function lookFor<T>(
  look: () => Promise<T | undefined>,
  patienceSeconds: number,
): Promise<Search<T>> {
  const started = Date.now();
  for (let looks = 1; ; looks++) {
    const seen = await orPassing(look());
    const waited = Date.now() - started;
    const isOver = waited >= patienceSeconds * 1000;
    if (isOver && seen.failed) throw seen.failed;
    if (isOver || seen.found !== undefined) return { found: seen.found, looks, seconds: waited / 1000 };
    await pause(Math.min(nextPause(waited, 250, 5_000), patienceSeconds * 1000 - waited));
  }
}

async function orPassing<T>(look: Promise<T | undefined>): Promise<{ found?: T; failed?: AwsError }> {
  try {
    return { found: await look };
  } catch (error) {
    // Of another account's credentials only another worker has better ones.
    if (!(error instanceof AwsError) || !isPassing(error) || isOtherAccount(error)) throw error;
    return { failed: error };
  }
}

/**
 * Makes a call whose bucket may have to fill first: what is throttled is asked for again in a few seconds, as it was. A
 * new attempt of the activity would look at all of the thousands again that there are. The activity's own deadline ends
 * it; until then the throttle is what its next attempt, or the report, is told of.
 */
export async function inTheirTime<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof AwsError) || !isThrottled(error)) throw error;
      noteFailure(detailOf(error));
      await pause(2_000 + Math.random() * 3_000);
    }
  }
}
