/** Drift of a fleet in several places: what differs in each of them, as one account of it. */

import type { DriftReport, PlaceChecked } from './drift-report.ts';
import { type FindingKind, withPlace } from './finding.ts';

/** What a look has found in a place. */
export interface DriftThere extends PlaceChecked, Pick<DriftReport, 'findings' | 'more'> {}

type Whole = Pick<DriftReport, 'account' | 'places' | 'instanceCount' | 'findings' | 'more'>;

/** Each thing with where it is: the place, or of a role and a profile the account, if there are several. */
export function driftOfPlaces(all: readonly DriftThere[]): Whole {
  const accounts = new Set(all.map(({ account }) => account));
  const more: Partial<Record<FindingKind, number>> = {};
  for (const there of all) {
    for (const [kind, count] of Object.entries(there.more) as [FindingKind, number][]) {
      more[kind] = (more[kind] ?? 0) + count;
    }
  }
  return {
    account: accounts.size === 1 ? all[0]!.account : undefined,
    places: all.map(({ place, account, region, instanceCount }) => ({
      place,
      account,
      region,
      instanceCount,
    })),
    instanceCount: all.reduce((sum, { instanceCount }) => sum + instanceCount, 0),
    findings: all.flatMap(({ place, account, findings }) =>
      findings.map((finding) => withPlace(finding, place, accounts.size === 1 ? undefined : account)),
    ),
    more,
  };
}
