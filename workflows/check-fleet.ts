/** checkFleet: what AWS shows of a complete fleet otherwise than its spec says. Changes nothing. */

import { workflowInfo } from '@temporalio/workflow';
import type { FoundDrift } from '../activities/drift.ts';
import type { DriftReport } from '../fleet/drift-report.ts';
import type { CheckRequest } from '../fleet/wanted.ts';
import { as, looking } from './activities.ts';
import { asLook } from './inspect-fleet.ts';

export async function checkFleet(request: CheckRequest): Promise<DriftReport> {
  const { spec, specFrom } = request;
  const { gone: _, ...drift } = await look(request);
  const { workflowId, runId } = workflowInfo();
  return { schema: 1, fleet: spec.name, region: spec.region, workflowId, runId, specFrom, ...drift };
}

/** For all of its retries: after that AWS's last words are told, and nobody waits any longer. */
const LOOK_SECONDS = 120;

function look(request: CheckRequest): Promise<FoundDrift> {
  const { spec, patience } = request;
  const { namespace } = workflowInfo();
  const options = as('find', `${spec.name} against its spec`, patience + LOOK_SECONDS);
  return asLook(looking.findDrift.executeWithOptions(options, [{ ...request, namespace }]));
}
