/** How programs start, watch and end fleets. */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { rootCause } from '@temporalio/common';
import { bootstrapAbout } from '../fleet/bootstrap-about.ts';
import type { DriftReport } from '../fleet/drift-report.ts';
import type { FleetEvent } from '../fleet/event.ts';
import { leaseMistake, teardownOf } from '../fleet/lease.ts';
import { isTagged, leftoverName } from '../fleet/leftovers.ts';
import { lookBySpec } from '../fleet/look-by-spec.ts';
import { PARAMETER } from '../fleet/names.ts';
import { knownPlaces, placeIn } from '../fleet/places.ts';
import type { PlanReport } from '../fleet/plan.ts';
import {
  type FleetReport,
  type InstanceReport,
  instanceCountOf,
  isChange,
  isSettled,
  type LeaseReport,
  type LeftoverKind,
} from '../fleet/report.ts';
import { rollObstacle, type Steer } from '../fleet/roll.ts';
import {
  BOOTSTRAPS,
  type BootstrapRequest,
  CHANGE_UPDATE,
  CLEAR_UPDATE,
  DECIDE_UPDATE,
  type Decision,
  EXTEND_UPDATE,
  type Extension,
  type FleetMemo,
  fleetWorkflowId,
  KEEPER,
  PROGRESS_QUERY,
  RELEASE_UPDATE,
  REPAIR_UPDATE,
  ROLL_UPDATE,
  SCALE_UPDATE,
  STEER_UPDATE,
  TEARDOWNS,
  type TeardownRequest,
  teardownType,
} from '../fleet/run.ts';
import { DEFAULT_CHOICE, type ScaleChoice, scaleMistake } from '../fleet/scale.ts';
import { DEFAULT_DEADLINES, type FleetSpec } from '../fleet/spec.ts';
import { inPlaceOf, specChanges } from '../fleet/spec-changes.ts';
import { specHash } from '../fleet/spec-hash.ts';
import type { SweepReport, SweepRequest } from '../fleet/sweep.ts';
import { runLink } from '../fleet/ui-link.ts';
import { checkOf } from '../fleet/wanted.ts';
import { withAttributes } from './attributes.ts';
import { asChangeLeft, busyWith, memoOf, refusalOf, startChange, startLease } from './change.ts';
import { type CheckOptions, checkAgainst, specOfForgotten } from './check.ts';
import { CheckSchedules } from './check-schedules.ts';
import {
  DiffersError,
  fleetBusy,
  fleetChanging,
  fleetDegraded,
  fleetDiffers,
  fleetLeftOver,
  fleetNotFound,
  historyGone,
  leaseOver,
  MusterError,
  type MusterErrorCode,
  noLease,
  notByRoll,
  notNow,
  notRolling,
  notSteered,
  noWorker,
  otherSpec,
  specUnknown,
  sweepFailed,
  unknownLeftovers,
  wrongCount,
  wrongLease,
} from './errors.ts';
import { FleetRun } from './fleet-run.ts';
import { withKnown } from './known-fleet.ts';
import { type FleetListing, listFleets } from './listing.ts';
import { lookedFor } from './look.ts';
import { assertOnePlace, assertSamePlaces, placeMeant } from './one-place.ts';
import { outcomeOf } from './outcome.ts';
import type { Meeting, PlanOptions } from './plan.ts';
import { type FleetRecord, recordOf } from './record.ts';
import { assertPace, type NewImage, paceOf, type RollOptions, withImage } from './roll.ts';
import { type LogOptions, logOf } from './run-log.ts';
import { Schedules } from './schedules.ts';
import { beginningOf, isKeepers } from './spec-of-run.ts';
import type { CheckedSpec } from './specs.ts';
import { asItIsNow, inspect, listed } from './standing.ts';
import {
  asMusterError,
  assertWorkerPolls,
  type ConnectOptions,
  connectToTemporal,
  type Temporal,
} from './temporal.ts';
import { WorkerWait } from './worker-wait.ts';

export interface UpOptions {
  /**
   * Seconds after which the fleet is taken down, counted from when it is complete; at most ten years. Of a fleet that is
   * there already nothing changes: `extend` gives it a lease.
   */
  readonly lease?: number;
  /** Awaited before the run of a new fleet is started, and of no other: when it rejects, so does `up`, and nothing is started. */
  readonly beforeStart?: () => Promise<void>;
}

export interface DownOptions {
  /** Where the instances are, when neither a run nor the tags of the role or profile say so. */
  readonly region?: string;
}

export interface ScaleOptions {
  /** How many instances the fleet is to have: 1 to 10,000. */
  readonly count: number;
  /** Which go when there are to be fewer. Default: `newest`. */
  readonly by?: ScaleChoice;
  /** Of a fleet in several places: in which of them, as its report names it. */
  readonly place?: string;
  /**
   * Awaited before the change is asked for, with the fleet as it is: when it rejects, so does `scale`, and nothing is sent. Again
   * when another change has come in between.
   */
  readonly beforeStart?: (report: FleetReport) => Promise<void>;
}

export interface ListOptions {
  /** Whether AWS is asked for the fleets whose runs were ended from outside. Default: it is. */
  readonly look?: boolean;
}

export interface RetryOptions {
  /** What is given up: `KIND/ID` of leftovers. They stay, and the report names them. */
  readonly skip?: readonly string[];
}

export interface SweepOptions extends Omit<SweepRequest, 'regions'> {
  /** Beside those that roles and profiles name. Otherwise AWS_REGION. */
  readonly regions?: readonly string[];
}

/**
 * All that can be done with fleets, each as the command of that name does it. It needs a way to Temporal and no AWS
 * credentials: the workers ask AWS. Whatever is asked throws TemporalUnreachable when Temporal does not answer.
 */
export class Muster {
  readonly #temporal: Temporal;
  /** Fleets that come up at their times. */
  readonly schedules: Schedules;
  /** Fleets that are held against their specs every so often. */
  readonly checks: CheckSchedules;

