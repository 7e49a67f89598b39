/**
 * The launch plan: which batch is asked for next and where, and what each answer means for the ones after it. It falls
 * from one pool to the next, remembers what is sold out, and tells each of its decisions.
 */

import { quotaBucket } from './quota-bucket.ts';
import type { Count, Market, Placement, ResolvedPlacement } from './spec.ts';

/** A placement in a market: what EC2 has room in, or not. */
export interface Pool extends Placement {
  readonly market: 'on-demand' | 'spot';
}

export interface Batch {
  readonly pool: Pool;
  /** How many instances are asked for. */
  readonly count: number;
  /** How few of them are better than none. */
  readonly least: number;
}

/** What a refusal closes. */
export type RefusalKind =
  /** This type, here, in this market: for some minutes. */
  | 'capacity'
  /** This type is not to be had here at all. */
  | 'unsupported'
  /** No type finds a free address here. */
  | 'addresses'
  /** The account may have no more of what counts into the same quota: no other zone helps. */
  | 'quota'
  /** The account may have no spot instances, or no more of them. */
  | 'spot-quota';

export interface Refusal {
  readonly kind: RefusalKind;
  /** AWS's code and words. */
  readonly code: string;
  readonly message: string;
  readonly requestId?: string;
}

/** One decision of a launch, for the report. */
export interface Decision {
  readonly what: 'refused' | 'died';
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `t3.micro in us-east-1a`. */
  readonly placement: string;
  /** AWS's code and words. */
  readonly code: string;
  readonly reason: string;
  /** What was done about it: `trying t3.small in us-east-1b`. */
  readonly then: string;
}

/** Where instances of a fleet came from. */
export interface Source {
  readonly type: string;
  readonly zone?: string;
  readonly subnet?: string;
  readonly market: Pool['market'];
  readonly count: number;
}

export interface PlanOptions {
  readonly count: Count;
  readonly placements: readonly ResolvedPlacement[];
  readonly spread: boolean;
  readonly market: Market;
}

/** AWS advises several launches of 100 over one of 500 (EC2 API, "RunInstances"). */
const MOST_IN_A_BATCH = 100;
/** Karpenter keeps a pool closed for as long (pkg/cache/cache.go). */
const CLOSED_MS = 3 * 60_000;

interface PoolState {
  readonly pool: Pool;
  /** Pools of one share have their part of a spread count together. */
  readonly share: number;
  launched: number;
  asked: number;
  closedUntil: number;
  /** It has had room since it was opened. */
  isProven: boolean;
}

export class LaunchPlan {
  readonly decisions: Decision[] = [];
  private readonly options: PlanOptions;
  private count: Count;
  private readonly states: readonly PoolState[];
  private refusal: Refusal | undefined;

  constructor(options: PlanOptions) {
    this.options = options;
    this.count = options.count;
    this.states = marketsOf(options.market).flatMap((market) =>
      options.placements.map(
        ({ share, ...placement }): PoolState => ({
          pool: { ...placement, market },
          share,
          launched: 0,
          asked: 0,
          closedUntil: 0,
          isProven: false,
        }),
      ),
    );
  }

  get launched(): number {
    return sum(this.states.map(({ launched }) => launched));
  }

  get isEnough(): boolean {
    return this.launched >= this.count.min;
  }

  /** The last refusal: why the plan has come to its end, if it has. */
  get lastRefusal(): Refusal | undefined {
    return this.refusal;
  }

  /**
   * The next batch; none when nothing is missing beyond what is on its way, when no pool is open, or when the answer of
   * the one to ask has to be waited for: a pool is asked once whether it has room, not by all batches at once.
   */
  next(now: number): Batch | undefined {
    const { spread } = this.options;
    const missing = this.count.want - this.launched - sum(this.states.map(({ asked }) => asked));
    if (missing <= 0) return undefined;
    const state = this.choose(now);
    if (!state || isProbed(state)) return undefined;
    const size = Math.min(missing, MOST_IN_A_BATCH, spread ? this.shareLeft(state, now) : missing);
    state.asked += size;
    return { pool: state.pool, count: size, least: this.canUsePart() ? 1 : size };
  }

