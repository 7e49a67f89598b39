/** A finding: one thing that AWS shows of a fleet otherwise than its spec says; and what a repair made of such. */

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
  /** Of a fleet in several places: the place, or of a role and a profile the account, if it has several. */
  readonly at?: string;
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

export interface RepairReport {
  /** What differed before and does not any more, as AWS shows it: the first of each kind. */
  readonly mended: readonly Finding[];
  readonly mendedCount: number;
  /** What differs still: the first of each kind. */
  readonly remaining: readonly Finding[];
  readonly remainingCount: number;
}

/** With where it is: the place; of a role or a profile the account, when there are several. */
export function withPlace(finding: Finding, place: string, account: string | undefined): Finding {
  const at = isOfIdentity(finding) ? account : place;
  return at === undefined ? finding : { ...finding, at };
}

const OF_IDENTITY: readonly FindingKind[] = [
  'role',
  'trust',
  'boundary',
  'policy',
  'managed-policy',
  'profile',
  'role-in-profile',
];

function isOfIdentity({ kind, on }: Finding): boolean {
  return OF_IDENTITY.includes(kind) || (kind === 'tag' && on !== 'instance');
}
