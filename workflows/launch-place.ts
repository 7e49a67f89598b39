/** launchPlace: what a fleet in several places has in one of them, for the fleet's own run, which has made its identity. */

import { CancelledFailure } from '@temporalio/workflow';
import { whereOf } from '../fleet/places.ts';
import type { FleetReport } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { awaitProfile, launchAll, mark, verifyAll } from './bring-up.ts';
import { stillLeft } from './last-look.ts';
import { type Identity, type LaunchPlace, launchOf, ownershipOf } from './launch-and-verify.ts';
import { isCancelled, Run } from './run.ts';

export interface LaunchPlaceRequest {
  /** Of the fleet in this place alone. */
  readonly spec: FleetSpec;
  readonly place: string;
  /** In whose name it launches: all that a fleet has is its own run's. */
  readonly owner: RunOwner;
  readonly specHash: string;
  readonly plan: LaunchPlace;
  readonly identity: Identity;
}

/**
 * Waits until EC2 there knows the profile, launches, verifies. Fails with FleetFailed and its report when a step has
 * failed for good; takes back what it launched then, and when it is cancelled, but not the identity.
 */
export async function launchPlace(request: LaunchPlaceRequest): Promise<FleetReport> {
  const { spec, place, owner, specHash, plan, identity } = request;
  const { region } = spec;
  const run = new Run(
    { fleet: spec.name, place, action: 'up', state: 'running', region, specHash },
    'rollback',
  );
  const { account, image } = plan;
  Object.assign(run.report, { account, image, ...identity, wanted: spec.instances.count });
  run.report.placements = plan.placements.map(({ share: _, ...placement }) => placement);
  // What it launches carries the tag of that run.
  run.report.runs = [owner.run];
  run.expect(['await-profile', 'launch', 'verify']);
  const scope = { spec, owner, made: {} };
  try {
    await awaitProfile(run, spec, plan, identity.profile);
    const launch = launchOf(run, spec, owner, ownershipOf(spec, owner, specHash), plan, identity.profile);
    await launchAll(run, scope, launch);
    await verifyAll(run, spec, owner, plan, identity, launch);
    if (identity.profile.reused) await mark(run, spec, identity.profile, launch.ids);
    if (isCancelled()) throw new CancelledFailure('cancelled');
  } catch {
    return takenBack(run, { spec, owner });
  }
  run.setState('complete');
  return run.report;
}

async function takenBack(
  run: Run,
  { spec, owner }: Pick<LaunchPlaceRequest, 'spec' | 'owner'>,
): Promise<never> {
  const { report } = run;
  const wasCancelled = isCancelled();
  const { deadlines } = spec;
  await run.rollBack((leftovers) =>
    stillLeft({ ...whereOf(spec), owner, leftovers, made: [] }, deadlines.consistency),
  );
  report.instances = [];
  report.instanceCount = undefined;
  if (report.leftovers.length > 0) run.setState('left-over');
  else run.setState(wasCancelled ? 'cancelled' : 'rolled-back');
  throw wasCancelled && report.leftovers.length === 0 ? new CancelledFailure('cancelled') : run.failure();
}
