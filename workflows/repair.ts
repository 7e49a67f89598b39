/** A repair: what AWS shows of a complete fleet otherwise than its spec says is put right, as far as that is safe. */

import { CancellationScope, CancelledFailure } from '@temporalio/workflow';
import type { FoundDrift } from '../activities/drift.ts';
import { findingCount } from '../fleet/drift-report.ts';
import { type Members, merged, sourcesOf } from '../fleet/members.ts';
import { whereOf } from '../fleet/places.ts';
import { MENDED_PARTS, type MendedPart, partOf, type RepairRequest, repaired } from '../fleet/repair.ts';
import { beyondTold, type FleetReport, instanceCountOf, runsOf } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { counted } from '../fleet/words.ts';
import { as, looking, undoing } from './activities.ts';
import type { Changed, Standing } from './changed.ts';
import { lookForDrift, wantedOf } from './drift-look.ts';
import { stillLeft } from './last-look.ts';
import { launchMore, ofCount, placesOf } from './launch-more.ts';
import { isCancelled, Run } from './run.ts';
import { launcherOf } from './survey.ts';

/**
 * Looks what differs; puts the role, the profile and the instances right, one after the other; launches others for
 * instances that are no more; looks at all of it again. What fails holds nothing else up. What was launched and could not
 * be verified is ended again; what was put right in place stays so.
 */
export async function repairFleet(standing: Standing, request: RepairRequest): Promise<Changed> {
  const repair = new Repair(standing);
  try {
    await repair.find(request);
    await repair.mend();
    await repair.refill();
  } catch {
    await repair.takeBack();
  }
  return CancellationScope.nonCancellable(() => repair.end());
}

class Repair {
  private readonly run: Run;
  private readonly standing: Standing;
  private readonly spec: FleetSpec;
  /** The fleet as it should be. */
  private readonly fleet: FleetReport;
  private readonly tellMembers: Standing['tellMembers'];
  /** Of what this repair launches, and of nothing else. */
  private owner: RunOwner;
  private before: FoundDrift | undefined;
  private members: Members | undefined;
  private hasFailed = false;
  private wasCancelled = false;

  constructor(standing: Standing) {
    const { report, spec, at, tellMembers } = standing;
    this.standing = standing;
    this.fleet = report;
    this.spec = spec;
    this.tellMembers = tellMembers;
    this.owner = launcherOf(standing);
    const { fleet, region, specHash } = report;
    this.run = new Run(
      { fleet, place: at, action: 'repair', state: 'repairing', region, specHash },
      'rollback',
      spec.notify,
    );
    const { account, role, profile, image, placements, lease } = report;
    Object.assign(this.run.report, { account, role, profile, image, placements, lease });
    this.tell();
    this.run.expect(['find']);
  }

  async find({ patience }: RepairRequest): Promise<void> {
    this.before = await this.run.step('find', () => this.look('find', patience), { found: foundWords });
    this.owner = launcherOf(this.standing, this.before);
    this.run.expect([...this.partsToMend.map(stepOf), ...(this.missing > 0 ? REFILL : []), 'check']);
  }

  /** Each part by itself: what AWS refuses of one is no reason to leave another as it is. */
  async mend(): Promise<void> {
    for (const part of this.partsToMend) {
      try {
        await this.run.step(stepOf(part), () => this.mendPart(part), {
          found: ({ changed }) => counted(changed, 'change'),
        });
      } catch (error) {
        if (isCancelled()) throw error;
        this.hasFailed = true;
      }
    }
  }

  /** Launches others for those that are no more: all of them, or none. */
  async refill(): Promise<void> {
    const { missing, run, spec, fleet, owner } = this;
    if (missing === 0) return;
    const present = instanceCountOf(fleet) - missing;
    const gone = new Set(this.before!.gone);
    const survey = await looking.survey.executeWithOptions(
      {
        ...as('find', fleet.fleet, spec.deadlines.consistency + spec.deadlines.step),
        activityId: 'survey',
      },
      [
        {
          ...whereOf(spec),
          owner: { fleet: fleet.fleet, runs: runsOf(this.fleet) },
          told: fleet.instances.map(({ id }) => id).filter((id) => !gone.has(id)),
          count: present,
          patience: 0,
        },
      ],
    );
    const sized = ofCount(spec, missing);
    const plan = { ...(await placesOf(run, sized, fleet)), image: fleet.image! };
    const beside = { members: survey.members, seen: survey.instances };
    const launch = await launchMore({ run, spec, fleet, owner, beside }, sized, plan);
    // Who cancels while they are verified does not want them.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    this.members = merged(survey.members, launch.members);
    fleet.instances = [...run.report.instances];
    fleet.sources = sourcesOf(this.members);
    fleet.runs = [...runsOf(this.fleet), owner.run];
    this.tellMembers(this.members);
  }

