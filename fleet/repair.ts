/** A repair: what it puts right of what a check finds, in which order, and what came of it. */

import { type DriftReport, findingCount } from './drift-report.ts';
import { type Finding, type RepairReport, withPlace } from './finding.ts';
import type { FleetReport } from './report.ts';

/** What the Update asks for. */
export interface RepairRequest {
  /** Seconds to look for what is so new that AWS may not show it yet. */
  readonly patience: number;
}

/** In the order in which they are put right: instances are launched and tied with what the others are. */
export const MENDED_PARTS = ['role', 'profile', 'instances'] as const;
export type MendedPart = (typeof MENDED_PARTS)[number];

/** The part of which a finding is; undefined of what is not put right in place. */
export function partOf({ kind, on, found }: Finding): MendedPart | undefined {
  switch (kind) {
    case 'policy':
    case 'managed-policy':
    case 'trust':
      return 'role';
    case 'role-in-profile':
      return 'profile';
    case 'association':
    case 'metadata':
      return 'instances';
    case 'state':
      // Of what has ended others take the place.
      return found === 'stopped' || found === 'stopping' ? 'instances' : undefined;
    case 'tag':
      return on === 'instance' ? 'instances' : on;
    default:
      return undefined;
  }
}

type Found = Pick<DriftReport, 'findings' | 'more'>;

/** A report is in a history and in answers: of each kind so many are enough. */
const MOST_OF_A_KIND = 20;

/** What became of what was found before, by what was found after. */
export function repaired(before: Found, after: Found): RepairReport {
  const left = new Set(after.findings.map(nameOf));
  const mended = before.findings.filter((finding) => !left.has(nameOf(finding)));
  const beyond = findingCount({ ...before, findings: [] }) - findingCount({ ...after, findings: [] });
  return {
    mended: firstOfEach(mended),
    mendedCount: mended.length + Math.max(0, beyond),
    remaining: firstOfEach(after.findings),
    remainingCount: findingCount(after),
  };
}

/** What the places of a fleet tell of it, as one account; each thing with where it is. */
export function repairedInEach(places: readonly FleetReport[]): RepairReport {
  const all = places.flatMap(({ place, account, repair }) =>
    repair ? [{ place: place!, account, repair }] : [],
  );
  const several = new Set(all.map(({ account }) => account)).size > 1;
  const told = (which: 'mended' | 'remaining') =>
    firstOfEach(
      all.flatMap(({ place, account, repair }) =>
        repair[which].map((one) => withPlace(one, place, several ? account : undefined)),
      ),
    );
  const sum = (of: (repair: RepairReport) => number) =>
    all.reduce((total, { repair }) => total + of(repair), 0);
  return {
    mended: told('mended'),
    mendedCount: sum(({ mendedCount }) => mendedCount),
    remaining: told('remaining'),
    remainingCount: sum(({ remainingCount }) => remainingCount),
  };
}

const nameOf = ({ kind, on, resource, wanted }: Finding): string => [kind, on, resource, wanted].join(' ');

function firstOfEach(findings: readonly Finding[]): Finding[] {
  const counts = new Map<string, number>();
  return findings.filter(({ kind }) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= MOST_OF_A_KIND;
  });
}
