/** A roll of a complete fleet: others take the place of its instances, wave by wave, or it is as it was. */

import { ApplicationFailure, CancellationScope, CancelledFailure, condition } from '@temporalio/workflow';
import type { Plan } from '../activities/preflight.ts';
import type { Survey } from '../activities/survey.ts';
import { LEASE_OVER, UNHEALTHY } from '../fleet/failures.ts';
import { resourceLeftovers } from '../fleet/leftovers.ts';
import { type Having, idsOf, type Members, merged, sourcesOf, without } from '../fleet/members.ts';
import { locatedIn, whereOf } from '../fleet/places.ts';
import { terminationWords } from '../fleet/removal.ts';
import { beyondTold, type FleetReport, instanceCountOf, type RollReport, runsOf } from '../fleet/report.ts';
import { type RollRequest, waveOf, wavesOf } from '../fleet/roll.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { machineChanges } from '../fleet/spec-changes.ts';
import type { StepName } from '../fleet/steps.ts';
import type { Owner, RunOwner } from '../fleet/tags.ts';
import { counted, timeWords } from '../fleet/words.ts';
import { as, looking, quick, undoing } from './activities.ts';
import type { Changed, Standing } from './changed.ts';
import { stillLeft } from './last-look.ts';
import type { Launch } from './launch.ts';
import {
  type Identity,
  type LaunchPlace,
  launchOf,
  ownershipOf,
  untilVerified,
} from './launch-and-verify.ts';
import { ofCount, placesOf } from './launch-more.ts';
import { nameOutlived } from './outlived.ts';
import { isCancelled, Run, type Undo, type UndoTold } from './run.ts';
import { assertAll } from './scale.ts';
import type { Steering } from './steering.ts';
import { launcherOf, survey } from './survey.ts';
import { undoLaunch } from './undos.ts';

/**
 * Looks which instances the fleet has and whether the others can be had. Each wave launches its part of them, waits until
 * they are healthy and then ends as many of the old, so that there are never fewer than before. When a step fails for good,
 * or somebody aborts or cancels, old ones are launched for those that were ended, and the new ones are ended.
 */
export async function rollFleet(
  standing: Standing,
  request: RollRequest,
  steering: Steering,
): Promise<Changed> {
  return steering.abortable(async () => {
    const roll = new Roll(standing, request, steering);
    try {
      const having = await roll.forward();
      return await CancellationScope.nonCancellable(() => roll.done(having));
    } catch (error) {
      return await (isLeaseOver(error) ? roll.leaveOff() : roll.goBack());
    }
  });
}

const STEPS_OF_A_WAVE: readonly StepName[] = ['launch', 'verify', 'health', 'terminate'];

class Roll {
  private readonly run: Run;
  private readonly standing: Standing;
  private readonly roll: RollReport;
  private readonly request: RollRequest;
  /** What the fleet is to be, as it was asked for: without the account that it was found in. */
  private readonly asked: FleetSpec;
  private readonly steering: Steering;
  private readonly spec: FleetSpec;
  private readonly fleet: FleetReport;
  private readonly identity: Identity;
  private readonly tellMembers: Standing['tellMembers'];
  /** Of all that is new, and of nothing else. */
  private owner: RunOwner;
  /** How many there are, before and after it. */
  private readonly count: number;
  private readonly size: number;
  /** The old ones that are left. */
  private members: Members = {};
  private plan: Plan | undefined;
  /** New ones that have passed, in the order of their waves. */
  private readonly healthy = new Set<string>();
  /** New ones that stay when it has gone back: nothing could be launched in their place. */
  private kept: readonly string[] = [];
  private isShort = false;

