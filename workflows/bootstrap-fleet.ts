/** bootstrapFleet: the one durable act that makes a fleet, or takes back exactly what it made. */

import { CancelledFailure, workflowInfo } from '@temporalio/workflow';
import type { Plan } from '../activities/preflight.ts';
import { locatedIn, whereOf } from '../fleet/places.ts';
import type { FleetReport, Leftover } from '../fleet/report.ts';
import type { BootstrapRequest } from '../fleet/run.ts';
import { type FleetSpec, preflightSpec } from '../fleet/spec.ts';
import { as, quick } from './activities.ts';
import { awaitProfile, launchAll, mark, verifyAll } from './bring-up.ts';
import { handOver } from './hand-over.ts';
import { type IdentityScope, identitySteps, makeIdentity } from './identity.ts';
import { lastLook, stillLeft } from './last-look.ts';
import type { Launch } from './launch.ts';
import { type Identity, launchOf, ownershipOf } from './launch-and-verify.ts';
import { isCancelled, Run } from './run.ts';

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
  /** As it was asked for. */
  private readonly asked: FleetSpec;
  /** The same in the account that preflight has found. */
  private spec: FleetSpec;
  private scope: IdentityScope;

  constructor({ spec, specHash }: BootstrapRequest<FleetSpec>) {
    const { firstExecutionRunId } = workflowInfo();
    this.asked = spec;
    this.spec = spec;
    const owner = { fleet: spec.name, run: firstExecutionRunId };
    this.scope = { spec, owner, ownership: ownershipOf(spec, owner, specHash), made: {} };
    this.run = new Run(
      { fleet: spec.name, action: 'up', state: 'running', region: spec.region, specHash },
      spec.onFailure,
      spec.notify,
    );
    this.run.report.wanted = spec.instances.count;
    // Of one that was reset the tags tell the id that it had before.
    if (owner.run !== this.run.report.runId) this.run.report.runs = [owner.run];
    this.run.expect(['preflight', ...identitySteps(spec), 'await-profile', 'launch', 'verify', 'mark']);
  }

  async look(): Promise<Plan> {
    const { spec, run } = this;
    const plan = await run.step(
      'preflight',
      () =>
        quick.preflight.executeWithOptions(as('preflight', `in ${spec.region}`, spec.deadlines.step), [
          // What preflight does not look at need not be in the history twice.
          { spec: preflightSpec(spec) },
        ]),
      { found: (plan) => `account ${plan.account}, ${plan.image}` },
    );
    run.report.account = plan.account;
    this.spec = locatedIn(spec, plan);
    this.scope = { ...this.scope, spec: this.spec };
    run.report.image = plan.image;
    run.report.unheard = plan.unheard && [...plan.unheard];
    run.report.placements = plan.placements.map(({ share: _, ...placement }) => placement);
    return plan;
  }

  async makeIdentity(plan: Plan): Promise<Identity> {
    return makeIdentity(this.run, this.scope, plan, (identity) => Object.assign(this.run.report, identity));
  }

  async awaitProfile(plan: Plan, { profile }: Identity): Promise<void> {
    await awaitProfile(this.run, this.spec, plan, profile);
  }

  async launch(plan: Plan, { profile }: Identity): Promise<Launch> {
    const { spec, run, scope } = this;
    const launch = launchOf(run, spec, scope.owner, scope.ownership, plan, profile);
    await launchAll(run, scope, launch);
    return launch;
  }

  async verify(plan: Plan, identity: Identity, launch: Launch): Promise<void> {
    await verifyAll(this.run, this.spec, this.scope.owner, plan, identity, launch);
  }

  async mark({ profile }: Identity, { ids }: Launch): Promise<void> {
    await mark(this.run, this.spec, profile, ids);
  }

  async complete(): Promise<void> {
    // Who cancels while the last look ends has not asked for a fleet.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    this.run.setState('complete');
    await this.run.tell('complete');
  }

  handOver(lease: number | undefined): Promise<FleetReport> {
    return handOver(this.run, this.asked, lease);
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
    const { spec, scope } = this;
    const { owner } = scope;
    const made = Object.values(scope.made);
    return { ...whereOf(spec), owner, leftovers, role: spec.role?.name, made };
  }
}
