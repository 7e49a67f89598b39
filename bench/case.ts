/** What a case of the bench is, and what it answers. */

import type { StepReport } from '../fleet/report.ts';

export interface BenchCase {
  /** By which it can be asked for alone: `npm run bench -- NAME`. */
  readonly name: string;
  measure(): Promise<readonly Row[]>;
}

/** One line of the table: what was measured, beside what. */
export interface Row {
  readonly case: string;
  /** Muster's figure, with its unit. */
  readonly muster: string;
  /** What it is held against, with its figure. */
  readonly against: string;
  /** Of figures of this run alone; empty where there is none. */
  readonly ratio: string;
  /** Empty where the figure is only told. */
  readonly wanted: string;
  readonly holds?: boolean;
  /** For the picture of the time by the size. */
  readonly point?: Point;
  /** For the picture of where the time goes. */
  readonly steps?: readonly StepReport[];
}

/** A launch under EC2's buckets; seconds in EC2's own time. */
export interface Point {
  readonly count: number;
  readonly seconds: number;
  readonly bound: number;
}

/** A measured quantity over several runs. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: sorted[Math.floor(sorted.length / 2)]!,
    least: sorted[0]!,
    most: sorted.at(-1)!,
  };
}

/** `0.62 s (0.58 to 0.71)`. */
export function seconds({ median, least, most }: Spread): string {
  return `${median.toFixed(2)} s (${least.toFixed(2)} to ${most.toFixed(2)})`;
}
