/** All that is known of a fleet and of its last run: what a page of it shows. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { HistoryReport } from '../fleet/history-report.ts';
import { policyWords } from '../fleet/policy-words.ts';
import { type FleetReport, type InstanceReport, instanceCountOf } from '../fleet/report.ts';
import { BOOTSTRAPS, KEEPER } from '../fleet/run.ts';
import type { FleetSpec, PolicySpec } from '../fleet/spec.ts';
import type { PageOptions } from '../page/page.ts';
import { actionDataFor } from './action-data.ts';
import { historyOf } from './history.ts';
import { beginningOf } from './spec-of-run.ts';
import type { Temporal } from './temporal.ts';

/** Its fields beside the report are what `reportPage` takes. */
export interface FleetRecord extends PageOptions {
  readonly report: FleetReport;
  /** Of the fleet's last run; absent when Temporal knows none. */
  readonly history?: HistoryReport;
  /** By which the fleet was made or is changed; absent of a teardown, and when Temporal knows no run. */
  readonly spec?: FleetSpec;
}

/** `description` is that of the fleet's last run. Throws TemporalUnreachable. */
export async function recordOf(
  temporal: Temporal,
  report: FleetReport,
  description: WorkflowExecutionDescription | undefined,
  instances: AsyncIterable<InstanceReport>,
): Promise<FleetRecord> {
  const at = Date.now();
  const isPart = instanceCountOf(report) > toldOf(report);
  const all = isPart ? await allOf(instances) : undefined;
  if (!description) return { report, at, instances: all };
  const { workflowId, runId, type, raw } = description;
  const firstRunId = raw.workflowExecutionInfo?.firstRunId || runId;
  const hasSpec = type === KEEPER || BOOTSTRAPS.includes(type);
  const [history, beginning] = await Promise.all([
    historyOf(temporal, report, { workflowId, runId, firstRunId }),
    hasSpec ? beginningOf(temporal, { workflowId, runId }) : undefined,
  ]);
  const spec = beginning?.spec;
  return { report, at, instances: all, history, spec, policy: spec?.policy && (await inWords(spec.policy)) };
}

async function inWords({ document }: PolicySpec) {
  return policyWords(document, await actionDataFor(document));
}

function toldOf({ instances, places }: FleetReport): number {
  return places ? places.reduce((sum, place) => sum + place.instances.length, 0) : instances.length;
}

async function allOf(instances: AsyncIterable<InstanceReport>): Promise<InstanceReport[]> {
  const all: InstanceReport[] = [];
  for await (const instance of instances) all.push(instance);
  return all;
}