  private constructor(temporal: Temporal) {
    this.#temporal = temporal;
    this.schedules = new Schedules(temporal);
    this.checks = new CheckSchedules(temporal);
  }

  /** Over a connection that is there already: whose it is closes it. */
  static over(temporal: Temporal): Muster {
    return new Muster(temporal);
  }

  /**
   * Connects to Temporal as its own tools do: by the options, the environment (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
   * TEMPORAL_API_KEY), its TOML profiles. Throws TemporalUnreachable when nobody answers within three seconds.
   */
  static async connect(options: ConnectOptions = {}): Promise<Muster> {
    return new Muster(await connectToTemporal(options));
  }

  /**
   * Brings a fleet up. When a run is making this very fleet, or it is there already, that is answered and nothing is
   * started.
   *
   * Throws WrongLease, NoWorker, FleetBusy (it is being taken down), FleetDiffers (its spec was another), ManyPlaces (it was, and the
   * fleet is in several places), FleetDegraded (a part of it has ended), FleetLeftOver (an earlier run left a part of it);
   * nothing was sent then.
   */
  async up({ spec, hash }: CheckedSpec, { lease, beforeStart }: UpOptions = {}): Promise<FleetRun> {
    const mistake = lease === undefined ? undefined : leaseMistake(lease);
    if (mistake) throw wrongLease(mistake);
    const existing = await this.#there({ spec, hash });
    if (existing) return existing;
    await beforeStart?.();
    const request: BootstrapRequest<FleetSpec> = { spec, specHash: hash, lease };
    const about = bootstrapAbout(request);
    return this.#startOrJoin(
      spec.name,
      spec.places ? 'bootstrapPlaces' : 'bootstrapFleet',
      { args: [request], ...about, memo: { ...about.memo } },
      (raced) => this.#joinUp({ spec, hash }, raced),
    );
  }

  /**
   * What `up` of this spec would do, and what would stop it. Changes nothing. What stands in the way is in the report, and
   * is not thrown.
   *
   * Throws NoWorker, and LookFailed when AWS refuses to be asked.
   */
  async plan(checked: CheckedSpec, options: PlanOptions = {}): Promise<PlanReport> {
    const { planOf } = await import('./plan.ts');
    return planOf(this.#temporal, checked, await this.#meeting(checked), options);
  }

  /**
   * Takes up again what the fleet's last run could not finish: a paused run does its failed step again; of a run that
   * has ended and left something, that is removed, but for what is given up with `skip`.
   *
   * Throws FleetNotFound, NoWorker, NotNow when nothing is unfinished, UnknownLeftover; nothing was sent then.
   */
  async retry(fleet: string, { skip = [] }: RetryOptions = {}): Promise<FleetRun> {
    const [description] = await Promise.all([this.#describe(fleet), assertWorkerPolls(this.#temporal)]);
    if (!description) throw fleetNotFound(this.#temporal, fleet);
    if (description.status.name === 'RUNNING' && !isKeeping(description)) {
      if (skip.length > 0) throw notNow(fleet, 'running', 'skip');
      return this.decide(fleet, 'retry');
    }
    const report = await this.#standing(description);
    if (report.leftovers.length === 0) throw notNow(fleet, report.state, 'retry');
    // What a tag stands for is not known: it can be looked for, and not given up.
    const names = report.leftovers.filter((left) => !isTagged(left)).map(leftoverName);
    const unknown = skip.filter((name) => !names.includes(name));
    if (unknown.length > 0) throw unknownLeftovers(fleet, unknown, names);
    if (description.type === KEEPER) {
      const run = await startChange(this.#temporal, description, report, CLEAR_UPDATE, { skip });
      return run ?? this.retry(fleet, { skip });
    }
    const memo = memoOf(description);
    const run = BOOTSTRAPS.includes(description.type) ? description.runId : memo.run;
    const isLeft = (kind: LeftoverKind) => report.leftovers.find((left) => left.kind === kind)?.id;
    const request: TeardownRequest = {
      fleet: report.fleet,
      run,
      region: report.region,
      account: report.account,
      places: memo.places && knownPlaces(memo.places, report),
      role: isLeft('role'),
      profile: isLeft('profile'),
      volumes: run === undefined ? 'keep' : 'delete',
      // What was given up before stays so: a 'down' takes all.
      skip: [...(report.skipped ?? []).map(leftoverName), ...skip],
      undoDeadline: memo.undo,
      notify: memo.notify,
    };
    return this.#startOrJoin(
      fleet,
      teardownType(request),
      {
        args: [request],
        memo: {
          fleet: report.fleet,
          region: report.region,
          run,
          undo: memo.undo,
          notify: memo.notify,
          places: memo.places,
        },
        staticSummary: `retry ${report.fleet}: what its last run left`,
        staticDetails: `Removes what run \`${run ?? ''}\` of the fleet \`${report.fleet}\` left, as its tags tell it.`,
      },
      (raced) => this.#joinDown(fleet, raced),
    );
  }

  /**
   * Finds what runs have left that can do nothing about it any more (terminated, or their history lost), and with
   * `remove` removes it; never what belongs to a run that is alive or to a fleet that is complete.
   *
   * Throws NoWorker, and LookFailed when AWS refuses the looks.
   */
  async sweep({ regions = [], ...options }: SweepOptions = {}): Promise<SweepReport> {
    await assertWorkerPolls(this.#temporal);
    const { client, taskQueue } = this.#temporal;
    const here = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
    const request: SweepRequest = { ...options, regions: regions.length > 0 ? regions : [here] };
    const handle = await client.workflow.start('sweepFleets', {
      args: [request],
      taskQueue,
      workflowId: `sweep:${randomUUID()}`,
      staticSummary: `sweep ${request.regions.join(', ')}${request.remove ? '' : ', only looking'}`,
    });
    return lookedFor<SweepReport>(this.#temporal, handle, (error) =>
      sweepFailed(rootCause(error.cause) ?? error.message),
    );
  }

  /**
   * Takes a fleet down. What the fleet has is found by its tags, so that this works without any history too.
   *
   * Throws NoWorker, FleetBusy (it is being brought up); nothing was sent then.
   */
  async down(fleet: string, { region }: DownOptions = {}): Promise<FleetRun> {
    const [description] = await Promise.all([this.#describe(fleet), assertWorkerPolls(this.#temporal)]);
    const existing = description && this.#joinDown(fleet, description);
    if (existing) return existing;
    if (description && isKeeping(description)) return this.#release(description);
    const request = await this.#knownOf(fleet, region, description);
    return this.#startOrJoin(
      fleet,
      teardownType(request),
      {
        args: [request],
        memo: {
          fleet: request.fleet,
          places: request.places?.map(({ name, region: of, assume }) => ({ name, region: of, assume })),
          region: request.region,
          undo: request.undoDeadline,
          notify: request.notify,
        },
        staticSummary: `down ${request.fleet}`,
        staticDetails: `Takes down the fleet \`${request.fleet}\`, as its tags tell what it has.`,
      },
      (raced) => this.#joinDown(fleet, raced),
    );
  }

  /**
   * Gives a complete fleet more or fewer instances: more are launched as the fleet was, fewer are ended by a choice. The
   * answered run's end is the report of that change; one that fails leaves the fleet as it was. When it has as many
   * already, its last run is answered and nothing is sent.
   *
   * Throws WrongCount, FleetNotFound, HistoryGone, NoWorker, FleetBusy (also with another change), FleetDegraded,
   * FleetLeftOver, NotNow when the fleet is not complete, WrongPlace; nothing was sent then.
   */
  async scale(fleet: string, options: ScaleOptions): Promise<FleetRun> {
    const { count, by = DEFAULT_CHOICE, place: named, beforeStart } = options;
    const mistake = scaleMistake({ count, by });
    if (mistake) throw wrongCount(mistake);
    for (;;) {
      const { description, report } = await this.#whole(fleet, 'scale');
      const place = placeMeant(report, named);
      if (instanceCountOf(placeIn(report, place)) === count) return this.#runOf(description);
      await beforeStart?.(report);
      const request = { count, by, place };
      const run = await startChange(this.#temporal, description, report, SCALE_UPDATE, request);
      if (run) return run;
    }
  }

  /**
   * Changes a complete fleet to another spec, as far as that can be done in place: its policies, tags and count, and what
   * only later launches and runs use. The answered run's end is the report of that change; one that fails leaves the fleet
   * as it was. `report.change.rest` tells what needs other machines. When nothing differs, its last run is answered and
   * nothing is sent.
   *
   * Throws DiffersError when nothing of it can be changed in place, or it would be another fleet; FleetNotFound,
   * ManyPlaces, HistoryGone, NoWorker, FleetBusy, FleetDegraded, FleetLeftOver, NotNow; nothing was sent then.
   */
  async change({ spec, hash }: CheckedSpec): Promise<FleetRun> {
    const fleet = spec.name;
    for (;;) {
      const { description, report } = await this.#whole(fleet, 'change', 'changed');
      const { specHash: from } = memoOf(description);
      if (from === hash) return this.#runOf(description);
      const own = await this.#specOf(description);
      const differs = new DiffersError(fleet, specChanges(own, spec, instanceCountOf(report)));
      if (!differs.isInPlace) throw differs;
      const changed = inPlaceOf(own, spec);
      const request = {
        spec: changed,
        specHash: specHash(changed),
        from: from!,
        rest: differs.changes.filter(({ how }) => how !== 'in-place'),
      };
      const run = await startChange(this.#temporal, description, report, CHANGE_UPDATE, request);
      if (run) return run;
    }
  }

  /**
   * Replaces the instances of a complete fleet by such as another spec of it asks for, or another image, wave by wave; the
   * spec is the fleet's from then on. The answered run's end is the report of the roll; one that fails, or is aborted or
   * cancelled, leaves the fleet as it was. When nothing differs its last run is answered and nothing is sent.
   *
   * Throws WrongRoll, FleetDiffers when the spec has differences that need no other machines or another fleet,
   * FleetNotFound, ManyPlaces, HistoryGone, NoWorker, FleetBusy, FleetDegraded, FleetLeftOver, NotNow when the fleet is not
   * complete; nothing was sent then.
   */
  async roll(to: CheckedSpec | NewImage, options: RollOptions = {}): Promise<FleetRun> {
    const pace = paceOf(options);
    assertPace(pace, 1);
    const fleet = 'spec' in to ? to.spec.name : to.fleet;
    for (;;) {
      const { description, report } = await this.#whole(fleet, 'roll', 'rolled');
      assertPace(pace, instanceCountOf(report));
      const from = await this.#specOf(description);
      const { spec, hash: specHash } = 'spec' in to ? to : withImage(from, to.image);
      const changes = specChanges(from, spec);
      const obstacle = rollObstacle(changes);
      if (obstacle) throw notByRoll(fleet, obstacle);
      // What a moving name means now the run finds out.
      if (changes.length === 0 && !spec.instances.image.startsWith(PARAMETER))
        return this.#runOf(description);
      await options.beforeStart?.(report, changes);
      const request = { ...pace, spec, specHash };
      const run = await startChange(this.#temporal, description, report, ROLL_UPDATE, request);
      if (run) return run;
    }
  }

  /**
   * Has a roll that is under way wait after the wave at hand, go on, or go back. After an abort the answered run ends when
   * the fleet is as it was.
   *
   * Throws FleetNotFound, ManyPlaces, NoWorker, and NotNow when no roll is under way, or not in a state for that.
   */
  async steerRoll(fleet: string, steer: Steer): Promise<FleetRun> {
    const [description] = await Promise.all([this.#describe(fleet), assertWorkerPolls(this.#temporal)]);
    if (!description) throw fleetNotFound(this.#temporal, fleet);
    assertOnePlace(description, 'rolled');
    const { change } = memoOf(description);
    const isRunning = description.status.name === 'RUNNING';
    if (!isRunning || change?.state !== 'rolling') {
      throw notRolling(fleet, steer, isRunning ? change?.words : undefined);
    }
    try {
      await this.#update<void>(description, STEER_UPDATE, steer);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) throw notSteered(fleet, refusal.message);
      if (error instanceof WorkflowNotFoundError) throw notRolling(fleet, steer, undefined);
      throw asMusterError(this.#temporal, error);
    }
    return this.#runOf(description);
  }

  /**
   * Holds what AWS shows of a complete fleet against the spec that it has, or against another. Changes nothing.
   *
   * Throws FleetNotFound, NoWorker, HistoryGone when only a spec could tell what the fleet should be, FleetDiffers when the
   * spec is of another fleet or for other places, FleetBusy, NotNow when the fleet is not complete, LookFailed; ManyPlaces
   * of a fleet in several places whose runs Temporal does not know any more.
   */
  async check(fleet: string, { spec }: CheckOptions = {}): Promise<DriftReport> {
    if (spec && spec.spec.name.toLowerCase() !== fleet.toLowerCase()) throw otherSpec(fleet, spec.spec.name);
    const [description] = await Promise.all([this.#describe(fleet), assertWorkerPolls(this.#temporal)]);
    if (!description) {
      return checkAgainst(this.#temporal, await specOfForgotten(this.#temporal, fleet, spec));
    }
    assertIdle(fleet, description);
    const report = await this.#shouldBe(description);
    if (!isSettled(report.state)) {
      await sleep(HAND_OVER_MS);
      return this.check(fleet, { spec });
    }
    if (report.state !== 'complete' && report.state !== 'degraded')
      throw notNow(fleet, report.state, 'check');
    const own = await this.#specOf(description);
    if (spec) assertSamePlaces(own, spec.spec);
    return checkAgainst(this.#temporal, {
      ...checkOf(spec?.spec ?? own, report),
      specFrom: spec ? 'file' : 'run',
      patience: stillNew(description, own.deadlines.consistency),
    });
  }

  /**
   * Puts right what AWS shows of a complete fleet otherwise than its spec says, as far as that is safe; others are launched
   * for instances that are no more. The answered run's end tells what was put right and what differs still
   * (`report.repair`): `complete` when nothing does, `degraded` when something does that a person has to see to,
   * `rolled-back` when nothing could be put right.
   *
   * Throws FleetNotFound, HistoryGone, NoWorker, FleetBusy (also with another change), FleetLeftOver, NotNow
   * when the fleet is not complete; nothing was sent then.
   */
  async repair(fleet: string): Promise<FleetRun> {
    for (;;) {
      const shouldBe = (of: WorkflowExecutionDescription) => this.#shouldBe(of);
      const { description, report } = await this.#settled(fleet, specUnknown, shouldBe);
      if (report.state !== 'complete') throw notNow(fleet, report.state, 'repair');
      const { consistency } = (await beginningOf(this.#temporal, description)).spec.deadlines;
      const patience = stillNew(description, consistency);
      const run = await startChange(this.#temporal, description, report, REPAIR_UPDATE, { patience });
      if (run) return run;
    }
  }

  /** The last run of a fleet. Throws FleetNotFound. */
  async attach(fleet: string): Promise<FleetRun> {
    const run = await this.find(fleet);
    if (!run) throw fleetNotFound(this.#temporal, fleet);
    return run;
  }

  /** The last run of a fleet, if Temporal knows one. */
  async find(fleet: string): Promise<FleetRun | undefined> {
    const description = await this.#describe(fleet);
    return description && this.#runOf(description);
  }

  /**
   * What has happened to a fleet, event by event: in its last run with those that it goes on from, or with `all` in every
   * run that Temporal still knows. Throws FleetNotFound and TemporalUnreachable. Without a worker what only the run itself
   * could say is missing.
   */
  async *logs(fleet: string, options: LogOptions = {}): AsyncGenerator<FleetEvent, void> {
    const description = await this.#describe(fleet);
    if (!description) throw fleetNotFound(this.#temporal, fleet);
    const { workflowId, runId } = description;
    yield* logOf(this.#temporal, { fleet: memoOf(description).fleet, workflowId, runId }, options);
  }

  /**
   * How a fleet is: what its last run says; of a complete fleet, of one whose run was ended from outside and of one
   * without any run, what AWS has by its tags. Throws FleetNotFound when neither knows of it, and NoWorker when a worker
   * is needed: an UnseenError, with what Temporal itself knows of the fleet, if it has a run.
   */
  async status(fleet: string, { region }: DownOptions = {}): Promise<FleetReport> {
    const description = await this.#describe(fleet);
    if (!description) {
      const { report } = await inspect(this.#temporal, { fleet, region });
      if (report.state === 'gone') throw fleetNotFound(this.#temporal, fleet, report.region);
      return report;
    }
    try {
      return await this.#standing(description);
    } catch (error) {
      throw await withKnown(this.#temporal, description, error);
    }
  }

  /**
   * All that is known of a fleet: how it stands, as `status` says it, the spec of its last run, and what the history of that
   * and of those before it tells. `reportPage` makes a page of it. Throws as `status` does.
   */
  async record(fleet: string, options: DownOptions = {}): Promise<FleetRecord> {
    const report = await this.status(fleet, options);
    const description = await this.#describe(fleet);
    const shown = { ...report, region: report.region ?? options.region };
    const record = await recordOf(this.#temporal, report, description, this.instancesOf(shown));
    return { ...record, uiUrl: this.linkTo(report), changeUrl: this.linkToChange(report) };
  }

  /**
   * All instances that AWS shows of the fleet of this report now, however many, but for terminated ones; the report itself
   * tells the first hundred. Throws NoWorker and LookFailed.
   */
  async *instancesOf(report: FleetReport): AsyncGenerator<InstanceReport, void> {
    const { fleet, region, account, workflowId, action, state, places, runs = [report.runId] } = report;
    // As in a look at the whole fleet: what an earlier run has given up is none of a complete one's.
    const isKnown =
      workflowId === fleetWorkflowId(fleet) &&
      action === 'up' &&
      (state === 'complete' || state === 'degraded');
    const ownerOf = (of: readonly string[]) => (isKnown ? { fleet, runs: of } : { fleet });
    if (!places) return yield* listed(this.#temporal, { region, account, owner: ownerOf(runs) });
    const description = await this.#describe(fleet);
    const refs = description && memoOf(description).places;
    for (const { place, region: there, account: whose, state: of, runs: launched = runs } of places) {
      // By its own run nothing of it is there.
      if (of === 'rolled-back') continue;
      const assume = refs?.find(({ name }) => name === place)?.assume;
      const where = { region: there, assume, account: whose };
      yield* listed(this.#temporal, { ...where, owner: ownerOf(launched) });
    }
  }

  /**
   * All fleets of which Temporal knows a run: the last of each, newest first, as that left it; of one that was ended from
   * outside, what AWS shows, if a worker can ask it within seconds. Temporal's list may lack one that began just now, and
   * each ends with the namespace's retention.
   */
  async list({ look = true }: ListOptions = {}): Promise<FleetListing[]> {
    try {
      const quick = { lookSeconds: QUICK_LOOK_SECONDS, workerWait: undefined };
      const brief = Muster.over({ ...this.#temporal, ...quick });
      return await listFleets(this.#temporal, look ? (fleet) => brief.status(fleet) : undefined);
    } catch (error) {
      throw asMusterError(this.#temporal, error);
    }
  }

  /**
   * Moves the end of a fleet's lease, or has the fleet stay until somebody takes it down; answers the lease as it is then.
   * A complete fleet without a lease gets one, that begins now.
   *
   * `seconds` go on top of what is left, and less than none shorten it. Throws WrongLease, FleetNotFound, HistoryGone, NoWorker,
   * FleetBusy, FleetDegraded, FleetLeftOver, and NotNow when the fleet is not complete, or is to stay and has no lease.
   */
  async extend(fleet: string, extension: Extension): Promise<LeaseReport | undefined> {
    for (;;) {
      const [description] = await Promise.all([this.#describe(fleet), assertWorkerPolls(this.#temporal)]);
      const isKept = description?.type === KEEPER && description.status.name === 'RUNNING';
      const answer = isKept
        ? await this.#extended(description, extension)
        : await this.#leased(fleet, extension);
      if (answer) return answer.lease;
      await sleep(HAND_OVER_MS);
    }
  }

  /**
   * Ends a fleet's lease now: its run goes on as the teardown, which is answered.
   *
   * Throws FleetNotFound, NoWorker, NotNow when the fleet has no lease.
   */
  async release(fleet: string): Promise<FleetRun> {
    return this.#release(await this.#kept(fleet));
  }

  /**
   * Asks a run to take back what it made; the answered run ends when that is done. Throws FleetNotFound, and NotNow when
   * the run has ended.
   */
  async cancel(fleet: string): Promise<FleetRun> {
    const description = await this.#running(fleet, 'cancel');
    await this.#handle(description).cancel();
    return this.#runOf(description);
  }

  /** Decides about a paused run. Throws FleetNotFound, NoWorker, and NotNow when it is not paused. */
  async decide(fleet: string, decision: Decision): Promise<FleetRun> {
    const [description] = await Promise.all([
      this.#running(fleet, decision),
      assertWorkerPolls(this.#temporal),
    ]);
    const handle = this.#handle(description);
    const { state } = await handle.query<FleetReport>(PROGRESS_QUERY);
    if (state !== 'paused') throw notNow(fleet, state, decision);
    await this.#update<void>(description, DECIDE_UPDATE, decision);
    return this.#runOf(description);
  }

  /** A URL: the report's run in Temporal's web UI, where that is known. */
  linkTo({ workflowId, runId }: Pick<FleetReport, 'workflowId' | 'runId'>): string | undefined {
    const { uiUrl, namespace } = this.#temporal;
    return runLink(uiUrl, namespace, workflowId, runId);
  }

  /** A URL: the run that has changed the fleet last, where that is known. */
  linkToChange({ workflowId, scale }: Pick<FleetReport, 'workflowId' | 'scale'>): string | undefined {
    return scale?.runId && this.linkTo({ workflowId, runId: scale.runId });
  }

  /**
   * Closes the connection that `connect` has made. What waits for an answer by it throws TemporalUnreachable. Runs go on: they
   * are Temporal's.
   */
  async close(): Promise<void> {
    await this.#temporal.own?.close();
  }

  /** The run that `up` would attach to; undefined when it would start one. Throws what `up` would be refused with. */
  async #there({ spec, hash }: CheckedSpec): Promise<FleetRun | undefined> {
    const [description] = await Promise.all([this.#describe(spec.name), assertWorkerPolls(this.#temporal)]);
    return description ? this.#joinUp({ spec, hash }, description) : this.#joinForgotten(spec, hash);
  }

  /** How `up` would meet the fleet. */
  async #meeting(checked: CheckedSpec): Promise<Meeting> {
    try {
      const run = await this.#there(checked);
      if (!run) return { standing: 'new' };
      if (run.met === 'running') return { standing: 'coming-up' };
      return { standing: 'same', there: await run.result() };
    } catch (error) {
      const standing = error instanceof MusterError ? STANDINGS[error.code] : undefined;
      if (!standing) throw error;
      if (!(error instanceof DiffersError)) return { standing, error: error as MusterError };
      const { description, report } = await this.#whole(checked.spec.name, 'change', 'changed');
      return { standing: 'differs', from: await this.#specOf(description), report, error };
    }
  }

  /** The last run of a fleet that is complete and that nobody changes. */
  async #whole(fleet: string, asked: string, done?: 'changed' | 'rolled') {
    const standing = (of: WorkflowExecutionDescription) => this.#standing(of);
    const found = await this.#settled(fleet, historyGone, standing, done);
    const { state } = found.report;
    if (state === 'degraded') throw fleetDegraded(found.report);
    if (state !== 'complete') throw notNow(fleet, state, asked);
    return found;
  }

  /** A fleet of which nobody is changing anything, without leftovers. Throws what is `unknown` without its history. */
  async #settled(
    fleet: string,
    unknown: (fleet: string) => MusterError,
    reportOf: (description: WorkflowExecutionDescription) => Promise<FleetReport>,
    done?: 'changed' | 'rolled',
  ) {
    for (;;) {
      const [description] = await Promise.all([this.#describe(fleet), assertWorkerPolls(this.#temporal)]);
      if (!description) {
        await this.status(fleet);
        throw unknown(fleet);
      }
      if (done) assertOnePlace(description, done);
      assertIdle(fleet, description);
      const report = await reportOf(description);
      if (report.leftovers.length > 0) throw fleetLeftOver(fleet, report.leftovers, 'retry');
      if (isSettled(report.state)) return { description, report };
      // Another's change has begun since: what it is, the next description tells.
      await sleep(HAND_OVER_MS);
    }
  }

  /** The spec that a complete fleet has. */
  async #specOf(description: WorkflowExecutionDescription): Promise<FleetSpec> {
    return (await beginningOf(this.#temporal, description)).spec;
  }

  /** What the run says of itself, and AWS where that may not be the case any more. */
  async #standing(description: WorkflowExecutionDescription): Promise<FleetReport> {
    const run = this.#runOf(description);
    if (description.status.name === 'RUNNING' && !isKeeping(description)) {
      await assertWorkerPolls(this.#temporal);
      return run.progress();
    }
    if (needsWorker(description)) await assertWorkerPolls(this.#temporal);
    const report = await run.result();
    if (report.state === 'lost' && isChange(report.action)) {
      return asChangeLeft(this.#temporal, description, report);
    }
    const { places } = memoOf(description);
    if (report.state === 'lost') {
      const made = description.type === KEEPER ? await this.#keptBy(description) : report;
      return this.#foundOf(report, made, stillNew(description) > 0, places);
    }
    if (report.state !== 'complete') return report;
    const look = asItIsNow(this.#temporal, report, stillNew(description), places);
    const [seen] = await Promise.allSettled([look]);
    if (seen.status === 'fulfilled' && seen.value.state !== 'degraded') return seen.value;
    // Meanwhile its lease may have ended, or somebody have taken it down: what is missing is no damage then.
    const last = await this.#describe(report.fleet);
    return last && last.runId !== description.runId ? this.#standing(last) : look;
  }

  /** A complete fleet as its last run left it, whatever AWS shows of it now; otherwise how it stands. */
  async #shouldBe(description: WorkflowExecutionDescription): Promise<FleetReport> {
    const last = await this.#runOf(description).result();
    if (last.state === 'complete') return last;
    const report = await this.#standing(description);
    if (report.state !== 'degraded') return report;
    // A change of it was ended from outside, and has left nothing.
    const beginning = await beginningOf(this.#temporal, description);
    return isKeepers(beginning) ? beginning.report : report;
  }

  /** The run that makes or has made the fleet by this spec; undefined when none stands in a new one's way. */
  async #joinUp(
    { spec, hash }: CheckedSpec,
    description: WorkflowExecutionDescription,
  ): Promise<FleetRun | undefined> {
    const fleet = spec.name;
    const isRunning = description.status.name === 'RUNNING' && !isKeeping(description);
    const { specHash, change } = memoOf(description);
    const isSame = specHash === hash;
    if (isRunning && change) throw fleetChanging(fleet, change.words);
    if (isRunning && !BOOTSTRAPS.includes(description.type)) {
      throw fleetBusy(fleet, 'down', `'muster status ${fleet}' shows it; bring it up when it is gone`);
    }
    if (isRunning) {
      if (!isSame) throw fleetDiffers(fleet, 'running');
      return this.#runOf(description);
    }
    const report = await this.#standing(description);
    if (report.leftovers.length > 0) throw fleetLeftOver(fleet, report.leftovers, 'retry');
    if (report.state !== 'complete' && report.state !== 'degraded') return undefined;
    if (report.state === 'degraded') throw fleetDegraded(report);
    if (!isSame) assertOnePlace(description, 'changed');
    if (!isSame) {
      const own = await this.#specOf(description);
      throw new DiffersError(fleet, specChanges(own, spec, instanceCountOf(report)));
    }
    return this.#runOf(description);
  }

  /** A fleet of which Temporal knows no run may be there all the same: its history ends, its tags in AWS do not. */
  async #joinForgotten(spec: FleetSpec, hash: string): Promise<FleetRun | undefined> {
    const quick = { ...this.#temporal, lookSeconds: QUICK_LOOK_SECONDS };
    const found = await inspect(quick, lookBySpec(spec)).catch((error) => {
      // What is wrong with AWS the run itself finds and tells, and it is to be seen while it does.
      if (error instanceof MusterError && error.code === 'LookFailed') return undefined;
      throw error;
    });
    if (!found) return undefined;
    const { run, report } = found;
    if (report.state === 'gone') return undefined;
    if (report.state === 'left-over') throw fleetLeftOver(spec.name, report.leftovers, 'down');
    if (report.specHash !== hash) throw fleetDiffers(spec.name, 'complete');
    return run;
  }

  #joinDown(fleet: string, description: WorkflowExecutionDescription): FleetRun | undefined {
    if (description.status.name !== 'RUNNING' || isKeeping(description)) return undefined;
    const { change } = memoOf(description);
    if (change) throw fleetChanging(fleet, change.words);
    if (!TEARDOWNS.includes(description.type)) {
      throw fleetBusy(fleet, 'up', `'muster cancel ${fleet}' takes back what it has made so far`);
    }
    return this.#runOf(description);
  }

  /** Starts a run; when another client was quicker, meets its run. */
  async #startOrJoin(
    fleet: string,
    type: string,
    options: Omit<WorkflowStartOptions, 'taskQueue' | 'workflowId'>,
    join: (description: WorkflowExecutionDescription) => FleetRun | undefined | Promise<FleetRun | undefined>,
  ): Promise<FleetRun> {
    const { client, taskQueue } = this.#temporal;
    const workflowId = fleetWorkflowId(fleet);
    for (;;) {
      try {
        const handle = await withAttributes(fleet, (attributes) =>
          client.workflow.start(type, {
            ...options,
            ...attributes,
            taskQueue,
            workflowId,
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowIdConflictPolicy: 'FAIL',
          }),
        );
        return new FleetRun(this.#temporal, fleet, { workflowId, runId: handle.firstExecutionRunId }, 'new');
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const description = await this.#describe(fleet);
        const run = description && (await join(description));
        if (run) return run;
        // It has ended meanwhile, and its id is free again.
      }
    }
  }

  async #describe(fleet: string): Promise<WorkflowExecutionDescription | undefined> {
    const handle = this.#temporal.client.workflow.getHandle(fleetWorkflowId(fleet));
    try {
      for (let tries = 0; ; tries++) {
        const description = await handle.describe();
        // One that is about to end stands in nobody's way; without a worker it does not end, and that is told.
        const isEnding = description.status.name === 'RUNNING' && memoOf(description).ends;
        if (!isEnding || tries >= MOST_HAND_OVERS) return description;
        await sleep(HAND_OVER_MS);
      }
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw asMusterError(this.#temporal, error);
    }
  }

  async #running(fleet: string, asked: string): Promise<WorkflowExecutionDescription> {
    const description = await this.#describe(fleet);
    if (!description) throw fleetNotFound(this.#temporal, fleet);
    const isUnderWay = description.status.name === 'RUNNING' && !isKeeping(description);
    if (!isUnderWay) throw notNow(fleet, (await this.status(fleet)).state, asked);
    return description;
  }

  /** The run that keeps a complete fleet until its lease is over. */
  async #kept(fleet: string): Promise<WorkflowExecutionDescription> {
    const [description] = await Promise.all([this.#describe(fleet), assertWorkerPolls(this.#temporal)]);
    if (!description) throw fleetNotFound(this.#temporal, fleet);
    const { change } = memoOf(description);
    if (description.status.name === 'RUNNING' && change) throw fleetChanging(fleet, change.words);
    if (!isKeeping(description)) throw noLease(fleet, (await this.status(fleet)).state, 'release');
    return description;
  }

  /** Has the run answer an Update that it can answer at once. Throws NoWorker when no worker does. */
  async #update<Answer>(
    description: WorkflowExecutionDescription,
    update: string,
    ...args: [unknown?]
  ): Promise<Answer> {
    const { client, taskQueue, address, workerWait = new WorkerWait() } = this.#temporal;
    const handle = this.#handle(description);
    const answer = client.withDeadline(Date.now() + UPDATE_PATIENCE_MS, () =>
      handle.executeUpdate<Answer, [unknown]>(update, { args: args as [unknown] }),
    );
    try {
      return await workerWait.during(answer);
    } catch (error) {
      // One that has died a moment ago is known as a worker still.
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) throw noWorker(taskQueue, address);
      throw error;
    }
  }

  /** The run that keeps the fleet goes on as its teardown. */
  async #release(description: WorkflowExecutionDescription): Promise<FleetRun> {
    const { fleet } = memoOf(description);
    try {
      await this.#update<void>(description, RELEASE_UPDATE);
    } catch (error) {
      throw this.#refusedUpdate(fleet, error);
    }
    for (;;) {
      const next = await this.#describe(fleet);
      if (next && !isKeeping(next)) return this.#runOf(next, 'new');
      await sleep(HAND_OVER_MS);
    }
  }

  /** Has the run that keeps the fleet move the end of its lease. Undefined when it has ended, or is about to. */
  async #extended(
    description: WorkflowExecutionDescription,
    extension: Extension,
  ): Promise<{ readonly lease: LeaseReport | undefined } | undefined> {
    try {
      return { lease: await this.#update<LeaseReport | undefined>(description, EXTEND_UPDATE, extension) };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || refusalOf(error)?.type === 'RunEnds') return undefined;
      throw this.#refusedUpdate(memoOf(description).fleet, error);
    }
  }

  /** Gives a complete fleet a lease that no run keeps. Undefined when another run has come in between. */
  async #leased(fleet: string, extension: Extension): Promise<{ readonly lease: LeaseReport } | undefined> {
    const standing = (of: WorkflowExecutionDescription) => this.#standing(of);
    const { description, report } = await this.#settled(fleet, historyGone, standing);
    if (report.state === 'degraded') throw fleetDegraded(report);
    if (report.state !== 'complete' || 'forGood' in extension) throw noLease(fleet, report.state, 'extend');
    const mistake = leaseMistake(extension.seconds);
    if (mistake) throw wrongLease(mistake);
    const lease = await startLease(this.#temporal, description, report, extension);
    return lease && { lease };
  }

  /** The run's own words, or that the lease was over before the Update came. */
  #refusedUpdate(fleet: string, error: unknown): unknown {
    const change = busyWith(error);
    if (change !== undefined) return fleetChanging(fleet, change);
    if (error instanceof WorkflowUpdateFailedError) return wrongLease(error.cause?.message ?? error.message);
    if (error instanceof WorkflowNotFoundError) return noLease(fleet, 'removing', 'release');
    return asMusterError(this.#temporal, error);
  }

  #handle({ workflowId, runId }: WorkflowExecutionDescription) {
    return this.#temporal.client.workflow.getHandle(workflowId, runId);
  }

  #runOf(description: WorkflowExecutionDescription, met = metAs(description)): FleetRun {
    const { fleet, change } = memoOf(description);
    const { workflowId, runId, raw } = description;
    const firstRunId = raw.workflowExecutionInfo?.firstRunId || runId;
    const ids = { workflowId, runId, firstRunId, change: met === 'running' ? change?.update : undefined };
    return new FleetRun(this.#temporal, fleet, ids, met);
  }

  /** The names and the place that the fleet's last run knew, so that a teardown need not search the account. */
  async #knownOf(
    fleet: string,
    region: string | undefined,
    description: WorkflowExecutionDescription | undefined,
  ): Promise<TeardownRequest> {
    if (!description) return { fleet, region };
    const memo = memoOf(description);
    const report = await outcomeOf(this.#handle(description), this.#temporal.workerWait).catch(
      () => undefined,
    );
    const options = { patience: stillNew(description), undoDeadline: memo.undo };
    const known = report ? teardownOf(report, options) : { patience: 0, undoDeadline: memo.undo };
    return {
      ...known,
      fleet: memo.fleet,
      region: memo.places ? undefined : (report?.region ?? memo.region ?? region),
      places: memo.places && knownPlaces(memo.places, report ?? {}),
      notify: memo.notify,
    };
  }

  /** The complete fleet that a run was given to keep. */
  async #keptBy(description: WorkflowExecutionDescription): Promise<FleetReport> {
    const beginning = await beginningOf(this.#temporal, description);
    return isKeepers(beginning) ? beginning.report : this.#runOf(description).result();
  }

  /** What AWS has of a fleet whose last run can say nothing; `made`: what is known of it from before. */
  async #foundOf(
    lost: FleetReport,
    made: FleetReport,
    isYoung: boolean,
    places: FleetMemo['places'],
  ): Promise<FleetReport> {
    const { fleet, region, account, role, profile } = lost;
    const { report: found } = await inspect(this.#temporal, {
      fleet,
      region,
      account,
      places: places && knownPlaces(places, lost),
      role: role?.name,
      profile: profile?.name,
    });
    // Whoever ended the run after its last step ended a complete fleet's; and a sweep may have been there before. What
    // is not shown of a run that ended just now may be shown later.
    const isSure = found.state === 'complete' || (found.state === 'gone' && !isYoung);
    if (isSure) {
      // The fleet's runs are those that made it, and not the look; nobody ends a lease whose run is no more.
      const { workflowId, runId, steps } = made;
      return { ...made, ...found, workflowId, runId, steps, lease: undefined, error: undefined };
    }
    const reason = lost.error?.message ?? 'the run was ended from outside';
    const leftovers = found.leftovers.map((left) => ({ ...left, reason }));
    const { instances, instanceCount } = found;
    const there = { role: found.role, profile: found.profile, ...(found.places && { places: found.places }) };
    return { ...lost, instances, instanceCount, ...there, leftovers };
  }
}

/** What a fleet is that `up` would be refused of. */
const STANDINGS: Readonly<
  Partial<Record<MusterErrorCode, Extract<Meeting, { error: unknown }>['standing']>>
> = {
  FleetBusy: 'busy',
  FleetDiffers: 'differs',
  ManyPlaces: 'differs',
  FleetDegraded: 'degraded',
  FleetLeftOver: 'left-over',
};

/** Whether it is the run of a complete fleet that waits for the end of its lease, and does nothing else. */
function isKeeping(description: WorkflowExecutionDescription): boolean {
  const { type, status } = description;
  return type === KEEPER && status.name === 'RUNNING' && memoOf(description).change === undefined;
}

/** Throws FleetBusy, with what is under way. */
function assertIdle(fleet: string, description: WorkflowExecutionDescription): void {
  const { type, status, runId, raw } = description;
  if (status.name !== 'RUNNING' || isKeeping(description)) return;
  const { change } = memoOf(description);
  if (change) throw fleetChanging(fleet, change.words);
  const { firstRunId } = raw.workflowExecutionInfo ?? {};
  // A teardown that goes on from another run is the end of the lease that this one kept.
  if (TEARDOWNS.includes(type) && firstRunId && firstRunId !== runId) throw leaseOver(fleet);
  throw fleetBusy(fleet, TEARDOWNS.includes(type) ? 'down' : 'up', `'muster status ${fleet}' shows it`);
}

function metAs(description: WorkflowExecutionDescription): FleetRun['met'] {
  if (description.status.name !== 'RUNNING') return 'ended';
  return isKeeping(description) ? 'keeping' : 'running';
}

/** Whether the history alone does not tell the report. */
function needsWorker({ status }: WorkflowExecutionDescription): boolean {
  return status.name !== 'COMPLETED' && status.name !== 'FAILED';
}

/** Of a look that is not worth more: the answer is known otherwise, too, or not needed. */
const QUICK_LOOK_SECONDS = 3;

const HAND_OVER_MS = 50;

/** How long a worker may take for the task in which a run answers an Update. */
const UPDATE_PATIENCE_MS = 15_000;
const MOST_HAND_OVERS = 60;

/** Seconds for which AWS may not show yet what a run has made that completed its fleet just now. */
function stillNew(
  { startTime, closeTime = startTime }: WorkflowExecutionDescription,
  consistency = DEFAULT_DEADLINES.consistency,
): number {
  const completeAt = closeTime;
  const age = (Date.now() - (completeAt?.getTime() ?? 0)) / 1000;
  return Math.max(0, Math.ceil(consistency - age));
}