  constructor(standing: Standing, request: RollRequest, steering: Steering) {
    const { report, spec, tellMembers } = standing;
    this.standing = standing;
    this.fleet = report;
    this.spec = spec;
    this.request = { ...request, spec: locatedIn(request.spec, report) };
    this.asked = request.spec;
    this.steering = steering;
    this.tellMembers = tellMembers;
    this.identity = { role: report.role!, profile: report.profile! };
    this.owner = launcherOf(standing);
    this.count = instanceCountOf(report);
    this.size = waveOf(request.wave, this.count);
    const { fleet, region, account, role, profile, image, placements, sources, lease } = report;
    const { specHash } = request;
    this.run = new Run({ fleet, action: 'roll', state: 'rolling', region, specHash }, 'rollback');
    this.roll = {
      from: image!,
      to: request.spec.instances.image,
      changes: machineChanges(spec, request.spec),
      count: this.count,
      size: this.size,
      waves: Math.ceil(this.count / this.size),
      wave: 0,
      healthy: 0,
      replaced: 0,
      startedAt: Date.now(),
    };
    const about = { account, role, profile, image, placements, lease, roll: this.roll };
    // Of a wave there are more for a while: how many the fleet is to have stays the same.
    const wanted = { want: this.count, min: this.count };
    Object.assign(this.run.report, { ...about, sources, wanted });
    this.tell(report.instances);
    this.run.expect(['find', 'preflight', ...STEPS_OF_A_WAVE]);
    steering.onHeard = () => {
      this.roll.pausedAt = steering.pausedAt;
      this.run.show();
    };
  }

  async forward(): Promise<Survey> {
    const old = await this.find();
    const plan = await this.look();
    if (this.isSame(plan)) return this.asItIs(old);
    const launch = this.launchNew(plan);
    for (const [at, ending] of wavesOf(old.chosen, this.size).entries()) {
      await this.untilNext();
      if (at > 0) launch.grow(ending.length);
      await this.wave(plan, launch, ending);
    }
    const having = await this.verifyAll();
    await this.mark(launch.ids);
    // Who aborts while the last look ends has not asked for the roll.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    return having;
  }

  /** A moving name may mean the same image still. */
  private isSame({ image }: Plan): boolean {
    return image === this.fleet.image && this.request.specHash === this.fleet.specHash;
  }

  private asItIs(found: Survey): Survey {
    const { report } = this.run;
    this.roll.waves = 0;
    report.steps = report.steps.filter(({ state }) => state === 'done');
    return found;
  }

  async done(having: Survey): Promise<Changed> {
    const { run, fleet, request, plan } = this;
    const placements = plan!.placements.map(({ share: _, ...placement }) => placement);
    Object.assign(fleet, { image: plan!.image, placements });
    this.become(having);
    await this.markSpec();
    this.ends();
    this.tell(fleet.instances);
    run.setState('complete');
    const { specHash } = request;
    return { told: run.report, members: this.members, spec: this.asked, specHash };
  }

  /** The fleet is as it was, or it is said what of it is not. */
  async goBack(): Promise<Changed> {
    const { run, spec, fleet, owner, roll } = this;
    const { report } = run;
    const wasCancelled = isCancelled();
    this.steering.goesBack();
    await run.rollBack((leftovers) =>
      stillLeft({ ...whereOf(spec), owner, leftovers, made: [] }, spec.deadlines.consistency),
    );
    await nameOutlived(report, spec, fleet, owner);
    const { error, leftovers } = report;
    roll.failed = error ? `${error.code}: ${error.message}` : 'cancelled';
    const { image, placements, specHash } = fleet;
    Object.assign(report, { image, placements, specHash });
    this.ends();
    this.tell(fleet.instances);
    if (leftovers.length > 0) run.setState('left-over');
    else if (this.isShort) run.setState('degraded');
    else run.setState(wasCancelled ? 'cancelled' : 'rolled-back');
    const failure = leftovers.length > 0 ? run.failure() : undefined;
    // None, when not even they could be looked up.
    const isKnown = idsOf(this.members).length > 0;
    return { told: report, members: isKnown ? this.members : undefined, failure };
  }

  /** What there is, old and new, will be taken down next: nothing is launched for that. */
  async leaveOff(): Promise<Changed> {
    const { run, spec, owner, roll, fleet } = this;
    const runs = [...runsOf(this.fleet), owner.run];
    roll.failed = 'its lease is over';
    const patience = spec.deadlines.consistency;
    try {
      this.become(await survey('find', this.spec, this.fleet, { count: this.count, patience }, runs));
    } catch {
      // The teardown finds them by their tags.
      Object.assign(fleet, { instances: [], instanceCount: undefined });
    }
    this.ends();
    this.tell(fleet.instances);
    run.setState('cancelled');
    return { told: run.report, members: this.members };
  }

