/** bootstrapFleet: the one durable act that makes a fleet, or takes back exactly what it made. */

import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { Plan } from '../activities/preflight.ts';
import { PROFILE_UNKNOWN } from '../fleet/failures.ts';
import type { FleetReport, Leftover, ProfileReport, RoleReport } from '../fleet/report.ts';
import { type BootstrapRequest, KEEPER } from '../fleet/run.ts';
import type { FleetSpec, ProfileToMake, RoleToMake, Tags } from '../fleet/spec.ts';
import type { StepName } from '../fleet/steps.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { as, looking, quick } from './activities.ts';
import type { keepFleet } from './keep-fleet.ts';
import { lastLook, stillLeft } from './last-look.ts';
import type { Launch } from './launch.ts';
import { type Identity, launchOf, ownershipOf, untilVerified } from './launch-and-verify.ts';
import { nextSlice, notYet, tooLate } from './patience.ts';
import { isCancelled, Run, sideBySide } from './run.ts';
import {
  type UndoScope,
  undoAttachedPolicies,
  undoLaunch,
  undoMembership,
  undoPolicy,
  undoProfile,
  undoRole,
} from './undos.ts';

/**
 * Looks before touching anything; makes the role and the instance profile side by side, puts the policy and joins the
 * two; waits until EC2 knows the profile; launches; verifies; marks the fleet as complete; reports, and goes on as keepFleet when there is a lease. Fails with FleetFailed and the report when a step
 * has failed for good; ends as cancelled when somebody cancelled it and nothing is left.
 */
export async function bootstrapFleet(request: BootstrapRequest<FleetSpec>): Promise<FleetReport> {
  const fleet = new Bootstrap(request);
  try {
    const plan = await fleet.look();
    const identity = await fleet.makeIdentity(plan);
    await fleet.awaitProfile(plan, identity);
    const launch = await fleet.launch(plan, identity);
    await fleet.verify(plan, identity, launch);
    await fleet.mark(identity, launch);
    await fleet.complete();
  } catch {
    return await fleet.giveUp();
  }
  return fleet.handOver(request.lease);
}

class Bootstrap {
  private readonly run: Run;
  private readonly spec: FleetSpec;
  private readonly scope: UndoScope;
  private readonly owner: RunOwner;
  private readonly ownership: Tags;

  constructor({ spec, specHash }: BootstrapRequest<FleetSpec>) {
    const { firstExecutionRunId } = workflowInfo();
    this.spec = spec;
    this.owner = { fleet: spec.name, run: firstExecutionRunId };
    this.scope = { spec, owner: this.owner, made: {} };
    this.ownership = ownershipOf(spec, this.owner, specHash);
    this.run = new Run(
      { fleet: spec.name, action: 'up', state: 'running', region: spec.region, specHash },
      spec.onFailure,
      spec.notify,
    );
    this.run.report.wanted = spec.instances.count;
    this.run.expect(stepsOf(spec));
  }

  async look(): Promise<Plan> {
    const { spec, run } = this;
    const plan = await run.step(
      'preflight',
      () =>
        quick.preflight.executeWithOptions(as('preflight', `in ${spec.region}`, spec.deadlines.step), [
          // What preflight does not look at need not be in the history twice.
          { spec: { ...spec, policy: undefined, instances: { ...spec.instances, userData: undefined } } },
        ]),
      { found: (plan) => `account ${plan.account}, ${plan.image}` },
    );
    run.report.account = plan.account;
    run.report.image = plan.image;
    run.report.unheard = plan.unheard && [...plan.unheard];
    run.report.placements = plan.placements.map(({ share: _, ...placement }) => placement);
    return plan;
  }

  async makeIdentity(plan: Plan): Promise<Identity> {
    const { spec, run } = this;
    const { role: wantedRole, profile: wantedProfile } = spec;
    if (wantedProfile.reuse) return this.tell({ role: plan.role!, profile: plan.profile! });

    const [role, profile] = await sideBySide(
      async () => (wantedRole && !wantedRole.reuse ? this.createRole(wantedRole) : plan.role!),
      () => this.createProfile(wantedProfile),
    );
    this.tell({ role, profile });
    await sideBySide(
      async () => this.putPolicy(role),
      async () => this.attachPolicies(role),
      () =>
        run.step(
          'add-role',
          () =>
            quick.addRole.executeWithOptions(
              as('add-role', `${role.name} in ${profile.name}`, spec.deadlines.step),
              [{ region: spec.region, profile: profile.name, role: role.name }],
            ),
          { undo: undoMembership(this.scope, profile.name, role.name) },
        ),
    );
    return { role, profile };
  }

