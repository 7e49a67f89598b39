/**
 * The pace of a launch that AWS has throttled: the next batch is asked for when as much time has passed as the last one
 * had to wait for. Without it each batch would be refused over and over until the bucket is full enough for it (measured:
 * 165 refused calls for 100 launches of a hundred instances). How many launches an account makes at once is not decided
 * here: that is the rate of its task queue.
 */
export class Pace {
  private interval = 0;
  private lastAt: number | undefined;

  /** A batch came up; `throttled`: AWS had refused it for its pace before. Milliseconds of any one clock. */
  launched(now: number, throttled: boolean): void {
    if (throttled) this.interval = this.lastAt === undefined ? 0 : now - this.lastAt;
    else this.interval *= FASTER;
    this.lastAt = now;
  }

  /** Milliseconds until the next batch is worth asking for; 0 for waits that are not worth a timer. */
  wait(now: number): number {
    const left = (this.lastAt ?? now) + this.interval - now;
    return left < WORTH_WAITING_MS ? 0 : left;
  }
}

/** After each that was not refused, so that the pace is found again when AWS grants more. */
const FASTER = 0.9;
const WORTH_WAITING_MS = 1_000;
