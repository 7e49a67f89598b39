/** Chance that can be had again: every draw follows from the seed, from what is drawn for, and from how often it was. */

import { createHash } from 'node:crypto';

const HASHED_BYTES = 6;

export class Draws {
  #seed: number;
  readonly #counts = new Map<string, number>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  get seed(): number {
    return this.#seed;
  }

  /** Begins anew. */
  reseed(seed: number): void {
    this.#seed = seed;
    this.#counts.clear();
  }

  /**
   * From 0 up to 1. A name has a row of draws of its own: which calls run side by side differs from run to run, so
   * no draw may depend on what was drawn for another.
   */
  next(...name: (string | number)[]): number {
    const key = JSON.stringify(name);
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    const hash = createHash('sha256').update(`${this.#seed} ${count} ${key}`).digest();
    return hash.readUIntBE(0, HASHED_BYTES) / 2 ** (8 * HASHED_BYTES);
  }

  happens(chance: number, ...name: (string | number)[]): boolean {
    return this.next(...name) < chance;
  }
}
