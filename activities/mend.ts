/** Mending: puts right what a check finds, as far as that is safe; looks first, and does nothing on anybody's word. */

import {
  CreateTagsCommand,
  type EC2Client,
  ModifyInstanceMetadataOptionsCommand,
  StartInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  AttachRolePolicyCommand,
  type IAMClient,
  PutRolePolicyCommand,
  TagInstanceProfileCommand,
  TagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { driftOf } from '../fleet/drift.ts';
import type { Facts } from '../fleet/facts.ts';
import type { Finding } from '../fleet/finding.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import { type MendedPart, partOf } from '../fleet/repair.ts';
import type { Tags } from '../fleet/spec.ts';
import { type Wanted, type WantedTags, wantedOf, wrongTags } from '../fleet/wanted.ts';
import { tieTo } from './associations.ts';
import { AwsError, ask, detailOf, isPassing, isProfileFull } from './aws-errors.ts';
import type { AwsClients, ClientsFor } from './clients.ts';
import { type FindDriftRequest, factsOf } from './drift.ts';
import { inTheirTime, noteFailure, pause } from './patience.ts';
import { toAwsTags } from './tags.ts';

export interface MendRequest extends FindDriftRequest {
  readonly part: MendedPart;
}

export interface Mending {
  /** How many things were changed. */
  readonly changed: number;
}

export function mendSteps(clientsFor: ClientsFor) {
  return {
    /**
     * Looks, puts right what differs of the part, and looks again until AWS shows it as it should be, at most as long as
     * the patience lasts: what is shown late is the final look's to tell. What AWS refuses holds nothing else up.
     */
    async mend(request: MendRequest): Promise<Mending> {
      const wanted = wantedOf(request, request.namespace);
      const aws = clientsFor(wanted);
      const mending = new PartMending(aws, wanted, request.part);
      const started = Date.now();
      for (;;) {
        const isDone = await mending.look();
        const waited = Date.now() - started;
        if (isDone || waited >= request.patience * 1000) return mending.end();
        await pause(Math.min(5_000, Math.max(500, waited / 12)));
      }
    },
  };
}

/** Calls of different things that are under way at once: AWS's buckets hold more. */
const SIDE_BY_SIDE = 5;

class PartMending {
  private readonly aws: AwsClients;
  private readonly wanted: Wanted;
  private readonly part: MendedPart;
  private readonly changed = new Set<string>();
  private refused = new Map<string, AwsError>();

  constructor(aws: AwsClients, wanted: Wanted, part: MendedPart) {
    this.aws = aws;
    this.wanted = wanted;
    this.part = part;
  }

  /** Puts right what it sees; answers whether there was nothing more to wait for. */
  async look(): Promise<boolean> {
    const facts = await factsOf(this.aws.iam, this.aws.ec2, this.wanted);
    const { findings } = driftOf(this.wanted, facts);
    const differing = findings.filter((finding) => finding.safe && partOf(finding) === this.part);
    const all = new Map(differing.map((finding) => [keyOf(finding), finding]));
    const due = [...all].filter(([key]) => !this.changed.has(key) && !isFinal(this.refused.get(key)));
    for (let at = 0; at < due.length; at += SIDE_BY_SIDE) {
      const some = due.slice(at, at + SIDE_BY_SIDE);
      await Promise.all(some.map(([key, finding]) => this.change(key, finding, facts)));
    }
    const isShown = [...all.keys()].every((key) => isFinal(this.refused.get(key)));
    return isShown && isSettled(this.part, findings, facts);
  }

  /** Throws what AWS has refused: first what may pass, as the next attempt then does the rest. */
  end(): Mending {
    const errors = [...this.refused.values()];
    const error = errors.find(isPassing) ?? errors[0];
    if (error) throw error;
    return { changed: this.changed.size };
  }

  private async change(key: string, finding: Finding, facts: Facts): Promise<void> {
    try {
      await inTheirTime(() => mendOne(this.aws, this.wanted, finding, facts));
      this.changed.add(key);
      this.refused.delete(key);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      noteFailure(detailOf(error));
      this.refused.set(key, error);
    }
  }
}

function isFinal(error: AwsError | undefined): boolean {
  return error !== undefined && !isPassing(error);
}

/** Several tags of one thing, and several of its metadata options, are one change. */
function keyOf({ kind, on, resource }: Finding): string {
  return [kind, on, resource].join(' ');
}

/** What AWS does not show yet, or shows on its way, is waited for. */
function isSettled(part: MendedPart, findings: readonly Finding[], { instances }: Facts): boolean {
  if (part === 'instances')
    return instances.every(({ state }) => state !== 'pending' && state !== 'stopping');
  return !findings.some(({ kind }) => kind === part);
}

/** One change; making it twice is making it once. */
async function mendOne(
  { iam, ec2 }: AwsClients,
  wanted: Wanted,
  finding: Finding,
  facts: Facts,
): Promise<void> {
  const { kind, resource } = finding;
  switch (kind) {
    case 'policy':
    case 'managed-policy':
    case 'trust':
      return mendRole(iam, wanted, finding);
    case 'role-in-profile':
      return addRole(iam, wanted);
    case 'tag':
      return mendTags({ iam, ec2 }, wanted, finding, facts);
    case 'state':
      await ask('ec2:StartInstances', ec2.send(new StartInstancesCommand({ InstanceIds: [resource] })));
      return;
    case 'association':
      return tieTo(ec2, resource, { Name: wanted.profile.name });
    case 'metadata':
      return mendMetadata(ec2, wanted, resource);
  }
}

async function mendRole(iam: IAMClient, wanted: Wanted, { kind, resource }: Finding): Promise<void> {
  const RoleName = wanted.role!.name;
  if (kind === 'managed-policy') {
    const attach = new AttachRolePolicyCommand({ RoleName, PolicyArn: resource });
    await ask('iam:AttachRolePolicy', iam.send(attach));
  } else if (kind === 'policy') {
    const { name: PolicyName, document } = wanted.policy!;
    const put = new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: JSON.stringify(document) });
    await ask('iam:PutRolePolicy', iam.send(put));
  } else {
    const PolicyDocument = JSON.stringify(ec2TrustPolicy(wanted.region));
    const update = new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument });
    await ask('iam:UpdateAssumeRolePolicy', iam.send(update));
  }
}

