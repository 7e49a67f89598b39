/** keepFleet: the run of a complete fleet that has a lease, is given one, or is being changed. */

import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  currentUpdateInfo,
  defineQuery,
  defineUpdate,
  isCancellation,
  makeContinueAsNewFunc,
  patched,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { specMemo } from '../fleet/bootstrap-about.ts';
import type { ChangeRequest } from '../fleet/change.ts';
import { extended, extensionMistake, teardownOf, warnsAt } from '../fleet/lease.ts';
import type { Members } from '../fleet/members.ts';
import { knownPlaces, locatedIn, placeIn, placeRefs, placesIn } from '../fleet/places.ts';
import { progressMarkdown } from '../fleet/progress-markdown.ts';
import type { RepairRequest } from '../fleet/repair.ts';
import { type ChangingState, type FleetReport, instanceCountOf, type LeaseReport } from '../fleet/report.ts';
import { type RollRequest, rollMistakes, rollObstacle, STEERS, type Steer } from '../fleet/roll.ts';
import {
  CHANGE_UPDATE,
  CLEAR_UPDATE,
  type ClearRequest,
  EXTEND_UPDATE,
  type Extension,
  type KeepRequest,
  PROGRESS_QUERY,
  RELEASE_UPDATE,
  REPAIR_UPDATE,
  ROLL_UPDATE,
  SCALE_UPDATE,
  STEER_UPDATE,
  teardownType,
} from '../fleet/run.ts';
import { type ScaleRequest, scaleMistake } from '../fleet/scale.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { specChanges } from '../fleet/spec-changes.ts';
import { counted, inWords, timeWords } from '../fleet/words.ts';
import { tellAttributes } from './attributes.ts';
import { changeFleet } from './change.ts';
import { changePlaces } from './change-places.ts';
import type { Changed, Standing } from './changed.ts';
import { clearFleet } from './clear.ts';
import { tellMembers } from './members.ts';
import { notify } from './notify.ts';
import { repairFleet } from './repair.ts';
import { rollFleet } from './roll.ts';
import { scaleFleet } from './scale.ts';
import { Steering } from './steering.ts';
import type { teardownFleet } from './teardown-fleet.ts';

const progressQuery = defineQuery<FleetReport>(PROGRESS_QUERY);
const extendUpdate = defineUpdate<LeaseReport | undefined, [Extension]>(EXTEND_UPDATE);
const releaseUpdate = defineUpdate<void>(RELEASE_UPDATE);
const scaleUpdate = defineUpdate<FleetReport, [ScaleRequest]>(SCALE_UPDATE);
const changeUpdate = defineUpdate<FleetReport, [ChangeRequest]>(CHANGE_UPDATE);
const repairUpdate = defineUpdate<FleetReport, [RepairRequest]>(REPAIR_UPDATE);
const rollUpdate = defineUpdate<FleetReport, [RollRequest]>(ROLL_UPDATE);
const steerUpdate = defineUpdate<void, [Steer]>(STEER_UPDATE);
const clearUpdate = defineUpdate<FleetReport, [ClearRequest]>(CLEAR_UPDATE);

/**
 * Waits for the end of the lease, however long and however often workers and servers are restarted meanwhile: it is a
 * timer of Temporal's. Before that the lease can be extended, given up for good, or released, and the fleet changed. A cancellation takes back a change that is under way, and otherwise releases the lease: who cancels wants the
 * fleet gone. Each run makes one change at most, so that what it launched is known by the run's id; a fleet with a lease
 * goes on in a new run then, and so does one that has another spec from then on: the last run of a fleet always began with
 * the spec that the fleet has. One without a lease has no more need of any.
 */
export async function keepFleet(request: KeepRequest<FleetReport, FleetSpec>): Promise<FleetReport> {
  const keeper = new Keeper(request);
  const next = await keeper.next();
  if (next === 'change') await keeper.change();
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  return next === 'over' ? keeper.takeDown() : keeper.goOn();
}

/** A change that was asked for. `words` say what is done, for whoever has to wait for it. */
interface Wanted {
  readonly words: string;
  readonly make: () => Promise<Changed>;
}

/** A run without a lease that nobody asks for anything after all does not stay. */
const ASKED_WITHIN_MS = 10_000;
/** Fields, in a sentence. */
const MOST_NAMED = 5;

class Keeper {
  private readonly request: KeepRequest<FleetReport, FleetSpec>;
  private readonly report: FleetReport;
  private members: Members | undefined;
  private isOver = false;
  private wanted: Wanted | undefined;
  private changed: Changed | undefined;
  /** Of a roll that is under way. */
  private steering: Steering | undefined;
  /** It does nothing more with the fleet: what is asked of it now is the next run's. */
  private isDone = false;
  /** Counts what has been asked of it, so that a wait ends with each. */
  private asked = 0;

