/** Faults: what calls of AWS are told to do wrong, and how often. */

import { z } from 'zod';
import type { AwsFault } from './answers.ts';
import { chance, checked, count, exactly, number, text } from './checked.ts';
import type { Draws } from './draws.ts';
import type { AwsRequest } from './request.ts';

export interface Fault {
  /** The call: `RunInstances`, or `iam:*`, `ec2:Describe*`, `*`. */
  readonly action: string;
  /** Answers this instead of doing anything. */
  readonly error?: AwsFault;
  /** Does what is asked and then cuts the connection, so that the answer is lost after the effect. */
  readonly lost?: boolean;
  /** Cuts the connection before anything is done. */
  readonly cut?: boolean;
  /** Waits this long before it does anything. */
  readonly delayMs?: number;
  /** How likely each matching call is to have it, drawn from the seed; by default every one has it. */
  readonly chance?: number;
  /** Only this one of the matching calls, counted from 1. */
  readonly nth?: number;
  /** For how many calls; by default 1, and without end where there is a chance. */
  readonly times?: number;
  /** How many matching calls pass before. */
  readonly skip?: number;
  /** Only calls whose body, as it is sent, has this text. */
  readonly match?: string;
  /** Only calls of this region; IAM's are of us-east-1. */
  readonly region?: string;
}

export const faultSchema: z.ZodType<Fault> = exactly('field of a fault', {
  action: text('a call, for instance RunInstances, iam:* or *'),
  error: exactly('field of an error', {
    code: text("AWS's code of an error"),
    message: z.string("AWS's text of an error"),
    status: z
      .int('an HTTP status, 400 to 599')
      .min(400, 'an HTTP status, 400 to 599')
      .max(599, 'an HTTP status, 400 to 599')
      .optional(),
  }).optional(),
  lost: z.boolean('true or false').optional(),
  cut: z.boolean('true or false').optional(),
  delayMs: number(0, Number.MAX_VALUE, 'a number of milliseconds, 0 or more').optional(),
  chance: chance.optional(),
  nth: count(1).optional(),
  times: z.union([count(1), z.literal(Number.POSITIVE_INFINITY)], 'a whole number, 1 or more').optional(),
  skip: count(0).optional(),
  match: text('a text of the body').optional(),
  region: text('a region').optional(),
}).refine(
  ({ error, lost, cut, delayMs }) => error !== undefined || lost || cut || delayMs !== undefined,
  'does nothing: error, lost, cut or delayMs says what',
);

interface Entry {
  readonly fault: Fault;
  /** Among all that were added, from which its draws follow. */
  readonly index: number;
  readonly pattern: RegExp;
  seen: number;
  skip: number;
  times: number;
}

export class Faults {
  readonly #draws: Draws;
  readonly #entries = new Set<Entry>();
  #added = 0;

  constructor(draws: Draws) {
    this.#draws = draws;
  }

  /** Answers a function that takes it back. */
  add(given: Fault): () => void {
    const fault = checked(faultSchema, given);
    const entry = {
      fault,
      index: this.#added++,
      pattern: patternOf(fault.action),
      seen: 0,
      skip: fault.skip ?? 0,
      times: fault.times ?? (fault.chance === undefined ? 1 : Number.POSITIVE_INFINITY),
    };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }

  clear(): void {
    this.#entries.clear();
    this.#added = 0;
  }

  list(): Fault[] {
    return [...this.#entries].map(({ fault }) => fault);
  }

  /** The fault of this call, which is thereby used once. */
  take(request: AwsRequest): Fault | undefined {
    // Every entry counts and draws for every call that it matches, whichever of them has its way in the end.
    const met = [...this.#entries].filter(
      (entry) => matches(entry, request) && this.#isMeant(entry, request),
    );
    for (const entry of met) {
      if (entry.skip > 0) {
        entry.skip -= 1;
        continue;
      }
      entry.times -= 1;
      if (entry.times <= 0) this.#entries.delete(entry);
      return entry.fault;
    }
    return undefined;
  }

  #isMeant(entry: Entry, { action }: AwsRequest): boolean {
    const { nth, chance } = entry.fault;
    entry.seen += 1;
    const isDrawn = chance === undefined || this.#draws.happens(chance, 'fault', entry.index, action);
    return isDrawn && (nth === undefined || nth === entry.seen);
  }
}

function matches({ pattern, fault }: Entry, { service, action, body, region }: AwsRequest): boolean {
  if (!pattern.test(action) && !pattern.test(`${service}:${action}`)) return false;
  if (fault.region !== undefined && fault.region !== region) return false;
  return fault.match === undefined || body.includes(fault.match);
}

function patternOf(action: string): RegExp {
  const parts = action.split('*').map((part) => part.replace(/[^\w]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
