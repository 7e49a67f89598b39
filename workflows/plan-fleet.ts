/** planFleet: what a fleet, or a change of one, would meet in AWS. Changes nothing. */

import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { targetOf } from '../fleet/change.ts';
import { type AwsFailure, PREFLIGHT_FAILED } from '../fleet/failures.ts';
import type { Foresight, PlaceOutlook, PlannedChange, PlanRequest } from '../fleet/foresight.ts';
import { runsOf } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { as, looking, quick } from './activities.ts';
import { asLook } from './inspect-fleet.ts';

/** Everywhere to the end: whoever has to mend something is to hear of all of it at once. */
export async function planFleet({ places, change }: PlanRequest): Promise<Foresight> {
  const [inTheWay, ...outlooks] = await Promise.all([
    change ? asLook(lookAtChange(change)) : [],
    ...places.map(({ place, spec }, number) => asLook(lookAhead(spec, place, number), place)),
  ]);
  return { inTheWay, places: withoutTwins(outlooks) };
}

/** For all of its retries: after that AWS's last words are told, and nobody waits any longer. */
const LOOK_SECONDS = 120;

async function lookAhead(spec: FleetSpec, place: string | undefined, number: number): Promise<PlaceOutlook> {
  const where = place ?? spec.region;
  const options = as('preflight', `in ${where}`, LOOK_SECONDS, place && `${number}`);
  const { problems, ...outlook } = await looking.lookAhead.executeWithOptions(options, [{ spec }]);
  return { ...outlook, problems, place, region: spec.region, count: spec.instances.count };
}

/** As the run that changes it looks before it does. */
async function lookAtChange({ from, to, specHash, report }: PlannedChange): Promise<readonly string[]> {
  const target = targetOf(from, to, specHash);
  const { fleet, role, profile } = report;
  const patience = to.deadlines.consistency;
  const options = as('compare-fleet', fleet, LOOK_SECONDS + patience);
  try {
    await quick.lookAtChange.executeWithOptions(options, [
      {
        region: to.region,
        fleet,
        account: report.account,
        role: target.role && role && { name: role.name, id: role.id },
        profile: target.profile && profile && { name: profile.name, id: profile.id },
        runs: runsOf(report),
        patience,
        target,
        ownPolicy: from.policy?.name,
      },
    ]);
    return [];
  } catch (error) {
    const { cause } = error instanceof ActivityFailure ? error : {};
    if (!(cause instanceof ApplicationFailure) || cause.type !== PREFLIGHT_FAILED) throw error;
    return (cause.details![0] as AwsFailure).problems!;
  }
}

/** Only the worker's credentials tell that two names are one place. */
function withoutTwins(all: readonly PlaceOutlook[]): PlaceOutlook[] {
  return all.map((one, at) => {
    const twin = all
      .slice(0, at)
      .find(
        ({ account, region }) => account !== undefined && account === one.account && region === one.region,
      );
    if (!twin) return one;
    const message = `It is the same account and region as ${twin.place}: keep one of the two.`;
    return { ...one, problems: [...one.problems, message] };
  });
}
