/** A change of a fleet's count: what may be asked for, and which instances go when there are to be fewer. */

import { MOST_INSTANCES } from './spec.ts';

export const SCALE_CHOICES = ['newest', 'oldest', 'zone'] as const;

/** Which instances go: those launched last, those launched first, or such as leave the zones even. */
export type ScaleChoice = (typeof SCALE_CHOICES)[number];

/** What was added last goes first, so that a scale down takes back a scale up and the machines before it go on. */
export const DEFAULT_CHOICE: ScaleChoice = 'newest';

/** What the Update asks for. */
export interface ScaleRequest {
  /** How many instances the fleet is to have. */
  readonly count: number;
  readonly by: ScaleChoice;
  /** Of a fleet in several places: in which of them. */
  readonly place?: string;
}

/** What a person can type. */
export function scaleCommand(fleet: string, count: number, place: string | undefined): string {
  return `muster scale ${fleet} ${count}${place === undefined ? '' : ` --place ${place}`}`;
}

/** What is wrong with a request; undefined when nothing is. */
export function scaleMistake({ count, by }: ScaleRequest): string | undefined {
  if (!Number.isInteger(count) || count < 1 || count > MOST_INSTANCES) {
    return `${count} is no count of instances: 1 to ${MOST_INSTANCES}`;
  }
  if (!isChoice(by)) return `'${by}' is no choice: ${SCALE_CHOICES.join(', ')}`;
  return undefined;
}

export function isChoice(text: string): text is ScaleChoice {
  return (SCALE_CHOICES as readonly string[]).includes(text);
}

/** An instance as the choice sees it. */
export interface Candidate {
  readonly id: string;
  readonly zone: string;
  /** Milliseconds since the epoch; a batch has one time. */
  readonly launchedAt: number;
}

/** The ids of those that go, first first. The same instances in any order give the same ids. */
export function chosenToGo(candidates: readonly Candidate[], count: number, by: ScaleChoice): string[] {
  const newestFirst = [...candidates].sort((a, b) => b.launchedAt - a.launchedAt || order(a.id, b.id));
  if (by === 'zone') return fromTheFullest(newestFirst, count);
  const inOrder = by === 'newest' ? newestFirst : newestFirst.reverse();
  return inOrder.slice(0, count).map(({ id }) => id);
}

/** Each time the newest of the zone that has the most then. */
function fromTheFullest(newestFirst: readonly Candidate[], count: number): string[] {
  const zones = new Map<string, Candidate[]>();
  for (const one of newestFirst) zones.set(one.zone, [...(zones.get(one.zone) ?? []), one]);
  const inOrder = [...zones].sort(([a], [b]) => order(a, b)).map(([, of]) => of);
  const chosen: string[] = [];
  while (chosen.length < count) {
    const fullest = inOrder.reduce((most, of) => (of.length > most.length ? of : most));
    const next = fullest.shift();
    if (!next) break;
    chosen.push(next.id);
  }
  return chosen;
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
