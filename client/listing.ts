/** All fleets of which Temporal knows a run. */

import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { Attention } from '../fleet/attributes.ts';
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
  /** What is being done with a complete fleet, and since when. */
  readonly change?: string;
  /** Who has asked for the run: MUSTER_OWNER, or user@host. */
  readonly owner?: string;
  /** Why somebody should look. */
  readonly attention?: Attention;
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

/** Of a list or a description. */
export type RunInfo = Omit<WorkflowExecutionInfo, 'raw'>;

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
  const { fleet } = memoOf(run);
  const said = await reportOf(temporal, run);
  const isLost = (said?.state ?? stateOf(run)) === 'lost';
  if (!isLost || !statusOf) return asTold(temporal, run, said);
  // What it left may have been swept since, or it only kept a fleet that is complete.
  return asTold(temporal, run, await statusOf(fleet).catch(() => said));
}

/** What Temporal itself knows of the last run of a fleet: no worker is asked. */
export async function knownOf(temporal: Temporal, run: RunInfo): Promise<FleetListing> {
  const hasOutcome = run.status.name === 'COMPLETED' || run.status.name === 'FAILED';
  return asTold(temporal, run, hasOutcome ? await reportOf(temporal, run) : undefined);
}

function asTold(temporal: Temporal, run: RunInfo, report: FleetReport | undefined): FleetListing {
  const { fleet, region, places, change } = memoOf(run);
  const isRunning = run.status.name === 'RUNNING';
  const { MusterState, MusterCount, MusterOwner, MusterAttention } = attributesIn(run);
  const state = report?.state ?? ((isRunning && MusterState) || stateOf(run));
  const isThere = isRunning && state === 'complete';
  return {
    fleet,
    state,
    region: report?.region ?? region,
    places: places?.map(({ name }) => name),
    instances: report ? instanceCountOf(report) : isThere ? MusterCount : undefined,
    wanted: report ? report.wanted?.want : isRunning ? MusterCount : undefined,
    roll: report && rollOf(report),
    change: isRunning ? change?.words : undefined,
    owner: MusterOwner,
    attention: isRunning ? MusterAttention : undefined,
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

interface Told {
  readonly MusterState?: FleetState;
  readonly MusterCount?: number;
  readonly MusterOwner?: string;
  readonly MusterAttention?: Attention;
}

/** As the run told them last; of one that was started without them nothing. */
function attributesIn({ typedSearchAttributes }: RunInfo): Told {
  return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
}

/** What the run says, if it can be asked: a running one needs a worker for that. */
async function reportOf({ client }: Temporal, run: RunInfo): Promise<FleetReport | undefined> {
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
function stateOf(run: RunInfo): FleetState {
  const { status, type } = run;
  const { change } = memoOf(run);
  if (status.name === 'RUNNING' && change) return change.state ?? 'scaling';
  if (status.name === 'RUNNING' && TEARDOWNS.includes(type)) return 'removing';
  if (status.name === 'RUNNING') return type === KEEPER ? 'complete' : 'running';
  return status.name === 'CANCELLED' ? 'cancelled' : 'lost';
}