  /** All that the fleet has, in the order in which it goes: from the fullest zone first, so that none is drained alone. */
  private async find(): Promise<Survey> {
    const { run, spec, fleet, count } = this;
    return run.step(
      'find',
      async () => {
        const choose = { count, by: 'zone' } as const;
        const seen = await survey('find', this.spec, this.fleet, {
          count,
          patience: spec.deadlines.consistency,
          choose,
        });
        assertAll(seen, count);
        this.owner = launcherOf(this.standing, seen);
        this.members = seen.members;
        this.tellMembers(seen.members);
        return seen;
      },
      { found: () => `${counted(count, 'instance')} of ${fleet.fleet}` },
    );
  }

  /** As before a bootstrap, but that the role and the profile are there. */
  private async look(): Promise<Plan> {
    const { run, request, fleet, roll } = this;
    const { spec } = request;
    const plan = await placesOf(run, spec, fleet, spec.instances.image);
    this.plan = plan;
    roll.to = plan.image;
    const placements = plan.placements.map(({ share: _, ...placement }) => placement);
    Object.assign(run.report, { image: plan.image, placements });
    return plan;
  }

  private launchNew(plan: Plan): Launch {
    const { run, owner, request, identity } = this;
    const sized = ofCount(request.spec, this.size);
    const ownership = ownershipOf(sized, owner, request.specHash);
    return launchOf(run, sized, owner, ownership, plan, identity.profile, () => ({
      members: this.members,
      seen: this.fleet.instances,
    }));
  }

  private async wave(plan: Plan, launch: Launch, ending: readonly string[]): Promise<void> {
    const { run, roll, owner, request, identity } = this;
    const spec = ofCount(request.spec, this.size);
    roll.wave += 1;
    roll.healthy = 0;
    run.again(STEPS_OF_A_WAVE);
    const isFirst = roll.wave === 1;
    const before = launch.ids.length;
    await run.step('launch', () => launch.all(), {
      undo: isFirst ? this.endingNew(launch) : undefined,
      mayHaveActed: () => launch.ids.length > 0 || launch.unsettled.length > 0,
      found: () => this.inWave(launch.wordsSince(before)),
    });
    const untilRunning = () => untilVerified(run, spec, owner, plan, identity, launch);
    await run.step('verify', untilRunning, {
      found: () => this.inWave(`${counted(launch.ids.length - before, 'new one')} running`),
    });
    await run.step('health', () => this.untilHealthy(launch, untilRunning), {
      found: () => this.inWave(`${ending.length} healthy`),
    });
    await run.step('terminate', () => this.end(ending, { runs: runsOf(this.fleet) }), {
      undo: isFirst ? this.launchingOld(launch) : undefined,
      mayHaveActed: () => true,
      found: ({ detail, outcome }) => ({ outcome, detail: this.inWave(detail) }),
    });
    roll.replaced += ending.length;
    this.members = without(this.members, ending);
    launch.tellInstances();
  }

  /** `wave 2 of 3: ...`. */
  private inWave(words: string): string {
    const { wave, waves } = this.roll;
    return `wave ${wave} of ${waves}: ${words}`;
  }

  private verifyAll(): Promise<Survey> {
    const { run, spec, owner, count } = this;
    return run.step(
      'verify',
      async () => {
        const patience = spec.deadlines.consistency;
        const seen = await survey('verify', this.spec, this.fleet, { count, patience }, [owner.run]);
        assertAll(seen, count);
        return seen;
      },
      { found: () => `all ${count} are new` },
    );
  }

  /** Between two waves: the pause that was asked for, and as long as a person wants. With the lease's end it is over. */
  private async untilNext(): Promise<void> {
    const { run, roll, fleet, steering, request } = this;
    const next = Date.now() + (roll.wave > 0 ? request.pause * 1000 : 0);
    const hasToWait = () => steering.pausedAt !== undefined || Date.now() < next;
    const leaseLeft = () => (fleet.lease?.endsAt ?? Number.POSITIVE_INFINITY) - Date.now();
    if (!hasToWait() && leaseLeft() > 0) return;
    await run.step('pause', async () => {
      roll.nextAt = next;
      while (hasToWait()) {
        if (leaseLeft() <= 0) throw leaseOver();
        run.report.lease = fleet.lease;
        run.waits('pause', this.inWave(this.waitWords(next)));
        const { heard } = steering;
        const endsAt = fleet.lease?.endsAt;
        const isHeard = () => steering.heard > heard || fleet.lease?.endsAt !== endsAt;
        const most = steering.pausedAt === undefined ? next - Date.now() : Number.POSITIVE_INFINITY;
        const ms = Math.min(most, leaseLeft());
        await (Number.isFinite(ms) ? condition(isHeard, Math.max(1, ms)) : condition(isHeard));
      }
      if (leaseLeft() <= 0) throw leaseOver();
      roll.nextAt = undefined;
    });
  }