  constructor(request: KeepRequest<FleetReport, FleetSpec>) {
    this.request = request;
    this.report = request.report;
    if (request.members) this.tellMembers(request.members);
    this.show();
    setHandler(progressQuery, () => this.report);
    setHandler(extendUpdate, (extension) => this.extend(extension), {
      validator: (extension) => this.checkExtension(extension),
    });
    setHandler(releaseUpdate, () => this.release(), { validator: () => this.checkIdle() });
    setHandler(scaleUpdate, (scale) => this.scale(scale), {
      validator: (scale) => this.checkScale(scale),
    });
    setHandler(changeUpdate, (change) => this.makeChange(change), {
      validator: (change) => this.checkChange(change),
    });
    setHandler(repairUpdate, (repair) => this.repair(repair), {
      validator: (repair) => this.checkRepair(repair),
    });
    setHandler(rollUpdate, (roll) => this.roll(roll), { validator: (roll) => this.checkRoll(roll) });
    setHandler(steerUpdate, (steer) => this.steering!.steer(steer), {
      validator: (steer) => this.checkSteer(steer),
    });
    setHandler(clearUpdate, (clear) => this.clear(clear), {
      validator: (clear) => this.checkClear(clear),
    });
  }

  /** Resolves when there is something to do: the lease is over, a change is wanted, or nothing is left to wait for. */
  async next(): Promise<'over' | 'change' | 'nothing'> {
    for (;;) {
      const { lease } = this.report;
      if (this.wanted) return 'change';
      const now = Date.now();
      if (this.isOver || (lease && now >= lease.endsAt)) return this.over();
      if (!lease && (this.asked > 0 || isContinued())) return 'nothing';
      const warnAt = lease && warnsAt(lease, this.request.completeAt);
      if (warnAt && now >= warnAt && !lease.warned) {
        await this.warn(lease);
        continue;
      }
      const seen = this.asked;
      const until = lease ? (lease.warned ? lease.endsAt : warnAt!) : now + ASKED_WITHIN_MS;
      try {
        const wasAsked = await condition(() => this.asked > seen, Math.max(1, until - now));
        if (!lease && !wasAsked) return 'nothing';
      } catch (error) {
        if (!isCancellation(error)) throw error;
        if (this.wanted) return 'change';
        return lease ? this.over() : 'nothing';
      }
      // The history ends here and a new one begins: a fleet may be extended for years.
      if (workflowInfo().continueAsNewSuggested && !this.wanted && this.report.lease) return 'nothing';
    }
  }

  /** Ends with the fleet as wanted, or as it was before. */
  async change(): Promise<void> {
    this.changed = await this.warningMeanwhile(() => this.wanted!.make());
    this.steering = undefined;
    const { told, members, specHash } = this.changed;
    const { report } = this;
    if (specHash !== undefined) report.specHash = specHash;
    if (told.leftovers.length > 0) {
      Object.assign(report, { state: 'left-over', leftovers: told.leftovers, error: told.error });
    } else {
      Object.assign(report, { state: 'complete', leftovers: [], error: undefined });
    }
    if (members) this.tellMembers(members);
    tellAttributes(report);
  }

  /** In a new run as long as there is a lease, or with another spec; otherwise the run ends, and with it what was to be told. */
  goOn(): FleetReport | Promise<never> {
    const { request, report, changed, members } = this;
    this.isDone = true;
    const spec = changed?.spec ?? request.spec;
    if (!report.lease && spec === request.spec) {
      if (changed?.failure) throw changed.failure;
      return report;
    }
    const left = report.leftovers.length > 0;
    const leftBy = !left ? undefined : (request.leftBy ?? workflowInfo().runId);
    const changedAt = changed ? Date.now() : request.changedAt;
    const memo = report.lease ? this.memo : { ...this.memo, ends: true };
    return makeContinueAsNewFunc<typeof keepFleet>({ memo })({
      ...request,
      report,
      spec,
      members,
      changedAt,
      leftBy,
    });
  }

  takeDown(): Promise<never> {
    const { completeAt, changedAt = completeAt, spec } = this.request;
    const { consistency, undo } = spec.deadlines;
    const age = (Date.now() - changedAt) / 1000;
    const request = teardownOf(this.report, {
      patience: Math.max(0, Math.ceil(consistency - age)),
      undoDeadline: undo,
    });
    const refs = placeRefs(spec);
    const places = refs && knownPlaces(refs, this.report);
    const options = { workflowType: teardownType({ places }), memo: this.memo };
    return makeContinueAsNewFunc<typeof teardownFleet>(options)({ ...request, places, notify: spec.notify });
  }

