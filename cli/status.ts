/** `muster status NAME`: how a fleet is, by its last run and by its tags in AWS; or all of its instances. */

import { exitCode, type InstanceReport, isSettled } from '../fleet/report.ts';
import { connect } from './connect.ts';
import { DONE } from './exit.ts';
import { tellReport } from './finish.ts';
import { jsonLine, print, stdoutPage } from './output.ts';
import { alignedLines, LEAST_OF_INSTANCES } from './table.ts';

export async function status(
  fleet: string,
  { json, region, instances }: { json?: boolean; region?: string; instances?: boolean },
): Promise<number> {
  const muster = await connect();
  try {
    const report = await muster.status(fleet, { region });
    if (instances)
      await listInstances(muster.instancesOf({ ...report, region: report.region ?? region }), json);
    else
      tellReport(report, { json }, muster.linkTo(report), {
        steps: true,
        changeUrl: muster.linkToChange(report),
      });
    return isSettled(report.state) ? exitCode(report) : DONE;
  } finally {
    await muster.close();
  }
}

const HEADS = ['INSTANCE', 'TYPE', 'ZONE', 'PRIVATE IP', 'STATE'];
/** As wide as ids and addresses are, and most types, zones and states: lines come before the last one is known. */
const WIDTHS = [19, 14, 15, 15, 8];

/** Line by line as they come, however many: as JSON a line is an object. */
async function listInstances(all: AsyncIterable<InstanceReport>, json: boolean | undefined): Promise<void> {
  const { colors, width } = stdoutPage();
  if (!json) print(colors.dim(columns(HEADS, width)));
  for await (const instance of all) {
    const { id, type, zone, privateIp = '', state } = instance;
    print(json ? jsonLine(instance) : columns([id, type, zone, privateIp, state], width));
  }
}

function columns(cells: readonly string[], width: number | undefined): string {
  return alignedLines([HEADS, cells], { width, widths: WIDTHS, least: LEAST_OF_INSTANCES }).at(-1)!;
}
