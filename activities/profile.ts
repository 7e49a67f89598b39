/** The instance profile and its tie to the role: ensure, wait until EC2 knows it, undo. */

import { RunInstancesCommand } from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  DeleteInstanceProfileCommand,
  type IAMClient,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { PROFILE_UNKNOWN } from '../fleet/failures.ts';
import type { Where } from '../fleet/places.ts';
import type { Removal } from '../fleet/removal.ts';
import type { ProfileReport } from '../fleet/report.ts';
import type { Placement, ProfileToMake, Tags } from '../fleet/spec.ts';
import { type Owner, owns } from '../fleet/tags.ts';
import {
  type AwsError,
  ask,
  isAbsent,
  isDeleteConflict,
  isDryRunSuccess,
  isProfileFull,
  isProfileUnknownToEc2,
  isTaken,
  notYet,
} from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { ownedOrTaken, removeIfOurs, type UNSURE, type UndoRequest } from './ownership.ts';
import { nextPause, pause } from './patience.ts';
import { absentIsDone, readProfile, unsureIfAbsent } from './reads.ts';
import { toAwsTags } from './tags.ts';

export interface CreateProfileRequest extends Where {
  readonly owner: Owner;
  readonly profile: ProfileToMake;
  readonly tags: Tags;
}

export interface AddRoleRequest extends Where {
  readonly profile: string;
  readonly role: string;
}

export interface AwaitProfileRequest extends Where {
  readonly profileArn: string;
  readonly image: string;
  readonly placement: Placement;
  /** Those of the launch: whoever may launch with these need not be allowed the network's default group. */
  readonly securityGroups?: readonly string[];
  /** Milliseconds waited before this look, by earlier ones: the intervals grow on. */
  readonly waited: number;
  /** Milliseconds that this look may take before it says 'not yet'. */
  readonly patience: number;
}

export interface ProfileLook {
  readonly known: boolean;
  /** How often EC2 was asked. */
  readonly attempts: number;
  /** EC2's words when it does not know the profile. */
  readonly reason?: string;
}

export function profileSteps(clientsFor: ClientsFor) {
  return {
    /** Creates the profile with its tags in one call; what an earlier attempt of this run made is the same success. */
    async createProfile({ owner, profile, tags, ...where }: CreateProfileRequest): Promise<ProfileReport> {
      const { iam } = clientsFor(where);
      const command = new CreateInstanceProfileCommand({
        InstanceProfileName: profile.name,
        Path: profile.path,
        Tags: toAwsTags(tags),
      });
      try {
        const { InstanceProfile } = await ask('iam:CreateInstanceProfile', iam.send(command));
        const { Arn, InstanceProfileId } = InstanceProfile!;
        return { name: profile.name, arn: Arn!, id: InstanceProfileId!, reused: false };
      } catch (error) {
        if (!isTaken(error)) throw error;
        const existing = await ownedOrTaken(owner, 'iam:CreateInstanceProfile', 'instance profile', () =>
          readProfile(iam, profile.name),
        );
        return { name: existing.name, arn: existing.arn, id: existing.id, reused: false };
      }
    },

    /** Puts the role into the profile. AWS answers a repetition with LimitExceeded: then the profile itself is asked. */
    async addRole({ profile, role, ...where }: AddRoleRequest): Promise<void> {
      const { iam } = clientsFor(where);
      const command = new AddRoleToInstanceProfileCommand({ InstanceProfileName: profile, RoleName: role });
      try {
        await ask('iam:AddRoleToInstanceProfile', iam.send(command));
      } catch (error) {
        if (isAbsent(error)) throw notYet(error as AwsError);
        if (!isProfileFull(error)) throw error;
        const existing = await readProfile(iam, profile);
        if (existing?.role?.name !== role) throw error;
      }
    },

    /**
     * Asks EC2 itself, by a dry run of the launch, whether it accepts the profile: IAM's own answer proves nothing
     * about EC2 (terraform-provider-aws #838). Asks at growing intervals until `patience` is over; a look that goes on
     * with an earlier one's wait begins with the interval.
     *
     * A long wait is left to Temporal: each attempt asks once and fails, and until the next one is due it holds no
     * place in a worker, where a thousand that wait would keep all others from theirs, and adds nothing to a history.
     */
    async awaitProfile(request: AwaitProfileRequest): Promise<ProfileLook> {
      if (request.waited >= LONG_WAIT) return askOnce(clientsFor, request);
      const started = Date.now();
      const interval = (waited: number) => nextPause(request.waited + waited, LEAST_INTERVAL, MOST_INTERVAL);
      if (request.waited > 0) await pause(Math.min(interval(0), request.patience));
      for (let attempts = 1; ; attempts++) {
        const reason = await whyUnknown(clientsFor, request);
        if (reason === undefined) return { known: true, attempts };
        const waited = Date.now() - started;
        const wait = interval(waited);
        if (waited + wait > request.patience) return { known: false, attempts, reason };
        await pause(wait);
      }
    },
  };
}

