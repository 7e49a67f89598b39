/**
 * `npm run bench`: measures Muster beside what people use instead, against the same sandbox, prints one table and
 * writes it to bench/results/. `npm run bench -- NAME ...` measures these cases alone, and their rows take the place of
 * those that were measured on the same day.
 */

import { CASES } from './cases/index.ts';
import { buildMuster } from './field.ts';
import { type Measured, machine, tableOf, writeResults } from './results.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !CASES.some((one) => one.name === name));
if (unknown.length > 0) {
  const names = CASES.map(({ name }) => name).join(', ');
  console.error(`There is no case ${unknown.join(', ')}; there are ${names}.`);
  process.exit(2);
}

await buildMuster();
const measured: Record<string, Measured> = {};
for (const one of CASES) {
  if (wanted.length > 0 && !wanted.includes(one.name)) continue;
  const started = Date.now();
  measured[one.name] = { at: new Date().toISOString(), rows: await one.measure() };
  console.error(`${one.name}: measured in ${Math.round((Date.now() - started) / 1000)} s`);
}
const rows = Object.values(measured).flatMap((one) => one.rows);
console.log(`${machine()}\n\n${tableOf(rows)}`);
console.error(`written to ${await writeResults(measured)}`);
process.exitCode = rows.every(({ holds }) => holds !== false) ? 0 : 1;
