/** Changes of a complete fleet, and a lease for one that has none: asked of the run that keeps it, which is started for that when there is none. */

import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import {
  WithStartWorkflowOperation,
  type WorkflowExecutionDescription,
  type WorkflowExecutionInfo,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
  WorkflowUpdateFailedError,
  type WorkflowUpdateHandle,
} from '@temporalio/client';
import { ApplicationFailure, type Workflow } from '@temporalio/common';
import type { ChangeRequest } from '../fleet/change.ts';
import { resourceLeftovers } from '../fleet/leftovers.ts';
import { locatedIn, standsOf, whereOf } from '../fleet/places.ts';
import type { RepairRequest } from '../fleet/repair.ts';
import type { FleetReport, LeaseReport } from '../fleet/report.ts';
import type { RollRequest } from '../fleet/roll.ts';
import {
  type CHANGE_UPDATE,
  type CLEAR_UPDATE,
  type ClearRequest,
  EXTEND_UPDATE,
  type Extension,
  type FleetMemo,
  KEEPER,
  type KeepRequest,
  nameInId,
  type REPAIR_UPDATE,
  type ROLL_UPDATE,
  type SCALE_UPDATE,
} from '../fleet/run.ts';
import type { ScaleRequest } from '../fleet/scale.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { withAttributes } from './attributes.ts';
import { fleetChanging, wrongCount, wrongRoll } from './errors.ts';
import { FleetRun } from './fleet-run.ts';
import { beginningOf, isKeepers } from './spec-of-run.ts';
import { asItIsNow, inspect } from './standing.ts';
import { asMusterError, type Temporal } from './temporal.ts';

/** What a run carries; one that another program has started may carry nothing. */
export function memoOf({ memo, workflowId }: Pick<WorkflowExecutionInfo, 'memo' | 'workflowId'>): FleetMemo {
  return { fleet: nameInId(workflowId), ...(memo as Partial<FleetMemo>) };
}

/**
 * Asks for a change of the fleet whose last run is described, and which stands as reported. Undefined when another run
 * has come in between: then it has to be looked at anew. Throws FleetBusy, WrongCount and WrongRoll, when the run refuses it.
 */
export async function startChange(
  temporal: Temporal,
  description: WorkflowExecutionDescription,
  report: FleetReport,
  update:
    | typeof SCALE_UPDATE
    | typeof CHANGE_UPDATE
    | typeof REPAIR_UPDATE
    | typeof ROLL_UPDATE
    | typeof CLEAR_UPDATE,
  argument: ScaleRequest | ChangeRequest | RepairRequest | RollRequest | ClearRequest,
): Promise<FleetRun | undefined> {
  const asked = { update, argument, ...changeWords(report) };
  const handle = await askKeeper<FleetReport>(temporal, description, report, asked);
  if (!handle) return undefined;
  const { workflowId, workflowRunId, updateId } = handle;
  return new FleetRun(temporal, report.fleet, { workflowId, runId: workflowRunId!, change: updateId }, 'new');
}

/** Gives a fleet without a lease one, that begins now. Undefined and throws as `startChange`. */
export async function startLease(
  temporal: Temporal,
  description: WorkflowExecutionDescription,
  report: FleetReport,
  argument: Extension,
): Promise<LeaseReport | undefined> {
  const asked = { update: EXTEND_UPDATE, argument, ...leaseWords(report) };
  const handle = await askKeeper<LeaseReport>(temporal, description, report, asked);
  return handle?.result();
}

/** What the run is called in Temporal's UI, if it is started. */
function changeWords({ fleet }: FleetReport): RunWords {
  return {
    staticSummary: `keep ${fleet}: a change of it`,
    staticDetails: `Changes the complete fleet \`${fleet}\`. Cancelling it takes back the change; terminating it does not.`,
  };
}

function leaseWords({ fleet }: FleetReport): RunWords {
  return {
    staticSummary: `keep ${fleet}: until its lease is over`,
    staticDetails: `Keeps the complete fleet \`${fleet}\` until its lease is over, and takes it down then. Cancelling it does so at once; terminating it leaves the fleet without a lease.`,
  };
}

type RunWords = Pick<WorkflowStartOptions, 'staticSummary' | 'staticDetails'>;

interface Asked extends RunWords {
  readonly update: string;
  readonly argument: unknown;
}