  /** What the next run carries: this one's change is none of its. */
  private get memo(): Record<string, unknown> {
    const { change: _, ends: __, ...memo } = workflowInfo().memo ?? {};
    const { spec, specHash } = this.changed ?? {};
    return spec && specHash ? { ...memo, ...specMemo(spec, specHash) } : memo;
  }

  private over(): 'over' {
    this.isOver = true;
    return 'over';
  }

  private checkIdle(): void {
    if (this.wanted) throw refusal('FleetBusy', this.wanted.words);
    if (this.isOver) throw refusal('FleetBusy', 'its lease is over, and it is being taken down');
    if (this.isDone) throw refusal('RunEnds', 'this run does nothing more with the fleet');
  }

  private checkScale(scale: ScaleRequest): void {
    assertShape(scale, { count: 'number', by: 'string' });
    const mistake = scaleMistake(scale) ?? this.placeMistake(scale);
    if (mistake) throw refusal('WrongCount', mistake);
    this.checkWhole();
  }

  private placeMistake({ place }: ScaleRequest): string | undefined {
    const known = placesIn(this.report);
    const isKnown = known.length === 0 ? place === undefined : known.includes(place ?? '');
    return isKnown
      ? undefined
      : `'${place}' is none of its places: ${known.join(', ') || 'it has one alone'}`;
  }

  private checkRepair(repair: RepairRequest): void {
    assertShape(repair, { patience: 'number' });
    this.checkWhole();
  }

  private checkRoll(roll: RollRequest): void {
    this.checkOnePlace();
    assertShape(roll, { wave: 'object', pause: 'number', healthyWithin: 'number', ...SPEC_SHAPE });
    const mistakes = rollMistakes(roll, instanceCountOf(this.report));
    if (mistakes.length > 0) throw refusal('WrongRoll', mistakes.join('\n'));
    const obstacle = rollObstacle(specChanges(this.request.spec, roll.spec));
    if (obstacle) throw refusal('WrongRoll', obstacle.what);
    this.checkWhole();
  }

  private checkSteer(steer: Steer): void {
    if (!STEERS.includes(steer)) throw refusal('NotNow', `'${steer}' is none of ${STEERS.join(', ')}`);
    if (!this.steering) throw refusal('NotNow', 'no roll of it is under way');
    const mistake = this.steering.mistake(steer);
    if (mistake) throw refusal('NotNow', mistake);
  }

  private checkWhole(): void {
    this.checkIdle();
    const { leftovers } = this.report;
    if (leftovers.length > 0) throw refusal('FleetLeftOver', 'an earlier change of it left something');
  }

  private checkOnePlace(): void {
    if (this.request.spec.places)
      throw refusal('ManyPlaces', 'a fleet in several places cannot be changed so');
  }

  private checkChange(change: ChangeRequest): void {
    this.checkOnePlace();
    assertShape(change, { from: 'string', rest: 'object', ...SPEC_SHAPE });
    const { spec, from } = change;
    this.checkWhole();
    if (from !== this.report.specHash) throw refusal('OtherSpec', 'its spec is another meanwhile');
    const beyond = specChanges(this.request.spec, spec).filter(({ how }) => how !== 'in-place');
    if (beyond.length === 0) return;
    throw refusal('NotInPlace', `not in place: ${beyond.map(({ field }) => field).join(', ')}`);
  }

  private checkClear(clear: ClearRequest): void {
    assertShape(clear, { skip: 'object' });
    this.checkIdle();
    if (this.request.leftBy === undefined) throw refusal('NotNow', 'no change of it has left anything');
  }

  private async scale(scale: ScaleRequest): Promise<FleetReport> {
    const { place } = scale;
    const from = instanceCountOf(placeIn(this.report, place));
    if (scale.count === from) {
      this.asked += 1;
      return this.report;
    }
    const words = `scaling from ${from} to ${scale.count}${inWords(place)}`;
    return this.ask('scaling', words, (standing) =>
      place === undefined
        ? scaleFleet(standing, scale)
        : changePlaces(standing, { action: 'scale', request: scale }),
    );
  }

  private makeChange(change: ChangeRequest): Promise<FleetReport> {
    const fields = new Set(specChanges(this.request.spec, change.spec).map(({ field }) => field));
    const words = `changing ${[...fields].slice(0, MOST_NAMED).join(', ')}${fields.size > MOST_NAMED ? ' and more' : ''}`;
    return this.ask('changing', words, (standing) => changeFleet(standing, change));
  }

