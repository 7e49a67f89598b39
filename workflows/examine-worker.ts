/** examineWorker: a worker's account of itself, for whoever wants to know whether all is in order. Changes nothing. */

import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Examination, ExamineRequest } from '../fleet/doctor.ts';
import type { FleetSpec } from '../fleet/spec.ts';

/** Somebody waits, and a second attempt would find the same. */
const { examine } = proxyActivities<Activities>({
  startToCloseTimeout: '15s',
  retry: { maximumAttempts: 1 },
});

export async function examineWorker(request: ExamineRequest<FleetSpec>): Promise<Examination> {
  return examine(request);
}
