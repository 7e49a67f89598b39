/** What a fleet's history holds, by the size of the fleet. That of ten thousand is told with their launch. */

import type { BenchCase, Row } from '../case.ts';
import { type Field, onField } from '../field.ts';
import { historyRow, LARGE, SMALL } from '../history-size.ts';

const SIZES = [
  { count: 1, bound: SMALL },
  { count: 10, bound: SMALL },
  { count: 1_000, bound: LARGE },
] as const;

export const history: BenchCase = {
  name: 'history',
  measure: () =>
    onField({ behaviour: { propagationSeconds: 0 } }, async (field) => {
      const rows: Row[] = [];
      for (const size of SIZES) rows.push(await measure(field, size));
      return rows;
    }),
};

async function measure(field: Field, { count, bound }: (typeof SIZES)[number]): Promise<Row> {
  const name = `history-${count}`;
  await field.muster('up', await field.spec(name, count), '--json');
  const running = await field.running(name);
  if (running !== count) throw new Error(`${name} has ${running} running instances, not ${count}`);
  return historyRow(field, name, count, bound);
}
