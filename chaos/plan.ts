/** The plan of one run: everything that is left to chance, drawn before it begins, so that its seed repeats it. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { SpecInput } from '../client/index.ts';
import { type Weather, weathers } from './weathers.ts';

export const REGION = 'us-east-1';
export const IMAGE = 'ami-12c6146b';
export const TYPE = 't3.micro';

export interface Plan {
  readonly seed: number;
  readonly fleet: string;
  readonly count: number;
  /** With how many the fleet is content. */
  readonly least: number;
  readonly places: 'one' | 'two' | 'spread' | 'spot first';
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

const plans = fc.record({
  count: fc.integer({ min: 1, max: 5 }),
  isContentWithOne: often(2),
  places: fc.constantFrom<Plan['places'][]>('one', 'one', 'two', 'spread', 'spot first'),
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
});

export function planOf(seed: number): Plan {
  // Generators that begin with neighbouring seeds draw alike: a hash keeps them apart.
  const hash = createHash('sha256').update(`${seed}`).digest().readInt32BE();
  const [drawn] = fc.sample(plans, { seed: hash, numRuns: 1, unbiased: true });
  const { isContentWithOne, ...rest } = drawn!;
  return { seed, fleet: `chaos-${seed}`, ...rest, least: isContentWithOne ? 1 : rest.count };
}

/** What a person would have written. */
export function specOf(plan: Plan): SpecInput {
  const { fleet, count, least, managed, ownNames, reuse } = plan;
  const named = (part: string) => (ownNames ? `${fleet}-${part}` : undefined);
  return {
    name: fleet,
    region: REGION,
    ...(reuse === 'nothing' ? { policy: { name: named('policy'), ...READ_ONLY } } : {}),
    ...(reuse === 'nothing' && (managed || ownNames)
      ? { role: { name: named('role'), managedPolicies: managed ? [MANAGED_POLICY] : undefined } }
      : {}),
    ...(reuse === 'role' ? { role: inUse(fleet).role } : {}),
    ...(reuse === 'profile' ? { profile: inUse(fleet).profile } : {}),
    ...(reuse !== 'profile' && ownNames ? { profile: { name: named('profile') } } : {}),
    instances: {
      count: { want: count, min: least },
      image: IMAGE,
      ...placesOf(plan),
      ...(plan.lastingVolume ? { volumes: { device: '/dev/sdf', size: 1, deleteOnTermination: false } } : {}),
    },
    onFailure: plan.onFailure,
    deadlines: plan.shortDeadlines ? SHORT : LONG,
  };
}

function placesOf({
  places,
}: Plan): Pick<SpecInput['instances'], 'type' | 'placements' | 'spread' | 'market'> {
  if (places === 'one') return { type: TYPE };
  return {
    placements: [
      { type: TYPE, zone: `${REGION}a` },
      { type: 't3.small', zone: `${REGION}b` },
    ],
    spread: places === 'spread',
    market: places === 'spot first' ? 'spot-then-on-demand' : 'on-demand',
  };
}

/** What the fleet uses and has not made. */
export const inUse = (fleet: string) => ({ role: `${fleet}-in-use`, profile: `${fleet}-in-use` });

const READ_ONLY = { allow: { actions: 's3:Get*', resources: '*' } };
const LONG = { propagation: 25, launch: 25, step: 25, running: 25, undo: 25, consistency: 2 };
const SHORT = { propagation: 3, launch: 3, step: 3, running: 3, undo: 3, consistency: 2 };

/** Of the account's own. */
export const MANAGED_POLICY_NAME = 'chaos-managed';
const MANAGED_POLICY = `arn:aws:iam::123456789012:policy/${MANAGED_POLICY_NAME}`;
