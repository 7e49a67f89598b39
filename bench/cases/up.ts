/** One fleet of ten, as `muster up` brings it up, from the command's start to its exit. */

import { type BenchCase, type Row, seconds, spreadOf } from '../case.ts';
import { type Field, onField } from '../field.ts';

const RUNS = 5;
const COUNT = 10;

export const up: BenchCase = {
  name: 'up',
  measure: () =>
    onField({}, async (field) => [
      await measure(field, 0, { most: 2, wanted: 'under 2 s' }),
      await measure(field, 8, { most: 8.8, wanted: 'within 0.8 s of the propagation' }),
    ]),
};

async function measure(
  field: Field,
  propagation: number,
  { most, wanted }: { readonly most: number; readonly wanted: string },
): Promise<Row> {
  const { aws } = field.sandbox;
  const name = `up-${propagation}`;
  const file = await field.spec(name, COUNT);
  aws.configure({ propagationSeconds: propagation });
  const took: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now();
    await field.muster('up', file, '--json');
    took.push((performance.now() - started) / 1000);
    const running = await field.running(name);
    if (running !== COUNT) throw new Error(`${name} has ${running} running instances, not ${COUNT}`);
    await field.muster('down', name, '--yes', '--json');
  }
  const spread = spreadOf(took);
  return {
    case: `${COUNT} instances, propagation ${propagation} s`,
    muster: seconds(spread),
    against: '',
    ratio: '',
    wanted,
    holds: spread.median <= most,
  };
}
