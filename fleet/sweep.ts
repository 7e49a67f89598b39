/** The sweep: what runs have left that can do nothing about it any more, and what of it may be removed. */

import type { Leftover } from './report.ts';
import { TEARDOWNS } from './run.ts';

/** Everything that carries the tags of one run. */
export interface Remains {
  readonly fleet: string;
  readonly run: string;
  /** Temporal's, in which the run was. */
  readonly namespace: string;
  readonly region: string;
  /** All in which it may have something, as its tags tell; histories of before do not have it. */
  readonly regions?: readonly string[];
  /** It carries the mark of a complete fleet. */
  readonly marked: boolean;
  /** When the youngest of it was made: milliseconds since the epoch. */
  readonly youngest: number;
  readonly roles: readonly string[];
  readonly profiles: readonly string[];
  /** Ids; what is terminated is left out. */
  readonly instances: readonly string[];
  readonly volumes: readonly string[];
}

/** What Temporal says of a run and of its fleet. */
export interface KnownRun {
  /** As Temporal names it (`RUNNING`, `COMPLETED`, `TERMINATED`, ...); absent when it knows no such run. */
  readonly status?: string;
  /** The fleet's last run, whichever that is. */
  readonly last?: { readonly run: string; readonly type: string; readonly status: string };
}

export interface SweepRequest {
  /** Where instances and volumes are looked for, beside the regions that the tags of roles and profiles name. */
  readonly regions: readonly string[];
  /** Only shown without it. */
  readonly remove?: boolean;
  /** Seconds: what Temporal knows no run of is left alone until it is older. Default: an hour. */
  readonly olderThan?: number;
  /** Seconds that each removal may take, its retries included. */
  readonly undoDeadline?: number;
}

export interface Verdict {
  readonly remove: boolean;
  readonly why: string;
  /** Of what is spared as its fleet is complete or a run has it: nobody need look at that. */
  readonly healthy?: true;
}

export interface Swept extends Verdict {
  readonly remains: Remains;
  /** What could not be removed, when that was tried. */
  readonly leftovers: readonly Leftover[];
}

export interface SweepReport {
  readonly schema: 1;
  readonly account: string;
  readonly regions: readonly string[];
  /** Whether what may be removed was to be removed, and not only shown. */
  readonly removed: boolean;
  readonly swept: readonly Swept[];
}

/** How a run has ended that completed its fleet, or a change of it: one with a lease went on. */
const COMPLETE = new Set(['COMPLETED', 'CONTINUED_AS_NEW']);

/** Of what Temporal knows no run of. */
export const DEFAULT_OLDER_THAN = 3_600;

/**
 * Whether the remains of a run may be removed. Spared is what belongs to a run that is alive or to a fleet that is
 * complete, and volumes that a teardown may have kept as their spec asked. Where Temporal knows nothing of the run, tags
 * and age decide.
 */
export function judge(
  remains: Remains,
  { status, last }: KnownRun,
  here: { readonly namespace: string; readonly now: number; readonly olderThan: number },
): Verdict {
  const { fleet, run, namespace, marked, youngest } = remains;
  if (!isRunId(run)) return spare("its run is none of Temporal's");
  if (namespace !== here.namespace) return spare(`its run is of Temporal's namespace '${namespace}'`);
  if (last?.status === 'RUNNING' && last.run !== run) return healthy(`another run of ${fleet} is under way`);
  if (status === 'RUNNING') return healthy('its run is under way');
  if (status !== undefined && !COMPLETE.has(status)) return remove(`its run has ended as ${inWords(status)}`);
  if (hasOnlyVolumes(remains)) return spare('only volumes, which a teardown may have kept');
  if (last && TEARDOWNS.includes(last.type)) {
    return remove(`the fleet's removal by run ${last.run} has ended as ${inWords(last.status)}`);
  }
  if (status !== undefined) return healthy('the fleet is complete');
  if (marked)
    return healthy('the fleet is complete, by its tag; Temporal has no history of its run any more');
  const age = Math.round((here.now - youngest) / 1000);
  if (age < here.olderThan) return spare(`Temporal knows no such run, but it is only ${age} s old`);
  return remove('Temporal knows no such run');
}

/** Tags can say anything; Temporal's runs have UUIDs, and it refuses to be asked for others. */
export function isRunId(run: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(run);
}

/** Volumes that a teardown may have kept stay; a run that never completed a fleet kept none. */
export function volumesOf({ status }: KnownRun): 'delete' | 'keep' {
  return status === undefined || COMPLETE.has(status) ? 'keep' : 'delete';
}

const spare = (why: string): Verdict => ({ remove: false, why });
const healthy = (why: string): Verdict => ({ remove: false, why, healthy: true });
const remove = (why: string): Verdict => ({ remove: true, why });

function hasOnlyVolumes({ roles, profiles, instances }: Remains): boolean {
  return roles.length + profiles.length + instances.length === 0;
}

function inWords(status: string): string {
  return status.toLowerCase().replaceAll('_', ' ');
}
