/** The calls that somebody who watches a run has open. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';

/** A long call that happens to be between two attempts is not worth more. */
const STOPPING_PATIENCE_MS = 1_000;

export class OpenCalls {
  readonly #client: Client;
  readonly #open = new Map<AbortController, Promise<unknown>>();
  /** Ends whoever waits, too. */
  readonly #stopped = new AbortController();

  constructor(client: Client) {
    this.#client = client;
  }

  async ask<T>(call: () => Promise<T>): Promise<T> {
    this.#stopped.signal.throwIfAborted();
    // Each call has a signal of its own: the client's listeners stay with the signal after the call.
    const own = new AbortController();
    const answer = this.#client.withAbortSignal(own.signal, call);
    this.#open.set(own, answer);
    try {
      return await answer;
    } finally {
      this.#open.delete(own);
    }
  }

  /** Resolves after so long, or with what comes sooner. */
  async pause(ms: number, sooner: Promise<unknown>): Promise<void> {
    await Promise.race([sleep(ms, undefined, { signal: this.#stopped.signal }).catch(() => {}), sooner]);
  }

  /**
   * Whoever stops watching stops asking, too: a call that is left open would hold the process. One that is dropped with its
   * connection is made again by the SDK, on a connection that is no more, and ends the process: so the connection may be
   * closed only after them.
   */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const call of this.#open.keys()) call.abort();
    const all = Promise.allSettled(this.#open.values());
    await Promise.race([all, sleep(STOPPING_PATIENCE_MS, undefined, { ref: false })]);
  }
}
