/** bootstrapPlaces: one fleet in several places: there in all of them, or in as many as are needed, or taken back. */

import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { Plan } from '../activities/preflight.ts';
import { type AwsFailure, FLEET_FAILED, PREFLIGHT_FAILED } from '../fleet/failures.ts';
import { resourceLeftovers, unknownInstancesLeftover } from '../fleet/leftovers.ts';
import { countInPlaces, fleetAt, locatedIn, minPlacesOf, type Where, whereOf } from '../fleet/places.ts';
import { type Termination, terminationWords } from '../fleet/removal.ts';
import { type FailureReport, type FleetReport, instanceCountIn, type Leftover } from '../fleet/report.ts';
import type { BootstrapRequest } from '../fleet/run.ts';
import { type FleetSpec, type PlaceSpec, preflightSpec } from '../fleet/spec.ts';
import { REGIONS_TAG, type RunOwner } from '../fleet/tags.ts';
import { counted } from '../fleet/words.ts';
import { as, asUndo, quick, undoing } from './activities.ts';
import { mark } from './bring-up.ts';
import { handOver } from './hand-over.ts';
import { type IdentityScope, identitySteps, makeIdentity } from './identity.ts';
import { stillLeft } from './last-look.ts';
import { type Identity, ownershipOf } from './launch-and-verify.ts';
import { launchPlace } from './launch-place.ts';
import { failureIn, lostRun, placeRun } from './place-runs.ts';
import { describeFailure, isCancelled, Run, type Undo, wasLetGo } from './run.ts';

/**
 * Looks in all places before touching anything; makes the identity once in each account; has a child wait, launch and
 * verify in each place; marks the fleet as complete. Where fewer places come up than are needed all is taken back: the
 * instances first, the identities last. Ends as bootstrapFleet does.
 */
export async function bootstrapPlaces(request: BootstrapRequest<FleetSpec>): Promise<FleetReport> {
  const fleet = new Places(request);
  try {
    await fleet.look();
    await fleet.makeIdentities();
    await fleet.launch();
    await fleet.leaveWhereNothingIs();
    await fleet.mark();
    await fleet.complete();
  } catch {
    return await fleet.giveUp();
  }
  return fleet.handOver(request.lease);
}

/** A place and how it fares; its report's state is `running` or `complete` as long as it is counted on. */
interface Place {
  readonly name: string;
  /** Once preflight has found it, with its account. */
  spec: FleetSpec;
  /** Counted from 1. */
  readonly number: number;
  report: FleetReport;
  plan?: Plan;
  account?: Account;
}

/** The places that have one identity. */
interface Account {
  readonly places: readonly Place[];
  /** Which account, if there are several. */
  readonly at: string | undefined;
  readonly scope: IdentityScope;
  identity?: Identity;
}

/** Something that is done for one place, or for those of one account. */
interface Task {
  readonly places: readonly Place[];
  readonly work: () => Promise<unknown>;
}

class Places {
  private readonly run: Run;
  private readonly spec: FleetSpec;
  private readonly specHash: string;
  private readonly owner: RunOwner;
  private readonly places: readonly Place[];
  private readonly least: number;
  private accounts: readonly Account[] = [];

  constructor({ spec, specHash }: BootstrapRequest<FleetSpec>) {
    this.spec = spec;
    this.specHash = specHash;
    this.owner = { fleet: spec.name, run: workflowInfo().firstExecutionRunId };
    this.least = minPlacesOf(spec);
    this.run = new Run(
      { fleet: spec.name, action: 'up', state: 'running', specHash },
      spec.onFailure,
      spec.notify,
    );
    this.places = spec.places!.map((place, at) => this.placeOf(place, at + 1));
    this.run.report.wanted = countInPlaces(spec);
    this.tell();
    this.run.expect(['preflight']);
  }

  /** Everywhere to the end: whoever has to mend something is to hear of all of it at once. */
  async look(): Promise<void> {
    const { run, places } = this;
    await run.step(
      'preflight',
      async () => {
        const tasks = places.map((place) => ({ places: [place], work: () => this.lookAt(place) }));
        await this.sideBySide(tasks, { toTheEnd: true }).catch((error: unknown) => {
          throw isCancellation(error) ? error : preflightFailure(this.failed);
        });
      },
      { found: () => `${counted(this.inUse.length, 'place')}; ${this.planWords()}` },
    );
    this.accounts = this.accountsOf(this.inUse);
    const [first, ...others] = this.accounts;
    if (others.length === 0) run.report.account = first!.places[0]!.plan!.account;
    const unheard = this.inUse[0]!.plan!.unheard;
    run.report.unheard = unheard && [...unheard];
    for (const { at } of this.accounts) run.expect(identitySteps(this.spec), at);
    run.expect(['launch-places']);
    if (!this.spec.profile.reuse) for (const { at } of this.accounts) run.expect(['mark'], at);
  }

