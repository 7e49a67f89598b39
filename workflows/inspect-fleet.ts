/** inspectFleet: what AWS has of a fleet, by its tags, when no history tells it. Changes nothing. */

import { ApplicationFailureCategory } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { FoundFleet } from '../activities/inventory.ts';
import { LOOK_FAILED } from '../fleet/failures.ts';
import { leftoversOf } from '../fleet/leftovers.ts';
import { beyondTold, type FleetReport } from '../fleet/report.ts';
import type { TeardownRequest } from '../fleet/run.ts';
import { as, looking } from './activities.ts';

export async function inspectFleet(request: TeardownRequest): Promise<FleetReport> {
  const found = await look(request);
  const { workflowId, runId } = workflowInfo();
  const state = stateOf(found);
  return {
    schema: 1,
    fleet: found.fleet,
    action: 'up',
    state,
    account: found.account,
    region: found.region,
    specHash: found.specHash,
    workflowId,
    runId,
    role: found.role,
    profile: found.profile,
    instances: [...found.instances],
    instanceCount: beyondTold(found.ids.length),
    steps: [],
    undos: [],
    leftovers: state === 'left-over' ? leftoversOf(found, 'an earlier run left it') : [],
  };
}

function look(request: TeardownRequest): Promise<FoundFleet> {
  return asLook(
    looking.findFleet.executeWithOptions(as('find', `what ${request.fleet} has`, 300), [request]),
  );
}

/** That AWS cannot be asked is told to whoever asked: to the worker it is no failure of its own. */
export async function asLook<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    throw ApplicationFailure.create({
      type: LOOK_FAILED,
      message: error.cause?.message ?? error.message,
      nonRetryable: true,
      category: ApplicationFailureCategory.BENIGN,
    });
  }
}

/** The mark says that it was complete; that it still is, its machines have to show. */
function stateOf({ ids, role, profile, marked }: FoundFleet): FleetReport['state'] {
  if (ids.length === 0 && !role && !profile) return 'gone';
  return marked && ids.length > 0 ? 'complete' : 'left-over';
}