  /** Fewer than were asked for are all that the pool had. */
  succeeded({ pool, count }: Batch, launched: number, now: number): void {
    const state = this.stateOf(pool);
    state.asked -= count;
    state.launched += launched;
    state.isProven ||= launched > 0;
    if (launched >= count) return;
    const message = `${launched} of ${count} were launched`;
    this.close(state, { kind: 'capacity', code: 'PartialLaunch', message }, now);
  }

  refused({ pool, count }: Batch, refusal: Refusal, now: number): void {
    const state = this.stateOf(pool);
    state.asked -= count;
    this.close(state, refusal, now);
  }

  /** A batch that was dropped is asked for again, as it was. */
  resumed({ pool, count }: Batch): void {
    this.stateOf(pool).asked += count;
  }

  /** The batch came to no answer that says anything of its pool: it may be asked for again. */
  dropped({ pool, count }: Batch): void {
    this.stateOf(pool).asked -= count;
  }

  /** Instances of a pool have ended by themselves: others take their place, elsewhere if that was for want of room. */
  died(pool: Pool, count: number, reason: Pick<Refusal, 'code' | 'message'>, now: number): void {
    const state = this.stateOf(pool);
    state.launched -= count;
    this.refusal = { kind: 'capacity', ...reason };
    const hasOther = this.states.some((other) => other !== state && other.closedUntil <= now);
    if (hasOther && reason.code.includes('Capacity')) state.closedUntil = now + CLOSED_MS;
    this.decide('died', state, reason, now);
  }

  /** So many more are wanted, none less. What is closed stays closed. */
  grow(more: number): void {
    this.count = { want: this.count.want + more, min: this.count.min + more };
  }

  /** A person wants it tried again, wherever it was refused. */
  reopen(): void {
    for (const state of this.states) {
      state.closedUntil = 0;
      state.isProven = false;
    }
  }

  /** Batches that were on their way when the first was refused are refused as well: that is no news. */
  private close(state: PoolState, refusal: Refusal, now: number): void {
    const isNews = state.closedUntil <= now;
    this.refusal = refusal;
    const until = refusal.kind === 'capacity' ? now + CLOSED_MS : Number.POSITIVE_INFINITY;
    for (const other of this.states) {
      if (other === state || isClosedToo(refusal.kind, state.pool, other.pool)) {
        other.closedUntil = Math.max(other.closedUntil, until);
        other.isProven = false;
      }
    }
    if (isNews) this.decide('refused', state, refusal, now);
  }

  private decide(
    what: Decision['what'],
    state: PoolState,
    { code, message }: Pick<Refusal, 'code' | 'message'>,
    now: number,
  ): void {
    const placement = this.nameOf(state.pool);
    const then = this.thenWords(state, now);
    this.decisions.push({ what, at: now, placement, code, reason: message, then });
  }

  /** In a spread each share tries its own pools first; when it has no other the rest of them have it. */
  private thenWords(state: PoolState, now: number): string {
    const next = this.choose(now);
    if (!next) return 'no placement is left to try';
    const { spread } = this.options;
    const isTier = ({ pool, closedUntil }: PoolState) =>
      closedUntil <= now && pool.market === next.pool.market;
    const own = this.states.find((other) => isTier(other) && other.share === state.share);
    if (!spread || own) return `trying ${this.nameOf((spread ? own! : next).pool)}`;
    const others = new Set(this.states.filter(isTier).map(({ share }) => share)).size;
    return others === 1
      ? `its share goes to ${this.nameOf(next.pool)}`
      : `its share goes to the ${others} others`;
  }

  /** The first that is open; to spread, the open one with the least so far. A dearer market only when the first is shut. */
  private choose(now: number): PoolState | undefined {
    const open = this.states.filter(({ closedUntil }) => closedUntil <= now);
    const first = open[0];
    if (!first || !this.options.spread) return first;
    const tier = open.filter(({ pool }) => pool.market === first.pool.market);
    const free = tier.filter((state) => !isProbed(state));
    return (free.length > 0 ? free : tier).reduce((least, state) =>
      this.ofShare(state) < this.ofShare(least) ? state : least,
    );
  }

