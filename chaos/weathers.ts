/** Weathers of the campaign: those of bad days, with their times scaled down so that a run takes a few seconds. */

import fc from 'fast-check';
import type { Behaviour, Fault } from '../sandbox/index.ts';

export interface Weather {
  readonly kind: Kind;
  readonly behaviour: Partial<Behaviour>;
  readonly faults: readonly Fault[];
}

type Kind =
  | 'calm'
  | 'lags'
  | 'losses'
  | 'throttled'
  | 'broken'
  | 'slow'
  | 'deaths'
  | 'sold out'
  | 'hands'
  | 'denied'
  | 'storm';

const upTo = (milliseconds: number) => fc.integer({ min: 0, max: milliseconds }).map((ms) => ms / 1000);
const between = (least: number, most: number) => fc.integer({ min: least, max: most });
const chance = (most: number) => between(1, most).map((hundredths) => hundredths / 100);

const calm = fc.record({
  propagationSeconds: upTo(300),
  pendingSeconds: upTo(100),
  shuttingDownSeconds: upTo(100),
});

const lags = fc.record({
  propagationSeconds: upTo(1500),
  flapSeconds: upTo(1000),
  iamLagSeconds: upTo(900),
  ec2LagSeconds: upTo(900),
  staleChance: chance(80),
  pendingSeconds: upTo(500),
  shuttingDownSeconds: upTo(500),
});

const losses = fc.tuple(chance(15), chance(10)).map(([lost, cut]): Fault[] => [
  { action: '*', chance: lost, lost: true },
  { action: '*', chance: cut, cut: true },
]);

const throttles = fc.tuple(chance(25), chance(25)).map(([iam, ec2]): Fault[] => [
  { action: 'iam:*', chance: iam, error: { code: 'Throttling', message: 'Rate exceeded' } },
  {
    action: 'ec2:*',
    chance: ec2,
    error: { code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 },
  },
]);

const breaks = fc.tuple(chance(20), chance(20)).map(([iam, ec2]): Fault[] => [
  { action: 'iam:*', chance: iam, error: { code: 'ServiceFailure', message: 'unknown error', status: 500 } },
  { action: 'ec2:*', chance: ec2, error: { code: 'InternalError', message: 'internal error', status: 500 } },
]);

const slowness = fc
  .tuple(chance(30), between(100, 900))
  .map(([often, delayMs]): Fault[] => [{ action: '*', chance: often, delayMs }]);

const deaths = fc.tuple(calm, chance(40)).map(([quiet, deathChance]) => ({ ...quiet, deathChance }));

const soldOut = fc
  .tuple(
    calm,
    fc.constantFrom(
      [{ type: 't3.micro' }],
      [{ zone: 'us-east-1a' }],
      [{ zone: 'us-east-1b' }, { market: 'spot' as const }],
    ),
  )
  .map(([quiet, sold]) => ({ ...quiet, soldOut: sold }));

const hands = fc
  .constantFrom(
    { after: 'RunInstances', match: 'TagSpecification', do: 'protect' } as const,
    { after: 'AddRoleToInstanceProfile', do: 'swap-role' } as const,
    { after: 'CreateRole', do: 'attach-policy' } as const,
    { after: 'AddRoleToInstanceProfile', do: 'attach-policy' } as const,
  )
  .chain((hand) => calm.map((quiet) => ({ ...quiet, hands: [hand] })));

const MAKING = [
  ...['CreateRole', 'PutRolePolicy', 'AttachRolePolicy', 'CreateInstanceProfile', 'AddRoleToInstanceProfile'],
  ...['RunInstances', 'TagInstanceProfile', 'CreateTags'],
];
const LOOKING = ['DescribeInstances', 'DescribeVolumes', 'GetRole', 'GetInstanceProfile'];
const TAKING_BACK = [
  ...['TerminateInstances', 'DeleteVolume', 'RemoveRoleFromInstanceProfile', 'DeleteInstanceProfile'],
  ...['DeleteRolePolicy', 'DetachRolePolicy', 'DeleteRole'],
];

function denied(of: readonly string[], most: number): fc.Arbitrary<Fault[]> {
  const one = fc.tuple(fc.constantFrom(...of), fc.constantFrom(0, 0, 0, 1, 2, 4)).map(([action, skip]) => ({
    action,
    skip,
    times: Number.POSITIVE_INFINITY,
    error: { code: 'AccessDenied', message: 'User is not authorized to perform this action', status: 403 },
  }));
  return fc.array(one, { minLength: 1, maxLength: most });
}

const denials = fc.oneof(
  denied([...MAKING, ...LOOKING, ...TAKING_BACK], 3),
  // Where a step is denied too, there is something to take back.
  fc.tuple(denied(MAKING, 1), denied([...TAKING_BACK, ...LOOKING], 2)).map((both) => both.flat()),
);

const storm = fc
  .tuple(lags, between(4, 20), losses, throttles, breaks, slowness)
  .map(([behaviour, bucketScale, ...faults]) => ({
    behaviour: { ...behaviour, bucketScale },
    // A day that has all of it has less of each.
    faults: faults.flat().map((fault) => ({ ...fault, chance: fault.chance! / 3 })),
  }));

const none = fc.constant<Fault[]>([]);

function weather(
  kind: Kind,
  behaviour: fc.Arbitrary<Partial<Behaviour>>,
  faults: fc.Arbitrary<Fault[]> = none,
): fc.Arbitrary<Weather> {
  return fc.record({ kind: fc.constant(kind), behaviour, faults });
}

export const weathers: fc.Arbitrary<Weather> = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: weather('calm', calm) },
      { weight: 4, arbitrary: weather('lags', lags) },
      { weight: 3, arbitrary: weather('losses', calm, losses) },
      { weight: 2, arbitrary: weather('throttled', calm, throttles) },
      { weight: 2, arbitrary: weather('broken', calm, breaks) },
      { weight: 2, arbitrary: weather('slow', calm, slowness) },
      { weight: 2, arbitrary: weather('deaths', deaths) },
      { weight: 2, arbitrary: weather('sold out', soldOut) },
      { weight: 2, arbitrary: weather('hands', hands) },
      { weight: 4, arbitrary: weather('denied', fc.oneof(calm, lags), denials) },
      { weight: 4, arbitrary: storm.map((all) => ({ kind: 'storm' as const, ...all })) },
    ),
    fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  )
  .map(([drawn, ignoreFilters]) => ({ ...drawn, behaviour: { ...drawn.behaviour, ignoreFilters } }));

/** Nothing lags, nothing fails. */
export const CALM: Partial<Behaviour> = { propagationSeconds: 0, pendingSeconds: 0, shuttingDownSeconds: 0 };
