/** A change of a complete fleet in place: its policies, tags and count, done as a whole or taken back as a whole. */

import { CancelledFailure, workflowInfo } from '@temporalio/workflow';
import type { ChangePlace, Former } from '../activities/change-looks.ts';
import {
  type ChangeRequest,
  onlyOwn,
  type RolePart,
  type RoleState,
  type Target,
  tagChange,
  targetOf,
  type Values,
} from '../fleet/change.ts';
import { locatedIn, whereOf } from '../fleet/places.ts';
import { type FleetReport, instanceCountOf, runsOf } from '../fleet/report.ts';
import { DEFAULT_CHOICE } from '../fleet/scale.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { specChanges } from '../fleet/spec-changes.ts';
import type { StepName } from '../fleet/steps.ts';
import { counted } from '../fleet/words.ts';
import { as, asUndo, looking, quick, undoing } from './activities.ts';
import type { Changed, Standing } from './changed.ts';
import { stillLeft } from './last-look.ts';
import { placesOf } from './launch-more.ts';
import { isCancelled, Run, type Undo } from './run.ts';
import { failedWords, Scale } from './scale.ts';

/**
 * Looks at all that is to be changed, and at what more instances would need; sets the role's policies and tags, then
 * those of the profile and the instances; sees that AWS shows it; and gives the fleet its count. What was there before
 * is on the list before it is changed: when a step fails for good, or somebody cancels, it is put back.
 */
export async function changeFleet(standing: Standing, request: ChangeRequest): Promise<Changed> {
  const change = new Change(standing, request);
  try {
    const former = await change.look();
    await change.setRole(former);
    await change.setTags(former);
    await change.confirm();
    return await change.done();
  } catch {
    return change.takeBack();
  }
}

class Change {
  private readonly run: Run;
  private readonly request: ChangeRequest;
  /** What the fleet is before it, and what it is to be. */
  private readonly from: FleetSpec;
  private readonly to: FleetSpec;
  private readonly fleet: FleetReport;
  /** As the spec says; once AWS was looked at, without what is not the fleet's to take away. */
  private target: Target;
  private readonly scale: Scale | undefined;
  /** Where later launches go, when that is another. */
  private placements: FleetReport['placements'];

  constructor(standing: Standing, request: ChangeRequest) {
    const { report, spec } = standing;
    const { fleet, region } = report;
    this.request = request;
    this.from = spec;
    this.to = locatedIn(request.spec, report);
    this.fleet = report;
    this.target = targetOf(spec, request.spec, request.specHash);
    const { specHash } = request;
    this.run = new Run({ fleet, action: 'change', state: 'changing', region, specHash }, 'rollback');
    const { account, role, profile, image, placements, lease, instances, instanceCount } = report;
    const now = { account, role, profile, image, placements, lease, instanceCount };
    Object.assign(this.run.report, { ...now, instances: [...instances] });
    const changes = specChanges(spec, this.to, instanceCountOf(report));
    this.run.report.change = { changes, rest: request.rest, startedAt: Date.now() };
    const { want } = request.spec.instances.count;
    const isOther = this.hasOther('instances.count') && want !== instanceCountOf(report);
    const scaling = { ...standing, spec: this.to };
    this.scale = isOther ? new Scale(this.run, scaling, { count: want, by: DEFAULT_CHOICE }) : undefined;
    this.run.expect(this.steps);
  }

  /** Everything that could be in the way is looked at before anything is changed. */
  async look(): Promise<Former> {
    const { run, from, to, target, place } = this;
    const former = await run.step(
      'compare-fleet',
      () =>
        quick.lookAtChange.executeWithOptions(
          as('compare-fleet', to.name, to.deadlines.step + place.patience),
          [{ ...place, target, ownPolicy: from.policy?.name }],
        ),
      {
        found: ({ instances: { others } }) =>
          others.length > 0 ? 'tags differ among the instances' : undefined,
      },
    );
    this.target = withoutOthers(target, former, from);
    await this.scale?.look();
    if (this.scale?.isMore) this.placements = this.scale.placements?.map(({ share: _, ...where }) => where);
    else if (this.hasOtherPlaces) {
      const { placements } = await placesOf(run, to, this.fleet);
      this.placements = placements.map(({ share: _, ...where }) => where);
    }
    return former;
  }

  /** First what it may do more, then what it may not do any more. */
  async setRole({ role: former }: Former): Promise<void> {
    const { role: target } = this.target;
    if (!former || !target) return;
    for (const { step, words, part } of roleSteps(target)) {
      await this.roleStep(step, words, part, partOf(former, part));
    }
  }

