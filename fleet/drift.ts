/** Drift: what AWS shows of a fleet held against what it should show. */

import type { Facts, InstanceFacts } from './facts.ts';
import type { Finding, FindingKind } from './finding.ts';
import { profileFindings, roleFindings } from './identity-drift.ts';
import { hasEnded, instanceFindings, strangerFinding } from './instance-drift.ts';
import { NONE, refill } from './mending.ts';
import { scaleCommand } from './scale.ts';
import { isOfRun, RUN_TAG } from './tags.ts';
import type { Wanted } from './wanted.ts';

export interface Drift {
  readonly findings: readonly Finding[];
  /** How many instances of the fleet there are, terminated ones left out. */
  readonly instanceCount: number;
  /** Ids of told instances that are no more. */
  readonly gone: readonly string[];
  /** Something is not there: what is new, AWS may not show yet. */
  readonly isLess: boolean;
}

/** All that differs: first the role, then the profile, then the instances. */
export function driftOf(wanted: Wanted, facts: Facts): Drift {
  const { ours, strangers } = sorted(wanted, facts.instances);
  const alive = ours.filter((instance) => !hasEnded(instance));
  const identity = [...roleFindings(wanted, facts.role), ...profileFindings(wanted, facts)];
  const canLaunch = !identity.some(({ kind, safe }) => !safe && LAUNCHED_WITH.includes(kind));
  const numbers = countFindings(wanted, alive.length, canLaunch);
  const instances = ours.flatMap((instance) =>
    instanceFindings(wanted, instance, { profileId: facts.profile?.id, canLaunch }),
  );
  return {
    findings: [
      ...(wanted.identityElsewhere ? [] : identity),
      ...numbers,
      ...instances,
      ...strangers.map((instance) => strangerFinding(wanted, instance)),
    ],
    instanceCount: alive.length,
    gone: wanted.instances.ids.filter((id) => !alive.some((instance) => instance.id === id)),
    isLess:
      alive.length < wanted.instances.count.min ||
      identity.some(({ wanted, found }) => found === NONE && wanted !== NONE),
  };
}

/**
 * The fleet's instances and others with its tag: tags can be copied, as the console's "launch more like this" does, the
 * token of a launch cannot. Of those that have ended only such as should be there are of interest: others were ended by
 * a change, or by a run that failed.
 */
function sorted({ instances: { runs, ids } }: Wanted, all: readonly InstanceFacts[]) {
  const told = new Set(ids);
  const isOurs = ({ id, tags, token }: InstanceFacts) =>
    told.has(id) || (runs ?? [tags[RUN_TAG] ?? '']).some((run) => isOfRun(run, token));
  const shown = all.filter((instance) => !hasEnded(instance) || told.has(instance.id));
  return { ours: shown.filter(isOurs), strangers: shown.filter((instance) => !isOurs(instance)) };
}

/** What a new machine needs to be as the others: when it cannot be put right, none is launched. */
const LAUNCHED_WITH: readonly FindingKind[] = ['role', 'profile', 'role-in-profile', 'trust'];

function countFindings(
  { fleet, place, specFrom, instances: { count } }: Wanted,
  found: number,
  canLaunch: boolean,
): Finding[] {
  const { want, min } = count;
  if (found >= min && found <= want) return [];
  // Which are too many a person has to say; another spec's count is another fleet's.
  const isRefilled = found < min && specFrom === 'run';
  return [
    {
      kind: 'count',
      resource: fleet,
      wanted: min < want ? `${min} to ${want}` : `${want}`,
      found: `${found}`,
      safe: isRefilled && canLaunch,
      command: isRefilled ? refill(fleet, canLaunch) : scaleCommand(fleet, want, place),
    },
  ];
}