/** That the profile is full is told by the next look: the role may be in it by now, or another. */
async function addRole(iam: IAMClient, { profile, role }: Wanted): Promise<void> {
  const add = new AddRoleToInstanceProfileCommand({
    InstanceProfileName: profile.name,
    RoleName: role!.name,
  });
  try {
    await ask('iam:AddRoleToInstanceProfile', iam.send(add));
  } catch (error) {
    if (!isProfileFull(error)) throw error;
  }
}

async function mendTags(
  { iam, ec2 }: Pick<AwsClients, 'iam' | 'ec2'>,
  wanted: Wanted,
  { on, resource }: Finding,
  facts: Facts,
): Promise<void> {
  if (on === 'role') {
    const Tags = toAwsTags(missingTags(wanted.role!.made!.tags, facts.role!.tags));
    await ask('iam:TagRole', iam.send(new TagRoleCommand({ RoleName: resource, Tags })));
  } else if (on === 'profile') {
    const Tags = toAwsTags(missingTags(wanted.profile.made!.tags, facts.profile!.tags));
    const tag = new TagInstanceProfileCommand({ InstanceProfileName: resource, Tags });
    await ask('iam:TagInstanceProfile', iam.send(tag));
  } else {
    const { tags } = facts.instances.find(({ id }) => id === resource)!;
    const Tags = toAwsTags(missingTags(wanted.instances.tags, tags));
    await ask('ec2:CreateTags', ec2.send(new CreateTagsCommand({ Resources: [resource], Tags })));
  }
}

function missingTags(wanted: WantedTags, tags: Tags): Tags {
  const wrong = wrongTags(wanted, tags);
  return Object.fromEntries(
    wrong.flatMap(({ key, wanted }) => (wanted === undefined ? [] : [[key, wanted]])),
  );
}

async function mendMetadata(ec2: EC2Client, { instances }: Wanted, id: string): Promise<void> {
  const { hopLimit, tags } = instances.metadata;
  const modify = new ModifyInstanceMetadataOptionsCommand({
    InstanceId: id,
    HttpEndpoint: 'enabled',
    HttpTokens: 'required',
    HttpPutResponseHopLimit: hopLimit,
    InstanceMetadataTags: tags ? 'enabled' : 'disabled',
  });
  await ask('ec2:ModifyInstanceMetadataOptions', ec2.send(modify));
}