  async setTags({ role, profile, instances }: Former): Promise<void> {
    const { run, to, target, place } = this;
    const { region, account, fleet, runs } = place;
    if (role && target.role) {
      const { tags } = target.role;
      await this.roleStep('tag-role', `role ${place.role!.name}`, { tags }, { tags: mine(role.tags, tags) });
    }
    if (profile && target.profile) {
      const of = { region, account, fleet, profile: place.profile! };
      const words = `instance profile ${of.profile.name}`;
      await run.step(
        'tag-profile',
        () =>
          quick.setProfile.executeWithOptions(as('tag-profile', words, to.deadlines.step), [
            { ...of, tags: target.profile! },
          ]),
        {
          undo: this.undo('tag-profile', () =>
            undoing.restoreProfile.executeWithOptions(asUndo('tag-profile', words, to.deadlines.undo), [
              { ...of, tags: mine(profile, target.profile!) },
            ]),
          ),
          mayHaveActed: () => true,
        },
      );
    }
    const own: Values = { ...this.from.tags, ...this.from.instances.tags };
    const back = (former: Values) => tagChange(target.instances, mine(former, target.instances));
    const { most, others } = instances;
    const words = counted(instanceCountOf(this.fleet), 'instance');
    const request = { region, account, fleet, runs };
    await run.step(
      'tag-instances',
      () =>
        quick.setInstances.executeWithOptions(as('tag-instances', words, to.deadlines.step), [
          { ...request, change: tagChange(own, target.instances), others: [] },
        ]),
      {
        undo: this.undo('tag-instances', () =>
          undoing.restoreInstances.executeWithOptions(asUndo('tag-instances', words, to.deadlines.undo), [
            {
              ...request,
              change: back(most),
              others: others.map(({ values, ids }) => ({ change: back(values), ids })),
            },
          ]),
        ),
        mayHaveActed: () => true,
      },
    );
  }

  async confirm(): Promise<void> {
    const { run, to, target, place } = this;
    await run.step('confirm-change', () =>
      looking.confirmChange.executeWithOptions(
        as('confirm-change', to.name, to.deadlines.step + place.patience),
        [{ ...place, target }],
      ),
    );
  }

  async done(): Promise<Changed> {
    const { run, scale, fleet, to, request } = this;
    const scaled = scale?.done(await scale.act());
    // Who cancels while the last look ends has not asked for the change.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    const { report } = run;
    fleet.change = report.change;
    // A fleet that was scaled has another count than its spec says, and keeps it.
    if (this.hasOther('instances.count')) fleet.wanted = to.instances.count;
    report.wanted = fleet.wanted;
    if (this.placements) {
      fleet.placements = this.placements;
      report.placements = this.placements;
    }
    run.setState('complete');
    return { told: report, members: scaled?.members, spec: request.spec, specHash: request.specHash };
  }

  /** The fleet is as it was, or it is said what of it is not. */
  async takeBack(): Promise<Changed> {
    const { run, scale, fleet, to } = this;
    const { report } = run;
    const wasCancelled = isCancelled();
    const owner = scale?.owner ?? { fleet: fleet.fleet, run: workflowInfo().runId };
    await run.rollBack((leftovers) =>
      stillLeft({ ...whereOf(to), owner, leftovers, made: [] }, to.deadlines.consistency),
    );
    const { leftovers, undos } = report;
    report.change!.failed = failedWords(report);
    report.specHash = fleet.specHash;
    fleet.change = report.change;
    await scale?.tellTakenBack();
    const isOtherwise = scale?.isShort || undos.some(({ state }) => state === 'failed');
    if (leftovers.length > 0) run.setState('left-over');
    else if (isOtherwise) run.setState('degraded');
    else run.setState(wasCancelled ? 'cancelled' : 'rolled-back');
    const failure = leftovers.length > 0 ? run.failure() : undefined;
    return { told: report, members: scale?.known, failure };
  }

  private get place(): Omit<ChangePlace, 'target'> {
    const { fleet, to, target } = this;
    const { role, profile } = fleet;
    return {
      ...whereOf(to),
      fleet: fleet.fleet,
      role: target.role && role && { name: role.name, id: role.id },
      profile: target.profile && profile && { name: profile.name, id: profile.id },
      runs: runsOf(fleet),
      patience: to.deadlines.consistency,
    };
  }

