/** `--events`: what happens, one JSON object a line on stdout, with the result or the error as the last. */

import type { FleetEvent } from '../fleet/event.ts';
import type { FleetReport } from '../fleet/report.ts';
import { type errorAsJson, reportAsJson, UsageError } from './exit.ts';
import { jsonLine, print } from './output.ts';

export interface EventsOptions {
  readonly events?: boolean;
  readonly json?: boolean;
  readonly detach?: boolean;
}

/** Throws UsageError for what cannot be had together. */
export function checkEvents({ events, json, detach }: EventsOptions): void {
  if (!events) return;
  if (json) {
    throw new UsageError(
      '--events and --json are two forms of one thing',
      "the last of the events has what '--json' prints",
    );
  }
  if (detach) throw new UsageError('--events tells what happens, and with --detach nobody waits for that');
}

/** An event as a line; a result with the report as `--json` has it. */
export function printEvent(event: FleetEvent, uiUrl?: string): void {
  const told = event.type === 'result' ? { ...event, report: reportAsJson(event.report, uiUrl) } : event;
  print(jsonLine(told));
}

/** Of what was over before it was asked for. */
export function printResult(report: FleetReport, uiUrl?: string): void {
  const { fleet, runId } = report;
  printEvent({ schema: 1, at: now(), fleet, runId, type: 'result', report }, uiUrl);
}

export function printError(error: ReturnType<typeof errorAsJson>): void {
  print(jsonLine({ schema: 1, at: now(), type: 'error', ...error }));
}

const now = (): string => new Date().toISOString();
