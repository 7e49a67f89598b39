/** The launch: one RunInstances call with its token, tags and metadata options, and what came of it. */

import { type EC2Client, type Instance, RunInstancesCommand, type Tag } from '@aws-sdk/client-ec2';
import { Context } from '@temporalio/activity';
import type { InstanceReport } from '../fleet/report.ts';
import type { InstancesSpec, Tags } from '../fleet/spec.ts';
import type { Owner } from '../fleet/tags.ts';
import { type AwsError, ask, isProfileUnknownToEc2, isTokenMismatch, isTokenSpent } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { findLaunched, instanceReport } from './fleet-instances.ts';
import { toAwsTags } from './tags.ts';

export interface LaunchRequest {
  readonly region: string;
  readonly owner: Owner;
  /** At most 64 ASCII characters; the same for a repetition of this launch and for nothing else. */
  readonly token: string;
  readonly count: number;
  /** Resolved and pinned: a moving name under the same token would be another request. */
  readonly image: string;
  readonly profileArn: string;
  readonly instances: Omit<InstancesSpec, 'count' | 'image' | 'tags'>;
  readonly tags: Tags;
}

export type LaunchOutcome =
  | { readonly state: 'launched'; readonly instances: readonly InstanceReport[] }
  /** EC2 does not know the profile, or its role, yet. */
  | {
      readonly state: 'not-yet';
      readonly reason: string;
      /** An earlier attempt had no answer, and may have launched: only the same token may follow. */
      readonly unsettled: boolean;
    }
  /** What this token launched is terminated: the next attempt has a new token. */
  | { readonly state: 'token-spent'; readonly reason: string };

export function launchSteps(clientsFor: ClientsFor) {
  return {
    /**
     * Launches `count` instances, all or none. Repeated with the same token it answers what the first call launched,
     * whether or not that call was ever answered.
     */
    async launch(request: LaunchRequest): Promise<LaunchOutcome> {
      const { ec2 } = clientsFor(request.region);
      try {
        const answer = await ask('ec2:RunInstances', ec2.send(runInstances(request)));
        const launched = answer.Instances ?? [];
        // A repeated token can be answered with the dead (harbor #2346).
        if (launched.length > 0 && launched.every((instance) => isDead(instance))) {
          return { state: 'token-spent', reason: 'the instances of this token are terminated' };
        }
        return { state: 'launched', instances: launched.map(instanceReport) };
      } catch (error) {
        const landed = await landedUnder(ec2, request, error);
        if (landed.length > 0) return { state: 'launched', instances: landed.map(instanceReport) };
        if (isProfileUnknownToEc2(error)) {
          const unsettled = Context.current().info.attempt > 1;
          return { state: 'not-yet', reason: error.message, unsettled };
        }
        if (isTokenSpent(error)) return { state: 'token-spent', reason: (error as AwsError).message };
        throw error;
      }
    },
  };
}

function isDead(instance: Instance): boolean {
  const state = instance.State?.Name;
  return state === 'terminated' || state === 'shutting-down';
}

/**
 * What a refused call launched all the same: a token mismatch means that an earlier call with the token may have
 * worked. The instances' own tags and token are the proof, not the filter that found them.
 */
async function landedUnder(ec2: EC2Client, request: LaunchRequest, error: unknown): Promise<Instance[]> {
  if (!isTokenMismatch(error)) return [];
  const seen = await findLaunched(ec2, request.owner, request.token);
  return seen.filter((instance) => !isDead(instance));
}

function runInstances(request: LaunchRequest): RunInstancesCommand {
  const { instances } = request;
  const tags: Tag[] = toAwsTags(request.tags);
  return new RunInstancesCommand({
    ClientToken: request.token,
    MinCount: request.count,
    MaxCount: request.count,
    ImageId: request.image,
    InstanceType: instances.type as never,
    IamInstanceProfile: { Arn: request.profileArn },
    SubnetId: instances.subnet,
    Placement: instances.zone ? { AvailabilityZone: instances.zone } : undefined,
    SecurityGroupIds: instances.securityGroups.length > 0 ? [...instances.securityGroups] : undefined,
    KeyName: instances.key,
    UserData:
      instances.userData === undefined ? undefined : Buffer.from(instances.userData).toString('base64'),
    BlockDeviceMappings:
      instances.volumes.length > 0
        ? instances.volumes.map((volume) => ({
            DeviceName: volume.device,
            Ebs: {
              VolumeSize: volume.size,
              VolumeType: volume.type as never,
              Iops: volume.iops,
              Throughput: volume.throughput,
              Encrypted: volume.encrypted,
              KmsKeyId: volume.kmsKey,
              SnapshotId: volume.snapshot,
              DeleteOnTermination: volume.deleteOnTermination,
            },
          }))
        : undefined,
    Monitoring: { Enabled: instances.monitoring },
    MetadataOptions: {
      HttpEndpoint: 'enabled',
      HttpTokens: 'required',
      HttpPutResponseHopLimit: instances.metadata.hopLimit,
      InstanceMetadataTags: instances.metadata.tags ? 'enabled' : 'disabled',
    },
    // In the call that makes them, so that no crash leaves an instance or a volume that nobody can be told to own.
    TagSpecifications: [
      { ResourceType: 'instance', Tags: tags },
      { ResourceType: 'volume', Tags: tags },
    ],
  });
}