  private get steps(): readonly StepName[] {
    const { role, profile } = this.target;
    const scaling = this.scale?.steps ?? [];
    const looks: StepName[] = scaling.filter((step) => step === 'find' || step === 'preflight');
    if (!this.scale?.isMore && this.hasOtherPlaces) looks.push('preflight');
    return [
      'compare-fleet',
      ...looks,
      ...(role ? roleSteps(role).map(({ step }) => step) : []),
      ...(role ? (['tag-role'] as const) : []),
      ...(profile ? (['tag-profile'] as const) : []),
      'tag-instances',
      'confirm-change',
      ...scaling.filter((step) => !looks.includes(step)),
    ];
  }

  private get hasOtherPlaces(): boolean {
    return this.hasOther('instances.placements', 'instances.market', 'instances.spread');
  }

  private hasOther(...fields: readonly string[]): boolean {
    return this.run.report.change!.changes.some(({ field }) => fields.includes(field));
  }

  private async roleStep(step: StepName, words: string, part: RolePart, former: RolePart): Promise<void> {
    const { run, to, place } = this;
    const { region, account, fleet } = place;
    const of = { region, account, fleet, role: place.role! };
    await run.step(
      step,
      () => quick.setRole.executeWithOptions(as(step, words, to.deadlines.step), [{ ...of, part }]),
      {
        undo: this.undo(step, () =>
          undoing.restoreRole.executeWithOptions(asUndo(step, words, to.deadlines.undo), [
            { ...of, part: former },
          ]),
        ),
        mayHaveActed: () => true,
        found: () => words,
      },
    );
  }

  /** What could not be put back is told as the failure of its undo: nothing more exists than before. */
  private undo(name: StepName, restore: () => Promise<void>): Undo {
    return {
      name,
      run: async () => {
        await restore();
        return { outcome: 'restored', detail: 'as it was before' };
      },
      leftovers: () => [],
    };
  }
}

interface RoleStep {
  readonly step: StepName;
  readonly words: string;
  readonly part: RolePart;
}

/** The parts of a role's change, each a step of its own. */
function roleSteps({ documents, managed, boundary, description }: RoleState): RoleStep[] {
  const only = <T>(all: Readonly<Record<string, T>>, wanted: (value: T) => boolean) =>
    Object.fromEntries(Object.entries(all).filter(([, value]) => wanted(value)));
  const put = only(documents, (document) => document !== null);
  const deleted = only(documents, (document) => document === null);
  const attached = only(managed, (isAttached) => isAttached);
  const detached = only(managed, (isAttached) => !isAttached);
  const names = (of: object) => Object.keys(of).join(', ');
  const steps: RoleStep[] = [
    { step: 'set-boundary', words: boundary ?? 'none', part: { boundary } },
    { step: 'put-policy', words: names(put), part: { documents: put } },
    { step: 'attach-policies', words: names(attached), part: { managed: attached } },
    { step: 'describe-role', words: description ?? 'none', part: { description } },
    { step: 'detach-policies', words: names(detached), part: { managed: detached } },
    { step: 'delete-policy', words: names(deleted), part: { documents: deleted } },
  ];
  return steps.filter(({ part }) =>
    Object.values(part).some((value) =>
      typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : value !== undefined,
    ),
  );
}

/** Of what there was before, what a part of the change touches. */
function partOf(former: RoleState, part: RolePart): RolePart {
  return {
    documents: part.documents && mine(former.documents, part.documents),
    managed: part.managed && mine(former.managed, part.managed),
    boundary: part.boundary === undefined ? undefined : former.boundary,
    description: part.description === undefined ? undefined : former.description,
  };
}

function mine<T>(former: Readonly<Record<string, T>>, touched: object): Record<string, T> {
  return Object.fromEntries(Object.keys(touched).map((key) => [key, former[key]!]));
}

/** Without the tags that the fleet's spec would take away, and that are not as it had set them. */
function withoutOthers(target: Target, former: Former, from: FleetSpec): Target {
  const { role, profile } = from;
  const own = (of: { readonly reuse: boolean; readonly tags?: FleetSpec['tags'] } | undefined) => ({
    ...from.tags,
    ...of?.tags,
  });
  return {
    ...target,
    role: target.role && {
      ...target.role,
      tags: onlyOwn(target.role.tags, former.role!.tags, own(role)),
    },
    profile: target.profile && onlyOwn(target.profile, former.profile!, own(profile)),
  };
}