  private waitWords(next: number): string {
    if (this.steering.pausedAt === undefined) {
      return `done; the next begins at ${timeWords(next)}`;
    }
    const { fleet } = this.fleet;
    return `paused; 'muster roll resume ${fleet}' goes on, 'muster roll abort ${fleet}' goes back`;
  }

  /** Until all that is new, and has not passed before, is healthy. Of those that die others take the place. */
  private async untilHealthy(launch: Launch, untilRunning: () => Promise<void>): Promise<void> {
    const { run, roll, spec, owner, request, healthy } = this;
    const { healthyWithin: deadline, healthyUrl: url } = request;
    const started = Date.now();
    for (;;) {
      const waited = Date.now() - started;
      const ids = launch.ids.filter((id) => !healthy.has(id));
      const patience = Math.max(0, Math.min(healthSlice(waited), deadline * 1000 - waited));
      const look = await looking.health.executeWithOptions(
        as('health', counted(ids.length, 'instance'), deadline + spec.deadlines.step),
        [{ ...whereOf(spec), owner, ids, url, waited, patience }],
      );
      if (look.state === 'healthy') {
        for (const id of ids) healthy.add(id);
        roll.healthy = ids.length;
        return;
      }
      roll.healthy = look.healthy;
      const reason = look.state === 'pending' ? look.reason : 'some have ended by themselves';
      run.waits('health', this.inWave(reason));
      if (look.state === 'ended') await untilRunning();
      const seconds = Math.round((Date.now() - started) / 1000);
      if (seconds >= deadline) throw unhealthy(this.inWave(`not healthy within ${deadline} s: ${reason}`));
    }
  }

  /** The undo of the launches, and the last: what has to stay is left. */
  private endingNew(launch: Launch): Undo {
    const { spec, owner } = this;
    const kept = () => this.kept;
    const ending = {
      get ids() {
        const spared = new Set(kept());
        return launch.ids.filter((id) => !spared.has(id));
      },
      get unsettled() {
        return launch.unsettled;
      },
    };
    return undoLaunch({ spec, owner, made: {} }, ending, kept);
  }

  /** The undo of the terminations: what has ended does not come back, but others can take its place. */
  private launchingOld(launch: Launch): Undo {
    const { spec, owner } = this;
    return {
      name: 'launch',
      run: () => this.launchOld(launch),
      leftovers: (reason) => resourceLeftovers(spec.region, owner, this.kept, reason),
    };
  }

  /**
   * Wave by wave as it came, so that neither are there fewer than before nor is more room needed: first what the wave at
   * hand had launched is ended, as its old ones are there, and then as many new ones each time as old ones run again. New
   * ones in whose place nothing can be launched stay.
   */
  private async launchOld(launch: Launch): Promise<UndoTold> {
    const { spec, fleet, count } = this;
    const left = await survey('find', this.spec, this.fleet, { count, patience: 0 });
    const missing = count - idsOf(left.members).length;
    if (missing <= 0) return { outcome: 'absent', detail: 'none had ended' };
    this.isShort = true;
    this.kept = [...this.healthy].filter((id) => launch.ids.includes(id)).slice(0, missing);
    // What cannot be ended now the last undo tries again, and names.
    await this.endNew(launch.ids.filter((id) => !this.kept.includes(id)));
    const plan: LaunchPlace = {
      account: fleet.account!,
      image: this.roll.from,
      placements: fleet.placements!.map((placement, share) => ({ ...placement, share })),
    };
    const waves = wavesOf(Array.from({ length: missing }), this.size);
    const old = this.oldOwner();
    const sized = ofCount(spec, waves[0]!.length);
    const ownership = ownershipOf(sized, old, fleet.specHash!);
    const beside = () => this.besideOld(left, launch);
    const again = launchOf(this.run, sized, old, ownership, plan, this.identity.profile, beside);
    try {
      for (const [at, { length }] of waves.entries()) {
        if (at > 0) again.grow(length);
        await again.all();
        await untilVerified(this.run, sized, old, plan, this.identity, again);
        const replaced = this.kept.slice(0, length);
        this.kept = this.kept.slice(length);
        await this.endNew(replaced);
      }
      await this.mark(again.ids);
    } finally {
      const { consistency } = spec.deadlines;
      const seen = await survey('verify', this.spec, this.fleet, {
        count,
        patience: this.kept.length > 0 ? 0 : consistency,
      });
      this.isShort = idsOf(seen.members).length !== count;
      if (!this.isShort) this.become(seen);
    }
    return { outcome: 'replaced', detail: `${missing} launched in place of those that had ended` };
  }

