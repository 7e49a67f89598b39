/** The plan of one run: everything that is left to chance, drawn before it begins, so that its seed repeats it. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { SpecInput } from '../client/index.ts';
import {
  ACCOUNT,
  drawnPlaces,
  isAbroad,
  nameOf,
  type PlannedPlace,
  REGION,
  TYPE,
  writtenPlaces,
  zonesIn,
} from './places.ts';
import { type Weather, weathers } from './weathers.ts';

export const IMAGE = 'ami-12c6146b';
export const OTHER_IMAGE = 'ami-1e749f67';

export interface Plan {
  readonly seed: number;
  readonly fleet: string;
  readonly count: number;
  /** With how many the fleet is content. */
  readonly least: number;
  readonly placements: 'one' | 'two' | 'spread' | 'spot first';
  readonly managed: boolean;
  readonly ownNames: boolean;
  readonly reuse: 'nothing' | 'role' | 'profile';
  readonly lastingVolume: boolean;
  readonly onFailure: 'rollback' | 'keep' | 'pause';
  readonly shortDeadlines: boolean;
  readonly weather: Weather;
  readonly foreign: boolean;
  /** Milliseconds from the start, as all that follow. */
  readonly kills: readonly number[];
  readonly cancels: readonly number[];
  readonly terminate: number | null;
  readonly secondUp: number | null;
  readonly downAfter: boolean;
  readonly retryAfter: boolean;
  /** What a person says of a paused run, one after the other; then 'rollback'. */
  readonly decisions: readonly ('retry' | 'rollback')[];
  /** It comes up with a lease, longer than any run. */
  readonly leased: boolean;
  /** What is asked of it, one after the other, once it is complete. */
  readonly changes: readonly DrawnChange[];
  /** None where it is in one region, as `region` says it. */
  readonly places: readonly PlannedPlace[];
  /** In how many of them it has to be. */
  readonly leastPlaces: number;
}

/** Which fleets are in several places: some, as it is drawn, or all, or none. */
export const WHICH = ['some', 'all', 'none'] as const;
export type Which = (typeof WHICH)[number];

export interface DrawnChange {
  readonly what: 'scale' | 'change' | 'roll' | 'repair' | 'check' | 'extend';
  /** How many instances a scale or a change is to give it. */
  readonly count: number;
  /** Of a fleet in several places: in which of them. */
  readonly place?: string;
  /** Milliseconds from its start. */
  readonly kill: number | null;
  readonly cancel: number | null;
}

const moment = fc.integer({ min: 0, max: 3500 });
const often = (weight: number) => fc.integer({ min: 1, max: 10 }).map((n) => n <= weight);

/** `none`, `one` and `two` say how often there are so many. */
function moments(none: number, one: number, two: number): fc.Arbitrary<number[]> {
  const some = (length: number) => fc.array(moment, { minLength: length, maxLength: length });
  return fc.oneof(
    { weight: none, arbitrary: some(0) },
    { weight: one, arbitrary: some(1) },
    { weight: two, arbitrary: some(2) },
  );
}

/** One of so many times. */
function seldom(times: number): fc.Arbitrary<number | null> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: moment });
}

const change = fc.record<DrawnChange>({
  what: fc.constantFrom<DrawnChange['what'][]>(
    'scale',
    'scale',
    'change',
    'roll',
    'repair',
    'check',
    'extend',
  ),
  count: fc.integer({ min: 1, max: 5 }),
  kill: seldom(3),
  cancel: seldom(4),
});

const plans = fc.record({
  count: fc.integer({ min: 1, max: 5 }),
  isContentWithOne: often(2),
  placements: fc.constantFrom<Plan['placements'][]>('one', 'one', 'two', 'spread', 'spot first'),
  managed: often(3),
  ownNames: often(3),
  reuse: fc.constantFrom<Plan['reuse'][]>('nothing', 'nothing', 'nothing', 'nothing', 'role', 'profile'),
  lastingVolume: often(3),
  onFailure: fc.constantFrom<Plan['onFailure'][]>('rollback', 'rollback', 'rollback', 'keep', 'pause'),
  shortDeadlines: often(2),
  weather: weathers,
  foreign: often(8),
  kills: moments(7, 2, 1),
  cancels: moments(7, 2, 1),
  terminate: seldom(8),
  secondUp: seldom(4),
  downAfter: often(4),
  retryAfter: often(5),
  decisions: fc.array(fc.constantFrom<Plan['decisions'][number][]>('retry', 'rollback'), { maxLength: 2 }),
  leased: often(3),
  changes: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
  ),
  isInPlaces: often(3),
  places: drawnPlaces,
  spared: fc.constantFrom(0, 0, 1, 2),
});

