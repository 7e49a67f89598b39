/** What a run began with, read from the first event of its history: no worker is needed for that. */

import { defaultPayloadConverter } from '@temporalio/common';
import type { FleetReport } from '../fleet/report.ts';
import type { BootstrapRequest, KeepRequest } from '../fleet/run.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { asMusterError, type Temporal } from './temporal.ts';

/** A run that makes or keeps a fleet: both say by which spec. */
export type Beginning = BootstrapRequest<FleetSpec> | KeepRequest<FleetReport, FleetSpec>;

/** Of a bootstrap or a keeper, which Temporal still describes. Throws TemporalUnreachable. */
export async function beginningOf(
  temporal: Temporal,
  run: { readonly workflowId: string; readonly runId: string },
): Promise<Beginning> {
  const { client, namespace } = temporal;
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: run,
      maximumPageSize: 1,
    });
    const [begun] = history?.events ?? [];
    const [input] = begun?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    return defaultPayloadConverter.fromPayload<Beginning>(input!);
  } catch (error) {
    throw asMusterError(temporal, error);
  }
}

/** Whether it is a keeper's. */
export function isKeepers(beginning: Beginning): beginning is KeepRequest<FleetReport, FleetSpec> {
  return 'report' in beginning;
}
