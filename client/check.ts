/** Checks of a fleet: asks AWS, through a worker, what differs from what it should be. */

import { randomUUID } from 'node:crypto';
import type { DriftReport } from '../fleet/drift-report.ts';
import { withoutUserData } from '../fleet/spec.ts';
import type { CheckRequest } from '../fleet/wanted.ts';
import { fleetNotFound, forgottenPlaces, specUnknown } from './errors.ts';
import { answerOf } from './look.ts';
import type { CheckedSpec } from './specs.ts';
import { inspect } from './standing.ts';
import type { Temporal } from './temporal.ts';

export interface CheckOptions {
  /** Instead of the one by which the run made the fleet; needed when Temporal has no history of that any more. */
  readonly spec?: CheckedSpec;
}

/** Seconds until an answer is given up, beyond the patience: more than the look has, so that its own words are heard. */
const CHECK_SECONDS = 150;

/** Throws NoWorker and LookFailed. */
export async function checkAgainst(temporal: Temporal, request: CheckRequest): Promise<DriftReport> {
  const { client, taskQueue } = temporal;
  const { spec, patience } = request;
  const fleet = spec.name;
  const look = await client.workflow.start('checkFleet', {
    args: [
      {
        ...request,
        spec: withoutUserData(spec),
        places: request.places?.map((place) => ({ ...place, spec: withoutUserData(place.spec) })),
      },
    ],
    taskQueue,
    // It changes nothing and stands in nobody's way, so it does not have the fleet's one id.
    workflowId: `check:${fleet.toLowerCase()}:${randomUUID()}`,
    memo: { fleet },
    staticSummary: `what differs of ${fleet}`,
    workflowExecutionTimeout: (CHECK_SECONDS + patience) * 1000,
  });
  return answerOf<DriftReport>(temporal, fleet, look);
}

/**
 * The request for a fleet of which Temporal knows no run. Throws FleetNotFound when AWS shows nothing with its tag, and
 * HistoryGone when it does and no spec is given.
 */
export async function specOfForgotten(
  temporal: Temporal,
  fleet: string,
  given: CheckedSpec | undefined,
): Promise<CheckRequest> {
  const spec = given?.spec;
  const { report } = await inspect(temporal, {
    fleet,
    region: spec?.region,
    role: spec?.role?.name,
    profile: spec && !spec.profile.reuse ? spec.profile.name : undefined,
  });
  if (report.places) throw forgottenPlaces(fleet);
  if (report.state === 'gone') throw fleetNotFound(temporal, fleet, report.region);
  if (!spec) throw specUnknown(fleet);
  return { spec, specFrom: 'file', patience: 0 };
}
