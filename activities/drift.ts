/** Drift: all that AWS shows of a complete fleet, read and held against what it should show. Changes nothing. */

import type { EC2Client, Instance } from '@aws-sdk/client-ec2';
import type { IAMClient } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { type Drift, driftOf } from '../fleet/drift.ts';
import { capped, type DriftReport } from '../fleet/drift-report.ts';
import type { Facts, InstanceFacts, RoleFacts } from '../fleet/facts.ts';
import { type CheckRequest, type Wanted, type WantedRole, wantedOf } from '../fleet/wanted.ts';
import { askingRun } from './asking-run.ts';
import { ask } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { findByIds, findTagged } from './fleet-instances.ts';
import { lookFor } from './patience.ts';
import { inlineDocument, policiesOf } from './policy.ts';
import { readProfile, readRole } from './reads.ts';
import { fromAwsTags } from './tags.ts';

export interface FindDriftRequest extends CheckRequest {
  /** Temporal's, in which the fleet's runs are. */
  readonly namespace: string;
  /** After a repair: also look again as long as something differs that it has put right. */
  readonly repaired?: boolean;
}

export interface FoundDrift extends Pick<DriftReport, 'instanceCount' | 'findings' | 'more'> {
  /** Twelve digits. */
  readonly account: string;
  /** Of the instances that the last report told one by one: those that are no more. */
  readonly gone: readonly string[];
  /** The run that asked; see Survey. */
  readonly run?: string;
}

export function driftSteps(clientsFor: ClientsFor) {
  return {
    /**
     * Looks at everything once; again as long as the patience lasts and something is missing. It compares here and
     * answers what differs, not what there is: the facts of ten thousand instances would not fit into a history.
     */
    async findDrift(request: FindDriftRequest): Promise<FoundDrift> {
      const wanted = wantedOf(request, request.namespace);
      const { iam, ec2, sts } = clientsFor(wanted);
      const { Account } = await ask('sts:GetCallerIdentity', sts.send(new GetCallerIdentityCommand({})));
      let drift: Drift | undefined;
      await lookFor(async () => {
        drift = driftOf(wanted, await factsOf(iam, ec2, wanted));
        const isLate = drift.isLess || (request.repaired && drift.findings.some(({ safe }) => safe));
        return isLate ? undefined : drift;
      }, request.patience);
      const { findings, instanceCount, gone } = drift!;
      return { account: Account!, instanceCount, gone, ...capped(findings), run: askingRun() };
    },
  };
}

export async function factsOf(iam: IAMClient, ec2: EC2Client, wanted: Wanted): Promise<Facts> {
  const [role, profile, instances] = await Promise.all([
    wanted.role && roleFacts(iam, wanted.role),
    readProfile(iam, wanted.profile.name),
    instancesOf(ec2, wanted),
  ]);
  return { role, profile, instances: instances.map(instanceFacts) };
}

async function roleFacts(iam: IAMClient, { name, made }: WantedRole): Promise<RoleFacts | undefined> {
  const role = await readRole(iam, name);
  if (!role || !made) return role && { ...role, policies: {}, managed: [] };
  const all = await policiesOf(iam, name);
  const policies: Record<string, unknown> = {};
  for (const policy of all.filter((policy) => !isArn(policy))) {
    const document = await inlineDocument(iam, name, policy);
    if (document !== undefined) policies[policy] = document;
  }
  return { ...role, policies, managed: all.filter(isArn) };
}

/** No name of an inline policy can have a colon. */
const isArn = (policy: string): boolean => policy.startsWith('arn:');

/** One whose tags were taken off is known by its id still, where a report has named it. */
async function instancesOf(ec2: EC2Client, { fleet, instances }: Wanted): Promise<Instance[]> {
  const tagged = await findTagged(ec2, { fleet });
  const found = new Set(tagged.map(({ InstanceId }) => InstanceId));
  const missing = instances.ids.filter((id) => !found.has(id));
  return missing.length === 0 ? tagged : [...tagged, ...(await findByIds(ec2, missing))];
}

function instanceFacts(instance: Instance): InstanceFacts {
  const { State, IamInstanceProfile, Placement, SecurityGroups = [], MetadataOptions } = instance;
  return {
    id: instance.InstanceId!,
    state: State?.Name ?? 'unknown',
    tags: fromAwsTags(instance.Tags),
    token: instance.ClientToken,
    profileId: IamInstanceProfile?.Id,
    type: instance.InstanceType ?? '',
    image: instance.ImageId ?? '',
    zone: Placement?.AvailabilityZone ?? '',
    subnet: instance.SubnetId,
    securityGroups: SecurityGroups.map(({ GroupId }) => GroupId!),
    metadata: MetadataOptions && {
      endpoint: MetadataOptions.HttpEndpoint,
      tokens: MetadataOptions.HttpTokens,
      hopLimit: MetadataOptions.HttpPutResponseHopLimit,
      tags: MetadataOptions.InstanceMetadataTags,
    },
  };
}
