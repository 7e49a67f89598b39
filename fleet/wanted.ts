/** What AWS should show of a complete fleet: made of its spec and of what its runs have said. */

import { profileName } from './names.ts';
import { locatedIn, type PlaceIdentity, standsOf, type Where, whereOf } from './places.ts';
import { type FleetReport, instanceCountOf, runsOf } from './report.ts';
import type { Count, FleetSpec, MetadataSpec, Placement, RoleToMake, Tags } from './spec.ts';
import { COMPLETE, NAMESPACE_TAG, ownershipTags, PROFILE_TAG, RUN_TAG, SPEC_TAG, STATE_TAG } from './tags.ts';

/** Of the fleet's last report, what a check needs. */
export type Known = Pick<
  FleetReport,
  'runId' | 'runs' | 'specHash' | 'role' | 'profile' | 'image' | 'placements'
> & {
  /** How many instances the fleet has. */
  readonly count: number;
  /** Of the first of them. */
  readonly ids: readonly string[];
};

/** Tags and their values; undefined stands for any value. */
export type WantedTags = Readonly<Record<string, string | undefined>>;

export interface WantedRole {
  readonly name: string;
  /** Unique id, when a run told it. */
  readonly id?: string;
  /** Absent of a role that is only used: what it holds is its owner's matter. */
  readonly made?: {
    readonly spec: RoleToMake;
    readonly tags: WantedTags;
  };
}

export interface WantedProfile {
  readonly name: string;
  readonly id?: string;
  /** Absent of a profile that is only used. */
  readonly made?: { readonly tags: WantedTags };
}

export interface WantedInstances {
  readonly count: Count;
  /** Of those that the last report told one by one. */
  readonly ids: readonly string[];
  /** The runs that may have launched them; absent when no run is known. */
  readonly runs?: readonly string[];
  /** Absent when it cannot be told: a moving name that no run has told the meaning of. */
  readonly image?: string;
  /** Absent when it cannot be told: needs that no run has told the types of. */
  readonly placements?: readonly Placement[];
  /** Absent when the spec leaves them to the network. */
  readonly securityGroups?: readonly string[];
  readonly metadata: MetadataSpec;
  readonly tags: WantedTags;
}

export interface Wanted extends Where {
  readonly fleet: string;
  /** Which of several. */
  readonly place?: string;
  readonly specFrom: CheckRequest['specFrom'];
  /** Its role and profile are told of in another place of the same account. */
  readonly identityElsewhere?: boolean;
  readonly policy: FleetSpec['policy'];
  readonly role?: WantedRole;
  readonly profile: WantedProfile;
  readonly instances: WantedInstances;
}

/** What `checkFleet` takes. */
export interface CheckRequest {
  readonly spec: FleetSpec;
  readonly specFrom: 'run' | 'file';
  /** Absent when Temporal has no history of the fleet's runs any more. */
  readonly known?: Known;
  /** Seconds to look for what is so new that AWS may not show it yet. */
  readonly patience: number;
  /** Of one place of several: which, and what of its role and profile. */
  readonly place?: string;
  readonly identity?: PlaceIdentity;
  /** Of a fleet in several places: each that it has come up in, looked at as a fleet of its own. */
  readonly places?: readonly PlaceCheck[];
}

export interface PlaceCheck extends Pick<CheckRequest, 'spec' | 'known' | 'identity'> {
  readonly place: string;
}

export function knownOf(report: FleetReport): Known {
  const { runId, runs, specHash, role, profile, image, placements, instances } = report;
  const ids = instances.map(({ id }) => id);
  return { runId, runs, specHash, role, profile, image, placements, count: instanceCountOf(report), ids };
}

/** A check of a fleet that is as reported, in one place or in several. */
export function checkOf(
  spec: FleetSpec,
  report: FleetReport,
): Pick<CheckRequest, 'spec' | 'known' | 'places'> {
  if (!spec.places) return { spec: locatedIn(spec, report), known: knownOf(report) };
  const places = standsOf(spec, report).map(({ at, spec, report, identity }) => ({
    place: at!,
    spec,
    known: knownOf(report),
    identity,
  }));
  return { spec, places };
}

/** `namespace` is Temporal's, in which the fleet's runs are. */
export function wantedOf(
  { spec, specFrom, known, place, identity }: CheckRequest,
  namespace: string,
): Wanted {
  const { name, region, role, profile, instances } = spec;
  const runs = known && runsOf(known);
  const own: WantedTags = known
    ? ownershipTags({ fleet: name, run: runs![0]!, namespace, region, specHash: known.specHash! })
    : { ...ownershipTags({ fleet: name, run: '', namespace, region, specHash: '' }), ...ANY_RUN };
  const ofIdentity = identity === 'elsewhere' ? own : { ...own, ...identity };
  const roleName = known?.role?.name ?? role?.name;
  const usedProfile = profile.reuse ? profileName(profile.ref) : profile.name;
  const isOfFile = specFrom === 'file';
  return {
    fleet: name,
    place,
    specFrom,
    ...whereOf(spec),
    identityElsewhere: identity === 'elsewhere',
    policy: spec.policy,
    role:
      roleName === undefined
        ? undefined
        : {
            name: roleName,
            id: known?.role?.id,
            made:
              role && !role.reuse
                ? { spec: role, tags: { ...spec.tags, ...role.tags, ...ofIdentity } }
                : undefined,
          },
    profile: {
      name: usedProfile,
      id: known?.profile?.id,
      made: profile.reuse
        ? undefined
        : { tags: { ...spec.tags, ...profile.tags, ...ofIdentity, [STATE_TAG]: COMPLETE } },
    },
    instances: {
      count: isOfFile ? instances.count : { want: known!.count, min: known!.count },
      ids: known?.ids ?? [],
      runs,
      image: imageOf(spec, known, isOfFile),
      placements: isOfFile ? namedPlacements(spec) : (known!.placements ?? namedPlacements(spec)),
      securityGroups: instances.securityGroups.length > 0 ? instances.securityGroups : undefined,
      metadata: instances.metadata,
      tags: {
        ...(spec.tags as WantedTags),
        ...instances.tags,
        ...own,
        // Which of the runs it was, is looked at by itself.
        [RUN_TAG]: undefined,
        [PROFILE_TAG]: usedProfile,
        ...(profile.reuse && { [STATE_TAG]: COMPLETE }),
      },
    },
  };
}

const ANY_RUN: WantedTags = { [RUN_TAG]: undefined, [SPEC_TAG]: undefined, [NAMESPACE_TAG]: undefined };

/** A moving name means what it meant when the fleet was made. */
function imageOf({ instances: { image } }: FleetSpec, known: Known | undefined, isOfFile: boolean) {
  if (isOfFile && image.startsWith('ami-')) return image;
  return known?.image;
}

function namedPlacements({ instances: { placements } }: FleetSpec): readonly Placement[] | undefined {
  const named = placements.flatMap((placement) => ('type' in placement ? placement : []));
  return named.length === placements.length ? named : undefined;
}

/** The tags that are not as wanted: key, wanted value and what there is. */
export function wrongTags(
  wanted: WantedTags,
  tags: Tags,
): { readonly key: string; readonly wanted: string | undefined; readonly found: string | undefined }[] {
  return Object.entries(wanted)
    .filter(([key, value]) => tags[key] === undefined || (value !== undefined && tags[key] !== value))
    .map(([key, value]) => ({ key, wanted: value, found: tags[key] }));
}
