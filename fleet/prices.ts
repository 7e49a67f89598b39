/** A price list that somebody has written or fetched, and what a fleet costs an hour by it. */

import { z } from 'zod';
import { findingsOf, type Mistake, mistakeOf, wanted } from './mistakes.ts';
import { INSTANCE_TYPE, REGION } from './names.ts';
import { fields, text } from './schema-parts.ts';
import type { Count, Market, Placement } from './spec.ts';

export interface PriceList {
  /** Of when the prices are: `2026-11-01`. */
  readonly date: string;
  /** `USD`. */
  readonly currency: string;
  /** By region and type: of a Linux machine, on demand, an hour. */
  readonly onDemand: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const price = z
  .number(wanted('a price', 'a number, for instance 0.0104'))
  .nonnegative(wanted('a price', 'none is below 0'));

const schema = fields('a price list', {
  date: text(/^\d{4}-\d\d-\d\d$/, 'a date', 'for instance "2026-11-01"'),
  currency: text(/^[A-Z]{3}$/, 'a currency', 'three letters, for instance USD'),
  onDemand: z.record(
    text(REGION, 'a region', 'for instance us-east-1'),
    z.record(
      text(INSTANCE_TYPE, 'an instance type', 'for instance t3.micro'),
      price,
      wanted('a map of prices', 'for instance { "t3.micro": 0.0104 }'),
    ),
    wanted('a map of regions', 'for instance { "us-east-1": { "t3.micro": 0.0104 } }'),
  ),
});

export type PricesReading =
  | { readonly prices: PriceList; readonly mistakes?: undefined }
  | { readonly mistakes: readonly Mistake[]; readonly prices?: undefined };

/** Reads a list's text, JSON. All mistakes at once. */
export function readPrices(written: string, file?: string): PricesReading {
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch (error) {
    const message = `no JSON: ${(error as Error).message}`;
    return {
      mistakes: [{ ...(file !== undefined && { file }), path: '', message, mend: 'docs/plan.md has one' }],
    };
  }
  const { data, error } = schema.safeParse(value);
  if (data) return { prices: data };
  return { mistakes: findingsOf(error, value, () => undefined).map((finding) => mistakeOf(finding, file)) };
}

export interface FleetPrice {
  /** Of the list. */
  readonly date: string;
  readonly currency: string;
  /** An hour of all instances that are wanted, all of the cheapest type that they may have and all of the dearest. */
  readonly least: number;
  readonly most: number;
  /** Spot costs no more than that, and mostly less. */
  readonly isCeiling: boolean;
  /** `t3.micro in us-east-1`: what the list does not have, and the price leaves out. */
  readonly missing: readonly string[];
}

/** What is launched in a region, of any of some types. */
export interface Priced {
  readonly region: string;
  readonly count: Count;
  readonly market: Market;
  readonly placements: readonly Pick<Placement, 'type'>[];
}

/** The machines alone: volumes, addresses and traffic have prices of their own. */
export function fleetPrice(all: readonly Priced[], { date, currency, onDemand }: PriceList): FleetPrice {
  let [least, most] = [0, 0];
  const missing = new Set<string>();
  for (const { region, count, placements } of all) {
    const known: number[] = [];
    for (const { type } of placements) {
      const found = onDemand[region]?.[type];
      if (found === undefined) missing.add(`${type} in ${region}`);
      else known.push(found);
    }
    if (known.length === 0) continue;
    least += Math.min(...known) * count.want;
    most += Math.max(...known) * count.want;
  }
  const isCeiling = all.some(({ market }) => market !== 'on-demand');
  return { date, currency, least, most, isCeiling, missing: [...missing] };
}