  /** Once in each account: IAM is the same in all of its regions. */
  async makeIdentities(): Promise<void> {
    await this.sideBySide(
      this.accounts.map((account) => ({
        places: account.places,
        work: async () => {
          account.identity = await makeIdentity(
            this.run,
            account.scope,
            account.places[0]!.plan!,
            (identity) => this.tellIdentity(account, identity),
          );
        },
      })),
    );
  }

  async launch(): Promise<void> {
    await this.run.step(
      'launch-places',
      () =>
        this.sideBySide(this.inUse.map((place) => ({ places: [place], work: () => this.launchAt(place) }))),
      {
        undo: this.undoLaunches(),
        mayHaveActed: () => true,
        found: () => `complete in ${this.inUse.length} of ${counted(this.places.length, 'place')}`,
      },
    );
  }

  /** Of a fleet that is content with less: nothing stays where nothing has come up. */
  async leaveWhereNothingIs(): Promise<void> {
    for (const place of this.failed.filter(({ report }) => report.state === 'lost')) {
      await this.endAt(place).catch((error: unknown) => {
        if (isCancellation(error)) throw error;
        this.keepLeftovers(place, error);
      });
    }
    for (const { at, places } of this.accounts) {
      if (at === undefined || places.some((place) => this.inUse.includes(place))) continue;
      const left = await this.run.takeBack(at, (leftovers) => this.lastLook(leftovers));
      places[0]!.report.leftovers.push(...left);
      for (const { report } of places) Object.assign(report, { role: undefined, profile: undefined });
    }
    this.tell();
  }

  /** What was found and not made carries no mark; then the instances do. */
  async mark(): Promise<void> {
    const inUse = this.accounts.filter(({ places }) => places.some((place) => this.inUse.includes(place)));
    await Promise.all(
      inUse.map(async ({ identity, places, at }) => {
        if (!identity!.profile.reused) await mark(this.run, places[0]!.spec, identity!.profile, [], at);
      }),
    );
  }

  async complete(): Promise<void> {
    if (isCancelled()) throw new CancelledFailure('cancelled');
    const { report } = this.run;
    report.instanceCount = instanceCountIn(this.inUse.map(({ report }) => report));
    // Of those that were not needed their own reports tell.
    report.error = undefined;
    this.run.setState('complete');
    await this.run.tell('complete');
  }

  handOver(lease: number | undefined): Promise<FleetReport> {
    return handOver(this.run, this.spec, lease);
  }

  /** Takes everything back, and ends the run as what it is: failed or cancelled. */
  async giveUp(): Promise<never> {
    const { run } = this;
    const { report } = run;
    if (report.error) await run.tell('failed');
    const wasCancelled = isCancelled();
    await run.rollBack((leftovers) => this.lastLook(leftovers));
    const own = this.places.flatMap(({ name, report: { leftovers } }) =>
      leftovers.map((left) => ({ ...left, at: left.at ?? name })),
    );
    report.leftovers.unshift(...own);
    const isLeft = report.leftovers.length > 0;
    if (isLeft) run.setState('left-over');
    else run.setState(wasCancelled ? 'cancelled' : 'rolled-back');
    await run.tell(isLeft ? 'leftovers' : 'rolled-back');
    throw wasCancelled && !isLeft ? new CancelledFailure('cancelled') : run.failure();
  }

  private placeOf(place: PlaceSpec, number: number): Place {
    const spec = fleetAt(this.spec, place);
    const { workflowId, runId } = workflowInfo();
    return {
      name: place.name,
      number,
      spec,
      report: {
        schema: 1,
        fleet: spec.name,
        place: place.name,
        action: 'up',
        state: 'running',
        account: place.account,
        region: place.region,
        workflowId,
        runId,
        instances: [],
        wanted: spec.instances.count,
        steps: [],
        undos: [],
        leftovers: [],
      },
    };
  }

  /** Those that are there, or may yet be. */
  private get inUse(): readonly Place[] {
    return this.places.filter(({ report: { state } }) => state === 'running' || state === 'complete');
  }

  private get failed(): readonly Place[] {
    return this.places.filter((place) => !this.inUse.includes(place));
  }

