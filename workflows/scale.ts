/** A change of a complete fleet's count: done as a whole, or taken back as a whole. */

import { ApplicationFailure, CancelledFailure, patched } from '@temporalio/workflow';
import type { Survey, SurveyRequest } from '../activities/survey.ts';
import { DEGRADED } from '../fleet/failures.ts';
import { idsOf, type Members, merged, sourcesOf } from '../fleet/members.ts';
import { whereOf } from '../fleet/places.ts';
import { terminationWords } from '../fleet/removal.ts';
import { beyondTold, type FleetReport, instanceCountOf, runsOf } from '../fleet/report.ts';
import type { ScaleRequest } from '../fleet/scale.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { StepName } from '../fleet/steps.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { counted, someOf } from '../fleet/words.ts';
import { as, undoing } from './activities.ts';
import type { Changed, Standing } from './changed.ts';
import { stillLeft } from './last-look.ts';
import { type LaunchPlace, untilVerified } from './launch-and-verify.ts';
import { identityOf, launchMore, launchOfMore, markMore, ofCount, placesOf } from './launch-more.ts';
import { nameOutlived } from './outlived.ts';
import { isCancelled, Run, type UndoTold } from './run.ts';
import { launcherOf, survey } from './survey.ts';

/**
 * Looks which instances the fleet has. For more of them it looks whether they can be had, launches and verifies as a
 * bootstrap does, with the profile that there is; for fewer it chooses which go, ends them and sees the others run.
 * When a step fails for good, or somebody cancels, what was launched is ended, and for what was ended others are
 * launched: the fleet has its former count.
 */
export async function scaleFleet(standing: Standing, request: ScaleRequest): Promise<Changed> {
  const { fleet, region, specHash } = standing.report;
  const about = { fleet, place: standing.at, region, specHash };
  const run = new Run({ ...about, action: 'scale', state: 'scaling' }, 'rollback');
  const scale = new Scale(run, standing, request);
  run.expect(scale.steps);
  try {
    await scale.look();
    return scale.done(await scale.act());
  } catch {
    return scale.takeBack();
  }
}

/** What the fleet has once a change is done. */
type Outcome = Pick<Survey, 'members' | 'instances' | 'runs'>;

/** Of a run that does nothing else, or with other changes of the fleet. */
export class Scale {
  /** How many there are before it. */
  readonly from: number;
  private readonly run: Run;
  private readonly standing: Standing;
  private readonly request: ScaleRequest;
  private readonly spec: FleetSpec;
  /** The fleet as it stands. */
  private readonly fleet: FleetReport;
  private members: Members;
  private readonly tellMembers: Standing['tellMembers'];
  /** Of what this change launches, and of nothing else. */
  owner: RunOwner;
  private plan: LaunchPlace | undefined;
  private chosen: readonly string[] = [];
  /** It could not be taken back as a whole. */
  isShort = false;

  constructor(run: Run, standing: Standing, request: ScaleRequest) {
    const { report, spec, tellMembers } = standing;
    this.run = run;
    this.standing = standing;
    this.fleet = report;
    this.spec = spec;
    this.request = request;
    this.tellMembers = tellMembers;
    this.members = {};
    this.from = instanceCountOf(report);
    this.owner = launcherOf(standing);
    const { account, role, profile, image, placements, lease } = report;
    Object.assign(this.run.report, { account, role, profile, image, placements, lease });
    const { count: to, by } = request;
    const startedAt = Date.now();
    this.run.report.scale = { from: this.from, to, by, startedAt, runId: this.owner.run };
    this.tell(report.instances, this.from);
  }

  get isMore(): boolean {
    return this.request.count > this.from;
  }

  get steps(): readonly StepName[] {
    return this.isMore ? ['find', 'preflight', 'launch', 'verify'] : ['find', 'terminate', 'verify'];
  }

  /** Looks before anything is changed. */
  async look(): Promise<void> {
    const { count, by } = this.request;
    if (this.isMore) {
      await this.find();
      const plan = await placesOf(this.run, this.sized, this.fleet);
      this.plan = { ...plan, image: this.fleet.image! };
    } else {
      const { chosen } = await this.find({ count: this.from - count, by });
      this.chosen = chosen;
    }
  }

