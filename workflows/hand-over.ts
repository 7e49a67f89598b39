/** The end of a run that has completed its fleet: a fleet that is wanted for a time only is kept until then. */

import { makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { FleetReport } from '../fleet/report.ts';
import { KEEPER } from '../fleet/run.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { keepFleet } from './keep-fleet.ts';
import type { Run } from './run.ts';

/** Answers the report; with a lease, in seconds, the run goes on as keepFleet. */
export async function handOver(run: Run, spec: FleetSpec, lease: number | undefined): Promise<FleetReport> {
  const { report } = run;
  if (lease === undefined) return report;
  const completeAt = Date.now();
  report.lease = { endsAt: completeAt + lease * 1000 };
  run.show();
  const options = { workflowType: KEEPER, memo: workflowInfo().memo };
  return makeContinueAsNewFunc<typeof keepFleet>(options)({ report, spec, completeAt });
}