  /**
   * Does things side by side, as long as enough places are left; then the others are cancelled, and all have ended
   * before the failure goes on.
   */
  private async sideBySide(tasks: readonly Task[], { toTheEnd = false } = {}): Promise<void> {
    await CancellationScope.cancellable(async () => {
      const scope = CancellationScope.current();
      await Promise.all(
        tasks.map(async ({ places, work }) => {
          try {
            await work();
          } catch (error) {
            for (const place of places) this.drop(place, error);
            if (this.inUse.length < this.least && !toTheEnd) scope.cancel();
          }
          this.tell();
        }),
      );
    });
    if (isCancelled()) throw new CancelledFailure('cancelled');
    if (this.inUse.length < this.least) throw this.tooFew();
  }

  /** It is not counted on any more. */
  private drop({ report }: Place, error: unknown): void {
    const isOurs = (isCancelled() && isCancellation(error)) || wasLetGo(error);
    if (report.state === 'running') report.state = isOurs ? 'cancelled' : 'rolled-back';
    if (!isOurs) report.error ??= describeFailure('launch-places', error);
  }

  /** In the words of the first place that failed. */
  private tooFew(): ApplicationFailure {
    const { name, report } = this.failed.find(({ report: { error } }) => error)!;
    return failureIn(name, report.error!);
  }

  private async lookAt(place: Place): Promise<void> {
    const { spec, report, number } = place;
    try {
      const plan = await quick.preflight.executeWithOptions(
        as('preflight', `in ${place.name}`, spec.deadlines.step, `${number}`),
        [{ spec: preflightSpec(spec) }],
      );
      const twin = this.places.find(
        (other) => other.plan?.account === plan.account && other.spec.region === spec.region,
      );
      if (twin) throw samePlace(twin.name);
      place.plan = plan;
      place.spec = locatedIn(spec, plan);
    } catch (error) {
      if (!isCancellation(error) && !wasLetGo(error)) report.error = describeFailure('preflight', error);
      throw error;
    }
    const { account, image, placements } = place.plan;
    Object.assign(report, { account, image });
    report.placements = placements.map(({ share: _, ...placement }) => placement);
  }

  private planWords(): string {
    const accounts = new Set(this.inUse.map(({ plan }) => plan!.account));
    return `account ${[...accounts].join(', ')}`;
  }

  private accountsOf(places: readonly Place[]): Account[] {
    const ids = [...new Set(places.map(({ plan }) => plan!.account))];
    return ids.map((id) => {
      const there = places.filter(({ plan }) => plan!.account === id);
      const { spec } = there[0]!;
      const regions = there.map((place) => place.spec.region).join(' ');
      const ownership = { ...ownershipOf(spec, this.owner, this.specHash), [REGIONS_TAG]: regions };
      const at = ids.length > 1 ? id : undefined;
      const account: Account = {
        places: there,
        at,
        scope: { spec, owner: this.owner, ownership, at, made: {} },
      };
      for (const place of there) place.account = account;
      return account;
    });
  }

  private tellIdentity({ places, at }: Account, identity: Identity): void {
    for (const { report } of places) Object.assign(report, identity);
    if (at === undefined) Object.assign(this.run.report, identity);
  }

  /** A run of its own: it has the history of its own launch, and takes back that alone. */
  private async launchAt(place: Place): Promise<void> {
    const { owner, specHash } = this;
    const { name, account, plan } = place;
    const { policy: _, notify: __, ...spec } = place.spec;
    const child = await startChild(launchPlace, {
      ...placeRun('launch', spec, name),
      args: [{ spec, place: name, owner, specHash, plan: plan!, identity: account!.identity! }],
    });
    Object.assign(place.report, { workflowId: child.workflowId, runId: child.firstExecutionRunId });
    this.tell();
    try {
      place.report = await child.result();
    } catch (error) {
      const { cause } = error instanceof ChildWorkflowFailure ? error : {};
      if (cause instanceof ApplicationFailure && cause.type === FLEET_FAILED) {
        place.report = cause.details![0] as FleetReport;
      } else if (isCancellation(error)) {
        place.report.error = isCancelled() ? undefined : CANCELLED_ALONE;
      } else {
        place.report.state = 'lost';
        place.report.error = lostRun('launch-places', cause);
      }
      throw error;
    }
  }

  /** Those that failed or were cancelled have taken back their own. */
  private undoLaunches(): Undo {
    return {
      name: 'terminate',
      run: async () => {
        const there = this.places.filter(({ report: { state } }) => state === 'complete' || state === 'lost');
        const refusals: unknown[] = [];
        const ended = await Promise.all(
          there.map((place) =>
            this.endAt(place).catch((error: unknown) => {
              refusals.push(error);
              this.keepLeftovers(place, error);
              return undefined;
            }),
          ),
        );
        this.tell();
        if (refusals.length > 0) throw refusals[0];
        const all = ended.flatMap((one) => one ?? []);
        if (all.length === 0) return { outcome: 'absent', detail: 'each place has taken back its own' };
        const sum = together(all);
        return {
          outcome: sum.outcome,
          detail: `${terminationWords(sum)} in ${counted(all.length, 'place')}`,
        };
      },
      // They are in the reports of their places.
      leftovers: () => [],
    };
  }

