/** Ownership: the tags that say which fleet and which run made a resource, set in the call that makes it. */

import type { Tags } from './spec.ts';

export const FLEET_TAG = 'muster:fleet';
export const RUN_TAG = 'muster:run';
export const REGION_TAG = 'muster:region';
/** On the role and the profile of a fleet in several places: its regions in this account, with spaces between them. */
export const REGIONS_TAG = 'muster:regions';
/** Temporal's namespace in which the run is: another's sweep knows nothing of it. */
export const NAMESPACE_TAG = 'muster:namespace';
/** Hash of the spec: lets `up` recognise its fleet when the history is gone. */
export const SPEC_TAG = 'muster:spec';
/** On instances: which role and profile they were launched with, for fleets whose names differ from theirs. */
export const PROFILE_TAG = 'muster:profile';

/** Set when the fleet is verified: without any history it tells a complete fleet from what a lost run left. */
export const STATE_TAG = 'muster:state';
export const COMPLETE = 'complete';

/** Who may change or delete a resource: any run of the fleet, or with `run` only that one, with `runs` one of them. */
export interface Owner {
  readonly fleet: string;
  readonly run?: string;
  readonly runs?: readonly string[];
  /** Of instances only those whose client token begins so: they are of one launch. Of a volume nothing proves that. */
  readonly launch?: string;
}

/** The one run that makes things. */
export interface RunOwner extends Owner {
  readonly run: string;
}

export interface Ownership {
  readonly fleet: string;
  readonly run: string;
  readonly namespace: string;
  readonly region: string;
  readonly specHash: string;
}

/** The regions that a thing's tags name; the first is where it was made from. */
export function regionsOf(tags: Tags): readonly string[] {
  const all = tags[REGIONS_TAG]?.split(' ') ?? [];
  return all.length > 0 ? all : [tags[REGION_TAG] ?? []].flat();
}

export function ownershipTags(of: Ownership): Tags {
  return {
    [FLEET_TAG]: of.fleet,
    [RUN_TAG]: of.run,
    [NAMESPACE_TAG]: of.namespace,
    [REGION_TAG]: of.region,
    [SPEC_TAG]: of.specHash,
  };
}

/**
 * Whether the run that its tags name launched an instance, or without such a tag any run: tags can be copied and edited,
 * the client token of a launch cannot. It begins with the id of its run.
 */
export function isLaunchedAs(tags: Tags, token?: string): boolean {
  const run = tags[RUN_TAG];
  return run === undefined ? runOfToken(token) !== undefined : isOfRun(run, token);
}

/** Whether a client token is of a launch of that run. */
export function isOfRun(run: string, token = ''): boolean {
  return run !== '' && token.startsWith(`${run}-`);
}

/** The run whose launch a client token tells of; that of another tool is a UUID at most. */
export function runOfToken(token = ''): string | undefined {
  return /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})(?:-[\da-f]{12})?-\d+$/.exec(token)?.[1];
}

/**
 * Whether the tags that a resource itself answers with say that `owner` made it. The one proof that allows a
 * change or a deletion: a filter or a name never is (some emulators and caches ignore filters).
 */
export function owns(owner: Owner, tags: Tags): boolean {
  if (owner.fleet === '' || owner.run === '') return false;
  // As IAM's names, fleets are told apart ignoring case.
  const isOfFleet = tags[FLEET_TAG]?.toLowerCase() === owner.fleet.toLowerCase();
  const run = tags[RUN_TAG];
  if (owner.runs && (run === undefined || !owner.runs.includes(run))) return false;
  return isOfFleet && (owner.run === undefined || run === owner.run);
}
