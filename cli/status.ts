/** `muster status NAME`: how a fleet is, by its last run or by its tags in AWS; or all of its instances. */

import type { FleetRun } from '../client/fleet-run.ts';
import { Muster } from '../client/muster.ts';
import { exitCode, isSettled } from '../fleet/report.ts';
import { DONE } from './exit.ts';
import { tellReport } from './finish.ts';
import { print } from './output.ts';

export async function status(
  fleet: string,
  { json, region, instances }: { json?: boolean; region?: string; instances?: boolean },
): Promise<number> {
  const muster = await Muster.connect();
  try {
    if (instances) return await listInstances(await muster.attach(fleet), json);
    const report = await muster.status(fleet, { region });
    tellReport(report, json, muster.linkTo(report), { steps: true, changeUrl: muster.linkToChange(report) });
    return isSettled(report.state) ? exitCode(report) : DONE;
  } finally {
    await muster.close();
  }
}

/** Line by line as they come, however many: as JSON a line is an object. */
async function listInstances(run: FleetRun, json: boolean | undefined): Promise<number> {
  for await (const instance of run.instances()) {
    const { id, type, zone, state } = instance;
    print(json ? JSON.stringify(instance) : [id, type, zone, state].join('  '));
  }
  return DONE;
}
