/**
 * What a call needs to be allowed: the actions, the resources and the condition keys that AWS holds a policy against
 * (Service Authorization Reference, of EC2, IAM, Systems Manager and EventBridge), as far as anyone here may depend on
 * them. moto looks at the action alone.
 */

import {
  DescribeIamInstanceProfileAssociationsCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2';
import { GetInstanceProfileCommand, GetRoleCommand } from '@aws-sdk/client-iam';
import type { Moto } from './moto.ts';
import type { Context } from './policies.ts';
import { type AwsRequest, listOf } from './request.ts';

export interface Needed {
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
}

/** moto's one account. */
const ACCOUNT = '123456789012';

type Keys = Readonly<Record<string, string | readonly string[] | undefined>>;
type Tags = readonly { readonly Key?: string; readonly Value?: string }[];

/** A resource, and the condition keys that it has. */
interface Resource {
  readonly resource: string;
  readonly keys?: Keys;
}

export async function neededFor(moto: Moto, request: AwsRequest): Promise<readonly Needed[]> {
  switch (request.service) {
    case 'iam':
      return iamNeeds(moto, request);
    case 'ec2':
      return ec2Needs(moto, request);
    case 'ssm':
      return [needed(request, { resource: parameterArn(request) })];
    case 'events':
      return eventNeeds(request);
    default:
      return [];
  }
}

function needed(request: AwsRequest, { resource, keys = {} }: Resource, action?: string): Needed {
  const context = new Map<string, readonly string[]>([['aws:requestedregion', [request.region]]]);
  for (const [key, value] of Object.entries(keys)) {
    if (value !== undefined) context.set(key.toLowerCase(), [value].flat());
  }
  return { action: action ?? `${request.service}:${request.action}`, resource, context };
}

async function iamNeeds(moto: Moto, request: AwsRequest): Promise<readonly Needed[]> {
  const { action, params } = request;
  const of = (name: string) => params.get(name) ?? undefined;
  const tags = requestTags(tagsIn(params, 'Tags.member'));
  const calls: Resource[] = [];
  const more: Needed[] = [];
  const role = of('RoleName');
  const profile = of('InstanceProfileName');
  if (action === 'CreateRole' || action === 'CreateInstanceProfile') {
    const [kind, name] = action === 'CreateRole' ? ['role', role] : ['instance-profile', profile];
    const made = {
      resource: `arn:aws:iam::${ACCOUNT}:${kind}${of('Path') ?? '/'}${name}`,
      keys: { ...tags, 'iam:PermissionsBoundary': of('PermissionsBoundary') },
    };
    calls.push(made);
    const tagging = action === 'CreateRole' ? 'iam:TagRole' : 'iam:TagInstanceProfile';
    if (Object.keys(tags).length > 0) more.push(needed(request, { ...made, keys: tags }, tagging));
  } else if (profile !== undefined) {
    const found = await profileResource(moto, profile);
    calls.push({ ...found, keys: { ...found.keys, ...tags } });
    if (action === 'AddRoleToInstanceProfile' && role) more.push(await passing(moto, request, role));
  } else if (role !== undefined) {
    const found = await roleResource(moto, role);
    const asked = of('PermissionsBoundary');
    const bound = asked === undefined ? {} : { 'iam:PermissionsBoundary': asked };
    calls.push({ ...found, keys: { ...found.keys, ...tags, ...bound, 'iam:PolicyARN': of('PolicyArn') } });
  } else {
    calls.push({ resource: of('PolicyArn') ?? of('PolicySourceArn') ?? '*' });
  }
  return [...calls.map((call) => needed(request, call)), ...more];
}

/** IAM has no ARN for a name that nobody has: `on resource: role NAME` (keikoproj/iam-manager #35). */
async function roleResource(moto: Moto, name: string): Promise<Resource> {
  const found = await moto.iam.send(new GetRoleCommand({ RoleName: name })).catch(() => undefined);
  if (!found?.Role) return { resource: `role ${name}` };
  const { Arn, Tags, PermissionsBoundary } = found.Role;
  const boundary = PermissionsBoundary?.PermissionsBoundaryArn;
  return { resource: Arn!, keys: { ...resourceTags(Tags), 'iam:PermissionsBoundary': boundary } };
}

async function profileResource(moto: Moto, name: string): Promise<Resource> {
  const command = new GetInstanceProfileCommand({ InstanceProfileName: name });
  const found = await moto.iam.send(command).catch(() => undefined);
  if (!found?.InstanceProfile) return { resource: `instance profile ${name}` };
  const { Arn, Tags } = found.InstanceProfile;
  return { resource: Arn!, keys: resourceTags(Tags) };
}

async function passing(moto: Moto, request: AwsRequest, role: string): Promise<Needed> {
  const { resource } = await roleResource(moto, role);
  return needed(request, { resource, keys: { 'iam:PassedToService': 'ec2.amazonaws.com' } }, 'iam:PassRole');
}

async function ec2Needs(moto: Moto, request: AwsRequest): Promise<readonly Needed[]> {
  const { action, params } = request;
  switch (action) {
    case 'RunInstances':
      return launchNeeds(moto, request);
    case 'TerminateInstances':
    case 'StartInstances':
      return instancesWith(moto, request, listOf(params, 'InstanceId'));
    case 'ModifyInstanceMetadataOptions':
      return instancesWith(moto, request, [params.get('InstanceId') ?? '']);
    case 'DeleteVolume':
      return volumesWith(moto, request, [params.get('VolumeId') ?? '']);
    case 'CreateTags':
    case 'DeleteTags': {
      const ids = listOf(params, 'ResourceId');
      const tags = requestTags(tagsIn(params, 'Tag'));
      return [
        ...(await instancesWith(
          moto,
          request,
          ids.filter((id) => id.startsWith('i-')),
          tags,
        )),
        ...(await volumesWith(
          moto,
          request,
          ids.filter((id) => id.startsWith('vol-')),
          tags,
        )),
      ];
    }
    case 'AssociateIamInstanceProfile':
      return tying(moto, request, [params.get('InstanceId') ?? '']);
    case 'ReplaceIamInstanceProfileAssociation': {
      const association = new DescribeIamInstanceProfileAssociationsCommand({
        AssociationIds: [params.get('AssociationId') ?? ''],
      });
      const found = await moto
        .ec2(request.region)
        .send(association)
        .catch(() => undefined);
      const ids = (found?.IamInstanceProfileAssociations ?? []).map(({ InstanceId }) => InstanceId!);
      return tying(moto, request, ids);
    }
    default:
      return [needed(request, { resource: '*' })];
  }
}

async function launchNeeds(moto: Moto, request: AwsRequest): Promise<readonly Needed[]> {
  const { params, region } = request;
  const specifications = tagSpecifications(params);
  const tagsOf = (kind: string) => requestTags(specifications.get(kind) ?? []);
  const arn = (kind: string, id = '*') => ec2Arn(region, kind, id);
  const groups = listOf(params, 'SecurityGroupId');
  const key = params.get('KeyName');
  const snapshots = [...params].filter(([name]) => name.endsWith('.Ebs.SnapshotId'));
  const { arn: profile, passes } = await givenProfile(moto, request);
  const launch: readonly Resource[] = [
    {
      resource: arn('instance'),
      keys: {
        ...tagsOf('instance'),
        'ec2:InstanceProfile': profile,
        'ec2:InstanceType': params.get('InstanceType') ?? undefined,
      },
    },
    { resource: arn('volume'), keys: tagsOf('volume') },
    { resource: arn('network-interface') },
    { resource: arn('image', params.get('ImageId') ?? '*') },
    { resource: arn('subnet', params.get('SubnetId') ?? '*') },
    ...(groups.length > 0 ? groups : ['*']).map((id) => ({ resource: arn('security-group', id) })),
    ...(key ? [{ resource: arn('key-pair', key) }] : []),
    ...snapshots.map(([, id]) => ({ resource: arn('snapshot', id) })),
  ];
  const tagging = [...specifications.keys()].map((kind) => ({
    resource: arn(kind),
    keys: { ...tagsOf(kind), 'ec2:CreateAction': 'RunInstances' },
  }));
  return [
    ...launch.map((each) => needed(request, each)),
    ...tagging.map((each) => needed(request, each, 'ec2:CreateTags')),
    ...passes,
  ];
}

/** To tie instances to a profile is to give them its role. */
async function tying(moto: Moto, request: AwsRequest, ids: readonly string[]): Promise<readonly Needed[]> {
  const { arn, passes } = await givenProfile(moto, request);
  return [...(await instancesWith(moto, request, ids, { 'ec2:NewInstanceProfile': arn })), ...passes];
}

/** The profile that a call gives to machines, and whether its role may be passed to them. */
async function givenProfile(
  moto: Moto,
  request: AwsRequest,
): Promise<{ readonly arn?: string; readonly passes: readonly Needed[] }> {
  const { params } = request;
  const arn = params.get('IamInstanceProfile.Arn') ?? undefined;
  const name = params.get('IamInstanceProfile.Name') ?? arn?.split('/').at(-1);
  if (name === undefined) return { passes: [] };
  const profile = await moto.profile(name);
  const passes = await Promise.all((profile?.roles ?? []).map((role) => passing(moto, request, role.name)));
  // A name tells no path; of one that nobody has there is no ARN but this.
  return { arn: arn ?? profile?.arn ?? `arn:aws:iam::${ACCOUNT}:instance-profile/${name}`, passes };
}

async function instancesWith(
  moto: Moto,
  request: AwsRequest,
  ids: readonly string[],
  keys: Keys = {},
): Promise<readonly Needed[]> {
  const tags = new Map<string, Tags>();
  if (ids.length > 0) {
    const command = new DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [...ids] }] });
    const { Reservations = [] } = await moto.ec2(request.region).send(command);
    for (const { InstanceId, Tags } of Reservations.flatMap(({ Instances = [] }) => Instances)) {
      tags.set(InstanceId!, Tags ?? []);
    }
  }
  return tagged(request, 'instance', ids, tags, keys);
}

