/** The table of a bench, and where it is kept. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './case.ts';
import { ensurePeers } from './peers.ts';

const HELD: Record<string, string> = { true: 'yes', false: 'no', undefined: '' };

const RESULTS = new URL('./results/', import.meta.url);

export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    [row.case, row.muster, row.against, row.ratio, row.wanted, HELD[`${row.holds}`]].join(' | '),
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

/** The table, the rows as JSON, and their pictures. Answers the table's path. */
export async function writeResults(rows: readonly Row[]): Promise<string> {
  mkdirSync(RESULTS, { recursive: true });
  const day = new Date().toISOString().slice(0, 10);
  const path = (name: string) => fileURLToPath(new URL(name, RESULTS));
  writeFileSync(path(`${day}.md`), `# Bench of ${day}\n\n${machine()}\n\n${tableOf(rows)}\n`);
  writeFileSync(path(`${day}.json`), `${JSON.stringify({ machine: machine(), rows }, null, 1)}\n`);
  const { draw } = await ensurePeers();
  await draw(path(`${day}.json`), path(''));
  return relative(process.cwd(), path(`${day}.md`));
}
