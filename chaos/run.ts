/**
 * `npm run chaos -- --runs N --seed S`: runs in random weathers, killed, cancelled and terminated at random moments, each
 * held against what is promised by what AWS has after it. A run follows from its seed alone: `--seed S --runs 1` is the
 * one that a line told of. `--places all` has every fleet in several places, `none` none; otherwise it is drawn. `--changed`
 * passes over the seeds of fleets that are not changed once they are complete.
 *
 * `npm run chaos -- --matrix`: the crash matrix instead. The worker, the Temporal server or both are killed before, during
 * and after each step and each undo.
 */

import { parseArgs } from 'node:util';
import { Runtime } from '@temporalio/worker';
import { campaign, type Result } from './campaign.ts';
import { crashMatrix, matrixTable } from './matrix.ts';
import { WHICH } from './plan.ts';
import { endOf, tables } from './table.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    matrix: { type: 'boolean', default: false },
    lanes: { type: 'string' },
    places: { type: 'string', default: 'some' },
    changed: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const places = WHICH.find((which) => which === values.places);
if (!places) throw new Error(`--places ${values.places}: ${WHICH.join(', ')}`);

Runtime.install({
  logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error } as never,
});
const started = performance.now();
const played: Result[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (!values.matrix) console.log(`\n${tables(played)}\n`);
    sum(played, 'runs so far');
    // Workers and servers end with the process that holds them.
    process.exit(130);
  });
}
process.exitCode = (await (values.matrix ? runMatrix() : runCampaign())) > 0 ? 1 : 0;

async function runCampaign(): Promise<number> {
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  const { changed } = values;
  const results = await campaign({
    runs,
    seed,
    places,
    changed,
    lanes: Number(values.lanes ?? 12),
    told: tell,
  });
  console.log(`\n${tables(results)}\n`);
  return sum(results, `runs from seed ${seed}`);
}

async function runMatrix(): Promise<number> {
  const outcomes = await crashMatrix({
    sites: Number(values.lanes ?? 6),
    inEarnest: true,
    told: ({ cell, state, secondsToGoOn, problems }) => {
      const where = `${cell.victim} ${cell.moment} ${cell.row.action}`;
      console.log(`${where}: ${state}, ${secondsToGoOn.toFixed(1)} s ${problems.join('; ')}`);
    },
  });
  console.log(`\n${matrixTable(outcomes)}\n`);
  return sum(outcomes, 'crashes');
}

function sum(all: readonly { readonly problems: readonly string[] }[], what: string): number {
  const seconds = (performance.now() - started) / 1000;
  const broken = all.filter(({ problems }) => problems.length > 0).length;
  const rate = (all.length / seconds).toFixed(2);
  console.log(`${all.length} ${what} in ${seconds.toFixed(0)} s (${rate} a second), ${broken} broken`);
  return broken;
}

function tell(result: Result): void {
  played.push(result);
  const { plan, ending, problems, seconds } = result;
  const how = `${plan.weather.kind}; ${ending?.did.join(', ') || 'nothing done'}: ${endOf(result)}, ${seconds.toFixed(1)} s`;
  const again = `--seed ${plan.seed} --runs 1${places === 'some' ? '' : ` --places ${places}`}`;
  if (problems.length > 0) console.log(`${again}: ${how}: ${problems.join('; ')}`);
  else if (values.verbose) console.log(`${plan.seed}: ${how}`);
  if (values.verbose && problems.length > 0) {
    console.log(JSON.stringify({ plan, report: ending?.report, refused: ending?.refused }, null, 1));
  }
}