  act(): Promise<Outcome> {
    return this.isMore ? this.up() : this.down();
  }

  /** Where it launches, when it does. */
  get placements(): LaunchPlace['placements'] | undefined {
    return this.plan?.placements;
  }

  /** The spec for what it launches. */
  private get sized(): FleetSpec {
    return ofCount(this.spec, this.request.count - this.from);
  }

  private async up(): Promise<Outcome> {
    const { run, spec, fleet, owner } = this;
    const { count } = this.request;
    const beside = { members: this.members, seen: fleet.instances };
    const runs = [...runsOf(this.fleet), owner.run];
    let seen: Survey | undefined;
    // Those that were there before may have ended meanwhile. Runs that began before this look go on without it.
    const lookAtAll = async () => {
      if (!patched('scale-up-looked-at')) return;
      const patience = spec.deadlines.consistency;
      seen = await survey('verify', spec, this.fleet, { count, patience }, runs);
      this.isShort = idsOf(seen.members).length < count;
      assertAll(seen, count);
    };
    const more = { run, spec, fleet, owner, beside };
    const launch = await launchMore(more, this.sized, this.plan!, lookAtAll);
    return seen ?? { members: merged(this.members, launch.members), instances: run.report.instances, runs };
  }

  private async down(): Promise<Outcome> {
    const { run, spec, fleet, chosen } = this;
    const { count } = this.request;
    await run.step(
      'terminate',
      () =>
        undoing.terminateSome.executeWithOptions(
          as('terminate', counted(chosen.length, 'instance'), spec.deadlines.undo),
          [
            {
              ...whereOf(spec),
              owner: { fleet: fleet.fleet, runs: runsOf(this.fleet) },
              ids: chosen,
              patience: spec.deadlines.consistency,
            },
          ],
        ),
      {
        undo: { name: 'launch', run: () => this.makeUp(), leftovers: () => [] },
        mayHaveActed: () => true,
        found: (termination) => {
          if (termination.volumesKept.length > 0) run.report.volumesKept = [...termination.volumesKept];
          return { outcome: termination.outcome, detail: terminationWords(termination) };
        },
      },
    );
    return run.step(
      'verify',
      async () => {
        const seen = await survey('verify', this.spec, this.fleet, {
          count,
          patience: spec.deadlines.consistency,
        });
        assertAll(seen, count);
        return seen;
      },
      { found: () => `${count} running` },
    );
  }

  done(outcome: Outcome): Changed {
    // Who cancels while the last look ends has not asked for the change.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    this.become(outcome);
    const { run, fleet, request, members } = this;
    const wanted = { want: request.count, min: request.count };
    const { scale } = run.report;
    Object.assign(fleet, { wanted, scale });
    Object.assign(run.report, { wanted, sources: fleet.sources, runs: fleet.runs });
    this.tell(fleet.instances, request.count);
    run.setState('complete');
    return { told: run.report, members };
  }

  /** The fleet is as it was, or it is said what of it is not. */
  async takeBack(): Promise<Changed> {
    const { run, spec, owner } = this;
    const { report } = run;
    const wasCancelled = isCancelled();
    await run.rollBack((leftovers) =>
      stillLeft({ ...whereOf(spec), owner, leftovers, made: [] }, spec.deadlines.consistency),
    );
    const { leftovers } = report;
    await this.tellTakenBack();
    if (leftovers.length > 0) run.setState('left-over');
    else if (this.isShort) run.setState('degraded');
    else run.setState(wasCancelled ? 'cancelled' : 'rolled-back');
    const failure = leftovers.length > 0 ? run.failure() : undefined;
    return { told: report, members: this.known, failure };
  }

  /** What the fleet has after all. */
  async tellTakenBack(): Promise<void> {
    const { fleet, spec, owner } = this;
    const { report } = this.run;
    if (!this.isMore) await nameOutlived(report, spec, fleet, owner);
    report.scale!.failed = failedWords(report);
    fleet.scale = report.scale;
    report.sources = fleet.sources;
    report.runs = fleet.runs;
    this.tell(fleet.instances, instanceCountOf(fleet));
  }