  /** On the way back: the old ones that had not ended, and the new ones that go when others run. */
  private besideOld(left: Survey, { ids, members }: Launch): Having {
    const gone = ids.filter((id) => !this.kept.includes(id));
    return { members: merged(left.members, without(members, gone)), seen: left.instances };
  }

  /**
   * In the name of the run that made the fleet, and so its own as those were that they take the place of: what carries
   * this run's tag is new, and is ended as a whole if not all of it can be ended now. Their tokens tell the launch.
   */
  private oldOwner(): RunOwner {
    const { fleet, runId } = this.fleet;
    return { fleet, run: runId, launch: `${runId}-${this.owner.run.slice(-12)}-` };
  }

  private async endNew(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.end(ids, { run: this.owner.run }).catch(() => undefined);
  }

  private async end(ids: readonly string[], owner: Omit<Owner, 'fleet'>): Promise<UndoTold> {
    const { run, spec, fleet } = this;
    const { deadlines } = spec;
    const termination = await undoing.terminateSome.executeWithOptions(
      as('terminate', counted(ids.length, 'instance'), deadlines.undo),
      [
        {
          ...whereOf(spec),
          owner: { fleet: fleet.fleet, ...owner },
          ids,
          patience: deadlines.consistency,
        },
      ],
    );
    const { volumesKept } = termination;
    if (volumesKept.length > 0) {
      run.report.volumesKept = [...(run.report.volumesKept ?? []), ...volumesKept];
    }
    return { outcome: termination.outcome, detail: terminationWords(termination) };
  }

  /** Where the fleet has no profile of its own each of its instances carries its mark. */
  private async mark(ids: readonly string[]): Promise<void> {
    const { spec, identity } = this;
    if (!identity.profile.reused) return;
    await quick.markComplete.executeWithOptions(as('mark', spec.name, spec.deadlines.step), [
      { ...whereOf(spec), ids },
    ]);
  }

  /** The history tells it, too, and a check when it was not done: no reason to take back what is healthy. */
  private async markSpec(): Promise<void> {
    const { spec, request, identity } = this;
    const { specHash } = request;
    if (specHash === this.fleet.specHash) return;
    const nameOf = ({ name, reused }: { name: string; reused: boolean }) => (reused ? undefined : name);
    const names = { role: nameOf(identity.role), profile: nameOf(identity.profile) };
    await quick.markSpec
      .executeWithOptions(as('mark', spec.name, spec.deadlines.step), [
        { ...whereOf(spec), ...names, specHash },
      ])
      .catch(() => undefined);
  }

  /** From here on the fleet has these. */
  private become({ members, instances, runs }: Survey): void {
    const { fleet } = this;
    this.members = members;
    fleet.instances = [...instances];
    fleet.sources = sourcesOf(members);
    fleet.instanceCount = beyondTold(idsOf(members).length);
    // The run that made the role and the profile is one of them, whoever's instances are left.
    fleet.runs = [...new Set([fleet.runId, ...runs])];
  }

  private ends(): void {
    const { fleet, run, roll } = this;
    roll.nextAt = undefined;
    roll.pausedAt = undefined;
    fleet.roll = roll;
    Object.assign(run.report, { sources: fleet.sources, runs: fleet.runs, lease: fleet.lease });
  }

  private tell(instances: FleetReport['instances']): void {
    this.run.report.instances = [...instances];
    this.run.report.instanceCount = beyondTold(instanceCountOf(this.fleet));
    this.run.show();
  }
}

/** Milliseconds: status checks take minutes, and a look of a minute costs a history no more than one of a second. */
function healthSlice(waitedMs: number): number {
  return Math.min(60_000, Math.max(5_000, waitedMs));
}

function unhealthy(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, UNHEALTHY);
}

function leaseOver(): ApplicationFailure {
  return ApplicationFailure.nonRetryable('the lease of the fleet is over: it is taken down', LEASE_OVER);
}

function isLeaseOver(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === LEASE_OVER;
}
