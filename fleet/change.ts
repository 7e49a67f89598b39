/** A change of a complete fleet in place: what is asked for, and what of AWS it touches. */

import type { FleetSpec, Tags } from './spec.ts';
import type { SpecChange } from './spec-change.ts';
import { SPEC_TAG } from './tags.ts';

/** What the Update asks for. */
export interface ChangeRequest {
  /** What the fleet is to be; it differs from the fleet's own spec in nothing but what is changed in place. */
  readonly spec: FleetSpec;
  readonly specHash: string;
  /** Hash of the spec that the fleet had when it was compared. */
  readonly from: string;
  /** What else was wanted and needs other machines: it is told, and not done. */
  readonly rest: readonly SpecChange[];
}

/** By key; null stands for none. */
export type Values = Readonly<Record<string, string | null>>;

/** A part of what a role is: what is not named is not touched. */
export interface RolePart {
  /** Inline policies by name. */
  readonly documents?: Readonly<Record<string, unknown>>;
  /** ARNs of managed policies: whether they are attached. */
  readonly managed?: Readonly<Record<string, boolean>>;
  readonly boundary?: string | null;
  readonly description?: string | null;
  readonly tags?: Values;
}

/** All of those that a change touches. */
export type RoleState = Required<Pick<RolePart, 'documents' | 'managed' | 'tags'>> & RolePart;

/** What a change touches, as it is to be. Of a role or a profile that the fleet borrows nothing is touched. */
export interface Target {
  readonly role?: RoleState;
  readonly profile?: Values;
  /** Tags of the instances and of their volumes. */
  readonly instances: Values;
}

export function targetOf(from: FleetSpec, to: FleetSpec, specHash: string): Target {
  const tags = (one: Tags, other: Tags) => ({
    ...differing({ ...from.tags, ...one }, { ...to.tags, ...other }),
    [SPEC_TAG]: specHash,
  });
  return {
    role: roleTarget(from, to, tags),
    profile: from.profile.reuse || to.profile.reuse ? undefined : tags(from.profile.tags, to.profile.tags),
    instances: tags(from.instances.tags, to.instances.tags),
  };
}

function roleTarget(
  { role: from, policy: formerPolicy }: FleetSpec,
  { role: to, policy }: FleetSpec,
  tags: (one: Tags, other: Tags) => Values,
): RoleState | undefined {
  if (!from || !to || from.reuse || to.reuse) return undefined;
  const documents: Record<string, unknown> = {};
  if (formerPolicy && formerPolicy.name !== policy?.name) documents[formerPolicy.name] = null;
  if (policy) documents[policy.name] = policy.document;
  const managed: Record<string, boolean> = {};
  for (const arn of from.managedPolicies) if (!to.managedPolicies.includes(arn)) managed[arn] = false;
  for (const arn of to.managedPolicies) if (!from.managedPolicies.includes(arn)) managed[arn] = true;
  return {
    documents,
    managed,
    tags: tags(from.tags, to.tags),
    ...(from.permissionsBoundary !== to.permissionsBoundary && { boundary: to.permissionsBoundary ?? null }),
    ...(from.description !== to.description && { description: to.description ?? null }),
  };
}

function differing(from: Tags, to: Tags): Values {
  const gone = Object.keys(from).filter((key) => to[key] === undefined);
  const set = Object.entries(to).filter(([key, value]) => from[key] !== value);
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...Object.fromEntries(set) };
}

/** Only what the fleet's own spec had set is taken away: a tag that has another value now is somebody else's. */
export function onlyOwn(target: Values, former: Values, own: Tags): Values {
  const kept = Object.entries(target).filter(([key, value]) => value !== null || former[key] === own[key]);
  return Object.fromEntries(kept);
}

/** What is put, and what is taken away where it has this value. */
export interface TagChange {
  readonly set: Tags;
  readonly remove: Tags;
}

/** From one state of some tags to another. */
export function tagChange(from: Values, to: Values): TagChange {
  const set: Record<string, string> = {};
  const remove: Record<string, string> = {};
  for (const [key, value] of Object.entries(to)) {
    const before = from[key] ?? null;
    if (value !== null) set[key] = value;
    else if (before !== null) remove[key] = before;
  }
  return { set, remove };
}

/** The tags of many things in few bytes: what most of them have, and the others by their ids. */
export interface TagsOfMany {
  readonly most: Values;
  readonly others: readonly { readonly values: Values; readonly ids: readonly string[] }[];
}

export function tagsOfMany(
  all: readonly { readonly id: string; readonly tags: Tags }[],
  keys: readonly string[],
) {
  const groups = new Map<string, { readonly values: Values; readonly ids: string[] }>();
  for (const { id, tags } of all) {
    const values: Values = Object.fromEntries(keys.map((key) => [key, tags[key] ?? null]));
    const known = JSON.stringify(values);
    if (!groups.has(known)) groups.set(known, { values, ids: [] });
    groups.get(known)!.ids.push(id);
  }
  const [most, ...others] = [...groups.values()].sort((a, b) => b.ids.length - a.ids.length);
  return { most: most?.values ?? {}, others } satisfies TagsOfMany;
}
