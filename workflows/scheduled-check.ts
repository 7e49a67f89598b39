/** scheduledCheck: one time of a schedule that keeps a fleet as its spec says. */

import { ApplicationFailureCategory } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { CheckErrand, RepairErrand } from '../activities/errands.ts';
import type { CheckEnd, ScheduledCheckRequest } from '../fleet/check-schedule.ts';
import { type DriftReport, findingCount } from '../fleet/drift-report.ts';
import { FLEET_LEFT_OVER, LOOK_FAILED } from '../fleet/failures.ts';
import type { Finding, RepairReport } from '../fleet/finding.ts';
import { leftoverWords } from '../fleet/leftovers.ts';
import { repaired } from '../fleet/repair.ts';
import type { FleetReport } from '../fleet/report.ts';
import { counted, someOf } from '../fleet/words.ts';
import { as, looking, quick, undoing } from './activities.ts';
import { notify } from './notify.ts';

/**
 * Holds the fleet against its spec. When something differs that can be put right, and that is wanted, the fleet's own run
 * repairs it, as when a person asks for that. Who is to be told of drift is told what differs then, once for the same.
 *
 * Fails when AWS cannot be asked, when a repair has left something, and when a person has to say what the fleet should be.
 * A cancellation ends the waiting: a repair that has begun is the fleet's own, and `muster cancel` takes it back.
 */
export async function scheduledCheck({ fleet, repair }: ScheduledCheckRequest): Promise<CheckEnd> {
  const ended = (end: Omit<CheckEnd, 'fleet'>): CheckEnd => {
    const words = end.reason ? `${WORDS[end.state]}: ${end.reason}` : WORDS[end.state];
    setCurrentDetails(`The fleet \`${fleet}\` ${words}.`);
    return { fleet, ...end };
  };
  const skipped = async (reason: string) =>
    ended({ state: 'skipped', reason, differing: 0, mended: 0, told: await lastTold(fleet) });

  const check = await runCheck(fleet);
  if (check.skipped !== undefined) return skipped(check.skipped);
  const { report } = check;
  if (findingCount(report) === 0) return ended({ state: 'same', differing: 0, mended: 0 });

  let outcome = repaired(report, report);
  let why: string | undefined;
  if (repair && report.findings.some(({ safe }) => safe)) {
    const errand = await runRepair(fleet);
    if (errand.skipped !== undefined) return skipped(errand.skipped);
    if (errand.report.leftovers.length > 0) throw leftOver(fleet, errand.report);
    outcome = errand.report.repair ?? outcome;
    const { error } = errand.report;
    why = error && `${error.code}: ${error.message}`;
  }
  const { mendedCount: mended, remainingCount: differing } = outcome;
  if (differing === 0)
    return ended({ state: 'repaired', reason: thingsWords(outcome.mended, mended), differing, mended });

  const told = outcome.remaining.map(nameOf).sort().join('\n');
  if (told !== (await lastTold(fleet))) await notify(asTold(report, outcome), check.notify, 'drift');
  const reason = [thingsWords(outcome.remaining, differing), why].filter(Boolean).join('; ');
  return ended({ state: 'differs', reason, differing, mended, told });
}

const WORDS: Readonly<Record<CheckEnd['state'], string>> = {
  same: 'is as its spec says',
  repaired: 'is as its spec says again',
  differs: 'differs from its spec',
  skipped: 'was not looked at',
};

const LOOK_SECONDS = 900;
/** A refill of many waits for EC2's pace. */
const REPAIR_SECONDS = 6 * 3_600;

function runCheck(fleet: string): Promise<CheckErrand> {
  return orFailed(
    looking.runCheck.executeWithOptions(as('check', `${fleet} against its spec`, LOOK_SECONDS), [{ fleet }]),
  );
}

/** Without an answer it is told once more than need be. */
async function lastTold(fleet: string): Promise<string | undefined> {
  const options = { ...as('find', `what was told of ${fleet}`, LAST_SECONDS), activityId: 'last-told' };
  try {
    return await quick.lastTold.executeWithOptions(options, [{ fleet }]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return undefined;
  }
}

const LAST_SECONDS = 60;

function runRepair(fleet: string): Promise<RepairErrand> {
  const options = { ...as('check', `the repair of ${fleet}`, REPAIR_SECONDS), activityId: 'repair' };
  return orFailed(undoing.runRepair.executeWithOptions(options, [{ fleet }]));
}

/** In the words of whoever was asked; to the worker it is no failure of its own. */
async function orFailed<T>(errand: Promise<T>): Promise<T> {
  try {
    return await errand;
  } catch (error) {
    if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) throw error;
    throw failure(error.cause.type ?? LOOK_FAILED, error.cause.message);
  }
}

function leftOver(fleet: string, { leftovers }: FleetReport): ApplicationFailure {
  return failure(
    FLEET_LEFT_OVER,
    `a repair of the fleet left ${leftoverWords(leftovers)}; 'muster retry ${fleet}' removes it`,
  );
}

function failure(type: string, message: string): ApplicationFailure {
  const category = ApplicationFailureCategory.BENIGN;
  return ApplicationFailure.create({ type, message, nonRetryable: true, category });
}

const nameOf = ({ kind, resource, found }: Finding): string => [kind, resource, found].join(' ');

const MOST_NAMED = 5;

function thingsWords(findings: readonly Finding[], count: number): string {
  const names = findings.map(({ kind, resource }) => `${kind} ${resource}`);
  return `${counted(count, 'thing')}: ${someOf(names, MOST_NAMED, count)}`;
}

/** What there is to say of the fleet. */
function asTold({ fleet, account, region, instanceCount }: DriftReport, repair: RepairReport) {
  const { workflowId, runId } = workflowInfo();
  return {
    ...({
      schema: 1,
      fleet,
      action: 'check',
      state: 'degraded',
      account,
      region,
      workflowId,
      runId,
    } as const),
    ...{ instances: [], instanceCount, steps: [], undos: [], leftovers: [], repair },
  };
}