  private async endAt({ spec, report, number }: Place): Promise<Termination> {
    const ids = report.instances.map(({ id }) => id);
    const ended = await undoing.terminate.executeWithOptions(
      asUndo('terminate', `those in ${report.place}`, spec.deadlines.undo, `${number}`),
      [
        {
          ...whereOf(spec),
          owner: this.owner,
          ids,
          volumes: 'delete',
          patience: spec.deadlines.consistency,
        },
      ],
    );
    Object.assign(report, { state: 'rolled-back', instances: [], instanceCount: undefined });
    return ended;
  }

  private keepLeftovers({ name, spec, report }: Place, error: unknown): void {
    const { call, code, message, left } = describeFailure('terminate', error);
    const ids = left ?? report.instances.map(({ id }) => id);
    const reason = `${call ? `${call}: ` : ''}${code}: ${message}`;
    const leftovers =
      ids.length > 0
        ? resourceLeftovers(spec.region, this.owner, ids, reason)
        : [unknownInstancesLeftover(spec.region, this.owner, reason)];
    report.state = 'left-over';
    report.leftovers.push(...leftovers.map((one) => ({ ...one, at: name })));
  }

  /** Each where it is. */
  private async lastLook(leftovers: readonly Leftover[]): Promise<readonly Leftover[]> {
    const left = await Promise.all(
      this.accounts.map(({ at, scope }) => {
        const there = leftovers.filter((one) => one.at === at);
        if (there.length === 0) return [];
        const { spec, owner, made } = scope;
        const where: Where = whereOf(spec);
        return stillLeft(
          { ...where, owner, leftovers: there, role: spec.role?.name, made: Object.values(made) },
          spec.deadlines.consistency,
          at,
        );
      }),
    );
    return left.flat();
  }

  private tell(): void {
    this.run.report.places = this.places.map(({ report }) => report);
    this.run.show();
  }
}

/** All that is wrong, whether here or there; the same in several places is told once. */
function preflightFailure(failed: readonly Place[]): ApplicationFailure {
  const wrong = new Map<string, string[]>();
  for (const { name, report } of failed) {
    for (const problem of problemsOf(report.error!))
      wrong.set(problem, [...(wrong.get(problem) ?? []), name]);
  }
  const problems = [...wrong].map(([problem, names]) => `${names.join(', ')}: ${problem}`);
  const detail: AwsFailure = {
    call: failed[0]!.report.error!.call ?? 'preflight',
    code: PREFLIGHT_FAILED,
    message: problems.length === 1 ? problems[0]! : `${problems.length} things are wrong`,
    requestId: failed[0]!.report.error!.requestId,
    untouched: true,
    problems,
  };
  return ApplicationFailure.create({
    type: PREFLIGHT_FAILED,
    message: problems.join('\n'),
    nonRetryable: true,
    details: [detail],
  });
}

function problemsOf({ problems, call, code, message }: FailureReport): readonly string[] {
  return problems ?? [[call, code, message].filter(Boolean).join(': ')];
}

function samePlace(name: string): ApplicationFailure {
  const message = `It is the same account and region as ${name}: keep one of the two.`;
  const detail: AwsFailure = { call: 'preflight', code: PREFLIGHT_FAILED, message, problems: [message] };
  return ApplicationFailure.create({
    type: PREFLIGHT_FAILED,
    message,
    nonRetryable: true,
    details: [detail],
  });
}

const CANCELLED_ALONE: FailureReport = {
  step: 'launch-places',
  code: 'Cancelled',
  message: 'the run of this place was cancelled by itself',
};

function together(all: readonly Termination[]): Termination {
  const sum = (of: (one: Termination) => number) => all.reduce((total, one) => total + of(one), 0);
  return {
    outcome: all.some(({ outcome }) => outcome === 'removed') ? 'removed' : 'absent',
    looks: Math.max(...all.map(({ looks }) => looks)),
    seconds: Math.max(...all.map(({ seconds }) => seconds)),
    terminated: sum(({ terminated }) => terminated),
    ended: sum(({ ended }) => ended),
    volumesDeleted: sum(({ volumesDeleted }) => volumesDeleted),
    volumesKept: all.flatMap(({ volumesKept }) => volumesKept),
  };
}
