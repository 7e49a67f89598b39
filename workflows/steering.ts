/** What a person wants of a roll that is under way, for the roll to heed between its waves, or at once. */

import { CancellationScope } from '@temporalio/workflow';
import type { Steer } from '../fleet/roll.ts';

export class Steering {
  /** When it was paused: milliseconds since the epoch. */
  pausedAt: number | undefined;
  /** Counts what was said, so that a wait ends with each. */
  heard = 0;
  /** Told of each of them. */
  onHeard: () => void = () => {};
  private scope: CancellationScope | undefined;
  private isGoingBack = false;

  /** Does the work so that an abort cancels it. */
  abortable<T>(work: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope();
    this.scope = scope;
    // It may have been aborted before it began.
    if (this.isGoingBack) scope.cancel();
    return scope.run(work);
  }

  /** From here on nothing can be said to it any more. */
  goesBack(): void {
    this.isGoingBack = true;
  }

  /** Why this cannot be wanted now; undefined when it can. */
  mistake(steer: Steer): string | undefined {
    if (this.isGoingBack) return 'the roll goes back already';
    if (steer === 'pause' && this.pausedAt !== undefined) return 'the roll is paused already';
    if (steer === 'resume' && this.pausedAt === undefined) return 'the roll is not paused';
    return undefined;
  }

  steer(steer: Steer): void {
    if (steer === 'abort') {
      this.isGoingBack = true;
      this.scope?.cancel();
      return;
    }
    this.pausedAt = steer === 'pause' ? Date.now() : undefined;
    this.heard += 1;
    this.onHeard();
  }
}
