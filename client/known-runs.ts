/** The runs of a fleet that Temporal still knows. */

import { asMusterError, type Temporal } from './temporal.ts';

export interface KnownRun {
  readonly runId: string;
  /** The workflow's type. */
  readonly type: string;
  /** When it began: milliseconds since the epoch. */
  readonly at: number;
}

/** Those before its last one, the oldest first. Temporal's list may lack one that was begun just now. Throws TemporalUnreachable. */
export async function runsBefore(
  temporal: Temporal,
  last: { readonly workflowId: string; readonly runId?: string },
): Promise<KnownRun[]> {
  const known: KnownRun[] = [];
  try {
    for await (const { runId, type, startTime } of temporal.client.workflow.list({
      query: `WorkflowId = '${last.workflowId}'`,
    })) {
      if (runId !== last.runId) known.push({ runId, type, at: startTime.getTime() });
    }
  } catch (error) {
    throw asMusterError(temporal, error);
  }
  return known.sort((a, b) => a.at - b.at);
}
