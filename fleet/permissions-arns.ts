/** The ARNs by which a policy names what a fleet has and uses. */

import { profileName } from './names.ts';
import type { FleetSpec, InstancesSpec } from './spec.ts';

/** Where a fleet is, as its ARNs say it. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  /** Twelve digits, or `*` where the spec names none. */
  readonly account: string;
}

export function placeOf({ region, account = '*' }: Pick<FleetSpec, 'region' | 'account'>): Place {
  return { partition: partitionOf(region), region, account };
}

/** AWS's partitions and the regions that they begin with (AWS General Reference, "ARN format"). */
function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

interface Named {
  readonly name: string;
  readonly path: string;
}

export function roleArn({ partition, account }: Place, { path, name }: Named): string {
  return `arn:${partition}:iam::${account}:role${path}${name}`;
}

function profileArn({ partition, account }: Place, { path, name }: Named): string {
  return `arn:${partition}:iam::${account}:instance-profile${path}${name}`;
}

/** Of what exists a spec may know the name alone: then its path may be any. */
const anyPath = (name: string): readonly Named[] => [
  { name, path: '/' },
  { name, path: '/*/' },
];

/** The profile that the machines are launched with. */
export function profileArns(place: Place, { profile }: FleetSpec): readonly string[] {
  if (!profile.reuse) return [profileArn(place, profile)];
  if (profile.ref.startsWith('arn:')) return [profile.ref];
  return anyPath(profileName(profile.ref)).map((named) => profileArn(place, named));
}

/** The role that the machines have; of a profile that exists the spec does not know it. */
export function passedRoles(place: Place, { role }: FleetSpec): readonly string[] {
  if (!role) return [roleArn(place, { path: '/', name: '*' })];
  if (!role.reuse) return [roleArn(place, role)];
  return anyPath(role.name).map((named) => roleArn(place, named));
}

/** `kind/id` of EC2 in the fleet's region; images and snapshots belong to no account there. */
export function ec2Arn({ partition, region, account }: Place, kind: string, id = '*'): string {
  const owner = kind === 'image' || kind === 'snapshot' ? '' : account;
  return `arn:${partition}:ec2:${region}:${owner}:${kind}/${id}`;
}

/** All that a launch takes beside the instances that it makes. */
export function launchArns(place: Place, instances: InstancesSpec): readonly string[] {
  const { image, placements, securityGroups, key, volumes } = instances;
  const all = (kind: string, ids: readonly string[]) =>
    [...new Set(ids)].map((id) => ec2Arn(place, kind, id));
  const subnets = placements.map(({ subnet }) => subnet ?? '*');
  const snapshots = volumes.flatMap(({ snapshot }) => snapshot ?? []);
  return [
    ec2Arn(place, 'image', image.startsWith('ami-') ? image : '*'),
    ...all('subnet', subnets.includes('*') ? ['*'] : subnets),
    // Without one it is the default group of the network.
    ...all('security-group', securityGroups.length > 0 ? securityGroups : ['*']),
    ec2Arn(place, 'network-interface'),
    ec2Arn(place, 'volume'),
    ...all('key-pair', key === undefined ? [] : [key]),
    ...all('snapshot', snapshots),
  ];
}

const SSM = 'resolve:ssm:';

/** The parameter that names the image, if one does. AWS's own belong to no account. */
export function parameterArn({ partition, region, account }: Place, image: string): string | undefined {
  if (!image.startsWith(SSM)) return undefined;
  const named = image.slice(SSM.length);
  if (named.startsWith('arn:')) return named;
  // A version or a label may follow.
  const name = named.replace(/:.*$/, '').replace(/^\//, '');
  const owner = name.startsWith('aws/service/') ? '' : account;
  return `arn:${partition}:ssm:${region}:${owner}:parameter/${name}`;
}

export function busArn({ partition, region, account }: Place, bus: string): string {
  return bus.startsWith('arn:') ? bus : `arn:${partition}:events:${region}:${account}:event-bus/${bus}`;
}

/** A key's own ARN, if the spec has its id; an alias names no resource that a policy could. */
export function kmsKeyArn({ partition, region, account }: Place, key: string): string {
  if (key.startsWith('arn:') && key.includes(':key/')) return key;
  const id = isAlias(key) ? '*' : key;
  return `arn:${partition}:kms:${region}:${account}:key/${id}`;
}

export function isAlias(key: string): boolean {
  return /(?:^|:)alias\//.test(key);
}
