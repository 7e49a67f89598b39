/** Plans: what `up` would do, asked of AWS through a worker and of the spec itself. Nothing is changed. */

import { randomUUID } from 'node:crypto';
import type { Foresight, PlaceOutlook, PlanRequest } from '../fleet/foresight.ts';
import { fleetAt, minPlacesOf, placesIn as namesOfPlaces, placeIn } from '../fleet/places.ts';
import {
  type PlanObstacle,
  type PlanReport,
  type PlanScaled,
  type PlanStanding,
  type PolicyPlan,
  placeOf,
} from '../fleet/plan.ts';
import { changedItems, itemsOf } from '../fleet/plan-items.ts';
import { policyDoubts } from '../fleet/policy-mistakes.ts';
import { policyWords } from '../fleet/policy-words.ts';
import { type FleetPrice, fleetPrice, type PriceList } from '../fleet/prices.ts';
import { type FleetReport, instanceCountOf } from '../fleet/report.ts';
import { type FleetSpec, type PlaceSpec, preflightSpec, withoutUserData } from '../fleet/spec.ts';
import { inPlaceOf } from '../fleet/spec-changes.ts';
import { specHash } from '../fleet/spec-hash.ts';
import { actionDataFor } from './action-data.ts';
import type { DiffersError, MusterError } from './errors.ts';
import { answerOf } from './look.ts';
import type { CheckedSpec } from './specs.ts';
import type { Temporal } from './temporal.ts';

export interface PlanOptions {
  /** By which the machines are priced. Without it they are not. */
  readonly prices?: PriceList;
}

/** How `up` would meet the fleet. */
export type Meeting =
  | { readonly standing: 'new' | 'coming-up' }
  | { readonly standing: 'same'; readonly there: FleetReport }
  /** It can be changed, as far as the differences allow. */
  | {
      readonly standing: 'differs';
      readonly from: FleetSpec;
      readonly report: FleetReport;
      readonly error: DiffersError;
    }
  | { readonly standing: Exclude<PlanStanding, 'new' | 'coming-up' | 'same'>; readonly error: MusterError };

/** Seconds until an answer is given up: more than the looks have, so that their own words are heard. */
const PLAN_SECONDS = 150;

type Found = Pick<PlanReport, 'items' | 'changes' | 'obstacles' | 'warnings' | 'places'> & {
  readonly outlooks?: readonly PlaceOutlook[];
};

/** Throws NoWorker and LookFailed. */
export async function planOf(
  temporal: Temporal,
  checked: CheckedSpec,
  meeting: Meeting,
  { prices }: PlanOptions,
): Promise<PlanReport> {
  const { spec } = checked;
  const [{ outlooks, ...found }, policy] = await Promise.all([
    findings(temporal, checked, meeting),
    policyPlan(spec),
  ]);
  const scaled = scaledIn(spec, meeting);
  return {
    schema: 1,
    fleet: spec.name,
    standing: meeting.standing,
    goes: found.obstacles.length === 0,
    ...found,
    ...(scaled.length > 0 && { scaled }),
    ...(policy && { policy }),
    ...(prices && { price: priceOf(asItIs(spec, meeting), outlooks, prices) }),
  };
}

async function findings(temporal: Temporal, checked: CheckedSpec, meeting: Meeting): Promise<Found> {
  const { spec } = checked;
  if (meeting.standing === 'new') return newFleet(temporal, spec);
  const nothing = { changes: [], obstacles: [], warnings: [], places: [] };
  if ('report' in meeting) return changedFleet(temporal, checked, meeting);
  if ('error' in meeting) return { ...nothing, items: [], obstacles: [obstacleOf(meeting.error)] };
  const there = asItIs(spec, meeting);
  return { ...nothing, items: itemsOf(there, 'keep', placesIn(there), []) };
}

/** A fleet may have been scaled since it came up. */
function asItIs(spec: FleetSpec, meeting: Meeting): FleetSpec {
  if (meeting.standing !== 'same') return spec;
  const { there } = meeting;
  if (!spec.places) return ofCount(spec, instanceCountOf(there));
  const stands = namesOfPlaces(there);
  const places = spec.places.map((place) =>
    stands.includes(place.name) ? ofCount(place, instanceCountOf(placeIn(there, place.name))) : place,
  );
  return { ...spec, places };
}

/** Where it has another count than its spec says, and is left with that. */
function scaledIn(spec: FleetSpec, meeting: Meeting): PlanScaled[] {
  if ('report' in meeting) {
    const isChanged = meeting.error.changes.some(({ field }) => field === 'instances.count');
    return isChanged ? [] : scaledOf(spec, meeting.report);
  }
  if (meeting.standing !== 'same') return [];
  const { there } = meeting;
  const stands = namesOfPlaces(there);
  return placesIn(spec).flatMap(([place, one]) => {
    if (place === undefined) return scaledOf(one, there);
    return stands.includes(place) ? scaledOf(one, placeIn(there, place), place) : [];
  });
}

/** With fewer than it wants a fleet may have come up. */
function scaledOf({ instances: { count } }: FleetSpec, report: FleetReport, at?: string): PlanScaled[] {
  const has = instanceCountOf(report);
  const isByUp = has === count.want || (!report.scale && has >= count.min && has < count.want);
  return isByUp ? [] : [{ ...(at !== undefined && { at }), has, says: count.want }];
}