  /** What this repair launched; nothing else can be taken back, nor needs to be. */
  async takeBack(): Promise<void> {
    const { run, spec, owner } = this;
    this.hasFailed = true;
    this.wasCancelled = isCancelled();
    await run.rollBack((leftovers) =>
      stillLeft({ ...whereOf(spec), owner, leftovers, made: [] }, spec.deadlines.consistency),
    );
  }

  /** Looks at AWS anew, and says what is as it should be now and what is not. */
  async end(): Promise<Changed> {
    const { run, spec, before } = this;
    const { report } = run;
    let after = before;
    if (before && findingCount(before) > 0) {
      const patience = this.hasFailed ? 0 : spec.deadlines.consistency;
      const looked = run.step('check', () => this.look('check', patience, true), { found: foundWords });
      // What was found before is what is known then.
      after = await looked.catch(() => before);
    }
    if (before && after) report.repair = repaired(before, after);
    this.tell();
    run.setState(this.stateNow);
    if (report.state === 'complete') report.error = undefined;
    if ((report.repair?.mendedCount ?? 0) > 0) await run.tell('repaired');
    const failure = report.leftovers.length > 0 ? run.failure() : undefined;
    return { told: report, members: this.members, failure };
  }

  private get stateNow(): FleetReport['state'] {
    const { leftovers, repair } = this.run.report;
    if (leftovers.length > 0) return 'left-over';
    if (repair?.remainingCount === 0) return 'complete';
    if (this.wasCancelled) return 'cancelled';
    return this.hasFailed && !repair?.mendedCount ? 'rolled-back' : 'degraded';
  }

  private get partsToMend(): readonly MendedPart[] {
    const parts = new Set(this.before!.findings.filter(({ safe }) => safe).map(partOf));
    return MENDED_PARTS.filter((part) => parts.has(part));
  }

  /** How many instances are no more that can be launched anew. */
  private get missing(): number {
    const { findings, instanceCount } = this.before!;
    const isRefilled = findings.some(({ kind, safe }) => kind === 'count' && safe);
    return isRefilled ? instanceCountOf(this.fleet) - instanceCount : 0;
  }

  private look(step: 'find' | 'check', patience: number, repaired = false): Promise<FoundDrift> {
    return lookForDrift(step, this.standing, { patience, repaired });
  }

  private mendPart(part: MendedPart) {
    const { consistency, running, step } = this.spec.deadlines;
    // Instances that were stopped are waited for until they run.
    const patience = part === 'instances' ? running : consistency;
    const count = this.before!.instanceCount;
    return undoing.mend.executeWithOptions(
      as(stepOf(part), `the ${part} of ${this.spec.name}`, patience + step + count * SECONDS_EACH),
      [{ ...wantedOf(this.standing), patience, part }],
    );
  }

  private tell(): void {
    const { report } = this.run;
    const { instances, wanted, runs, sources } = this.fleet;
    Object.assign(report, { instances: [...instances], wanted, runs, sources });
    report.instanceCount = beyondTold(instanceCountOf(this.fleet));
    this.run.show();
  }
}

const REFILL = ['preflight', 'launch', 'verify'] as const;

/** EC2 grants the account a few changes of instances a second. */
const SECONDS_EACH = 0.5;

function stepOf(part: MendedPart) {
  return `mend-${part}` as const;
}

function foundWords(found: FoundDrift): string {
  const count = findingCount(found);
  return count === 0 ? 'all as the spec says' : `${counted(count, 'thing')} otherwise than the spec says`;
}
