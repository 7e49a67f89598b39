/** `muster status NAME`: how a fleet is, by its last run or by its tags in AWS. */

import { Muster } from '../client/muster.ts';
import { exitCode, isSettled } from '../fleet/report.ts';
import { DONE } from './exit.ts';
import { tellReport } from './finish.ts';

export async function status(
  fleet: string,
  { json, region }: { json?: boolean; region?: string },
): Promise<number> {
  const muster = await Muster.connect();
  try {
    const report = await muster.status(fleet, { region });
    tellReport(report, json, muster.linkTo(report), true);
    return isSettled(report.state) ? exitCode(report) : DONE;
  } finally {
    await muster.close();
  }
}
