/** `muster logs NAME`: what has happened to a fleet, as the histories of its runs have it. */

import type { LogOptions } from '../client/run-log.ts';
import { connect } from './connect.ts';
import { eventLine } from './event-lines.ts';
import { printEvent } from './events.ts';
import { DONE } from './exit.ts';
import { printText, stdoutColors } from './output.ts';

export async function logs(
  fleet: string,
  { json, ...options }: LogOptions & { readonly json?: boolean },
): Promise<number> {
  const muster = await connect();
  try {
    for await (const event of muster.logs(fleet, options)) {
      // Whoever reads only the first lines waits for no others.
      if (!process.stdout.writable) break;
      const line = json ? undefined : eventLine(event, stdoutColors());
      if (json) printEvent(event);
      else if (line !== undefined) printText(line);
    }
    return DONE;
  } finally {
    await muster.close();
  }
}
