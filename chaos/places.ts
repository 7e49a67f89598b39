/** The places of fleets that are in several: three regions of the campaign's own account, and one of another. */

import fc from 'fast-check';
import type { SpecInput } from '../client/index.ts';
import type { Fault } from '../sandbox/index.ts';

export const REGION = 'us-east-1';
export const REGIONS = [REGION, 'eu-west-1', 'us-west-2'] as const;
export const TYPE = 't3.micro';

export const ACCOUNT = '123456789012';
export const OTHER_ACCOUNT = '210987654321';
/** What the role demands by which the worker works in the other account. */
export const EXTERNAL_ID = 'agreed-words';

export interface PlannedPlace {
  readonly where: (typeof REGIONS)[number] | 'another account';
  readonly count: number;
  /** What is wrong there for as long as the weather is. */
  readonly trouble: 'none' | 'sold out' | 'launches denied' | 'ends denied' | 'a stranger';
}

const place = (where: PlannedPlace['where']): fc.Arbitrary<PlannedPlace> =>
  fc.record({
    where: fc.constant(where),
    count: fc.integer({ min: 1, max: 3 }),
    trouble: fc.oneof(
      { weight: 7, arbitrary: fc.constant('none' as const) },
      {
        weight: 3,
        arbitrary: fc.constantFrom<PlannedPlace['trouble'][]>(
          'sold out',
          'launches denied',
          'ends denied',
          'a stranger',
        ),
      },
    ),
  });

export const drawnPlaces: fc.Arbitrary<PlannedPlace[]> = fc
  .subarray<PlannedPlace['where']>([...REGIONS, 'another account'], { minLength: 1 })
  .chain((wheres) => fc.tuple(...wheres.map(place)));

export const regionOf = ({ where }: Pick<PlannedPlace, 'where'>): string =>
  where === 'another account' ? REGION : where;

export const accountOf = ({ where }: Pick<PlannedPlace, 'where'>): string =>
  where === 'another account' ? OTHER_ACCOUNT : ACCOUNT;

/** As a report names it. */
export const nameOf = (place: Pick<PlannedPlace, 'where'>): string =>
  place.where === 'another account' ? `${OTHER_ACCOUNT}:${REGION}` : place.where;

export const isAbroad = (places: readonly PlannedPlace[]): boolean =>
  places.some((one) => accountOf(one) === OTHER_ACCOUNT);

export interface Sizes {
  /** With how many each place is content; all when there are fewer. */
  readonly least: number;
  readonly isOfTwo: boolean;
}

/** What a person would have written. */
export function writtenPlaces(
  places: readonly PlannedPlace[],
  { least, isOfTwo }: Sizes,
): NonNullable<SpecInput['places']> {
  return places.map((one) => ({
    region: regionOf(one),
    count: { want: one.count, min: Math.min(least, one.count) },
    ...(isOfTwo ? { placements: zonesIn(regionOf(one)) } : { type: TYPE }),
    ...(accountOf(one) === OTHER_ACCOUNT && {
      assumeRole: `arn:aws:iam::${OTHER_ACCOUNT}:role/muster`,
      externalId: one.trouble === 'a stranger' ? 'other-words' : EXTERNAL_ID,
    }),
  }));
}

export const zonesIn = (region: string) => [
  { type: TYPE, zone: `${region}a` },
  { type: 't3.small', zone: `${region}b` },
];

/** What AWS is told to do wrong in them. A region has it in all accounts, but for launches in the other account. */
export function troublesOf(places: readonly PlannedPlace[]): Fault[] {
  return places.flatMap((one): Fault[] => {
    const isOther = accountOf(one) === OTHER_ACCOUNT;
    const there = { region: regionOf(one), times: Number.POSITIVE_INFINITY };
    // A launch names its profile, and that its account.
    const launch = { ...there, action: 'RunInstances', match: isOther ? OTHER_ACCOUNT : 'TagSpecification' };
    switch (one.trouble) {
      case 'sold out':
        return [{ ...launch, error: SOLD_OUT }];
      case 'launches denied':
        return [{ ...launch, error: DENIED }];
      case 'ends denied':
        return [{ ...there, action: 'TerminateInstances', error: DENIED }];
      default:
        return [];
    }
  });
}

const SOLD_OUT = { code: 'InsufficientInstanceCapacity', message: 'We are out of it', status: 500 };
const DENIED = { code: 'UnauthorizedOperation', message: 'You are not authorized', status: 403 };