/**
 * Milliseconds. RunInstances' bucket is refilled with 2 a second, and dry runs are presumed to drink from it: with the
 * launch, which follows the dry run that succeeds at once, this keeps to three calls in any two seconds.
 */
const LEAST_INTERVAL = 1_000;
const MOST_INTERVAL = 15_000;
/** Milliseconds after which a wait is a long one. */
const LONG_WAIT = 8_000;

async function askOnce(clientsFor: ClientsFor, request: AwaitProfileRequest): Promise<ProfileLook> {
  const { attempt, scheduledTimestampMs } = Context.current().info;
  const waited = () => request.waited + Date.now() - scheduledTimestampMs;
  const interval = () => nextPause(waited(), LEAST_INTERVAL, MOST_INTERVAL);
  if (attempt === 1) await pause(Math.min(interval(), request.patience));
  const reason = await whyUnknown(clientsFor, request);
  if (reason === undefined) return { known: true, attempts: attempt };
  throw ApplicationFailure.create({
    type: PROFILE_UNKNOWN,
    message: reason,
    nextRetryDelay: interval(),
    // It is what was to be expected: no worker need log it.
    category: ApplicationFailureCategory.BENIGN,
  });
}

async function whyUnknown(clientsFor: ClientsFor, request: AwaitProfileRequest): Promise<string | undefined> {
  const { type, zone, subnet } = request.placement;
  const { securityGroups = [] } = request;
  const probe = new RunInstancesCommand({
    DryRun: true,
    MinCount: 1,
    MaxCount: 1,
    ImageId: request.image,
    InstanceType: type as never,
    SubnetId: subnet,
    SecurityGroupIds: securityGroups.length > 0 ? [...securityGroups] : undefined,
    Placement: zone && !subnet ? { AvailabilityZone: zone } : undefined,
    IamInstanceProfile: { Arn: request.profileArn },
  });
  try {
    await ask('ec2:RunInstances (dry run)', clientsFor(request).ec2.send(probe));
    return undefined;
  } catch (error) {
    if (isDryRunSuccess(error)) return undefined;
    if (isProfileUnknownToEc2(error)) return error.message;
    throw error;
  }
}

export interface RemoveRoleRequest extends UndoRequest {
  readonly profile: string;
  readonly role: string;
}

export interface DeleteProfileRequest extends UndoRequest {
  readonly profile: string;
}

export function profileUndos(clientsFor: ClientsFor) {
  return {
    /** Takes the role out of a profile of the owner's. */
    async removeRole(request: RemoveRoleRequest): Promise<Removal> {
      const { iam } = clientsFor(request);
      return removeIfOurs(
        request,
        () => readProfile(iam, request.profile),
        async ({ role }) => {
          if (role?.name === request.role) await takeOut(iam, request.profile, request.role);
          return undefined;
        },
      );
    },

    /** Deletes a profile of the owner's, and first takes out whatever role stands in it. */
    async deleteProfile(request: DeleteProfileRequest): Promise<Removal> {
      const { iam } = clientsFor(request);
      return removeIfOurs(
        request,
        () => readProfile(iam, request.profile),
        async () => {
          try {
            return await deleteNow(iam, request.profile);
          } catch (error) {
            if (!isDeleteConflict(error)) throw error;
            const inside = await readProfile(iam, request.profile);
            if (inside?.role) await takeOut(iam, request.profile, inside.role.name);
            return deleteNow(iam, request.profile);
          }
        },
      );
    },
  };
}

async function deleteNow(iam: IAMClient, profile: string): Promise<typeof UNSURE | undefined> {
  const command = new DeleteInstanceProfileCommand({ InstanceProfileName: profile });
  return unsureIfAbsent(ask('iam:DeleteInstanceProfile', iam.send(command)));
}

/** Takes the role out of a profile if the profile is the owner's; answers `false` when it is not, and leaves it. */
export async function removeRoleFrom(
  iam: IAMClient,
  owner: Owner,
  profile: string,
  role: string,
): Promise<boolean> {
  const seen = await readProfile(iam, profile);
  if (seen && !owns(owner, seen.tags)) return false;
  if (seen) await takeOut(iam, profile, role);
  return true;
}

/** That it is not in there, or not to be seen there yet, is no matter: the profile's own deletion would say so. */
async function takeOut(iam: IAMClient, profile: string, role: string): Promise<void> {
  const command = new RemoveRoleFromInstanceProfileCommand({
    InstanceProfileName: profile,
    RoleName: role,
  });
  await absentIsDone(ask('iam:RemoveRoleFromInstanceProfile', iam.send(command)));
}
