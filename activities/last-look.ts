/** The last look, before a report names what is left: what a removal could not take may be gone all the same. */

import type { Instance, Volume } from '@aws-sdk/client-ec2';
import { isTagged, resourceLeftovers } from '../fleet/leftovers.ts';
import type { Where } from '../fleet/places.ts';
import { type Leftover, type LeftoverKind, MOST_TOLD } from '../fleet/report.ts';
import { type Owner, owns } from '../fleet/tags.ts';
import type { AwsClients, ClientsFor } from './clients.ts';
import { findByIds, findInstances, findVolumes, isTerminated } from './fleet-instances.ts';
import { lookFor } from './patience.ts';
import { policiesOf } from './policy.ts';
import { type ProfileSeen, type RoleSeen, readProfile, readRole } from './reads.ts';
import { isLasting } from './volumes.ts';

export interface LastLookRequest extends Where {
  readonly owner: Owner;
  /** What may be left. */
  readonly leftovers: readonly Leftover[];
  /** The role that has the policies among them. */
  readonly role?: string;
  /** Unique ids (`AROA...`, `AIPA...`) of what the run has made, where they are known. */
  readonly made: readonly string[];
  /** Volumes of the owner's that outlived their instances are left too, named or not. */
  readonly volumes?: boolean;
  /** Seconds to go on looking for what is not shown. */
  readonly patience: number;
}

export function lastLookSteps(clientsFor: ClientsFor) {
  return {
    /**
     * Those of the leftovers that are there, or whose end nothing proves; where a tag was all that was known of
     * instances, they are named.
     */
    async lastLook(request: LastLookRequest): Promise<Leftover[]> {
      const clients = clientsFor(request);
      let left: readonly Leftover[] = request.leftovers;
      let tagged: readonly Instance[] = [];
      let loose: readonly Volume[] = [];
      const there = new Set<Leftover>();
      await lookFor(async () => {
        const view = await viewOf(clients, request);
        loose = view.volumes.filter(({ State }) => State === 'available');
        tagged = view.instances.filter((instance) => !isTerminated(instance));
        left = left.filter((leftover) => !hasEnded(leftover, view));
        for (const leftover of left) if (isShown(leftover, view)) there.add(leftover);
        return left.every((leftover) => there.has(leftover)) || undefined;
      }, request.patience);
      return left
        .filter((leftover) => there.has(leftover) || provesNothingUnshown(leftover))
        .flatMap((leftover) => named(leftover, request, tagged))
        .concat(volumesBeside(request, loose));
    },
  };
}

function named(leftover: Leftover, request: LastLookRequest, tagged: readonly Instance[]): Leftover[] {
  if (leftover.kind !== 'instance' || !isTagged(leftover)) return [leftover];
  const ids = tagged.map(({ InstanceId }) => InstanceId!);
  const others = unnamed(request, ids);
  // Of very many it has been said already how many there are.
  if (request.leftovers.length > MOST_TOLD) return others.length > 0 ? [leftover] : [];
  return resourceLeftovers(request.region, request.owner, others, leftover.reason);
}

function volumesBeside(request: LastLookRequest, loose: readonly Volume[]): Leftover[] {
  if (!request.volumes) return [];
  const ids = loose.map(({ VolumeId }) => VolumeId!);
  return resourceLeftovers(
    request.region,
    request.owner,
    unnamed(request, ids),
    'its removal was not reached',
  );
}

function unnamed({ leftovers }: LastLookRequest, ids: readonly string[]): string[] {
  const known = new Set(leftovers.map(({ id }) => id));
  return ids.filter((id) => !known.has(id));
}

/** What AWS shows at one moment, as far as it was asked. */
interface View {
  readonly role: RoleSeen | undefined;
  /** Names of the inline ones, ARNs of the managed ones. */
  readonly policies: readonly string[];
  readonly profile: ProfileSeen | undefined;
  readonly instances: readonly Instance[];
  readonly volumes: readonly Volume[];
}

/** Only what is in question is asked for: the rest may be denied. */
async function viewOf({ iam, ec2 }: AwsClients, request: LastLookRequest): Promise<View> {
  const { owner, leftovers, made } = request;
  const idsOf = (wanted: LeftoverKind) => leftovers.filter(({ kind }) => kind === wanted).map(({ id }) => id);
  const own = <T extends RoleSeen | ProfileSeen>(seen: T | undefined) =>
    seen && (owns(owner, seen.tags) || made.includes(seen.id)) ? seen : undefined;
  const hasPolicies = idsOf('policy').length > 0;
  const roleName = idsOf('role')[0] ?? (hasPolicies ? request.role : undefined);
  const profileName = idsOf('profile')[0];
  const instances = idsOf('instance');
  const role = roleName === undefined ? undefined : own(await readRole(iam, roleName));
  return {
    role,
    policies: role && hasPolicies ? await policiesOf(iam, role.name) : [],
    profile: profileName === undefined ? undefined : own(await readProfile(iam, profileName)),
    instances:
      instances.length === 0
        ? []
        : [
            ...(await findByIds(
              ec2,
              instances.filter((id) => !isTagged({ id })),
            )),
            ...(await findInstances(ec2, owner)),
          ],
    volumes: request.volumes || idsOf('volume').length > 0 ? await findVolumes(ec2, owner) : [],
  };
}

function isShown({ kind, id }: Leftover, view: View): boolean {
  switch (kind) {
    case 'role':
      return view.role !== undefined;
    case 'policy':
      return view.policies.includes(id);
    case 'profile':
      return view.profile !== undefined;
    case 'instance':
      return view.instances.some(
        (instance) => !isTerminated(instance) && (instance.InstanceId === id || isTagged({ id })),
      );
    case 'volume':
      return view.volumes.some((volume) => isLasting(volume) && (volume.VolumeId === id || isTagged({ id })));
  }
}

/** EC2 shows for about an hour what is terminated: that alone proves it. */
function hasEnded({ kind, id }: Leftover, { instances }: View): boolean {
  return kind === 'instance' && instances.some((one) => one.InstanceId === id && isTerminated(one));
}

function provesNothingUnshown(leftover: Leftover): boolean {
  return leftover.kind === 'instance' && !isTagged(leftover);
}
