/** `muster plan FILE`: what `up` would do, and what is in its way. Changes nothing. */

import type { Muster } from '../client/muster.ts';
import { pricesFromFile } from '../client/prices.ts';
import { type CheckedSpec, specFromFile } from '../client/specs.ts';
import type { PlanReport } from '../fleet/plan.ts';
import { connect } from './connect.ts';
import { DONE, WRONG_INPUT } from './exit.ts';
import { withFile } from './file-words.ts';
import { jsonOf, print, printText, say, stderrColors, stdoutColors, widthOf } from './output.ts';
import { planText } from './plan-text.ts';

export interface PlanCommandOptions {
  readonly json?: boolean;
  readonly prices?: string;
}

export async function plan(file: string, { json, prices }: PlanCommandOptions): Promise<number> {
  const checked = specFromFile(file);
  const list = pricesIn(prices);
  const muster = await connect();
  try {
    const report = namingFile(await muster.plan(checked, { prices: list }), file);
    if (json) print(jsonOf(report));
    else printText(planText(report, { file, colors: stdoutColors(), width: widthOf(process.stdout) }));
    return report.goes ? DONE : WRONG_INPUT;
  } finally {
    await muster.close();
  }
}

/** On stderr and shortened, for whoever is asked next. */
export async function sayPlan(muster: Muster, checked: CheckedSpec, file: string): Promise<PlanReport> {
  const report = namingFile(await muster.plan(checked, { prices: pricesIn(undefined) }), file);
  say('');
  say(planText(report, { file, colors: stderrColors(), width: widthOf(process.stderr), isShort: true }));
  return report;
}

/** With the file that was typed in what mends an obstacle. */
function namingFile(report: PlanReport, file: string): PlanReport {
  const obstacles = report.obstacles.map((one) => ({
    ...one,
    ...(one.mend !== undefined && { mend: withFile(one.mend, file) }),
  }));
  return { ...report, obstacles };
}

function pricesIn(file = process.env.MUSTER_PRICES) {
  return file ? pricesFromFile(file) : undefined;
}
