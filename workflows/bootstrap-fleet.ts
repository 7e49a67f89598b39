/** bootstrapFleet: the one durable act that makes a fleet, or takes back exactly what it made. */

import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { LaunchOutcome, LaunchRequest } from '../activities/launch.ts';
import type { Plan } from '../activities/preflight.ts';
import { DEADLINE_PASSED, INSTANCES_DIED, WRONG_INSTANCES } from '../fleet/failures.ts';
import type { FleetReport, Leftover, ProfileReport, RoleReport } from '../fleet/report.ts';
import type { BootstrapRequest } from '../fleet/run.ts';
import type { FleetSpec, ProfileToMake, RoleToMake, Tags } from '../fleet/spec.ts';
import type { StepName } from '../fleet/steps.ts';
import { type Owner, ownershipTags, PROFILE_TAG } from '../fleet/tags.ts';
import { counted } from '../fleet/words.ts';
import { as, launching, looking, quick } from './activities.ts';
import { lastLook, stillLeft } from './last-look.ts';
import { nextSlice } from './patience.ts';
import { Run, sideBySide, wasRefused } from './run.ts';
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
 * two; waits until EC2 knows the profile; launches; verifies; marks the fleet as complete; reports. Fails with FleetFailed and the report when a step
 * has failed for good; ends as cancelled when somebody cancelled it and nothing is left.
 */
export async function bootstrapFleet(request: BootstrapRequest<FleetSpec>): Promise<FleetReport> {
  const fleet = new Bootstrap(request);
  try {
    const plan = await fleet.look();
    const identity = await fleet.makeIdentity(plan);
    await fleet.awaitProfile(plan, identity);
    const ids = await fleet.launch(plan, identity);
    await fleet.verify(plan, identity, ids);
    await fleet.mark(identity, ids);
    return fleet.complete();
  } catch {
    return await fleet.giveUp();
  }
}

/** The role and the profile that the machines get, made by the run or found by it. */
interface Identity {
  readonly role: RoleReport;
  readonly profile: ProfileReport;
}

class Bootstrap {
  private readonly run: Run;
  private readonly spec: FleetSpec;
  private readonly scope: UndoScope;
  private readonly owner: Owner;
  private readonly ownership: Tags;
  private launched: readonly string[] = [];
  /** Counts over a person's retries too: no token is ever used for a second launch. */
  private launches = 0;
  /** The client token of a launch whose answer is not known: only a call with the same one may follow it. */
  private unsettled: string | undefined;

