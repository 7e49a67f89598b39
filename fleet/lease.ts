/** The lease of a fleet: when it ends, and when whoever has the fleet is warned of that. */

import type { FleetReport, LeaseReport } from './report.ts';
import { instanceCountOf } from './report.ts';
import type { Extension, TeardownRequest } from './run.ts';

/** Ten minutes before the end, or at the last tenth of a lease that is shorter than it would need to be for that. */
export function warnsAt({ endsAt, beganAt }: LeaseReport, completeAt: number): number {
  const whole = endsAt - (beganAt ?? completeAt);
  return endsAt - Math.min(600_000, whole / 10);
}

/**
 * The lease after an extension; none when the fleet is to stay. A fleet without one gets one that begins now. Who is warned
 * once is warned again before the new end.
 */
export function extended(
  lease: LeaseReport | undefined,
  extension: Extension,
  now: number,
): LeaseReport | undefined {
  if ('forGood' in extension) return undefined;
  const { endsAt, beganAt } = lease ?? { endsAt: now, beganAt: now };
  return { endsAt: endsAt + extension.seconds * 1000, ...(beganAt !== undefined && { beganAt }) };
}

/** Ten years: longer is a mistake in the unit. */
const MOST_DAYS = 10 * 365;
const LONGEST_LEASE = MOST_DAYS * 86_400;

/** What is wrong with a lease of so many seconds; undefined when nothing is. */
export function leaseMistake(seconds: number): string | undefined {
  if (!Number.isFinite(seconds) || seconds <= 0) return `${seconds} s is no time to have a fleet for`;
  return seconds > LONGEST_LEASE ? `a lease of more than ten years: ${MOST_DAYS}d at most` : undefined;
}

/** What is wrong with an extension; undefined when nothing is. */
export function extensionMistake(
  extension: Extension,
  lease: LeaseReport | undefined,
  now: number,
): string | undefined {
  if (typeof extension !== 'object' || extension === null) return 'an extension has seconds, or is for good';
  if ('forGood' in extension) {
    if (extension.forGood !== true) return 'forGood can only be true';
    return lease ? undefined : 'the fleet has no lease: it stays until it is taken down';
  }
  const { seconds } = extension;
  if (!lease) return leaseMistake(seconds);
  const { endsAt } = lease;
  if (!Number.isFinite(seconds) || seconds === 0)
    return `${seconds} is no number of seconds to extend a lease by`;
  const left = (endsAt - now) / 1000 + seconds;
  if (left <= 0) return 'the lease would be over at once: release it instead';
  if (left <= LONGEST_LEASE) return undefined;
  const days = Math.floor((LONGEST_LEASE - (endsAt - now) / 1000) / 86_400);
  return `a lease of more than ten years from now: it can be extended by ${days}d at most`;
}

/**
 * What takes down the fleet of this report. `patience` as in a TeardownRequest: what AWS may not show yet is named, so
 * that it is looked for.
 */
export function teardownOf(
  report: FleetReport,
  { patience, undoDeadline }: Pick<TeardownRequest, 'patience' | 'undoDeadline'>,
): TeardownRequest {
  const { fleet, region, account, role, profile, instances, state } = report;
  const isComplete = state === 'complete';
  if (report.places) return { fleet, patience: isComplete ? patience : 0, undoDeadline };
  return {
    fleet,
    region,
    account,
    role: role?.reused ? undefined : role?.name,
    profile: profile?.reused ? undefined : profile?.name,
    instances: isComplete ? instances.map(({ id }) => id) : undefined,
    count: isComplete ? instanceCountOf(report) : undefined,
    patience: isComplete ? patience : 0,
    undoDeadline,
  };
}
