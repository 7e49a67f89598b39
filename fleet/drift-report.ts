/** What a check of a fleet answers: each thing that AWS shows otherwise than the spec says. */

import { MOST_TOLD } from './report.ts';

export type FindingKind =
  /** The role is gone, or another has its name. */
  | 'role'
  /** Who may assume the role. */
  | 'trust'
  /** The role's permissions boundary. */
  | 'boundary'
  /** An inline policy of the role. */
  | 'policy'
  /** A managed policy of the role. */
  | 'managed-policy'
  /** The instance profile is gone, or another has its name. */
  | 'profile'
  /** Which role is in the profile. */
  | 'role-in-profile'
  /** A tag of the fleet's own or of the spec's, on a role, a profile or an instance. */
  | 'tag'
  /** How many instances there are. */
  | 'count'
  /** An instance does not run. */
  | 'state'
  /** Which profile an instance has, by its unique id. */
  | 'association'
  /** Metadata options of an instance. */
  | 'metadata'
  | 'type'
  | 'image'
  /** The zone or the subnet of an instance. */
  | 'placement'
  | 'security-groups'
  /** An instance that carries the fleet's tag, and that no run of the fleet launched. */
  | 'stranger';

export interface Finding {
  readonly kind: FindingKind;
  /** The name or id by which AWS knows it. */
  readonly resource: string;
  /** Of a tag: what carries it, as a role and a profile may have one name. */
  readonly on?: 'role' | 'profile' | 'instance';
  /** In a few words; `none` when there is to be nothing. */
  readonly wanted: string;
  /** In a few words; `none` when there is nothing. */
  readonly found: string;
  /** Of a policy that a few words do not hold: the statements that are wanted alone, and those that are there alone. */
  readonly statements?: { readonly wanted: readonly string[]; readonly found: readonly string[] };
  /** A repair may put it right: nothing that runs is ended by that, and nothing of anybody else's is changed. */
  readonly safe: boolean;
  /** What a person can type to put it right. */
  readonly command: string;
}

export interface DriftReport {
  /** Version of this shape; fields are only added within one. */
  readonly schema: 1;
  readonly fleet: string;
  readonly account: string;
  readonly region: string;
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
