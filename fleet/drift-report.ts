/** What a check of a fleet answers: each thing that AWS shows otherwise than the spec says. */

import type { Finding, FindingKind } from './finding.ts';
import { MOST_TOLD } from './report.ts';

export interface DriftReport {
  /** Version of this shape; fields are only added within one. */
  readonly schema: 1;
  readonly fleet: string;
  /** Absent of a fleet in several accounts. */
  readonly account?: string;
  /** Absent of a fleet in several places. */
  readonly region?: string;
  /** Of a fleet in several places: those that it has come up in. */
  readonly places?: readonly PlaceChecked[];
  /** The run that looked. */
  readonly workflowId: string;
  readonly runId: string;
  /** Where the spec is from: the history of the run that made the fleet, or a file. */
  readonly specFrom: 'run' | 'file';
  /** How many instances of the fleet there are, terminated ones left out. */
  readonly instanceCount: number;
  /** Of each kind the first, at most MOST_TOLD. */
  readonly findings: readonly Finding[];
  /** How many there are beyond those that are told, by kind. */
  readonly more: Readonly<Partial<Record<FindingKind, number>>>;
}

export interface PlaceChecked {
  readonly place: string;
  readonly account: string;
  readonly region: string;
  readonly instanceCount: number;
}

/** Of each kind the first, and how many more there are. */
export function capped(all: readonly Finding[]): Pick<DriftReport, 'findings' | 'more'> {
  const counts = new Map<FindingKind, number>();
  const findings = all.filter(({ kind }) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= MOST_TOLD;
  });
  const beyond = [...counts].filter(([, count]) => count > MOST_TOLD);
  return { findings, more: Object.fromEntries(beyond.map(([kind, count]) => [kind, count - MOST_TOLD])) };
}

/** How many things differ, told or not. */
export function findingCount({ findings, more }: Pick<DriftReport, 'findings' | 'more'>): number {
  return Object.values(more).reduce((sum, count) => sum + count, findings.length);
}
