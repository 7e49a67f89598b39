/** inspectFleet: what AWS has of a fleet, by its tags, when no history tells it. Changes nothing. */

import { ApplicationFailureCategory, RetryState } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { FindFleetRequest, FoundFleet } from '../activities/inventory.ts';
import { LOOK_FAILED, type LookFailure } from '../fleet/failures.ts';
import { leftoversOf } from '../fleet/leftovers.ts';
import type { KnownPlace } from '../fleet/places.ts';
import { beyondTold, type FleetReport, type Leftover } from '../fleet/report.ts';
import type { TeardownRequest } from '../fleet/run.ts';
import { as, looking } from './activities.ts';

export async function inspectFleet(request: TeardownRequest): Promise<FleetReport> {
  const { places, ...one } = request;
  if (places) return reportOfPlaces(request, places, await lookInEach(one, places));
  const found = await look(one);
  const others = one.byNameOnly ? [] : (found.regions ?? []).filter((region) => region !== found.region);
  if (others.length === 0) return reportOf(found, stateOf([found]));
  // Its tags tell of more places than whoever asks has known.
  const regions = [found.region, ...others].map((region) => ({ name: region, region, assume: one.assume }));
  const elsewhere = await lookInEach({ ...one, byNameOnly: true }, regions.slice(1));
  return reportOfPlaces(request, regions, [found, ...elsewhere]);
}

function lookInEach(request: TeardownRequest, places: readonly KnownPlace[]): Promise<readonly FoundFleet[]> {
  return Promise.all(places.map(({ name, ...known }) => look({ ...request, ...known, here: true }, name)));
}

function look(request: FindFleetRequest, at?: string): Promise<FoundFleet> {
  const options = as('find', `what ${request.fleet} has`, 300, at);
  return asLook(looking.findFleet.executeWithOptions(options, [request]), at);
}

/** That AWS cannot be asked is told to whoever asked: to the worker it is no failure of its own. */
export async function asLook<T>(asked: Promise<T>, at?: string): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const message = error.cause?.message ?? error.message;
    const failure: LookFailure = { wasAskedAgain: error.retryState === RetryState.TIMEOUT };
    throw ApplicationFailure.create({
      type: LOOK_FAILED,
      message: at === undefined ? message : `${at}: ${message}`,
      nonRetryable: true,
      details: [failure],
      category: ApplicationFailureCategory.BENIGN,
    });
  }
}

function reportOf(found: FoundFleet, state: FleetReport['state']): FleetReport {
  const { workflowId, runId } = workflowInfo();
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
    ...(found.untagged?.length && { untagged: [...found.untagged] }),
    ...(found.oddities?.length && { oddities: [...found.oddities] }),
    steps: [],
    undos: [],
    leftovers: state === 'left-over' ? leftoversOf(found, LEFT) : [],
  };
}

function reportOfPlaces(
  { fleet }: TeardownRequest,
  places: readonly KnownPlace[],
  found: readonly FoundFleet[],
): FleetReport {
  const { workflowId, runId } = workflowInfo();
  const state = stateOf(found);
  const first = found.find(({ specHash }) => specHash !== undefined) ?? found[0]!;
  const accounts = new Set(found.map(({ account }) => account));
  const whole =
    accounts.size === 1 ? { account: first.account, role: first.role, profile: first.profile } : {};
  return {
    schema: 1,
    fleet: first.fleet ?? fleet,
    action: 'up',
    state,
    specHash: first.specHash,
    workflowId,
    runId,
    ...whole,
    places: found.map((there, at) => ({
      ...reportOf(there, stateOf([there])),
      place: places[at]!.name,
      leftovers: [],
    })),
    instances: [],
    instanceCount: found.reduce((sum, { ids }) => sum + ids.length, 0),
    steps: [],
    undos: [],
    leftovers: state === 'left-over' ? leftIn(places, found) : [],
  };
}

const LEFT = 'an earlier run left it';

/** Instances by their places, and each account's identity once. */
function leftIn(places: readonly KnownPlace[], found: readonly FoundFleet[]): Leftover[] {
  const ofPlaces = found.flatMap((there, at) =>
    leftoversOf({ ...there, role: undefined, profile: undefined }, LEFT).map((one) => ({
      ...one,
      at: places[at]!.name,
    })),
  );
  const ofAccounts = found
    .filter(({ account }, at) => found.findIndex((other) => other.account === account) === at)
    .flatMap((there) =>
      leftoversOf({ ...there, ids: [] }, LEFT).map((one) => ({ ...one, at: there.account })),
    );
  return [...ofPlaces, ...ofAccounts];
}

/** The mark says that it was complete; that it still is, its machines have to show. */
function stateOf(found: readonly FoundFleet[]): FleetReport['state'] {
  if (found.every(({ ids, role, profile }) => ids.length === 0 && !role && !profile)) return 'gone';
  const isThere = found.some(({ ids }) => ids.length > 0);
  return isThere && found.some(({ marked }) => marked) ? 'complete' : 'left-over';
}
