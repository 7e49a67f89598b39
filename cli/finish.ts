/** The end of a command about a run: its report on stdout, and the exit code. */

import type { FleetRun } from '../client/fleet-run.ts';
import { exitCode, type FleetReport } from '../fleet/report.ts';
import { printResult } from './events.ts';
import { DONE, reportJson } from './exit.ts';
import { follow, introduce } from './follow.ts';
import { followEvents } from './follow-events.ts';
import { jsonOf, print, printText, say, stdoutPage } from './output.ts';
import { type ReportTextOptions, reportText } from './report-text.ts';

export interface RunOptions {
  readonly json?: boolean;
  /** What happens, line by line, and the result as the last. */
  readonly events?: boolean;
  readonly detach?: boolean;
}

/** `file`: of the spec, as it was typed. */
interface SeenOptions extends RunOptions, Pick<ReportTextOptions, 'file' | 'isPassing'> {
  /** What comes of it after its own end, before that is told. */
  readonly after?: (report: FleetReport) => Promise<FleetReport>;
}

/**
 * Follows the run to its end, or with `detach` only says which it is. Answers its report in the first case. Steps of long
 * ago are not played again.
 */
export async function seeThrough(
  run: FleetRun,
  { file, isPassing, after = async (report) => report, ...options }: SeenOptions,
): Promise<FleetReport | undefined> {
  const { json, events, detach } = options;
  introduce(run);
  if (detach) {
    const { fleet, workflowId, runId, uiUrl } = run;
    const state = run.met === 'ended' ? (await run.result()).state : 'running';
    print(json ? jsonOf({ fleet, state, workflowId, runId, uiUrl }) : `${workflowId} ${runId}`);
    return undefined;
  }
  const isOver = run.met === 'ended' || run.met === 'keeping';
  if (events && !isOver) return after(await followEvents(run));
  const report = isOver ? await run.result() : await after(await follow(run, options));
  if (!isOver) say('');
  tellReport(report, options, run.uiUrl, { file, isPassing });
  return report;
}

export function tellReport(
  report: FleetReport,
  { json, events }: Pick<RunOptions, 'json' | 'events'>,
  uiUrl?: string,
  more: Pick<ReportTextOptions, 'steps' | 'changeUrl' | 'file' | 'isPassing'> = {},
): void {
  if (events) printResult(report, uiUrl);
  else if (json) print(reportJson(report, uiUrl));
  else printText(reportText(report, { ...stdoutPage(), uiUrl, ...more }));
}

/** Of what a person was asked and did not want. */
export function tellUnchanged(fleet: string, { json }: { readonly json?: boolean }): number {
  say('Nothing was changed.');
  if (json) print(jsonOf({ fleet, changed: false }));
  return DONE;
}

export function codeOf(report: FleetReport | undefined): number {
  return report ? exitCode(report) : 0;
}
