/** Faults: what a call of AWS is told to do wrong, and how often. */

import type { AwsFault } from './answers.ts';
import type { AwsRequest } from './request.ts';

export interface Fault {
  /** The call, for instance `RunInstances`. */
  readonly action: string;
  /** Answers this instead of doing anything. */
  readonly error?: AwsFault;
  /** Does what is asked and then cuts the connection, so that the answer is lost after the effect. */
  readonly lost?: boolean;
  /** Cuts the connection before anything is done. */
  readonly cut?: boolean;
  /** Waits this long before it does anything. */
  readonly delayMs?: number;
  /** For how many calls; by default 1. */
  readonly times?: number;
  /** How many matching calls pass before. */
  readonly skip?: number;
  /** Only calls whose body, as it is sent, has this text. */
  readonly match?: string;
}

export class Faults {
  readonly #faults = new Set<{ fault: Fault; skip: number; times: number }>();

  /** Answers a function that takes it back. */
  add(fault: Fault): () => void {
    const entry = { fault, skip: fault.skip ?? 0, times: fault.times ?? 1 };
    this.#faults.add(entry);
    return () => this.#faults.delete(entry);
  }

  clear(): void {
    this.#faults.clear();
  }

  /** The fault of this call, which is thereby used once. */
  take(request: AwsRequest): Fault | undefined {
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.action !== request.action) continue;
      if (fault.match !== undefined && !request.body.includes(fault.match)) continue;
      if (entry.skip > 0) {
        entry.skip -= 1;
        continue;
      }
      entry.times -= 1;
      if (entry.times <= 0) this.#faults.delete(entry);
      return fault;
    }
    return undefined;
  }
}
