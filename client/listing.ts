/** All fleets of which Temporal knows a run. */

import type { WorkflowExecutionInfo } from '@temporalio/client';
import { leftoverName } from '../fleet/leftovers.ts';
import { type FleetReport, type FleetState, instanceCountOf, isSettled } from '../fleet/report.ts';
import { BOOTSTRAPS, fleetWorkflowId, KEEPER, PROGRESS_QUERY, TEARDOWNS } from '../fleet/run.ts';
import { runLink } from '../fleet/ui-link.ts';
import { memoOf } from './change.ts';
import { outcomeOf } from './outcome.ts';
import type { Temporal } from './temporal.ts';

/** The last run of a fleet. */
export interface FleetListing {
  readonly fleet: string;
  readonly state: FleetState;
  readonly region?: string;
  /** Of a fleet in several places: their names. */
  readonly places?: readonly string[];
  /** Instances, when the run's report tells them; and how many were wanted. */
  readonly instances?: number;
  readonly wanted?: number;
  /** Of a fleet that is being rolled: how many are replaced. The new ones of a wave are instances beside the old. */
  readonly roll?: { readonly replaced: number; readonly count: number };
  /** Until when a complete fleet is wanted, if it has a lease: ISO 8601. */
  readonly leaseEndsAt?: string;
  /** What was given up and still exists (`KIND/ID`). */
  readonly skipped?: readonly string[];
  /** When the run began and, if it has, ended: ISO 8601. */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly uiUrl?: string;
}

const TYPES = [...BOOTSTRAPS, KEEPER, ...TEARDOWNS].map((type) => `'${type}'`).join(', ');
const RUNS = `WorkflowType IN (${TYPES}) AND WorkflowId STARTS_WITH '${fleetWorkflowId('')}'`;
const QUERY_PATIENCE_MS = 2_000;
const AT_ONCE = 16;

/** Tells more than the last run of a fleet can, where that was ended from outside; it may throw. */
type StatusOf = (fleet: string) => Promise<FleetReport>;

export async function listFleets(
  temporal: Temporal,
  statusOf: StatusOf | undefined,
): Promise<FleetListing[]> {
  const last = new Map<string, WorkflowExecutionInfo>();
  for await (const run of temporal.client.workflow.list({ query: RUNS })) {
    const known = last.get(run.workflowId);
    if (!known || known.startTime < run.startTime) last.set(run.workflowId, run);
  }
  const runs = [...last.values()].sort((a, b) => b.startTime.getTime() - a.startTime.getTime());
  const listings: FleetListing[] = [];
  for (let at = 0; at < runs.length; at += AT_ONCE) {
    listings.push(
      ...(await Promise.all(runs.slice(at, at + AT_ONCE).map((run) => listingOf(temporal, run, statusOf)))),
    );
  }
  return listings;
}

async function listingOf(
  temporal: Temporal,
  run: WorkflowExecutionInfo,
  statusOf: StatusOf | undefined,
): Promise<FleetListing> {
  const { fleet, region, places } = memoOf(run);
  const said = await reportOf(temporal, run);
  const isLost = (said?.state ?? stateOf(run)) === 'lost';
  // What it left may have been swept since, or it only kept a fleet that is complete.
  const report = isLost && statusOf ? await statusOf(fleet).catch(() => said) : said;
  return {
    fleet,
    state: report?.state ?? stateOf(run),
    region: report?.region ?? region,
    places: places?.map(({ name }) => name),
    instances: report && instanceCountOf(report),
    wanted: report?.wanted?.want,
    roll: report && rollOf(report),
    leaseEndsAt: report?.lease && new Date(report.lease.endsAt).toISOString(),
    skipped: report?.skipped?.map(leftoverName),
    startedAt: run.startTime.toISOString(),
    endedAt: run.closeTime?.toISOString(),
    workflowId: run.workflowId,
    runId: run.runId,
    uiUrl: runLink(temporal.uiUrl, temporal.namespace, run.workflowId, run.runId),
  };
}

function rollOf({ action, state, roll }: FleetReport): FleetListing['roll'] {
  if (action !== 'roll' || !roll || isSettled(state)) return undefined;
  const { replaced, count } = roll;
  return { replaced, count };
}

/** What the run says, if it can be asked: a running one needs a worker for that. */
async function reportOf({ client }: Temporal, run: WorkflowExecutionInfo): Promise<FleetReport | undefined> {
  const handle = client.workflow.getHandle(run.workflowId, run.runId);
  try {
    return await client.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
      run.status.name === 'RUNNING' ? handle.query<FleetReport>(PROGRESS_QUERY) : outcomeOf(handle),
    );
  } catch {
    return undefined;
  }
}

/** As much as Temporal itself can tell. */
function stateOf(run: WorkflowExecutionInfo): FleetState {
  const { status, type } = run;
  const { change } = memoOf(run);
  if (status.name === 'RUNNING' && change) return change.state ?? 'scaling';
  if (status.name === 'RUNNING' && TEARDOWNS.includes(type)) return 'removing';
  if (status.name === 'RUNNING') return type === KEEPER ? 'complete' : 'running';
  return status.name === 'CANCELLED' ? 'cancelled' : 'lost';
}
