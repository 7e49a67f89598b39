/** The shape of placements, counts and needs as people write them. */

import { z } from 'zod';
import { shown, wanted } from './mistakes.ts';
import { INSTANCE_TYPE, SUBNET_ID, ZONE } from './names.ts';
import { complain, fields, isMap, nested, oneOf, text, whole, writtenAs } from './schema-parts.ts';
import {
  type Count,
  type Market,
  MOST_INSTANCES,
  type Need,
  type Range,
  type WantedPlacement,
} from './spec.ts';

const MOST_PLACEMENTS = 40;
const MARKETS = ['on-demand', 'spot', 'spot-then-on-demand'] as const satisfies readonly Market[];
const ARCHITECTURES = ['x86_64', 'arm64'] as const;
/** Names that other tools have for them. */
const ALSO_CALLED: Readonly<Record<string, string>> = {
  ...{ amd64: 'x86_64', x64: 'x86_64', 'x86-64': 'x86_64', intel: 'x86_64' },
  ...{ arm: 'arm64', aarch64: 'arm64', graviton: 'arm64' },
};

const number = whole(1, MOST_INSTANCES, 'for instance 3');

const countMap = fields('a count', { want: number, min: number.optional() })
  .superRefine(({ want, min }, context) => {
    if (min === undefined || min <= want) return;
    complain(context, ['min'], `${min} is more than the ${want} wanted`, `at most ${want}`);
  })
  .transform(({ want, min = want }): Count => ({ want, min }));

/** `3`, or `{ want: 100, min: 80 }`. */
export const count = writtenAs(
  z.unknown().transform((value, context): Count => {
    if (isMap(value)) return nested(countMap, value, context);
    const want = nested(number, value, context);
    return { want, min: want };
  }),
  number,
  countMap,
);

/** `4`, `2..4`, `2..` or `..4`; with units, `4GiB..8GiB`. */
function range(noun: string, hint: string, units: Units = {}) {
  const error = wanted(noun, hint);
  const ends = z.union([z.string(error), z.number(error)], error).transform((value, context): Range => {
    const read = readRange(`${value}`, units);
    const { least = 0, most = Number.POSITIVE_INFINITY } = read ?? {};
    if (read && least <= most) return read;
    if (read)
      complain(context, [], `${shown(value)} begins with its larger end`, 'the smaller one comes first');
    else context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
  const asText = z.string(error).regex(rangePattern(units), error);
  // A number is an amount only of what has no unit.
  return hasUnits(units) ? writtenAs(ends, asText) : writtenAs(ends, z.int(error).min(1, error), asText);
}

/** What `readRange` reads, but for which end is the larger. */
function rangePattern(units: Units): RegExp {
  const anyCase = (unit: string) => unit.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
  const unit = hasUnits(units) ? `\\s*(?:${Object.keys(units).map(anyCase).join('|')})` : '';
  const amount = `\\d{1,7}(?:\\.\\d{1,3})?${unit}`;
  return new RegExp(`^\\s*(?:${amount}(?:\\s*\\.\\.\\s*(?:${amount})?)?|\\.\\.\\s*${amount})\\s*$`);
}

function readRange(written: string, units: Units): Range | undefined {
  const ends = written.replace(/\s/g, '').split('..');
  const amounts = ends.map((end) => (end === '' ? undefined : amountOf(end, units)));
  const [least, most = ends.length === 1 ? least : undefined] = amounts;
  const isWrong =
    ends.length > 2 ||
    amounts.some((amount, at) => ends[at] !== '' && amount === undefined) ||
    (least === undefined && most === undefined);
  if (isWrong) return undefined;
  return { ...(least !== undefined && { least }), ...(most !== undefined && { most }) };
}

/** In the smallest unit, by the names of units in small letters. */
type Units = Readonly<Record<string, number>>;

const hasUnits = (units: Units): boolean => Object.keys(units).length > 0;

function amountOf(written: string, units: Units): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,7}(?:\.\d{1,3})?)([a-z]*)$/i.exec(written) ?? [];
  const size = unit === '' && !hasUnits(units) ? 1 : units[unit.toLowerCase()];
  const amount = Number(digits) * (size ?? Number.NaN);
  return Number.isInteger(amount) && amount > 0 ? amount : undefined;
}

const MIB: Units = { mib: 1, gib: 1024, tib: 1024 * 1024 };

/** The fields of one placement: in a list of them, or of the instances themselves. */
export const placementShape = {
  type: text(INSTANCE_TYPE, 'an instance type', 'for instance t3.micro').optional(),
  vcpu: range('a number of vCPUs or a range of it', 'for instance 2..4 or 2..').optional(),
  memory: range('an amount of memory or a range of it', 'with a unit: 4GiB.. or 2GiB..8GiB', MIB).optional(),
  arch: z
    .enum(ARCHITECTURES, {
      error: ({ input }) => {
        const meant = ALSO_CALLED[`${input}`.toLowerCase()];
        return wanted(`one of ${ARCHITECTURES.join(', ')}`, meant && `did you mean ${meant}?`);
      },
    })
    .optional(),
  zone: text(ZONE, 'a zone', 'its name, for instance us-east-1a').optional(),
  subnet: text(SUBNET_ID, 'a subnet', 'its id, for instance subnet-0123456789abcdef0').optional(),
};

const placement = fields('a placement', placementShape);
type Written = z.output<typeof placement>;

export const placements = z
  .array(placement, wanted('a list of placements', 'for instance - { type: t3.micro, zone: us-east-1a }'))
  .superRefine(({ length }, context) => {
    if (length >= 1 && length <= MOST_PLACEMENTS) return;
    const message = length === 0 ? 'empty' : `${length} placements`;
    complain(context, [], message, `give 1 to ${MOST_PLACEMENTS}, for instance - { type: t3.micro }`);
  })
  .transform((list) => list.map(asPlacement));

export const market = oneOf(MARKETS);

/** What is missing or too much in it is a conflict (fleet/placement-conflicts.ts), and refused there. */
export function asPlacement({ type, zone, subnet, ...need }: Written): WantedPlacement {
  const place = { zone, subnet };
  return type === undefined ? { need: need satisfies Need, ...place } : { type, ...place };
}
