/** `muster check NAME`: what AWS shows of a fleet otherwise than its spec says. */

import { specFromFile } from '../client/specs.ts';
import { findingCount } from '../fleet/drift-report.ts';
import { connect } from './connect.ts';
import { driftText } from './drift-text.ts';
import { DONE, LEFT_OVER } from './exit.ts';
import { jsonOf, print, printText, stdoutColors } from './output.ts';

export async function check(
  fleet: string,
  { json, file }: { json?: boolean; file?: string },
): Promise<number> {
  const spec = file === undefined ? undefined : specFromFile(file);
  const muster = await connect();
  try {
    const report = await muster.check(fleet, { spec });
    if (json) print(jsonOf({ ...report, uiUrl: muster.linkTo(report) }));
    else printText(driftText(report, { colors: stdoutColors(), file, uiUrl: muster.linkTo(report) }));
    return findingCount(report) === 0 ? DONE : LEFT_OVER;
  } finally {
    await muster.close();
  }
}
