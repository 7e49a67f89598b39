/** Launching more for a complete fleet as it was launched: with its profile, from its image, where it may. */

import type { Plan } from '../activities/preflight.ts';
import type { Having } from '../fleet/members.ts';
import { whereOf } from '../fleet/places.ts';
import type { FleetReport } from '../fleet/report.ts';
import { type FleetSpec, launchSeconds } from '../fleet/spec.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { as, quick } from './activities.ts';
import type { Launch } from './launch.ts';
import {
  type Identity,
  type LaunchPlace,
  launchOf,
  ownershipOf,
  untilVerified,
} from './launch-and-verify.ts';
import type { Run } from './run.ts';
import { undoLaunch } from './undos.ts';

/** For which fleet, and by which run of it. */
export interface More {
  readonly run: Run;
  readonly spec: FleetSpec;
  /** The fleet as it stands. */
  readonly fleet: FleetReport;
  /** Of what is launched now, and of nothing else. */
  readonly owner: RunOwner;
  /** What the fleet has meanwhile. */
  readonly beside: Having;
}

/**
 * Launches and verifies as many as the sized spec counts, as a bootstrap does, and marks them where the fleet has no
 * profile of its own. All of them or none: the launch's undo is the run's to make. `andOthers` looks at those that were
 * there before.
 */
export async function launchMore(
  more: More,
  sized: FleetSpec,
  plan: LaunchPlace,
  andOthers = async () => {},
): Promise<Launch> {
  const { run, spec, fleet, owner } = more;
  const launch = launchOfMore(more, sized, plan);
  await run.step('launch', () => launch.all(), {
    undo: undoLaunch({ spec, owner, made: {} }, launch),
    mayHaveActed: () => launch.ids.length > 0 || launch.unsettled.length > 0,
    found: () => launch.words,
  });
  await run.step(
    'verify',
    async () => {
      await untilVerified(run, sized, owner, plan, identityOf(fleet), launch);
      await andOthers();
    },
    { found: () => `${launch.ids.length} more running with the profile ${fleet.profile!.name}` },
  );
  await markMore(more, launch.ids);
  return launch;
}

export function launchOfMore(
  { run, fleet, owner, beside }: More,
  spec: FleetSpec,
  plan: LaunchPlace,
): Launch {
  const ownership = ownershipOf(spec, owner, run.report.specHash!);
  return launchOf(run, spec, owner, ownership, plan, fleet.profile!, () => beside);
}

/** As before a bootstrap, but that the profile is there: the image, the places and what a rollback needs. */
export function placesOf(run: Run, spec: FleetSpec, fleet: FleetReport, image = fleet.image!): Promise<Plan> {
  const instances = { ...spec.instances, image, userData: undefined };
  const profile = { reuse: true as const, ref: fleet.profile!.name };
  return run.step(
    'preflight',
    () =>
      quick.preflight.executeWithOptions(as('preflight', `in ${spec.region}`, spec.deadlines.step), [
        { spec: { ...spec, role: undefined, policy: undefined, profile, instances } },
      ]),
    { found: ({ account, image }) => `account ${account}, ${image}` },
  );
}

/** Where the fleet has no profile of its own each of its instances carries its mark. */
export async function markMore({ run, spec, fleet }: More, ids: readonly string[]): Promise<void> {
  if (!fleet.profile!.reused) return;
  await run.step('mark', () =>
    quick.markComplete.executeWithOptions(as('mark', spec.name, spec.deadlines.step), [
      { ...whereOf(spec), ids },
    ]),
  );
}

export function identityOf({ role, profile }: FleetReport): Identity {
  return { role: role!, profile: profile! };
}

/** The spec for a launch of so many, all or none. */
export function ofCount(spec: FleetSpec, count: number): FleetSpec {
  const launch = Math.max(spec.deadlines.launch, launchSeconds(count));
  return {
    ...spec,
    instances: { ...spec.instances, count: { want: count, min: count } },
    deadlines: { ...spec.deadlines, launch },
  };
}
