/** All activities: the only code that speaks to AWS, and to who is to be notified. Workflows know this file by its type alone. */

import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { AwsFailure } from '../fleet/failures.ts';
import { AwsError, asFailure, asUndoFailure, detailOf, isRefusal } from './aws-errors.ts';
import { changeLookSteps } from './change-looks.ts';
import { awsClients, type ClientsFor } from './clients.ts';
import { driftSteps } from './drift.ts';
import { type ErrandHost, errandSteps } from './errands.ts';
import { examineSteps } from './examine.ts';
import { healthSteps } from './health.ts';
import { inPlaceSteps, inPlaceUndos } from './in-place.ts';
import { inventorySteps } from './inventory.ts';
import { lastLookSteps } from './last-look.ts';
import { launchSteps } from './launch.ts';
import { listSteps } from './list-instances.ts';
import { markSteps } from './mark.ts';
import { mendSteps } from './mend.ts';
import { notifySteps } from './notify.ts';
import { outlookSteps } from './outlook.ts';
import { beating, noteFailure } from './patience.ts';
import { policySteps, policyUndos } from './policy.ts';
import { type Host, preflightSteps } from './preflight.ts';
import { profileSteps, profileUndos } from './profile.ts';
import { remainsSteps } from './remains.ts';
import { roleSteps, roleUndos } from './role.ts';
import { surveySteps } from './survey.ts';
import { terminateSteps, terminateUndos } from './terminate.ts';
import { verifySteps } from './verify.ts';
import { volumeSteps } from './volumes.ts';

export type Activities = ReturnType<typeof createActivities>;

export function createActivities(host: Host & ErrandHost, clientsFor: ClientsFor = awsClients()) {
  const steps = {
    ...preflightSteps(clientsFor, host),
    ...outlookSteps(clientsFor),
    ...roleSteps(clientsFor),
    ...policySteps(clientsFor),
    ...profileSteps(clientsFor),
    ...launchSteps(clientsFor),
    ...verifySteps(clientsFor),
    ...healthSteps(clientsFor),
    ...markSteps(clientsFor),
    ...inventorySteps(clientsFor),
    ...lastLookSteps(clientsFor),
    ...remainsSteps(clientsFor),
    ...volumeSteps(clientsFor),
    ...notifySteps(clientsFor),
    ...surveySteps(clientsFor),
    ...listSteps(clientsFor),
    ...driftSteps(clientsFor),
    ...changeLookSteps(clientsFor),
    ...inPlaceSteps(clientsFor),
    ...mendSteps(clientsFor),
    ...errandSteps(host),
    ...examineSteps(clientsFor),
    ...terminateSteps(clientsFor),
  };
  const undos = {
    ...terminateUndos(clientsFor),
    ...profileUndos(clientsFor),
    ...policyUndos(clientsFor),
    ...roleUndos(clientsFor),
    ...inPlaceUndos(clientsFor),
  };
  return { ...withFailures(steps, stepFailure), ...withFailures(undos, asUndoFailure) };
}

/** A step that AWS refused at the first attempt has made nothing: its undo has nothing to look for. */
function stepFailure(error: AwsError, attempt: number): ApplicationFailure {
  const failure = asFailure(error, attempt);
  if (attempt > 1 || !isRefusal(error)) return failure;
  const detail = { ...(failure.details?.[0] as AwsFailure), untouched: true };
  return ApplicationFailure.fromError(failure, { details: [detail] });
}

type ActivityFunctions = Record<string, (request: never) => Promise<unknown>>;

/** The edge: inside, errors are AWS's; outside, they are failures with a type, a retryability and details. */
function withFailures<T extends ActivityFunctions>(
  activities: T,
  failureOf: (error: AwsError, attempt: number) => ApplicationFailure,
): T {
  const atTheEdge = Object.entries(activities).map(([name, run]) => [
    name,
    async (request: never) => {
      try {
        return await beating(() => run(request));
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        noteFailure(detailOf(error));
        throw failureOf(error, Context.current().info.attempt);
      }
    },
  ]);
  return Object.fromEntries(atTheEdge) as T;
}
