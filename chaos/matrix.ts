/** The crash matrix: all cells, on a few sites side by side, and its table. */

import { type Cell, MOMENTS, ROWS, VICTIMS } from './cells.ts';
import { type CrashSite, type Outcome, openCrashSite } from './crash.ts';
import { bundleOnce } from './workers.ts';

export interface MatrixOptions {
  readonly cells?: readonly Cell[];
  readonly sites: number;
  /** Whether a dead worker is missed as late as in earnest. */
  readonly inEarnest: boolean;
  readonly told?: (outcome: Outcome) => void;
}

const ALL_CELLS: readonly Cell[] = ROWS.flatMap((row) =>
  VICTIMS.flatMap((victim) => MOMENTS.map((moment): Cell => ({ row, moment, victim }))),
);

export async function crashMatrix(options: MatrixOptions): Promise<Outcome[]> {
  const { cells = ALL_CELLS, told = () => {} } = options;
  const bundle = await bundleOnce({ isBrisk: !options.inEarnest });
  const waiting = [...cells];
  const outcomes: Outcome[] = [];

  async function work(site: CrashSite): Promise<void> {
    try {
      for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
        const outcome = await site.crash(cell);
        outcomes.push(outcome);
        told(outcome);
      }
    } finally {
      await site.close();
    }
  }

  try {
    const working: Promise<void>[] = [];
    // All at once they would keep each other from answering in time.
    for (let site = 0; site < Math.min(options.sites, cells.length); site++) {
      working.push(work(await openCrashSite(`site-${site}`, bundle.path)));
    }
    await Promise.all(working);
    return outcomes;
  } finally {
    await bundle.remove();
  }
}

export function matrixTable(outcomes: readonly Outcome[]): string {
  const columns = VICTIMS.flatMap((victim) => MOMENTS.map((moment) => ({ victim, moment })));
  return [
    `| ${['step', 'call', ...columns.map(({ victim, moment }) => `${victim} ${moment}`)].join(' | ')} |`,
    `|${'---|'.repeat(columns.length + 2)}`,
    ...ROWS.map((row) => {
      const cells = columns.map(({ victim, moment }) => {
        const outcome = outcomes.find(
          ({ cell }) => cell.row === row && cell.victim === victim && cell.moment === moment,
        );
        return outcome ? inWords(outcome) : '';
      });
      return `| ${[`${row.isUndo ? 'undo: ' : ''}${row.name}`, row.action, ...cells].join(' | ')} |`;
    }),
  ].join('\n');
}

function inWords({ state, secondsToGoOn, problems }: Outcome): string {
  return `${problems.length > 0 ? 'BROKEN ' : ''}${state}, ${secondsToGoOn.toFixed(1)} s`;
}
