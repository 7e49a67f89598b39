/** All that an account has, read with the operator's keys: what is held against a report, or against an earlier reading. */

import {
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  type EC2Client,
  type Tag as Ec2Tag,
  type Instance,
} from '@aws-sdk/client-ec2';
import {
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  type Tag as IamTag,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  paginateListInstanceProfiles,
  paginateListRoles,
} from '@aws-sdk/client-iam';

export type Tags = Readonly<Record<string, string>>;

export interface RoleThere {
  readonly id: string;
  readonly tags: Tags;
  /** Name to document. */
  readonly inline: Readonly<Record<string, unknown>>;
  /** ARNs. */
  readonly attached: readonly string[];
}

export interface ProfileThere {
  readonly id: string;
  readonly tags: Tags;
  readonly role: string | undefined;
}

export interface InstanceThere {
  readonly region: string;
  readonly state: string;
  readonly tags: Tags;
  readonly image: string;
  /** Unique id of its profile. */
  readonly profile: string | undefined;
  readonly launchedAt: number;
  /** By EC2's words for its last change of state, which name a time when somebody ended it. */
  readonly changed: string;
}

export interface VolumeThere {
  readonly region: string;
  readonly tags: Tags;
  /** Instances. */
  readonly heldBy: readonly string[];
}

/** Each by its name or id. */
export interface Account {
  readonly roles: Readonly<Record<string, RoleThere>>;
  readonly profiles: Readonly<Record<string, ProfileThere>>;
  readonly instances: Readonly<Record<string, InstanceThere>>;
  readonly volumes: Readonly<Record<string, VolumeThere>>;
}

/** Of EC2 one for each region that is looked at. */
export interface Clients {
  readonly iam: IAMClient;
  readonly ec2: Readonly<Record<string, EC2Client>>;
}

export async function readAccount({ iam, ec2 }: Clients): Promise<Account> {
  const [roles, profiles, ...regions] = await Promise.all([
    readRoles(iam),
    readProfiles(iam),
    ...Object.entries(ec2).map(([region, client]) => readRegion(region, client)),
  ]);
  return {
    roles,
    profiles,
    instances: Object.assign({}, ...regions.map(({ instances }) => instances)),
    volumes: Object.assign({}, ...regions.map(({ volumes }) => volumes)),
  };
}

async function readRegion(region: string, ec2: EC2Client): Promise<Pick<Account, 'instances' | 'volumes'>> {
  const [{ Reservations = [] }, { Volumes = [] }] = await Promise.all([
    ec2.send(new DescribeInstancesCommand({})),
    ec2.send(new DescribeVolumesCommand({})),
  ]);
  const all = Reservations.flatMap(({ Instances = [] }) => Instances);
  return {
    instances: Object.fromEntries(
      all.map((instance) => [instance.InstanceId!, instanceThere(region, instance)]),
    ),
    volumes: Object.fromEntries(
      Volumes.map(({ VolumeId, Tags, Attachments = [] }) => [
        VolumeId!,
        { region, tags: asTags(Tags), heldBy: Attachments.map(({ InstanceId }) => InstanceId!) },
      ]),
    ),
  };
}

async function readRoles(iam: IAMClient): Promise<Account['roles']> {
  const names: string[] = [];
  for await (const { Roles = [] } of paginateListRoles({ client: iam }, {})) {
    names.push(...Roles.map(({ RoleName }) => RoleName!));
  }
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readRole(iam, name)] as const)),
  );
}

async function readRole(iam: IAMClient, name: string): Promise<RoleThere> {
  const [{ Role }, { PolicyNames = [] }, { AttachedPolicies = [] }] = await Promise.all([
    iam.send(new GetRoleCommand({ RoleName: name })),
    iam.send(new ListRolePoliciesCommand({ RoleName: name })),
    iam.send(new ListAttachedRolePoliciesCommand({ RoleName: name })),
  ]);
  const documents = await Promise.all(
    PolicyNames.map((PolicyName) => iam.send(new GetRolePolicyCommand({ RoleName: name, PolicyName }))),
  );
  return {
    id: Role!.RoleId!,
    tags: asTags(Role!.Tags),
    inline: Object.fromEntries(
      documents.map(({ PolicyName, PolicyDocument }) => [
        PolicyName!,
        JSON.parse(decodeURIComponent(PolicyDocument!)),
      ]),
    ),
    attached: AttachedPolicies.map(({ PolicyArn }) => PolicyArn!).sort(),
  };
}

async function readProfiles(iam: IAMClient): Promise<Account['profiles']> {
  const names: string[] = [];
  for await (const { InstanceProfiles = [] } of paginateListInstanceProfiles({ client: iam }, {})) {
    names.push(...InstanceProfiles.map(({ InstanceProfileName }) => InstanceProfileName!));
  }
  const read = names.map(async (name) => {
    const { InstanceProfile } = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }));
    const { InstanceProfileId, Tags, Roles } = InstanceProfile!;
    return [name, { id: InstanceProfileId!, tags: asTags(Tags), role: Roles?.[0]?.RoleName }] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

function instanceThere(region: string, instance: Instance): InstanceThere {
  return {
    region,
    state: instance.State?.Name ?? 'unknown',
    tags: asTags(instance.Tags),
    image: instance.ImageId ?? '',
    profile: instance.IamInstanceProfile?.Id,
    launchedAt: instance.LaunchTime?.getTime() ?? 0,
    changed: instance.StateTransitionReason ?? '',
  };
}

function asTags(tags: readonly (Ec2Tag | IamTag)[] = []): Tags {
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key!, Value!]));
}
