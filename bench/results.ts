/** The table of a bench, and where it is kept. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './case.ts';

const RESULTS = new URL('./results/', import.meta.url);

export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    [row.case, row.muster, row.against, row.ratio, row.wanted, row.holds ? 'yes' : 'no'].join(' | '),
  );
  return [
    '| case | Muster | against | ratio | wanted | holds |',
    '|---|---|---|---|---|---|',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n');
}

/** On what it was measured, in one line. */
export function machine(): string {
  const all = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}, ${memory} GiB, ${process.platform}, Node ${process.version}`;
}

/** Answers the file's path. */
export function writeResults(rows: readonly Row[]): string {
  mkdirSync(RESULTS, { recursive: true });
  const day = new Date().toISOString().slice(0, 10);
  const file = fileURLToPath(new URL(`${day}.md`, RESULTS));
  writeFileSync(file, `# Bench of ${day}\n\n${machine()}\n\n${tableOf(rows)}\n`);
  return relative(process.cwd(), file);
}
