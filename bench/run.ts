/**
 * `npm run bench`: measures Muster beside what people use instead, against the same sandbox, prints one table and
 * writes it to bench/results/. `npm run bench -- NAME ...` takes only these cases and writes nothing.
 */

import type { Row } from './case.ts';
import { CASES } from './cases/index.ts';
import { machine, tableOf, writeResults } from './results.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !CASES.some((one) => one.name === name));
if (unknown.length > 0) {
  const names = CASES.map(({ name }) => name).join(', ');
  console.error(`There is no case ${unknown.join(', ')}; there are ${names}.`);
  process.exit(2);
}

const rows: Row[] = [];
for (const one of CASES) {
  if (wanted.length > 0 && !wanted.includes(one.name)) continue;
  const started = Date.now();
  rows.push(...(await one.measure()));
  console.error(`${one.name}: measured in ${Math.round((Date.now() - started) / 1000)} s`);
}
console.log(`${machine()}\n\n${tableOf(rows)}`);
if (wanted.length === 0) console.error(`written to ${await writeResults(rows)}`);
process.exitCode = rows.every(({ holds }) => holds !== false) ? 0 : 1;
