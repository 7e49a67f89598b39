/** The undos of a bootstrap's steps: what each one calls, and what is left when it fails for good. */

import {
  attachedPolicyLeftover,
  policyLeftover,
  profileLeftover,
  resourceLeftovers,
  roleLeftover,
  unknownInstancesLeftover,
} from '../fleet/leftovers.ts';
import { whereOf } from '../fleet/places.ts';
import { type Removal, removalWords, terminationWords } from '../fleet/removal.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { Owner } from '../fleet/tags.ts';
import { asUndo, undoing } from './activities.ts';
import type { Launch } from './launch.ts';
import type { Undo, UndoTold } from './run.ts';

/** What every undo needs to know. */
export interface UndoScope {
  readonly spec: FleetSpec;
  readonly owner: Owner;
  /** The unique ids of what the run has made, once AWS has answered them. */
  readonly made: { role?: string; profile?: string };
}

export function undoRole({ spec, owner, made }: UndoScope, role: string): Undo {
  return {
    name: 'delete-role',
    run: async () =>
      told(
        await undoing.deleteRole.executeWithOptions(asUndo('delete-role', role, spec.deadlines.undo), [
          { ...request(spec, owner), id: made.role, role },
        ]),
      ),
    leftovers: (reason) => [roleLeftover(role, reason)],
  };
}

export function undoPolicy({ spec, owner }: UndoScope, role: string, policy: string): Undo {
  return {
    name: 'delete-policy',
    run: async () =>
      told(
        await undoing.deletePolicy.executeWithOptions(asUndo('delete-policy', policy, spec.deadlines.undo), [
          { ...request(spec, owner), role, policy },
        ]),
      ),
    leftovers: (reason) => [policyLeftover(role, policy, reason)],
  };
}

export function undoAttachedPolicies(
  { spec, owner }: UndoScope,
  role: string,
  policies: readonly string[],
): Undo {
  return {
    name: 'detach-policies',
    run: async () =>
      told(
        await undoing.detachPolicies.executeWithOptions(
          asUndo('detach-policies', `${policies.length}`, spec.deadlines.undo),
          [{ ...request(spec, owner), role, policies }],
        ),
      ),
    leftovers: (reason, left = policies) => left.map((arn) => attachedPolicyLeftover(role, arn, reason)),
  };
}

/** `role` is the one that the fleet puts into it. */
export function undoProfile(
  { spec, owner, made }: UndoScope,
  profile: string,
  role: string | undefined,
): Undo {
  return {
    name: 'delete-profile',
    run: async () =>
      told(
        await undoing.deleteProfile.executeWithOptions(
          asUndo('delete-profile', profile, spec.deadlines.undo),
          [{ ...request(spec, owner), id: made.profile, profile }],
        ),
      ),
    leftovers: (reason) => [profileLeftover(profile, role, reason)],
  };
}

/** A role that stays in its profile is no leftover of its own: the profile is. */
export function undoMembership({ spec, owner }: UndoScope, profile: string, role: string): Undo {
  return {
    name: 'remove-role',
    run: async () =>
      told(
        await undoing.removeRole.executeWithOptions(
          asUndo('remove-role', `${role} out of ${profile}`, spec.deadlines.undo),
          [{ ...request(spec, owner), profile, role }],
        ),
      ),
    leftovers: () => [],
  };
}

/** `kept` are those that are left alone, though the run has launched them. */
export function undoLaunch(
  { spec, owner }: UndoScope,
  launch: Pick<Launch, 'ids' | 'unsettled'>,
  kept: () => readonly string[] = () => [],
): Undo {
  return {
    name: 'terminate',
    run: async () => {
      const { ids, unsettled } = launch;
      const outcome = await undoing.terminate.executeWithOptions(
        asUndo('terminate', 'those of this run', spec.deadlines.undo),
        [
          {
            ...request(spec, owner),
            ids,
            unsettled,
            spare: kept().map((id) => `instance/${id}`),
            volumes: 'delete',
          },
        ],
      );
      return { outcome: outcome.outcome, detail: terminationWords(outcome) };
    },
    leftovers: (reason, left) => {
      const ids = left ?? launch.ids;
      // The answer was lost and the look denied: the tag is all that is known of them.
      if (ids.length === 0) return [unknownInstancesLeftover(spec.region, owner, reason)];
      return resourceLeftovers(spec.region, owner, ids, reason);
    },
  };
}

function told(removal: Removal): UndoTold {
  return { outcome: removal.outcome, detail: removalWords(removal) };
}

function request(spec: FleetSpec, owner: Owner) {
  return { ...whereOf(spec), owner, patience: spec.deadlines.consistency };
}
