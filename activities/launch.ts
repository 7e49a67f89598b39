/** The launch of a batch: one RunInstances call with its token, tags and metadata options, and what came of it. */

import { type EC2Client, type Instance, RunInstancesCommand, type Tag } from '@aws-sdk/client-ec2';
import { Context } from '@temporalio/activity';
import type { Batch, Refusal } from '../fleet/launch-plan.ts';
import type { Where } from '../fleet/places.ts';
import type { InstancesSpec, Tags } from '../fleet/spec.ts';
import type { Owner } from '../fleet/tags.ts';
import {
  AwsError,
  ask,
  isProfileUnknownToEc2,
  isThrottled,
  isTokenMismatch,
  isTokenSpent,
  refusalKind,
} from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { findLaunched } from './fleet-instances.ts';
import { lookFor, note, noted } from './patience.ts';
import { toAwsTags } from './tags.ts';

export interface LaunchRequest extends Where {
  readonly owner: Owner;
  /** At most 64 ASCII characters; the same for a repetition of this launch and for nothing else. */
  readonly token: string;
  readonly batch: Batch;
  /** Resolved and pinned: a moving name under the same token would be another request. */
  readonly image: string;
  readonly profileArn: string;
  readonly instances: Omit<InstancesSpec, 'count' | 'image' | 'placements' | 'spread' | 'market' | 'tags'>;
  readonly tags: Tags;
}

export type LaunchOutcome =
  | {
      readonly state: 'launched';
      /** Ids by their zone: what a history holds of ten thousand has to be short. */
      readonly ids: Readonly<Record<string, readonly string[]>>;
      /** AWS asked for a slower pace before. */
      readonly throttled: boolean;
    }
  /** EC2 does not know the profile, or its role, yet. */
  | {
      readonly state: 'not-yet';
      readonly reason: string;
      /** An earlier attempt had no answer, and may have launched: only the same token may follow. */
      readonly unsettled: boolean;
    }
  /** Not here: another placement may do. */
  | {
      readonly state: 'refused';
      readonly refusal: Refusal;
      /** An earlier attempt had no answer, and may have launched all the same. */
      readonly unsettled: boolean;
    }
  /** What this token launched is terminated: the next attempt has a new token. */
  | { readonly state: 'token-spent'; readonly reason: string };

export function launchSteps(clientsFor: ClientsFor) {
  return {
    /**
     * Launches the batch, or as much of it as EC2 has room for but not less than its least. Repeated with the same
     * token it answers what the first call launched, whether or not that call was ever answered.
     */
    async launch(request: LaunchRequest): Promise<LaunchOutcome> {
      const { ec2 } = clientsFor(request);
      const unsettled = isUnsettled();
      try {
        const answer = await ask('ec2:RunInstances', ec2.send(runInstances(request)));
        const launched = answer.Instances ?? [];
        // A repeated token can be answered with the dead (harbor #2346).
        if (launched.length > 0 && launched.every((instance) => isDead(instance))) {
          return { state: 'token-spent', reason: 'the instances of this token are terminated' };
        }
        return launchedOutcome(launched);
      } catch (error) {
        const landed = await landedUnder(ec2, request, error);
        if (landed.length > 0) return launchedOutcome(landed);
        if (isProfileUnknownToEc2(error)) {
          return { state: 'not-yet', reason: error.message, unsettled };
        }
        if (isTokenSpent(error)) return { state: 'token-spent', reason: (error as AwsError).message };
        const refusal = refusalOf(error as AwsError);
        if (refusal) return { state: 'refused', refusal, unsettled };
        if (error instanceof AwsError && isThrottled(error)) note(throttledIn(attempt()));
        throw error;
      }
    },

    /** What a launch whose answers were lost has launched, as far as EC2 shows it while the patience lasts. */
    async settleLaunch({ owner, token, patience, ...where }: SettleRequest): Promise<LaunchOutcome> {
      const { ec2 } = clientsFor(where);
      const { found = [] } = await lookFor(async () => {
        const seen = (await findLaunched(ec2, owner, token)).filter((instance) => !isDead(instance));
        return seen.length > 0 ? seen : undefined;
      }, patience);
      return launchedOutcome(found);
    },
  };
}

export interface SettleRequest extends Where {
  readonly owner: Owner;
  readonly token: string;
  /** Seconds. */
  readonly patience: number;
}

/** Whether an attempt before this one may have launched: all but a throttle leave that open, a killed worker too. */
function isUnsettled(): boolean {
  return attempt() > 1 && noted() !== throttledIn(attempt() - 1);
}

const attempt = (): number => Context.current().info.attempt;
const THROTTLED = 'throttled';
const throttledIn = (attempt: number): string => `${THROTTLED} ${attempt}`;

function launchedOutcome(instances: readonly Instance[]): LaunchOutcome {
  const ids: Record<string, string[]> = {};
  for (const { InstanceId, Placement } of instances) {
    const zone = Placement?.AvailabilityZone ?? '';
    ids[zone] ??= [];
    ids[zone].push(InstanceId!);
  }
  return { state: 'launched', ids, throttled: noted()?.startsWith(THROTTLED) ?? false };
}

function refusalOf(error: AwsError): Refusal | undefined {
  const kind = error instanceof AwsError ? refusalKind(error) : undefined;
  const { code, message, requestId } = error;
  return kind && { kind, code, message, requestId };
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
  const { instances, batch } = request;
  const { type, zone, subnet, market } = batch.pool;
  const tags: Tag[] = toAwsTags(request.tags);
  return new RunInstancesCommand({
    ClientToken: request.token,
    MinCount: batch.least,
    MaxCount: batch.count,
    ImageId: request.image,
    InstanceType: type as never,
    InstanceMarketOptions: market === 'spot' ? { MarketType: 'spot' } : undefined,
    IamInstanceProfile: { Arn: request.profileArn },
    SubnetId: subnet,
    Placement: zone && !subnet ? { AvailabilityZone: zone } : undefined,
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