async function newFleet(temporal: Temporal, spec: FleetSpec): Promise<Found> {
  const places = placesIn(spec);
  const seen = await foresee(temporal, {
    fleet: spec.name,
    places: places.map(([place, one]) => ({ place, spec: preflightSpec(one) })),
  });
  const accounts = [...new Set(seen.places.flatMap(({ account }) => account ?? []))];
  return {
    items: itemsOf(spec, 'make', places, accounts),
    changes: [],
    ...inTheWay(spec, seen.places),
    places: seen.places.map((one, at) => placeOf(one, places[at]![1])),
    outlooks: seen.places,
  };
}

async function changedFleet(
  temporal: Temporal,
  { spec }: CheckedSpec,
  { from, report, error }: Extract<Meeting, { report: unknown }>,
): Promise<Found> {
  const { changes } = error;
  const { fleet, role, profile, runs, runId } = report;
  const known = { fleet, role, profile, runs, runId };
  const has = instanceCountOf(report);
  if (!error.isInPlace) {
    const there = ofCount(from, has);
    const items = itemsOf(there, 'keep', placesIn(there), []);
    return { items, changes, obstacles: [obstacleOf(error)], warnings: [], places: [] };
  }
  const to = inPlaceOf(from, spec);
  const more = changes.some(({ field }) => field === 'instances.count') ? to.instances.count.want - has : 0;
  const launched = more > 0 ? [launchOfMore(to, report, more)] : [];
  const seen = await foresee(temporal, {
    fleet: spec.name,
    places: launched.map((one) => ({ spec: preflightSpec(one) })),
    change: { from: withoutUserData(from), to: withoutUserData(to), specHash: specHash(to), report: known },
  });
  const outlook = inTheWay(spec, seen.places);
  return {
    items: changedItems(from, to, changes, has),
    changes,
    obstacles: [...seen.inTheWay.map(problem), ...outlook.obstacles],
    warnings: outlook.warnings,
    places: seen.places.map((one, at) => placeOf(one, launched[at]!)),
    outlooks: seen.places,
  };
}

/** More are launched from the image and with the profile that the fleet has. */
function launchOfMore(to: FleetSpec, report: FleetReport, count: number): FleetSpec {
  const { role: _, policy: __, ...spec } = ofCount(to, count);
  return {
    ...spec,
    profile: { reuse: true, ref: report.profile!.name },
    instances: { ...spec.instances, image: report.image! },
  };
}

function ofCount<Spec extends Pick<PlaceSpec, 'instances'>>(spec: Spec, count: number): Spec {
  return { ...spec, instances: { ...spec.instances, count: { want: count, min: count } } };
}

function placesIn(spec: FleetSpec): (readonly [place: string | undefined, spec: FleetSpec])[] {
  return spec.places?.map((place) => [place.name, fleetAt(spec, place)] as const) ?? [[undefined, spec]];
}

async function foresee(temporal: Temporal, request: PlanRequest): Promise<Foresight> {
  const { fleet, change } = request;
  const look = await temporal.client.workflow.start('planFleet', {
    args: [request],
    taskQueue: temporal.taskQueue,
    // It changes nothing and stands in nobody's way, so it does not have the fleet's one id.
    workflowId: `plan:${fleet.toLowerCase()}:${randomUUID()}`,
    memo: { fleet },
    staticSummary: `what 'up' of ${fleet} would meet`,
    workflowExecutionTimeout: (PLAN_SECONDS + (change?.to.deadlines.consistency ?? 0)) * 1000,
  });
  return answerOf<Foresight>(temporal, fleet, look);
}

/** What is wrong in places that the fleet can do without is in nobody's way; the same in several is told once. */
function inTheWay(
  spec: FleetSpec,
  outlooks: readonly PlaceOutlook[],
): Pick<PlanReport, 'obstacles' | 'warnings'> {
  const wrong = new Map<string, string[]>();
  for (const { place, problems } of outlooks) {
    for (const one of problems) wrong.set(one, [...(wrong.get(one) ?? []), ...(place ? [place] : [])]);
  }
  const messages = [...wrong].map(([message, names]) =>
    names.length > 0 ? `${names.join(', ')}: ${message}` : message,
  );
  const sound = outlooks.filter(({ problems }) => problems.length === 0);
  const isEnough = spec.places !== undefined && sound.length >= minPlacesOf(spec);
  const warnings = outlooks.flatMap(({ place, warnings: all }) =>
    all.map((one) => (place === undefined ? one : `${place}: ${one}`)),
  );
  const unheard = [...new Set(outlooks.flatMap(({ unheard: all = [] }) => all))];
  const told = [...warnings, ...unheard.map((who) => `The worker cannot tell ${who}.`)];
  return isEnough
    ? { obstacles: [], warnings: [...messages, ...told] }
    : { obstacles: messages.map(problem), warnings: told };
}

function problem(message: string): PlanObstacle {
  return { code: 'PreflightFailed', message };
}

function obstacleOf({ code, message, mend }: MusterError): PlanObstacle {
  return { code, message, ...(mend !== undefined && { mend }) };
}

async function policyPlan({ policy }: FleetSpec): Promise<PolicyPlan | undefined> {
  if (!policy) return undefined;
  const { name, document } = policy;
  const data = await actionDataFor(document);
  return {
    name,
    dataDate: data.date,
    statements: policyWords(document, data),
    doubts: policyDoubts(document, data),
  };
}

/** Of the whole fleet, by the types that were seen for it or else by those that its spec names. */
function priceOf(
  spec: FleetSpec,
  outlooks: readonly PlaceOutlook[] | undefined,
  prices: PriceList,
): FleetPrice {
  const priced = placesIn(spec).map(([, { region, instances }], at) => {
    const named = instances.placements.flatMap((placement) => ('type' in placement ? placement : []));
    const { count, market } = instances;
    return { region, count, market, placements: outlooks?.[at]?.placements ?? named };
  });
  return fleetPrice(priced, prices);
}