export function planOf(seed: number, which: Which): Plan {
  // Generators that begin with neighbouring seeds draw alike: a hash keeps them apart.
  const hash = createHash('sha256').update(`${seed}`).digest().readInt32BE();
  const [drawn] = fc.sample(plans, { seed: hash, numRuns: 1, unbiased: true });
  const { isContentWithOne, isInPlaces, spared, ...rest } = drawn!;
  const plan = { seed, fleet: `chaos-${seed}`, ...rest, least: isContentWithOne ? 1 : rest.count };
  const isInSeveral = which === 'some' ? isInPlaces : which === 'all';
  return isInSeveral ? inPlaces(plan, spared) : { ...plan, places: [], leastPlaces: 0 };
}

/** One in several places is always rolled back, and keeps its spec; a managed policy is its account's own. */
function inPlaces(plan: Omit<Plan, 'leastPlaces'>, spared: number): Plan {
  const { places, managed, changes } = plan;
  return {
    ...plan,
    leastPlaces: Math.max(1, places.length - spared),
    managed: managed && !isAbroad(places),
    onFailure: 'rollback',
    changes: changes
      .filter(({ what }) => what !== 'change' && what !== 'roll')
      .map((change) => ({ ...change, place: nameOf(places[change.count % places.length]!) })),
  };
}

/** What a fleet is to be once it is another than it was planned to be. */
export interface Shape {
  readonly want: number;
  readonly least: number;
  readonly image: string;
  /** It may write, too, and says so in a tag. */
  readonly isWidened: boolean;
  /** Of those of several places that were scaled: how many each is to have. */
  readonly counts: Readonly<Record<string, number>>;
}

export const shapeOf = ({ count, least }: Plan): Shape => ({
  want: count,
  least,
  image: IMAGE,
  isWidened: false,
  counts: {},
});

/** What a person would have written. */
export function specOf(plan: Plan, shape: Shape = shapeOf(plan)): SpecInput {
  const { fleet, managed, ownNames, reuse } = plan;
  const { want, least, image, isWidened } = shape;
  const named = (part: string) => (ownNames ? `${fleet}-${part}` : undefined);
  return {
    name: fleet,
    ...whereOf(plan),
    ...(reuse === 'nothing'
      ? { policy: { name: named('policy'), ...(isWidened ? READ_AND_WRITE : READ_ONLY) } }
      : {}),
    ...(reuse === 'nothing' && (managed || ownNames)
      ? { role: { name: named('role'), managedPolicies: managed ? [MANAGED_POLICY] : undefined } }
      : {}),
    ...(reuse === 'role' ? { role: inUse(fleet).role } : {}),
    ...(reuse === 'profile' ? { profile: inUse(fleet).profile } : {}),
    ...(reuse !== 'profile' && ownNames ? { profile: { name: named('profile') } } : {}),
    ...(isWidened ? { tags: { widened: 'yes' } } : {}),
    instances: {
      count: { want, min: least },
      image,
      ...placementsOf(plan),
      ...(plan.lastingVolume ? { volumes: { device: '/dev/sdf', size: 1, deleteOnTermination: false } } : {}),
    },
    onFailure: plan.onFailure,
    deadlines: plan.shortDeadlines ? SHORT : LONG,
  };
}

function whereOf({ places, leastPlaces, least, placements }: Plan): Partial<SpecInput> {
  if (places.length === 0) return { region: REGION };
  return {
    places: writtenPlaces(places, { least, isOfTwo: placements !== 'one' }),
    need: leastPlaces === places.length ? 'all' : { min: leastPlaces },
  };
}

/** Those of a fleet in several places are said in each of them. */
function placementsOf({
  placements,
  places,
}: Plan): Pick<SpecInput['instances'], 'type' | 'placements' | 'spread' | 'market'> {
  if (placements === 'one') return { type: TYPE };
  return {
    ...(places.length === 0 && { placements: zonesIn(REGION) }),
    spread: placements === 'spread',
    market: placements === 'spot first' ? 'spot-then-on-demand' : 'on-demand',
  };
}

/** What the fleet uses and has not made. */
export const inUse = (fleet: string) => ({ role: `${fleet}-in-use`, profile: `${fleet}-in-use` });

const READ_ONLY = { allow: { actions: 's3:Get*', resources: '*' } };
const READ_AND_WRITE = { allow: { actions: ['s3:Get*', 's3:Put*'], resources: '*' } };
const LONG = { propagation: 25, launch: 25, step: 25, running: 25, undo: 25, consistency: 2 };
const SHORT = { propagation: 3, launch: 3, step: 3, running: 3, undo: 3, consistency: 2 };

/** Of the account's own. */
export const MANAGED_POLICY_NAME = 'chaos-managed';
const MANAGED_POLICY = `arn:aws:iam::${ACCOUNT}:policy/${MANAGED_POLICY_NAME}`;
