/** `muster report NAME`: what became of a fleet; with `--html`, as one page to send or to keep. */

import { writeFileSync } from 'node:fs';
import type { FleetRecord } from '../client/record.ts';
import { connect } from './connect.ts';
import { DONE, reportJson, UsageError } from './exit.ts';
import { tellReport } from './finish.ts';
import { jsonOf, print, printText, stdoutColors } from './output.ts';

export interface ReportOptions {
  readonly html?: string;
  readonly json?: boolean;
  readonly region?: string;
}

/** On stdout. */
const STDOUT = '-';

/** Whoever wants to know how a fleet is by an exit code asks `status`: what is told here is told, whatever it says. */
export async function report(fleet: string, { html, json, region }: ReportOptions): Promise<number> {
  if (html === STDOUT && json) {
    throw new UsageError(
      '--html - and --json are both for stdout',
      'give the page a file, or leave one of them out',
    );
  }
  const muster = await connect();
  try {
    const record = await muster.record(fleet, { region });
    if (html === undefined) tell(record, json);
    else await writePage(record, html, json);
    return DONE;
  } finally {
    await muster.close();
  }
}

function tell({ report, uiUrl, changeUrl, history }: FleetRecord, json: boolean | undefined): void {
  if (json) print(reportJson({ ...report, history }, uiUrl));
  else tellReport(report, {}, uiUrl, { steps: true, changeUrl });
}

async function writePage(
  { report, ...options }: FleetRecord,
  file: string,
  json: boolean | undefined,
): Promise<void> {
  const { reportPage } = await import('../page/page.ts');
  const page = reportPage(report, options);
  if (file === STDOUT) {
    process.stdout.write(page);
    return;
  }
  write(file, page);
  const { fleet, state } = report;
  if (json) print(jsonOf({ fleet, state, file }));
  else printText(`${stdoutColors().green('✓')} ${file} has the report of fleet ${fleet}: ${state}`);
}

function write(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (error) {
    throw new UsageError(
      `the page cannot be written: ${(error as Error).message}`,
      'give another FILE; - is stdout',
    );
  }
}
