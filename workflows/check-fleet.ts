/** checkFleet: what AWS shows of a complete fleet otherwise than its spec says. Changes nothing. */

import { ApplicationFailureCategory } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import type { FoundDrift } from '../activities/drift.ts';
import type { DriftReport } from '../fleet/drift-report.ts';
import { LOOK_FAILED } from '../fleet/failures.ts';
import type { CheckRequest } from '../fleet/wanted.ts';
import { as, looking } from './activities.ts';

export async function checkFleet(request: CheckRequest): Promise<DriftReport> {
  const { spec, specFrom } = request;
  const { gone: _, ...drift } = await look(request);
  const { workflowId, runId } = workflowInfo();
  return { schema: 1, fleet: spec.name, region: spec.region, workflowId, runId, specFrom, ...drift };
}

/** For all of its retries: after that AWS's last words are told, and nobody waits any longer. */
const LOOK_SECONDS = 120;

/** That AWS cannot be asked is told to whoever asked: to the worker it is no failure of its own. */
async function look(request: CheckRequest): Promise<FoundDrift> {
  const { spec, patience } = request;
  const { namespace } = workflowInfo();
  try {
    return await looking.findDrift.executeWithOptions(
      as('find', `${spec.name} against its spec`, patience + LOOK_SECONDS),
      [{ ...request, namespace }],
    );
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    throw ApplicationFailure.create({
      type: LOOK_FAILED,
      message: error.cause?.message ?? error.message,
      nonRetryable: true,
      category: ApplicationFailureCategory.BENIGN,
    });
  }
}
