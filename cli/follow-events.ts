/** Watching a run as `--events`: what happens goes to stdout, line by line. */

import type { FleetRun } from '../client/fleet-run.ts';
import type { FleetReport } from '../fleet/report.ts';
import { printError, printEvent } from './events.ts';
import { INTERRUPTED } from './exit.ts';
import { DETACHED, sayDetached } from './follow.ts';
import { flushed } from './output.ts';

/** Follows the run as `follow` does, and answers its report. Ctrl-C detaches. */
export async function followEvents(run: FleetRun): Promise<FleetReport> {
  const detach = async () => {
    sayDetached(run.fleet);
    printError({ error: DETACHED });
    await flushed();
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', detach);
  process.once('SIGTERM', detach);
  try {
    let report: FleetReport | undefined;
    for await (const event of run.events()) {
      printEvent(event, run.uiUrl);
      if (event.type === 'result') report = event.report;
    }
    return report!;
  } finally {
    process.off('SIGINT', detach);
    process.off('SIGTERM', detach);
  }
}
