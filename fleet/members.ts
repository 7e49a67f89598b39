/** The instances of a fleet, however many, in few bytes: ids by where they came from. */

import type { Source } from './launch-plan.ts';
import type { InstanceReport } from './report.ts';

/** Ids by `type zone market`. */
export type Members = Readonly<Record<string, readonly string[]>>;

export interface Member extends Pick<InstanceReport, 'id' | 'type' | 'zone'> {
  readonly market: Source['market'];
}

export function membersOf(all: readonly Member[]): Members {
  const members: Record<string, string[]> = {};
  for (const { id, type, zone, market } of all) {
    const key = `${type} ${zone} ${market}`;
    members[key] ??= [];
    members[key].push(id);
  }
  return members;
}

export function idsOf(members: Members): string[] {
  return Object.values(members).flat();
}

/** Instances of a fleet, however many, and the first of them as they were seen. */
export interface Having {
  readonly members: Members;
  readonly seen: readonly InstanceReport[];
}

/** Those first of which more is known. */
export function instancesOf({ members, seen }: Having): InstanceReport[] {
  const ids = new Set(idsOf(members));
  const told = seen.filter(({ id }) => ids.delete(id));
  return [...told, ...pageOf(members, 0, Number.POSITIVE_INFINITY).filter(({ id }) => ids.has(id))];
}

/** These and those; none is of both. */
export function merged(before: Members, added: Members): Members {
  const all: Record<string, readonly string[]> = { ...before };
  for (const [key, ids] of Object.entries(added)) all[key] = [...(all[key] ?? []), ...ids];
  return all;
}

/** All but these. */
export function without(members: Members, gone: readonly string[]): Members {
  const isGone = new Set(gone);
  return Object.fromEntries(
    Object.entries(members).map(([key, ids]) => [key, ids.filter((id) => !isGone.has(id))]),
  );
}

/** A page of them, for the query of a run's instances. */
export function pageOf(members: Members, from: number, most: number): InstanceReport[] {
  return Object.entries(members)
    .flatMap(([key, ids]) => {
      const [type, zone] = key.split(' ');
      return ids.map((id) => ({ id, type: type!, zone: zone!, state: 'running' }));
    })
    .slice(from, from + most);
}

/** Where they came from, for the report. */
export function sourcesOf(members: Members): Source[] {
  return Object.entries(members).map(([key, { length: count }]) => {
    const [type, zone, market] = key.split(' ');
    return { type: type!, zone: zone!, market: market as Source['market'], count };
  });
}