/** Asks the run that keeps the fleet, which is started when there is none. Undefined and throws as `startChange`. */
async function askKeeper<Answer>(
  temporal: Temporal,
  description: WorkflowExecutionDescription,
  report: FleetReport,
  { update, argument, ...words }: Asked,
): Promise<WorkflowUpdateHandle<Answer> | undefined> {
  const { client, taskQueue } = temporal;
  const { workflowId } = description;
  const { change: _, ends: __, ...memo } = memoOf(description);
  const request = await requestOf(temporal, description, report);
  const last = await client.workflow.getHandle(workflowId).describe();
  // Whoever looked before another change began would make its change of a fleet that is no more as it was.
  if (last.runId !== description.runId || last.status.name !== description.status.name) return undefined;
  try {
    const handle = await withAttributes(report.fleet, (attributes) =>
      client.workflow.startUpdateWithStart<Workflow, Answer, [unknown]>(update, {
        args: [argument],
        updateId: randomUUID(),
        waitForStage: 'ACCEPTED',
        startWorkflowOperation: new WithStartWorkflowOperation(KEEPER, {
          args: [request],
          taskQueue,
          workflowId,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'USE_EXISTING',
          memo: { ...memo },
          ...attributes,
          ...words,
        }),
      }),
    );
    await throwRefusal(handle);
    return handle;
  } catch (error) {
    const change = busyWith(error);
    if (change !== undefined) throw fleetChanging(report.fleet, change);
    const { type, message } = refusalOf(error) ?? {};
    if (type === 'WrongCount') throw wrongCount(message!);
    if (type === 'WrongRoll') throw wrongRoll(message!);
    // It has ended meanwhile, or is a run of another kind.
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError)
      return undefined;
    throw asMusterError(temporal, error);
  }
}

/** What the run is given that keeps the fleet while it is changed, if there is none yet. */
async function requestOf(
  temporal: Temporal,
  description: WorkflowExecutionDescription,
  report: FleetReport,
): Promise<KeepRequest<FleetReport, FleetSpec>> {
  const beginning = await beginningOf(temporal, description);
  const { startTime, closeTime = startTime } = description;
  const endedAt = closeTime.getTime();
  if (!isKeepers(beginning)) return { report, spec: beginning.spec, completeAt: endedAt };
  const { leftovers } = report;
  if (leftovers.length === 0) return { ...beginning, report, members: undefined, changedAt: endedAt };
  // What it says of itself is how the change has ended; the fleet is as it was before.
  const { lease } = report;
  const fleet: FleetReport = { ...beginning.report, state: 'left-over', leftovers, lease };
  return { ...beginning, report: fleet, leftBy: beginning.leftBy ?? description.runId };
}

/** One that was refused has its answer already, and is not waited for. */
async function throwRefusal(handle: WorkflowUpdateHandle<unknown>): Promise<void> {
  await Promise.race([handle.result().catch(throwFailed), setImmediate()]);
}

/** That the change is under way and Temporal is away is told by whoever watches it. */
function throwFailed(error: unknown): void {
  if (error instanceof WorkflowUpdateFailedError) throw error;
}

/** What the run that keeps a fleet is doing with it, when it refuses for that. */
export function busyWith(error: unknown): string | undefined {
  const refusal = refusalOf(error);
  return refusal?.type === 'FleetBusy' ? refusal.message : undefined;
}

/** Why a run has refused an Update. */
export function refusalOf(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  return cause instanceof ApplicationFailure ? cause : undefined;
}

/**
 * The fleet after a run was ended from outside in the middle of a change: as it was before, when nothing is there that
 * the change launched; otherwise lost, with that as leftovers.
 */
export async function asChangeLeft(
  temporal: Temporal,
  description: WorkflowExecutionDescription,
  lost: FleetReport,
): Promise<FleetReport> {
  const beginning = await beginningOf(temporal, description);
  if (!isKeepers(beginning)) return lost;
  // Its lease has ended with the run that kept it.
  const former = { ...beginning.report, lease: undefined };
  const { fleet, leftBy: run = description.runId } = { ...former, ...beginning };
  const { spec } = beginning;
  const stands = standsOf(spec, former);
  const places = spec.places && stands.map(({ at, spec }) => ({ name: at!, ...whereOf(spec) }));
  const where = places ? {} : whereOf(locatedIn(spec, former));
  const { report: made } = await inspect(temporal, { fleet, run, ...where, places, byNameOnly: true });
  const { action, steps, undos, error, scale, roll } = lost;
  const reason = error?.message ?? 'the run was ended from outside';
  const change = lost.change && { ...lost.change, failed: reason };
  const leftovers = (made.places ?? [made]).flatMap(({ place: at, region, instances }) => {
    const ids = instances.map(({ id }) => id);
    const left = resourceLeftovers(region!, { fleet, run }, ids, reason);
    return at === undefined ? left : left.map((one) => ({ ...one, at }));
  });
  if (leftovers.length === 0)
    return asItIsNow(temporal, { ...former, change: change ?? former.change }, 0, places);
  return { ...former, action, state: 'lost', steps, undos, scale, roll, change, error, leftovers };
}
