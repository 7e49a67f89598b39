/** The launch of a fleet: batches side by side, each under a token of its own, as the plan has them. */

import {
  ActivityFailure,
  type ActivityOptions,
  ApplicationFailure,
  CancellationScope,
  defineQuery,
  setHandler,
  sleep,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { LaunchOutcome, LaunchRequest } from '../activities/launch.ts';
import type { EndedInstance } from '../activities/verify.ts';
import type { AwsFailure } from '../fleet/failures.ts';
import { fingerprintOf } from '../fleet/fingerprint.ts';
import {
  type Batch,
  decisionWords,
  LaunchPlan,
  type Pool,
  poolName,
  type Source,
  zonesWords,
} from '../fleet/launch-plan.ts';
import {
  type Having,
  idsOf,
  instancesOf,
  type Members,
  membersOf,
  merged,
  sourcesOf,
} from '../fleet/members.ts';
import { Pace } from '../fleet/pace.ts';
import { beyondTold, type InstanceReport, MOST_TOLD } from '../fleet/report.ts';
import { INSTANCES_QUERY, type InstancesPage, launchQueue } from '../fleet/run.ts';
import { refusalLines } from '../fleet/shortfall.ts';
import type { Count, FleetSpec, ResolvedPlacement } from '../fleet/spec.ts';
import { as, launching, looking, quick } from './activities.ts';
import { nextSlice, notYet, tooLate } from './patience.ts';
import { type Run, wasRefused } from './run.ts';

/** EC2 takes five launches at once (EC2 Developer Guide, "Request throttling"); once it has throttled, one. */
const SIDE_BY_SIDE = 5;

/** How long a call waits for its turn before its queue is opened anew. */
const TURN_SECONDS = 10;

export interface LaunchOptions {
  /** Twelve digits. */
  readonly account: string;
  readonly spec: FleetSpec;
  readonly placements: readonly ResolvedPlacement[];
  /** What each batch asks for, but for its token. */
  readonly request: Omit<LaunchRequest, 'token' | 'batch'>;
  /** What the fleet has already: told with what is launched, so that nobody thinks it lost. */
  readonly beside?: () => Having;
}

/** A launch whose answer is not known: only a call with the same token may follow it. */
interface UnsettledLaunch {
  readonly token: string;
  readonly batch: Batch;
}

interface Placed {
  readonly pool: Pool;
  readonly zone: string;
  privateIp?: string;
  state: 'pending' | 'running';
}

const instancesQuery = defineQuery<InstanceReport[], [InstancesPage]>(INSTANCES_QUERY);
/** Of some hundred bytes each: Temporal takes answers of 2 MB. */
const MOST_IN_A_PAGE = 1_000;

export class Launch {
  private readonly run: Run;
  private readonly options: LaunchOptions;
  private readonly plan: LaunchPlan;
  private readonly placed = new Map<string, Placed>();
  private readonly open = new Map<string, UnsettledLaunch>();
  /** Counts over a person's retries too: no token is ever used for a second launch. */
  private tokens = 0;
  private calls = 0;
  private sideBySide = SIDE_BY_SIDE;
  private readonly pace = new Pace();
  /** Ids of those that others have taken the place of. */
  private readonly gone: string[] = [];
  private mostGone: number;
  private count: Count;

  constructor(run: Run, options: LaunchOptions) {
    const { count, spread, market } = options.spec.instances;
    this.run = run;
    this.options = options;
    this.mostGone = count.want;
    this.count = count;
    this.plan = new LaunchPlan({ count, placements: options.placements, spread, market });
    setHandler(instancesQuery, ({ from, most }) =>
      // What was taken back is no instance of the fleet any more.
      run.report.instances.length > 0 ? this.page(from, Math.min(most, MOST_IN_A_PAGE)) : [],
    );
  }

  get ids(): readonly string[] {
    return [...this.placed.keys()];
  }

  get unsettled(): readonly { readonly token: string; readonly count: number }[] {
    return [...this.open.values()].map(({ token, batch }) => ({ token, count: batch.count }));
  }

  /** `80 of 100: 60 × t3.micro in us-east-1a, 20 × t3.small in us-east-1b`. */
  get words(): string {
    return this.wordsSince(0);
  }

  /** The same of what came after the first so many. */
  wordsSince(first: number): string {
    const want = this.count.want - first;
    const sources = this.sourcesSince(first);
    const words = sources.map((source) => `${source.count} × ${poolName(source)}`).join(', ');
    const size = this.placed.size - first;
    return size < want ? `${size} of ${want}: ${words}` : words;
  }

  /** Where what there is came from, but for the first so many: in a placement without a zone EC2 chooses one. */
  private sourcesSince(first: number): Source[] {
    const sources = new Map<string, Source>();
    for (const { pool, zone } of [...this.placed.values()].slice(first)) {
      const { type, subnet, market } = pool;
      const key = `${type} ${zone} ${subnet} ${market}`;
      const { count = 0 } = sources.get(key) ?? {};
      sources.set(key, { type, zone, ...(subnet && { subnet }), market, count: count + 1 });
    }
    return [...sources.values()];
  }

  /** How many are in which zone. */
  private get zones(): Record<string, number> {
    const zones: Record<string, number> = {};
    for (const { zone } of this.placed.values()) zones[zone] = (zones[zone] ?? 0) + 1;
    return zones;
  }

  get members(): Members {
    return membersOf(
      [...this.placed].map(([id, { pool, zone }]) => ({ id, type: pool.type, zone, market: pool.market })),
    );
  }

  /** What a look at the fleet is to find. */
  get expected() {
    return {
      count: this.placed.size,
      fingerprint: fingerprintOf(this.placed.keys()),
      replaced: this.gone,
      types: [...new Set(this.options.placements.map(({ type }) => type))],
    };
  }

  /** Verified: all of them run. `seen` are the first of them, with what EC2 has given them. */
  tellRunning(seen: readonly InstanceReport[]): void {
    for (const placed of this.placed.values()) placed.state = 'running';
    for (const { id, privateIp } of seen) {
      const placed = this.placed.get(id);
      if (placed) placed.privateIp = privateIp;
    }
    this.tellInstances();
  }

  /** Of the whole fleet: what it had already, and what is launched. */
  tellInstances(): void {
    const { report } = this.run;
    const beside = this.options.beside?.();
    report.instances = this.page(0, MOST_TOLD);
    report.instanceCount = beyondTold(idsOf(beside?.members ?? {}).length + this.placed.size);
    report.sources = beside ? sourcesOf(merged(beside.members, this.members)) : this.sourcesSince(0);
  }

  private page(from: number, most: number): InstanceReport[] {
    const beside = this.options.beside?.();
    const all = beside ? instancesOf(beside) : [];
    const before = all.slice(from, from + most);
    const first = Math.max(0, from - all.length);
    const launched = [...this.placed]
      .slice(first, first + most - before.length)
      .map(([id, { pool, zone, privateIp, state }]) => ({ id, type: pool.type, zone, privateIp, state }));
    return [...before, ...launched];
  }

  /** A person wants it tried again, wherever it was refused, and whatever has died before. */
  reopen(): void {
    this.plan.reopen();
    this.mostGone = this.gone.length + this.count.want;
  }

  /** So many more are to be launched, none less; and as many more of them may be replaced. */
  grow(more: number): void {
    this.plan.grow(more);
    this.mostGone += more;
    this.count = { want: this.count.want + more, min: this.count.min + more };
  }

  /**
   * Launches what is missing; first again, under its token, what was asked for before and never answered. Fails when
   * less than the least comes of it.
   */
  async all(): Promise<void> {
    const started = Date.now();
    const unanswered = [...this.open.values()];
    let failed: { error: unknown } | undefined;
    await CancellationScope.cancellable(async () => {
      const scope = CancellationScope.current();
      const underWay = new Set<Promise<void>>();
      for (;;) {
        if (underWay.size === 0) await this.keepPace();
        const isFree = !failed && underWay.size < this.sideBySide;
        const again = isFree ? unanswered.shift() : undefined;
        if (again) this.plan.resumed(again.batch);
        const batch = again?.batch ?? (isFree ? this.plan.next(Date.now()) : undefined);
        if (!batch && underWay.size === 0) return;
        if (!batch) {
          await Promise.race(underWay);
          continue;
        }
        const one = this.launch(batch, started, again?.token)
          .catch((error: unknown) => {
            failed ??= { error };
            scope.cancel();
          })
          .finally(() => underWay.delete(one));
        underWay.add(one);
      }
    });
    if (failed) throw (failed as { error: unknown }).error;
    if (!this.plan.isEnough) throw this.shortfall();
  }

  /**
   * Whether others can take the place of those that have ended by themselves: not for ever, and not when the reason is
   * the launch itself (EC2 API, "StateReason": `Server...` is EC2's side, `Client...` the caller's).
   */
  canReplace(ended: readonly EndedInstance[]): boolean {
    const { min } = this.count;
    if (ended.some(({ state }) => state.startsWith('stop'))) return false;
    const isOnEc2 = ended.every(({ code }) => code.startsWith('Server.'));
    if (isOnEc2 && this.gone.length + ended.length <= this.mostGone) return true;
    return this.placed.size - ended.length >= min;
  }

  /** Launches others for those that have ended, where the reason allows. */
  async replace(ended: readonly EndedInstance[]): Promise<void> {
    const now = Date.now();
    for (const { id, code, message } of ended) {
      const placed = this.placed.get(id);
      if (!placed) continue;
      this.placed.delete(id);
      this.gone.push(id);
      this.plan.died(placed.pool, 1, { code, message }, now);
    }
    this.tell();
    if (this.gone.length <= this.mostGone) await this.all();
  }

  private async keepPace(): Promise<void> {
    const wait = this.pace.wait(Date.now());
    if (wait > 0) await sleep(wait);
  }

  /** One batch, until it is launched or its pool has refused it. */
  private async launch(batch: Batch, started: number, openToken?: string): Promise<void> {
    const { propagation: deadline } = this.options.spec.deadlines;
    let token = openToken;
    try {
      for (let attempt = 1; ; attempt++) {
        const isFirst = token === undefined;
        token ??= this.newToken(batch);
        const outcome = await this.ask(batch, token, isFirst);
        const isSettled = outcome.state === 'launched' || outcome.state === 'token-spent';
        if (isSettled || (isFirst && !outcome.unsettled)) {
          this.open.delete(token);
          token = undefined;
        }
        if (outcome.state === 'launched') return this.add(batch, outcome);
        if (outcome.state === 'refused') {
          const settled = token === undefined ? undefined : await this.settle(token);
          if (settled && Object.keys(settled.ids).length > 0) return this.add(batch, settled);
          this.plan.refused(batch, outcome.refusal, Date.now());
          return this.tell();
        }
        const seconds = (Date.now() - started) / 1000;
        if (seconds >= deadline) throw tooLate(`EC2 did not launch within ${deadline} s`, outcome.reason);
        this.run.waits('launch', notYet(attempt, seconds, deadline));
        await sleep(nextSlice(seconds * 1000));
      }
    } catch (error) {
      this.plan.dropped(batch);
      throw error;
    }
  }

  private async ask(batch: Batch, token: string, isFirst: boolean): Promise<LaunchOutcome> {
    const { request, spec } = this.options;
    const call = ++this.calls;
    try {
      return await this.inTurn((options) =>
        launching.launch.executeWithOptions(
          {
            ...as('launch', `${batch.count} × ${poolName(batch.pool)}`, spec.deadlines.launch),
            // Several are under way at once, and Temporal wants each to have an id of its own.
            activityId: call === 1 ? 'launch' : `launch:${call}`,
            ...options,
          },
          [{ ...request, token, batch }],
        ),
      );
    } catch (error) {
      // What is refused now says nothing of a call before it, whose answer was lost.
      if (isFirst && wasRefused(error)) this.open.delete(token);
      throw error;
    }
  }

  /**
   * Makes a call when its turn has come in the queue of the account's launches, where a fleet of one does not stand
   * behind one of ten thousand. One that nobody takes for long may be in a queue that nobody polls any more.
   */
  private async inTurn<T>(call: (options: ActivityOptions) => Promise<T>): Promise<T> {
    const { spec, account } = this.options;
    const { region, name, deadlines } = spec;
    const started = Date.now();
    for (let patience = TURN_SECONDS; ; patience *= 2) {
      try {
        return await call({
          taskQueue: launchQueue(workflowInfo().taskQueue, account, region),
          priority: { fairnessKey: name },
          scheduleToStartTimeout: patience * 1000,
        });
      } catch (error) {
        const isOver = Date.now() - started >= deadlines.launch * 1000;
        if (isOver || !wasNeverTaken(error)) throw error;
        await quick.openLaunches.executeWithOptions(
          { ...as('launch', 'the queue of launches', deadlines.step), activityId: `open:${++this.calls}` },
          [{ account, region }],
        );
      }
    }
  }

  /** A refusal after a call without an answer: what that one launched, if anything, is looked for before others are. */
  private async settle(token: string) {
    const { request, spec } = this.options;
    const { region, assume, account, owner } = request;
    const patience = spec.deadlines.consistency;
    const outcome = await looking.settleLaunch.executeWithOptions(
      {
        ...as('launch', 'what a lost answer launched', patience + spec.deadlines.step),
        activityId: `launch:${++this.calls}`,
      },
      [{ region, assume, account, owner, token, patience }],
    );
    this.open.delete(token);
    return outcome.state === 'launched' ? outcome : undefined;
  }

  private add(batch: Batch, { ids, throttled }: Extract<LaunchOutcome, { state: 'launched' }>): void {
    if (throttled) this.sideBySide = 1;
    this.pace.launched(Date.now(), throttled);
    const before = this.placed.size;
    for (const [zone, some] of Object.entries(ids)) {
      for (const id of some) this.placed.set(id, { pool: batch.pool, zone, state: 'pending' });
    }
    this.plan.succeeded(batch, this.placed.size - before, Date.now());
    this.tell();
  }

  private tell(): void {
    const { report } = this.run;
    const { want } = this.count;
    this.tellInstances();
    const last = this.plan.decisions.at(-1);
    const isNews = this.plan.decisions.length > (report.decisions?.length ?? 0);
    report.decisions = this.plan.decisions.length > 0 ? [...this.plan.decisions] : undefined;
    if (isNews) this.run.waits('launch', decisionWords(last!));
    else if (this.placed.size < want) this.run.waits('launch', `${zonesWords(this.zones)} of ${want}`);
  }

  private newToken(batch: Batch): string {
    const { run, launch = `${run}-` } = this.options.request.owner;
    const token = `${launch}${++this.tokens}`;
    this.open.set(token, { token, batch });
    return token;
  }

  /** In AWS's own words. */
  private shortfall(): ApplicationFailure {
    const { want, min } = this.count;
    const { code, message: words, requestId } = this.plan.lastRefusal!;
    const least = min < want ? `, and at least ${min} are needed` : '';
    const short = `${this.placed.size} of ${want} launched${least}`;
    const refusals = refusalLines(this.plan.decisions);
    const message = refusals.length > 1 ? [short, ...refusals].join('\n') : `${words} (${short})`;
    const untouched = this.placed.size === 0 && this.open.size === 0;
    const detail: AwsFailure = { call: 'ec2:RunInstances', code, message, requestId, untouched };
    return ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [detail] });
  }
}

/** Whether no worker took the call, at its first attempt or a later one. */
function wasNeverTaken(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}