  private repair(repair: RepairRequest): Promise<FleetReport> {
    return this.ask('repairing', 'repairing', (standing) =>
      standing.spec.places
        ? changePlaces(standing, { action: 'repair', request: repair })
        : repairFleet(standing, repair),
    );
  }

  private roll(roll: RollRequest): Promise<FleetReport> {
    const steering = new Steering();
    this.steering = steering;
    const words = `rolling ${counted(instanceCountOf(this.report), 'instance')}`;
    return this.ask('rolling', words, (standing) => rollFleet(standing, roll, steering));
  }

  private clear(clear: ClearRequest): Promise<FleetReport> {
    const { leftBy } = this.request;
    const words = 'removing what a change left';
    return this.ask('scaling', words, (standing) => clearFleet(standing, leftBy!, clear));
  }

  /** Has the run make the change, and answers what came of it. */
  private async ask(
    state: ChangingState,
    what: string,
    make: (standing: Standing) => Promise<Changed>,
  ): Promise<FleetReport> {
    const { report, request } = this;
    const tellMembers = (members: Members) => this.tellMembers(members);
    const words = `${what} since ${timeWords(Date.now())}`;
    const spec = locatedIn(request.spec, report);
    this.wanted = { words, make: () => make({ report, spec, tellMembers }) };
    this.asked += 1;
    upsertMemo({ change: { words, state, update: currentUpdateInfo()!.id } });
    // Who cancels the run is to be told what came of that.
    await CancellationScope.nonCancellable(() => condition(() => this.changed !== undefined));
    return this.changed!.told;
  }

  private checkExtension(extension: Extension): void {
    const { lease } = this.report;
    if (this.isOver) throw ApplicationFailure.nonRetryable('the lease is over');
    // One that is given to a fleet has the run wait for its end, which one that is busy cannot.
    if (!lease) this.checkWhole();
    const mistake = extensionMistake(extension, lease, Date.now());
    if (mistake) throw ApplicationFailure.nonRetryable(mistake);
  }

  private extend(extension: Extension): LeaseReport | undefined {
    this.report.lease = extended(this.report.lease, extension, Date.now());
    this.asked += 1;
    this.show();
    return this.report.lease;
  }

  private release(): void {
    this.isOver = true;
    this.asked += 1;
  }

  /** A roll may be paused for days: who has the lease is warned of its end all the same. */
  private async warningMeanwhile<T>(work: () => Promise<T>): Promise<T> {
    if (!this.report.lease || !patched('lease-warned-meanwhile')) return work();
    const scope = new CancellationScope();
    const warning = scope.run(() => this.warnInTime());
    // With the change it is over; there is a lease to warn of in the next run, too.
    warning.catch(() => {});
    try {
      return await work();
    } finally {
      scope.cancel();
    }
  }

  private async warnInTime(): Promise<void> {
    for (;;) {
      const { lease } = this.report;
      if (!lease) return;
      const seen = this.asked;
      const isAsked = () => this.asked > seen;
      const left = warnsAt(lease, this.request.completeAt) - Date.now();
      if (lease.warned) await condition(isAsked);
      else if (left > 0) await condition(isAsked, left);
      else await this.warn(lease);
    }
  }

  private async warn(lease: LeaseReport): Promise<void> {
    lease.warned = true;
    this.show();
    await notify(this.report, this.request.spec.notify, 'lease-ending');
  }

  private tellMembers(members: Members): void {
    this.members = members;
    tellMembers(members);
  }

  private show(): void {
    setCurrentDetails(progressMarkdown(this.report));
    tellAttributes(this.report);
  }
}

/** A run that another goes on as, and not one that was started to be asked for a change. */
function isContinued(): boolean {
  return workflowInfo().continuedFromExecutionRunId !== undefined;
}

const SPEC_SHAPE = { spec: 'object', specHash: 'string' } as const;

/** What was sent need not have come from the library: anybody who may update the run can send anything. */
function assertShape(
  request: unknown,
  shape: Readonly<Record<string, 'number' | 'object' | 'string'>>,
): void {
  const sent = typeof request === 'object' && request !== null ? (request as Record<string, unknown>) : {};
  const wrong = Object.entries(shape).filter(
    ([field, type]) => typeof sent[field] !== type || sent[field] === null,
  );
  if (wrong.length === 0) return;
  const fields = wrong.map(([field, type]) => `${field} (${type})`).join(', ');
  throw refusal('WrongRequest', `what was sent is no request: it lacks ${fields}`);
}

function refusal(type: string, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, type);
}