  /** All instances; none, when not even they could be looked up. */
  get known(): Members | undefined {
    return idsOf(this.members).length > 0 ? this.members : undefined;
  }

  /** All that the fleet has, and of these the ones that go. What EC2 shows otherwise is not made worse by a change. */
  private async find(choose?: SurveyRequest['choose']): Promise<Survey> {
    const { run, spec, fleet, from } = this;
    return run.step(
      'find',
      async () => {
        const seen = await survey('find', this.spec, this.fleet, {
          count: from,
          patience: spec.deadlines.consistency,
          choose,
        });
        assertAll(seen, from);
        this.owner = launcherOf(this.standing, seen);
        this.members = seen.members;
        this.tellMembers(seen.members);
        return seen;
      },
      {
        found: ({ chosen }) =>
          chosen.length > 0
            ? `${counted(from, 'instance')}; ${goes(chosen)}`
            : `${counted(from, 'instance')} of ${fleet.fleet}`,
      },
    );
  }

  /** The undo of a termination: what has ended does not come back, but others can take its place. */
  private async makeUp(): Promise<UndoTold> {
    const { spec, fleet, from, owner } = this;
    const left = await survey('find', this.spec, this.fleet, { count: from, patience: 0 });
    const missing = from - idsOf(left.members).length;
    if (missing <= 0) return { outcome: 'absent', detail: 'none had ended' };
    this.isShort = true;
    const sized = ofCount(spec, missing);
    const plan: LaunchPlace = {
      account: fleet.account!,
      image: fleet.image!,
      placements: fleet.placements!.map((placement, share) => ({ ...placement, share })),
    };
    const beside = { members: left.members, seen: fleet.instances };
    const more = { run: this.run, spec, fleet, owner, beside };
    const launch = launchOfMore(more, sized, plan);
    try {
      await launch.all();
      await untilVerified(this.run, sized, owner, plan, identityOf(fleet), launch);
      await markMore(more, launch.ids);
    } finally {
      // Better some of them than none: they stay also when it was not enough.
      const runs = [...runsOf(this.fleet), owner.run];
      const seen = await survey(
        'verify',
        this.spec,
        this.fleet,
        { count: from, patience: spec.deadlines.consistency },
        runs,
      );
      const isWhole = idsOf(seen.members).length === from;
      if (isWhole) this.become(seen);
      else fleet.runs = runs;
      this.isShort = !isWhole;
    }
    return { outcome: 'replaced', detail: `${missing} launched in place of those that had ended` };
  }

  /** From here on the fleet has these. */
  private become({ members, instances, runs }: Outcome): void {
    const { fleet } = this;
    this.members = members;
    fleet.instances = [...instances];
    fleet.sources = sourcesOf(members);
    fleet.instanceCount = beyondTold(idsOf(members).length);
    // The run that made the role and the profile is one of them, whoever's instances are left.
    fleet.runs = [...new Set([runsOf(fleet)[0]!, ...runs])];
  }

  private tell(instances: FleetReport['instances'], count: number): void {
    this.run.report.instances = [...instances];
    this.run.report.instanceCount = beyondTold(count);
    this.run.show();
  }
}

/** Why a change came to nothing. */
export function failedWords({ error }: FleetReport): string {
  return error ? `${error.code}: ${error.message}` : 'cancelled';
}

export function assertAll({ members, others }: Survey, count: number): void {
  const running = idsOf(members).length;
  if (running === count && others.length === 0) return;
  const why = others.length > 0 ? `: ${others.join(', ')}` : '';
  throw ApplicationFailure.nonRetryable(`EC2 shows ${running} of ${count} running${why}`, DEGRADED);
}

/** In a sentence. */
const MOST_NAMED = 10;

function goes(chosen: readonly string[]): string {
  return `${someOf(chosen, MOST_NAMED)} ${chosen.length === 1 ? 'goes' : 'go'}`;
}
