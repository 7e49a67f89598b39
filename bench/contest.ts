/** Muster and what people use instead, in turns, so that a machine which slows down slows all of them. */

import { FLEET_TAG } from '../fleet/tags.ts';
import type { Call } from '../sandbox/index.ts';
import { type Spread, spreadOf } from './case.ts';
import type { Field } from './field.ts';
import type { PeerRun, Peers } from './peers.ts';
import { type Standing, standing } from './standing.ts';

export interface Contender {
  readonly name: string;
  up(): Promise<PeerRun>;
  standing(): Promise<Standing>;
  down(): Promise<void>;
}

export interface Outcome {
  readonly took: Spread;
  /** Those to AWS, of each run. */
  readonly calls: readonly (readonly Call[])[];
}

/** Runs each in turn, so many times over; fails unless each time the whole fleet stands. */
export async function contest(
  { sandbox: { aws } }: Field,
  contenders: readonly Contender[],
  { rounds, count }: { readonly rounds: number; readonly count: number },
): Promise<Outcome[]> {
  const seconds: number[][] = contenders.map(() => []);
  const calls: Call[][][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, one] of contenders.entries()) {
      aws.clearCalls();
      const run = await one.up();
      calls[at]!.push([...aws.calls()]);
      if (run.failure !== undefined) throw new Error(`${one.name} failed: ${run.failure}`);
      const { instances } = await one.standing();
      if (instances !== count) throw new Error(`${one.name} has ${instances} instances, not ${count}`);
      seconds[at]!.push(run.seconds);
      await one.down();
    }
  }
  return contenders.map((_, at) => ({ took: spreadOf(seconds[at]!), calls: calls[at]! }));
}

export async function musterOf(field: Field, name: string, count: number): Promise<Contender> {
  const file = await field.spec(name, count);
  return {
    name: 'Muster',
    async up() {
      const started = performance.now();
      const failure = await field.muster('up', file, '--json').then(
        () => undefined,
        (error: Error) => error.message,
      );
      return { seconds: (performance.now() - started) / 1000, failure };
    },
    standing: () => standing(field, { tag: FLEET_TAG, name }),
    async down() {
      await field.muster('down', name, '--yes', '--json');
    },
  };
}

export function scriptOf(peers: Peers, field: Field, count: number, sleepSeconds: number): Contender {
  const fleet = { name: 'by-script', count };
  return {
    name: `the script, sleeping ${sleepSeconds} s`,
    up: () => peers.script(field, fleet, sleepSeconds),
    standing: () => peers.standing(field, fleet),
    down: () => peers.remove(field, fleet),
  };
}

export function ansibleOf(peers: Peers, field: Field, count: number): Contender {
  const fleet = { name: 'by-ansible', count };
  return {
    name: 'Ansible',
    up: () => peers.ansible(field, fleet),
    standing: () => peers.standing(field, fleet),
    down: () => peers.remove(field, fleet),
  };
}

/** How often `one` goes into `other`, by their medians. */
export const timesOf = (one: Spread, other: Spread): number => other.median / one.median;

export const times = (ratio: number): string => `${ratio.toFixed(1)} ×`;
