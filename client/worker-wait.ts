/** Waiting for a worker: told once, and not begun anew by each look of a command. */

/** One that was just started needs some seconds for its bundle; one that has died is counted on by Temporal for a while. */
const WORKER_MS = 15_000;
/** A worker that is there and busy takes a moment, which is nothing to tell. */
const TOLD_AFTER_MS = 2_000;
/** What begins later is another wait. */
const IN_A_ROW_MS = 5_000;

/** For one after the other: all that is asked over one connection has the same. */
export class WorkerWait {
  readonly #tell: ((seconds: number) => void) | undefined;
  #since = 0;
  #missedAt = Number.NEGATIVE_INFINITY;
  #wasTold = false;

  /** `tell` is called once in each wait, with how many seconds of it are left. Without it nobody is told. */
  constructor(tell?: (seconds: number) => void) {
    this.#tell = tell;
  }

  get isTold(): boolean {
    return this.#tell !== undefined;
  }

  /**
   * No worker has answered what was asked at `begun`, and with `isKnown` it is sure that none does. Answers whether one has been
   * waited for long enough.
   */
  missed(begun: number, isKnown = false): boolean {
    const now = Date.now();
    if (begun - this.#missedAt > IN_A_ROW_MS) {
      this.#since = begun;
      this.#wasTold = false;
    }
    this.#missedAt = now;
    const passed = now - this.#since;
    if (!this.#wasTold && (isKnown || passed >= TOLD_AFTER_MS)) {
      this.#wasTold = true;
      this.#tell?.(Math.max(1, Math.round((WORKER_MS - passed) / 1000)));
    }
    return passed >= WORKER_MS;
  }

  /** A worker has answered. */
  met(): void {
    this.#since = Date.now();
  }

  /** The answer that a worker has to give; that it is waited for is told. */
  async during<T>(answer: Promise<T>): Promise<T> {
    const begun = Date.now();
    const timer = setInterval(() => this.missed(begun), 1_000);
    try {
      return await answer;
    } finally {
      clearInterval(timer);
    }
  }
}
