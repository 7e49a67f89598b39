/** inspectFleet: what AWS has of a fleet, by its tags, when no history tells it. Changes nothing. */

import { ApplicationFailureCategory, RetryState } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { FindFleetRequest, FoundFleet } from '../activities/inventory.ts';
import { LOOK_FAILED, type LookFailure } from '../fleet/failures.ts';
import { leftoversOf } from '../fleet/leftovers.ts';
import type { KnownPlace } from '../fleet/places.ts';
import { beyondTold, type FleetReport, type Leftover } from '../fleet/report.ts';
import type { TeardownRequest } from '../fleet/run.ts';
import { as, looking } from './activities.ts';
import { isCancelled, lastAnswer } from './run.ts';

export async function inspectFleet(request: TeardownRequest): Promise<FleetReport> {
  const { places, ...one } = request;
  if (places) return inspectPlaces(request, places);
  const found = await look(one);
  const others = one.byNameOnly ? [] : (found.regions ?? []).filter((region) => region !== found.region);
  if (others.length === 0) return reportOf(found, stateOf([found]));
  // Its tags tell of more places than whoever asks has known.
  const regions = [found.region, ...others].map((region) => ({
    ...{ name: region, region },
    ...{ assume: one.assume, account: one.account },
  }));
  const elsewhere = await lookInEach({ ...one, byNameOnly: true }, regions.slice(1));
  return reportOfPlaces(request, regions, [found, ...elsewhere]);
}

/**
 * What AWS has of a fleet in several places, and wherever else its tags tell of. A place that cannot be looked at is left
 * out, as long as `least` others can be, and these alone tell that the fleet is complete or gone.
 */
export async function inspectPlaces(
  request: TeardownRequest,
  places: readonly KnownPlace[],
  least = places.length,
): Promise<FleetReport> {
  const { places: _, ...one } = request;
  const refused: unknown[] = [];
  const looks = await Promise.all(
    places.map(async (place) => {
      try {
        return { place, found: await lookAt(one, place) };
      } catch (error) {
        refused.push(error);
        if (isCancellation(error) || places.length - refused.length < least) throw error;
        return undefined;
      }
    }),
  );
  const seen = looks.filter((look) => look !== undefined);
  const others = placesBeside(places, seen);
  const elsewhere = await lookInEach({ ...one, byNameOnly: true }, others);
  const report = reportOfPlaces(
    request,
    [...seen.map(({ place }) => place), ...others],
    [...seen.map(({ found }) => found), ...elsewhere],
  );
  if (report.state === 'left-over' && refused.length > 0) throw refused[0];
  return report;
}

interface SeenPlace {
  readonly place: KnownPlace;
  readonly found: FoundFleet;
}

/** Regions of which its tags in an account tell, and in which nobody has looked or tried to. */
function placesBeside(places: readonly KnownPlace[], seen: readonly SeenPlace[]): readonly KnownPlace[] {
  const unseen = places.filter((place) => !seen.some((look) => look.place === place));
  const beside = new Map<string, KnownPlace>();
  for (const { place, found } of seen) {
    for (const region of found.regions ?? []) {
      const isSeen = seen.some(
        (look) => look.found.account === found.account && look.place.region === region,
      );
      if (isSeen || unseen.some((other) => other.region === region)) continue;
      const name = `${found.account}:${region}`;
      beside.set(name, { name, region, assume: place.assume, account: place.account });
    }
  }
  return [...beside.values()];
}

function lookInEach(request: TeardownRequest, places: readonly KnownPlace[]): Promise<readonly FoundFleet[]> {
  return Promise.all(places.map((place) => lookAt(request, place)));
}

function lookAt(request: TeardownRequest, { name, ...known }: KnownPlace): Promise<FoundFleet> {
  return look({ ...request, ...known, here: true }, name);
}

function look(request: FindFleetRequest, at?: string): Promise<FoundFleet> {
  const options = as('find', request.fleet, 300, at);
  return asLook(looking.findFleet.executeWithOptions(options, [request]), at);
}

/** That AWS cannot be asked is told to whoever asked: to the worker it is no failure of its own. */
export async function asLook<T>(asked: Promise<T>, at?: string): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    // An attempt that failed for something else just then is not made again.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    const message = whyUnseen(error);
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

/** Of a look that ran out of time AWS's last words, and not Temporal's. */
function whyUnseen({ cause, message }: ActivityFailure): string {
  if (!(cause instanceof TimeoutFailure)) return cause?.message ?? message;
  const last = lastAnswer(cause);
  if (last) return `${last.call}: ${last.code}: ${last.message}`;
  const { executionTimeoutMs } = workflowInfo();
  return executionTimeoutMs === undefined
    ? 'AWS did not answer in time'
    : `AWS did not answer within ${executionTimeoutMs / 1000} s`;
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
