/** Token buckets: how many calls, and how many instances, AWS takes at once and for how long. */

import type { AwsFault } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import { type AwsRequest, listOf } from './request.ts';

interface Size {
  readonly holds: number;
  readonly perSecond: number;
}

const size = (holds: number, perSecond: number): Size => ({ holds, perSecond });

/** Defaults of EC2 (EC2 Developer Guide, "Request throttling"). That dry runs cost the same is an assumption. */
const CALLS: Record<string, Size> = {
  RunInstances: size(5, 2),
  StartInstances: size(5, 2),
  TerminateInstances: size(100, 5),
  CreateTags: size(100, 10),
  DeleteTags: size(100, 10),
  AssociateIamInstanceProfile: size(100, 5),
  DisassociateIamInstanceProfile: size(100, 5),
  ModifyInstanceMetadataOptions: size(100, 5),
  CreateLaunchTemplateVersion: size(100, 5),
};
const MUTATING = size(50, 5);
const READING = size(100, 20);
/** Neither filtered nor paginated. */
const READING_ALL = size(50, 10);

const INSTANCES: Record<string, Size> = {
  RunInstances: size(1000, 2),
  StartInstances: size(1000, 2),
  StopInstances: size(1000, 20),
  TerminateInstances: size(1000, 20),
};

/** IAM publishes no rates; these are of the order that people report. */
const IAM_CALLS = size(5, 5);

export class Buckets {
  readonly #behaviour: Behaviour;
  readonly #levels = new Map<string, { tokens: number; at: number }>();

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
  }

  /** Fills all of them. */
  clear(): void {
    this.#levels.clear();
  }

  /** Draws what the call costs; answers AWS's refusal where that is not there. */
  refusal(request: AwsRequest): AwsFault | undefined {
    if (this.#behaviour.bucketScale === 0) return undefined;
    if (request.service === 'iam') return this.#draw(request, IAM_CALLS) ? undefined : IAM_BUSY;
    if (request.service !== 'ec2') return undefined;
    const isPaid = this.#draw(request, callsOf(request)) && this.#drawInstances(request);
    return isPaid ? undefined : EC2_BUSY;
  }

  #drawInstances(request: AwsRequest): boolean {
    const kind = INSTANCES[request.action];
    if (!kind || request.params.get('DryRun') === 'true') return true;
    return this.#draw(request, kind, 'instances', instancesOf(request));
  }

  /** Each action has a bucket of its own in each region of an account. */
  #draw(
    { account, region, action }: AwsRequest,
    { holds, perSecond }: Size,
    what = 'calls',
    cost = 1,
  ): boolean {
    const key = `${account} ${region} ${action} ${what} ${holds}`;
    const now = Date.now();
    const level = this.#levels.get(key) ?? { tokens: holds, at: now };
    const refilled = ((now - level.at) / 1000) * perSecond * this.#behaviour.bucketScale;
    const tokens = Math.min(holds, level.tokens + refilled);
    const isThere = tokens >= cost;
    this.#levels.set(key, { tokens: isThere ? tokens - cost : tokens, at: now });
    return isThere;
  }
}

/** 'Throttling': mantil #17. */
const IAM_BUSY = { code: 'Throttling', message: 'Rate exceeded' };
const EC2_BUSY = { code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 };

function callsOf({ action, params }: AwsRequest): Size {
  if (CALLS[action]) return CALLS[action];
  if (!/^(Describe|Get|List)/.test(action)) return MUTATING;
  const isNarrowed = params.has('Filter.1.Name') || params.has('MaxResults');
  return isNarrowed ? READING : READING_ALL;
}

function instancesOf({ params }: AwsRequest): number {
  return Number(params.get('MaxCount') ?? listOf(params, 'InstanceId').length);
}
