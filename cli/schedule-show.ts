/** `muster schedule show NAME` and `muster schedule list`. */

import { connect } from './connect.ts';
import { DONE } from './exit.ts';
import { jsonOf, print, printText, say, stdoutPage } from './output.ts';
import { checkTable } from './schedule-check.ts';
import { scheduleTable, scheduleText } from './schedule-text.ts';

export async function scheduleShow(fleet: string, { json }: { json?: boolean }): Promise<number> {
  const muster = await connect();
  try {
    const standing = await muster.schedules.get(fleet);
    if (json) print(jsonOf(standing));
    else printText(await scheduleText(standing, stdoutPage()));
    return DONE;
  } finally {
    await muster.close();
  }
}

export async function scheduleList({ json }: { json?: boolean }): Promise<number> {
  const muster = await connect();
  try {
    const [schedules, checks] = await Promise.all([muster.schedules.list(), muster.checks.list()]);
    if (json) {
      print(jsonOf({ schedules, checks }));
      return DONE;
    }
    const tables = [
      ...(schedules.length > 0 ? [await scheduleTable(schedules, stdoutPage())] : []),
      ...(checks.length > 0 ? [checkTable(checks, stdoutPage())] : []),
    ];
    if (tables.length > 0) printText(tables.join('\n\n'));
    else say('no schedules');
    return DONE;
  } finally {
    await muster.close();
  }
}