async function volumesWith(
  moto: Moto,
  request: AwsRequest,
  ids: readonly string[],
  keys: Keys = {},
): Promise<readonly Needed[]> {
  const tags = new Map<string, Tags>();
  if (ids.length > 0) {
    const command = new DescribeVolumesCommand({ Filters: [{ Name: 'volume-id', Values: [...ids] }] });
    const { Volumes = [] } = await moto.ec2(request.region).send(command);
    for (const { VolumeId, Tags } of Volumes) tags.set(VolumeId!, Tags ?? []);
  }
  return tagged(request, 'volume', ids, tags, keys);
}

function tagged(
  request: AwsRequest,
  kind: string,
  ids: readonly string[],
  tags: ReadonlyMap<string, Tags>,
  keys: Keys,
): readonly Needed[] {
  return ids.map((id) =>
    needed(request, {
      resource: ec2Arn(request.region, kind, id),
      keys: { ...resourceTags(tags.get(id)), ...keys },
    }),
  );
}

function ec2Arn(region: string, kind: string, id: string): string {
  const owner = kind === 'image' || kind === 'snapshot' ? '' : ACCOUNT;
  return `arn:aws:ec2:${region}:${owner}:${kind}/${id}`;
}

function parameterArn({ region, body }: AwsRequest): string {
  const { Name = '' } = JSON.parse(body.toString() || '{}');
  const name = `${Name}`.replace(/:.*$/, '').replace(/^\//, '');
  const owner = name.startsWith('aws/service/') ? '' : ACCOUNT;
  return `arn:aws:ssm:${region}:${owner}:parameter/${name}`;
}

function eventNeeds(request: AwsRequest): readonly Needed[] {
  const { Entries = [] } = JSON.parse(request.body.toString() || '{}');
  const entries = Entries as readonly { EventBusName?: string; Source?: string }[];
  return entries.map(({ EventBusName = 'default', Source }) =>
    needed(request, {
      resource: EventBusName.startsWith('arn:')
        ? EventBusName
        : `arn:aws:events:${request.region}:${ACCOUNT}:event-bus/${EventBusName}`,
      keys: { 'events:source': Source },
    }),
  );
}

/** `PREFIX.1.Key` and `PREFIX.1.Value`. */
function tagsIn(params: URLSearchParams, prefix: string): Tags {
  const tags: { Key: string; Value: string }[] = [];
  for (let at = 1; params.has(`${prefix}.${at}.Key`); at++) {
    tags.push({ Key: params.get(`${prefix}.${at}.Key`)!, Value: params.get(`${prefix}.${at}.Value`) ?? '' });
  }
  return tags;
}

/** The tags that a launch puts on each kind of what it makes. */
function tagSpecifications(params: URLSearchParams): ReadonlyMap<string, Tags> {
  const specifications = new Map<string, Tags>();
  for (let at = 1; params.has(`TagSpecification.${at}.ResourceType`); at++) {
    const prefix = `TagSpecification.${at}`;
    specifications.set(params.get(`${prefix}.ResourceType`)!, tagsIn(params, `${prefix}.Tag`));
  }
  return specifications;
}

const requestTags = (tags: Tags): Keys => keysOf('aws:RequestTag/', tags);
const resourceTags = (tags: Tags = []): Keys => keysOf('aws:ResourceTag/', tags);

function keysOf(prefix: string, tags: Tags): Keys {
  return Object.fromEntries(tags.map(({ Key, Value }) => [`${prefix}${Key}`, Value]));
}