  /** How many are launched or on their way for the share that the pool belongs to. */
  private ofShare({ share }: PoolState): number {
    return sum(this.states.filter((state) => state.share === share).map(total));
  }

  /** How many more of the count fall to the pool, when those that are open share it. */
  private shareLeft(state: PoolState, now: number): number {
    const open = this.states.filter(
      ({ pool, closedUntil }) => closedUntil <= now && pool.market === state.pool.market,
    );
    const shares = [...new Set(open.map(({ share }) => share))];
    const elsewhere = sum(this.states.filter(({ share }) => !shares.includes(share)).map(total));
    const shared = this.count.want - elsewhere;
    const isLarger = shares.indexOf(state.share) < shared % shares.length;
    return Math.max(1, Math.floor(shared / shares.length) + (isLarger ? 1 : 0) - this.ofShare(state));
  }

  /** With its market where it can be either. */
  private nameOf(pool: Pool): string {
    return poolName(pool, this.options.market === 'spot-then-on-demand');
  }

  /** Where nothing else could make up for the rest, a part would only be taken back. */
  private canUsePart(): boolean {
    return this.states.length > 1 || this.count.min < this.count.want;
  }

  private stateOf(pool: Pool): PoolState {
    return this.states.find((state) => state.pool === pool)!;
  }
}

/** `t3.micro in us-east-1a`, `t3.small in subnet-0abc, spot`; with `isMixed` on-demand is said too. */
export function poolName({ type, zone, subnet, market }: Pool, isMixed = false): string {
  const place = subnet ?? zone;
  return `${type}${place ? ` in ${place}` : ''}${isMixed || market === 'spot' ? `, ${market}` : ''}`;
}

/** `us-east-1a 12, us-east-1b 9`. */
export function zonesWords(zones: Readonly<Record<string, number>>): string {
  return Object.entries(zones)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([zone, count]) => `${zone} ${count}`)
    .join(', ');
}

/** `t3.micro in us-east-1a: no capacity, trying t3.small in us-east-1b`. */
export function decisionWords({ what, placement, code, then }: Decision): string {
  const why = WORDS[code] ?? code;
  return `${placement}: ${what === 'died' ? `one died (${why})` : why}, ${then}`;
}

const WORDS: Readonly<Record<string, string>> = {
  InsufficientInstanceCapacity: 'no capacity',
  'Server.InsufficientInstanceCapacity': 'no capacity',
  UnfulfillableCapacity: 'no capacity',
  InsufficientFreeAddressesInSubnet: 'no free address',
  VcpuLimitExceeded: 'the quota is used up',
  InstanceLimitExceeded: 'the quota is used up',
  MaxSpotInstanceCountExceeded: 'the spot quota is used up',
  Unsupported: 'not offered there',
  PartialLaunch: 'no more capacity',
};

function isClosedToo(kind: RefusalKind, refused: Pool, other: Pool): boolean {
  switch (kind) {
    case 'capacity':
      return false;
    case 'unsupported':
      return other.type === refused.type && other.zone === refused.zone && other.subnet === refused.subnet;
    case 'addresses':
      return other.subnet === refused.subnet && other.zone === refused.zone;
    case 'quota':
      return other.market === refused.market && quotaBucket(other.type) === quotaBucket(refused.type);
    case 'spot-quota':
      return other.market === 'spot';
  }
}

function marketsOf(market: Market): readonly Pool['market'][] {
  return market === 'spot-then-on-demand' ? ['spot', 'on-demand'] : [market];
}

/** Whether it is being asked for the first time if it has room. */
const isProbed = ({ asked, isProven }: PoolState): boolean => asked > 0 && !isProven;

const total = ({ launched, asked }: PoolState): number => launched + asked;

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