  private async createRole(role: RoleToMake): Promise<RoleReport> {
    const { spec, owner, scope } = this;
    const made = await this.run.step(
      'create-role',
      () =>
        quick.createRole.executeWithOptions(as('create-role', `role ${role.name}`, spec.deadlines.step), [
          { region: spec.region, owner, role, tags: { ...spec.tags, ...role.tags, ...this.ownership } },
        ]),
      { undo: undoRole(scope, role.name), found: ({ arn }) => arn },
    );
    scope.made.role = made.id;
    return made;
  }

  private async createProfile(profile: ProfileToMake): Promise<ProfileReport> {
    const { spec, owner, scope } = this;
    const made = await this.run.step(
      'create-profile',
      () =>
        quick.createProfile.executeWithOptions(
          as('create-profile', `instance profile ${profile.name}`, spec.deadlines.step),
          [
            {
              region: spec.region,
              owner,
              profile,
              tags: { ...spec.tags, ...profile.tags, ...this.ownership },
            },
          ],
        ),
      { undo: undoProfile(scope, profile.name, spec.role?.name), found: ({ arn }) => arn },
    );
    scope.made.profile = made.id;
    return made;
  }

  private async putPolicy(role: RoleReport): Promise<void> {
    const { spec } = this;
    const { policy } = spec;
    if (!policy || role.reused) return;
    await this.run.step(
      'put-policy',
      () =>
        quick.putPolicy.executeWithOptions(as('put-policy', `policy ${policy.name}`, spec.deadlines.step), [
          { region: spec.region, role: role.name, policy },
        ]),
      { undo: undoPolicy(this.scope, role.name, policy.name) },
    );
  }

  private async attachPolicies(role: RoleReport): Promise<void> {
    const { spec } = this;
    const policies = spec.role && !spec.role.reuse ? spec.role.managedPolicies : [];
    if (policies.length === 0) return;
    await this.run.step(
      'attach-policies',
      () =>
        quick.attachPolicies.executeWithOptions(
          as('attach-policies', `${policies.length} managed policies`, spec.deadlines.step),
          [{ region: spec.region, role: role.name, policies }],
        ),
      { undo: undoAttachedPolicies(this.scope, role.name, policies), mayHaveActed: () => true },
    );
  }

  private tell(identity: Identity): Identity {
    Object.assign(this.run.report, identity);
    return identity;
  }

  /** Neither a sleep nor a guess: EC2 itself is asked, at short, growing intervals. */
  async awaitProfile(plan: Plan, { profile }: Identity): Promise<void> {
    const { spec, run } = this;
    const { propagation: deadline } = spec.deadlines;
    run.report.propagation = await run.step(
      'await-profile',
      async () => {
        const tooLong = `EC2 did not accept the profile within ${deadline} s`;
        const started = Date.now();
        let attempts = 0;
        for (;;) {
          const waited = Date.now() - started;
          const look = await looking.awaitProfile
            .executeWithOptions(as('await-profile', `profile ${profile.name}`, deadline - waited / 1000), [
              {
                region: spec.region,
                profileArn: profile.arn,
                image: plan.image,
                placement: plan.placements[0]!,
                waited,
                patience: Math.min(nextSlice(waited), deadline * 1000 - waited),
              },
            ])
            .catch((error: unknown) => {
              throw isProfileUnknown(error) ? tooLate(tooLong, error.cause.message) : error;
            });
          attempts += look.attempts;
          const seconds = (Date.now() - started) / 1000;
          if (look.known) return { seconds, attempts };
          if (seconds >= deadline) throw tooLate(tooLong, look.reason);
          run.waits('await-profile', notYet(attempts, seconds, deadline));
        }
      },
      { found: ({ attempts }) => `EC2 was asked ${times(attempts)}` },
    );
  }

  /** One success proves nothing for the next call: the launch takes 'not yet' as not yet, too. */
  async launch(plan: Plan, { profile }: Identity): Promise<Launch> {
    const { spec, run, owner } = this;
    const launch = launchOf(run, spec, owner, this.ownership, plan, profile);
    await run.step(
      'launch',
      async () => {
        launch.reopen();
        await launch.all();
      },
      {
        undo: undoLaunch(this.scope, launch),
        mayHaveActed: () => launch.ids.length > 0 || launch.unsettled.length > 0,
        found: () => launch.words,
      },
    );
    return launch;
  }