  constructor({ spec, specHash }: BootstrapRequest<FleetSpec>) {
    const { firstExecutionRunId, namespace } = workflowInfo();
    this.spec = spec;
    this.owner = { fleet: spec.name, run: firstExecutionRunId };
    this.scope = { spec, owner: this.owner, made: {} };
    this.ownership = ownershipTags({
      fleet: spec.name,
      run: firstExecutionRunId,
      namespace,
      region: spec.region,
      specHash,
    });
    this.run = new Run(
      { fleet: spec.name, action: 'up', state: 'running', region: spec.region, specHash },
      spec.onFailure,
    );
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
        const started = Date.now();
        let attempts = 0;
        for (;;) {
          const waited = Date.now() - started;
          const look = await looking.awaitProfile.executeWithOptions(
            as('await-profile', `profile ${profile.name}`, deadline),
            [
              {
                region: spec.region,
                profileArn: profile.arn,
                image: plan.image,
                type: spec.instances.type,
                subnet: spec.instances.subnet,
                zone: spec.instances.zone,
                waited,
                patience: Math.min(nextSlice(waited), deadline * 1000 - waited),
              },
            ],
          );
          attempts += look.attempts;
          const seconds = (Date.now() - started) / 1000;
          if (look.known) return { seconds, attempts };
          if (seconds >= deadline)
            throw tooLate(`EC2 did not accept the profile within ${deadline} s`, look.reason);
          run.waits('await-profile', notYet(attempts, seconds, deadline));
        }
      },
      { found: ({ attempts }) => `EC2 was asked ${times(attempts)}` },
    );
  }

  /** One success proves nothing for the next call: the launch takes 'not yet' as not yet, too. */
  async launch(plan: Plan, { profile }: Identity): Promise<readonly string[]> {
    const { spec, run, owner } = this;
    const { count, image: _, tags, ...instances } = spec.instances;
    const { propagation: deadline } = spec.deadlines;
    return run.step(
      'launch',
      async () => {
        const started = Date.now();
        for (let attempt = 1; ; attempt++) {
          const outcome = await this.launchOnce({
            region: spec.region,
            owner,
            count,
            image: plan.image,
            profileArn: profile.arn,
            instances,
            tags: { ...spec.tags, ...tags, ...this.ownership, [PROFILE_TAG]: profile.name },
          });
          if (outcome.state === 'launched') {
            run.report.instances = [...outcome.instances];
            this.launched = outcome.instances.map(({ id }) => id);
            return this.launched;
          }
          const seconds = (Date.now() - started) / 1000;
          if (seconds >= deadline) throw tooLate(`EC2 did not launch within ${deadline} s`, outcome.reason);
          run.waits('launch', notYet(attempt, seconds, deadline));
          await sleep(nextSlice(seconds * 1000));
        }
      },
      {
        undo: undoLaunch(this.scope, () => ({ ids: this.launched, unsettled: this.unsettled })),
        mayHaveActed: () => this.unsettled !== undefined,
        found: (ids) => `${ids.length} × ${instances.type}`,
      },
    );
  }

  private async launchOnce(request: Omit<LaunchRequest, 'token'>): Promise<LaunchOutcome> {
    const { count, instances } = request;
    const isFirst = this.unsettled === undefined;
    this.unsettled ??= `${request.owner.run}-${++this.launches}`;
    try {
      const outcome = await launching.launch.executeWithOptions(
        as('launch', `${count} × ${instances.type}`, this.spec.deadlines.step),
        [{ ...request, token: this.unsettled }],
      );
      if (outcome.state !== 'not-yet' || (isFirst && !outcome.unsettled)) this.unsettled = undefined;
      return outcome;
    } catch (error) {
      // What is refused now says nothing of a call before it, whose answer was lost.
      if (isFirst && wasRefused(error)) this.unsettled = undefined;
      throw error;
    }
  }

  /** The right number runs, on the right image and type, with the profile's unique id and not just its name. */
  async verify(plan: Plan, { role, profile }: Identity, ids: readonly string[]): Promise<void> {
    const { spec, run, owner } = this;
    const { running: deadline } = spec.deadlines;
    await run.step(
      'verify',
      async () => {
        const started = Date.now();
        for (;;) {
          const waited = Date.now() - started;
          const outcome = await looking.verify.executeWithOptions(
            as('verify', counted(ids.length, 'instance'), deadline),
            [
              {
                region: spec.region,
                owner,
                ids,
                image: plan.image,
                type: spec.instances.type,
                profile: { name: profile.name, id: profile.id },
                role: { name: role.name, id: role.id },
                waited,
                patience: Math.min(nextSlice(waited), deadline * 1000 - waited),
              },
            ],
          );
          switch (outcome.state) {
            case 'verified':
              run.report.instances = [...outcome.instances];
              return;
            case 'died':
              throw failed(INSTANCES_DIED, outcome.reason);
            case 'wrong':
              throw failed(WRONG_INSTANCES, outcome.problems.join('; '));
            case 'stale-profile':
              run.waits(
                'verify',
                `EC2 tied ${outcome.ids.length} to an older ${profile.name}: tying them anew`,
              );
              await this.tieAnew(outcome.ids, profile);
              break;
            case 'pending':
              run.waits('verify', outcome.reason);
          }
          const seconds = (Date.now() - started) / 1000;
          if (seconds >= deadline) throw tooLate(`the fleet was not as wanted within ${deadline} s`);
        }
      },
      { found: () => `${ids.length} running with the profile ${profile.name}` },
    );
  }

  private async tieAnew(ids: readonly string[], profile: ProfileReport): Promise<void> {
    const { spec, owner } = this;
    await quick.replaceProfile.executeWithOptions(
      as('verify', `profile ${profile.id} for ${counted(ids.length, 'instance')}`, spec.deadlines.step),
      [{ region: spec.region, owner, ids, profileArn: profile.arn }],
    );
    // EC2 may go on resolving the name to its old self for a while.
    await sleep('2s');
  }

  /** Once no history tells it, this alone tells the fleet from what a lost run left: see the sweep. */
  async mark({ profile }: Identity, ids: readonly string[]): Promise<void> {
    const { spec, run } = this;
    await run.step('mark', () =>
      quick.markComplete.executeWithOptions(as('mark', spec.name, spec.deadlines.step), [
        { region: spec.region, profile: profile.reused ? undefined : profile.name, ids },
      ]),
    );
  }

  complete(): FleetReport {
    // Who cancels while the last look ends has not asked for a fleet.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    this.run.setState('complete');
    return this.run.report;
  }

  /** Keeps what there is or takes it back, and ends the run as what it is: failed or cancelled. */
  async giveUp(): Promise<never> {
    const { run } = this;
    const { report } = run;
    const isKept = await this.keep();
    const wasCancelled = isCancelled();
    if (!isKept) await this.takeBack();
    if (report.leftovers.length > 0) run.setState('left-over');
    else run.setState(wasCancelled ? 'cancelled' : 'rolled-back');
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
  }

  private whatToLookFor(leftovers: readonly Leftover[]) {
    const { spec, owner, scope } = this;
    const made = Object.values(scope.made);
    return { region: spec.region, owner, leftovers, role: spec.role?.name, made };
  }
}

function isCancelled(): boolean {
  return CancellationScope.current().consideredCancelled;
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

function notYet(attempt: number, seconds: number, deadline: number): string {
  return `EC2 does not know the profile yet (attempt ${attempt}, ${Math.round(seconds)} s of ${deadline})`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function tooLate(what: string, reason?: string): ApplicationFailure {
  return failed(DEADLINE_PASSED, reason === undefined ? what : `${what}: ${reason}`);
}

function failed(code: string, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
