/** `muster schedule pause NAME`, `resume NAME` and `delete NAME`. */

import type { Muster } from '../client/muster.ts';
import type { ScheduleStanding } from '../client/schedule-standing.ts';
import { timeWords } from '../fleet/zones.ts';
import { connect } from './connect.ts';
import { DONE, UsageError } from './exit.ts';
import { tellUnchanged } from './finish.ts';
import { jsonOf, print, printText } from './output.ts';
import { isTerminal, isYes } from './terminal.ts';

export interface ChangeOptions {
  readonly note?: string;
  readonly json?: boolean;
}

export function schedulePause(fleet: string, { note, json }: ChangeOptions): Promise<number> {
  return changed(
    json,
    (muster) => muster.schedules.pause(fleet, note),
    ({ note }) =>
      `schedule ${fleet} is paused: ${note}\n  muster schedule resume ${fleet}   has its times start runs again`,
  );
}

export function scheduleResume(fleet: string, { note, json }: ChangeOptions): Promise<number> {
  return changed(
    json,
    (muster) => muster.schedules.resume(fleet, note),
    ({ next: [first], timezone }) =>
      first === undefined
        ? `schedule ${fleet} is on, and no time of it is to come`
        : `schedule ${fleet} is on; next: ${timeWords(new Date(first), timezone)} (${timezone})`,
  );
}

async function changed(
  json: boolean | undefined,
  change: (muster: Muster) => Promise<ScheduleStanding>,
  words: (standing: ScheduleStanding) => string,
): Promise<number> {
  const muster = await connect();
  try {
    const standing = await change(muster);
    if (json) print(jsonOf(standing));
    else printText(words(standing));
    return DONE;
  } finally {
    await muster.close();
  }
}

/** Asks first: its times are in no file from which it could be made again. */
export async function scheduleDelete(
  fleet: string,
  { json, yes }: ChangeOptions & { yes?: boolean },
): Promise<number> {
  if (!yes && !isTerminal()) {
    const message = `'muster schedule delete' asks before it removes the schedule ${fleet}, and there is no terminal to ask`;
    throw new UsageError(message, 'add --yes');
  }
  const muster = await connect();
  try {
    const { runs, cron, timezone } = await muster.schedules.get(fleet);
    if (!yes && !(await isYes(`Delete the schedule ${fleet}, '${cron}' (${timezone})?`))) {
      return tellUnchanged(fleet, { json });
    }
    await muster.schedules.delete(fleet);
    const underWay = runs.filter(({ state }) => state === 'running');
    if (json) print(jsonOf({ fleet, deleted: true, underWay }));
    else
      printText(
        [`schedule ${fleet} is deleted`, ...underWay.map(({ workflowId }) => goesOn(workflowId))].join('\n'),
      );
    return DONE;
  } finally {
    await muster.close();
  }
}

const goesOn = (workflowId: string) => `  ${workflowId} goes on, and ends its fleet in its time`;
