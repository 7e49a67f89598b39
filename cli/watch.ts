/** `muster watch NAME`: shows what is done with a fleet, whoever has asked for it, until that is done. */

import { exitCode, type FleetReport } from '../fleet/report.ts';
import { connect } from './connect.ts';
import { codeOf, type RunOptions, seeThrough, tellReport } from './finish.ts';
import { announce } from './follow.ts';
import { say } from './output.ts';

interface WatchCommandOptions extends RunOptions {
  readonly region?: string;
}

export async function watch(fleet: string, options: WatchCommandOptions): Promise<number> {
  announce(fleet);
  const muster = await connect();
  try {
    const run = await muster.find(fleet);
    if (run?.met === 'running') return codeOf(await seeThrough(run, options));
    // What is there without a run that could be watched, AWS tells.
    const report: FleetReport = await muster.status(fleet, options);
    say('nothing is being done with it: this is how it is\n');
    tellReport(report, options, muster.linkTo(report), { changeUrl: muster.linkToChange(report) });
    return exitCode(report);
  } finally {
    await muster.close();
  }
}
