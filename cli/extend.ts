/** `muster extend NAME TIME`: moves the end of a fleet's lease, or gives it one. */

import type { LeaseReport } from '../fleet/report.ts';
import { connect } from './connect.ts';
import { secondsOption } from './duration-option.ts';
import { DONE } from './exit.ts';
import { leaseWords } from './lease-words.ts';
import { jsonOf, print } from './output.ts';

/** As the time: the fleet is to stay until somebody takes it down. */
const FOR_GOOD = 'for-good';

export async function extend(fleet: string, time: string, { json }: { json?: boolean }): Promise<number> {
  const extension =
    time === FOR_GOOD ? { forGood: true as const } : { seconds: secondsOption('extend by', time, FOR_GOOD) };
  const muster = await connect();
  try {
    const lease = await muster.extend(fleet, extension);
    print(json ? jsonOf({ fleet, leaseEndsAt: lease && isoOf(lease) }) : told(fleet, lease));
    return DONE;
  } finally {
    await muster.close();
  }
}

function told(fleet: string, lease: LeaseReport | undefined): string {
  if (!lease) return `${fleet} stays until 'muster down ${fleet}'`;
  return `${fleet} is wanted ${leaseWords(lease, Date.now())}`;
}

const isoOf = ({ endsAt }: LeaseReport): string => new Date(endsAt).toISOString();