  /** What a person's retry finds missing is launched before it is looked for. */
  async verify(plan: Plan, identity: Identity, launch: Launch): Promise<void> {
    const { spec, run, owner } = this;
    let wasTried = false;
    await run.step(
      'verify',
      async () => {
        if (wasTried) launch.reopen();
        wasTried = true;
        await launch.all();
        await untilVerified(run, spec, owner, plan, identity, launch);
      },
      { found: () => `${launch.ids.length} running with the profile ${identity.profile.name}` },
    );
  }

  /** Once no history tells it, this alone tells the fleet from what a lost run left: see the sweep. */
  async mark({ profile }: Identity, { ids }: Launch): Promise<void> {
    const { spec, run } = this;
    await run.step('mark', () =>
      quick.markComplete.executeWithOptions(as('mark', spec.name, spec.deadlines.step), [
        { region: spec.region, ...(profile.reused ? { ids } : { profile: profile.name }) },
      ]),
    );
  }

  async complete(): Promise<void> {
    // Who cancels while the last look ends has not asked for a fleet.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    this.run.setState('complete');
    await this.run.tell('complete');
  }

  /** A fleet that is wanted for a time only is kept until then by the run, which goes on as keepFleet. */
  async handOver(lease: number | undefined): Promise<FleetReport> {
    const { report } = this.run;
    if (lease === undefined) return report;
    const completeAt = Date.now();
    report.lease = { endsAt: completeAt + lease * 1000 };
    this.run.show();
    const options = { workflowType: KEEPER, memo: workflowInfo().memo };
    return makeContinueAsNewFunc<typeof keepFleet>(options)({ report, spec: this.spec, completeAt });
  }

  /** Keeps what there is or takes it back, and ends the run as what it is: failed or cancelled. */
  async giveUp(): Promise<never> {
    const { run } = this;
    const { report } = run;
    // Who was asked what to do about it has been told.
    if (report.error && this.spec.onFailure !== 'pause') await run.tell('failed');
    const isKept = await this.keep();
    const wasCancelled = isCancelled();
    if (!isKept) await this.takeBack();
    if (report.leftovers.length > 0) run.setState('left-over');
    else run.setState(wasCancelled ? 'cancelled' : 'rolled-back');
    await run.tell(report.leftovers.length > 0 ? 'leftovers' : 'rolled-back');
    throw wasCancelled && report.leftovers.length === 0 ? new CancelledFailure('cancelled') : run.failure();
  }

  /** Whether it is kept, as the spec says: whoever cancels wants it gone. */
  private async keep(): Promise<boolean> {
    const { spec, run } = this;
    if (spec.onFailure !== 'keep' || isCancelled()) return false;
    const made = run.made(`kept, as the spec says (onFailure: keep); 'muster down ${spec.name}' removes it`);
    const patience = spec.deadlines.consistency;
    const left = await lastLook({ ...this.whatToLookFor(made), patience });
    if (isCancelled()) return false;
    run.report.leftovers.push(...left);
    return true;
  }

  private async takeBack(): Promise<void> {
    const { run, spec } = this;
    await run.rollBack((left) => stillLeft(this.whatToLookFor(left), spec.deadlines.consistency));
    run.report.instances = [];
    run.report.instanceCount = undefined;
  }

  private whatToLookFor(leftovers: readonly Leftover[]) {
    const { spec, owner, scope } = this;
    const made = Object.values(scope.made);
    return { region: spec.region, owner, leftovers, role: spec.role?.name, made };
  }
}

/** The steps that are certain to come. */
function stepsOf({ role, policy, profile }: FleetSpec): StepName[] {
  const made: StepName[] = [];
  if (role && !role.reuse) made.push('create-role');
  if (!profile.reuse) made.push('create-profile');
  if (policy && !profile.reuse) made.push('put-policy');
  if (role && !role.reuse && role.managedPolicies.length > 0) made.push('attach-policies');
  if (!profile.reuse) made.push('add-role');
  return ['preflight', ...made, 'await-profile', 'launch', 'verify', 'mark'];
}

/** Of a long wait: the next attempt would have come too late. */
function isProfileUnknown(error: unknown): error is ActivityFailure & { cause: ApplicationFailure } {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === PROFILE_UNKNOWN
  );
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
