/**
 * Finding the instances and volumes of an owner: filters find, the resource's own tags prove; of an instance the token of
 * its launch, too.
 */

import {
  DescribeInstancesCommand,
  type EC2Client,
  type Filter,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeVolumes,
  type Volume,
} from '@aws-sdk/client-ec2';
import type { InstanceReport } from '../fleet/report.ts';
import { FLEET_TAG, isLaunchedAs, type Owner, owns, RUN_TAG } from '../fleet/tags.ts';
import { ask } from './aws-errors.ts';
import { fromAwsTags } from './tags.ts';

/**
 * All instances of the owner's, in whatever state, those included that EC2 still shows when dead. Without an owner those
 * of every fleet.
 */
export async function findInstances(ec2: EC2Client, owner?: Owner): Promise<Instance[]> {
  return (await findTagged(ec2, owner)).filter((instance) => isProven(instance, owner));
}

/** Those, and others that somebody has given the same tags. */
export async function findTagged(ec2: EC2Client, owner?: Owner): Promise<Instance[]> {
  return taggedFor(owner, await describe(ec2, ownerFilters(owner)));
}

/** Whether it is an instance of the owner's, and not only one that looks so. */
export function isInstanceOf(owner: Owner, instance: Instance): boolean {
  return owns(owner, fromAwsTags(instance.Tags)) && isProven(instance, owner);
}

/** Those of these ids that EC2 shows. As a filter an id that it does not know is no error. */
export async function findByIds(ec2: EC2Client, ids: readonly string[]): Promise<Instance[]> {
  const seen: Instance[] = [];
  for (let from = 0; from < ids.length; from += MOST_FILTER_VALUES) {
    const some = ids.slice(from, from + MOST_FILTER_VALUES);
    seen.push(...(await describe(ec2, [{ Name: 'instance-id', Values: some }])));
  }
  const wanted = new Set(ids);
  return seen.filter(({ InstanceId }) => wanted.has(InstanceId!));
}

/** EC2 takes no more values in one filter (API reference, "Filter"). */
export const MOST_FILTER_VALUES = 200;

/** What was launched with this client token, and carries the owner's tags. */
export async function findLaunched(ec2: EC2Client, owner: Owner, token: string): Promise<Instance[]> {
  const seen = await describe(ec2, [{ Name: 'client-token', Values: [token] }]);
  return seen.filter((instance) => instance.ClientToken === token && isInstanceOf(owner, instance));
}

/** All instances that were launched with this instance profile, whoever's they are. */
export async function findUsers(ec2: EC2Client, profileArn: string): Promise<Instance[]> {
  const seen = await describe(ec2, [{ Name: 'iam-instance-profile.arn', Values: [profileArn] }]);
  return seen.filter(({ IamInstanceProfile }) => IamInstanceProfile?.Arn === profileArn);
}

/** EC2 shows an instance for about an hour after its end. */
export function isTerminated(instance: Instance): boolean {
  return instance.State?.Name === 'terminated';
}

function taggedFor<T extends Instance | Volume>(owner: Owner | undefined, seen: readonly T[]): T[] {
  return seen.filter(({ Tags }) => {
    const tags = fromAwsTags(Tags);
    return owner ? owns(owner, tags) : tags[FLEET_TAG] !== undefined;
  });
}

function isProven({ ClientToken, Tags }: Instance, { launch = '' }: Partial<Owner> = {}): boolean {
  return isLaunchedAs(fromAwsTags(Tags), ClientToken) && ClientToken!.startsWith(launch);
}

async function describe(ec2: EC2Client, filters: Filter[]): Promise<Instance[]> {
  const pages = paginateDescribeInstances({ client: ec2, pageSize: 1000 }, { Filters: filters });
  const found = await ask('ec2:DescribeInstances', collect(pages));
  return found
    .flatMap((page) => page.Reservations ?? [])
    .flatMap((reservation) => reservation.Instances ?? []);
}

/** A page of those that carry the owner's tags and are not terminated, and where the next one begins. */
export async function instancesPage(
  ec2: EC2Client,
  owner: Owner,
  next?: string,
): Promise<{ readonly instances: readonly Instance[]; readonly next?: string }> {
  const command = new DescribeInstancesCommand({
    Filters: ownerFilters(owner),
    MaxResults: 1000,
    NextToken: next,
  });
  const { Reservations = [], NextToken } = await ask('ec2:DescribeInstances', ec2.send(command));
  const seen = Reservations.flatMap(({ Instances = [] }) => Instances);
  return { instances: seen.filter((one) => isInstanceOf(owner, one) && !isTerminated(one)), next: NextToken };
}

/** All volumes that carry the owner's tags, or without an owner those of any fleet. Nothing proves one to be of a launch. */
export async function findVolumes(ec2: EC2Client, owner?: Owner): Promise<Volume[]> {
  if (owner?.launch !== undefined) return [];
  const pages = paginateDescribeVolumes({ client: ec2, pageSize: 500 }, { Filters: ownerFilters(owner) });
  const found = await ask('ec2:DescribeVolumes', collect(pages));
  return taggedFor(
    owner,
    found.flatMap((page) => page.Volumes ?? []),
  );
}

/** The few fields of an instance that a report has. */
export function instanceReport(instance: Instance): InstanceReport {
  return {
    id: instance.InstanceId!,
    type: instance.InstanceType!,
    zone: instance.Placement?.AvailabilityZone ?? '',
    privateIp: instance.PrivateIpAddress,
    state: instance.State?.Name ?? 'unknown',
  };
}

function ownerFilters(owner: Owner | undefined): Filter[] {
  if (!owner) return [{ Name: 'tag-key', Values: [FLEET_TAG] }];
  const filters = [{ Name: `tag:${FLEET_TAG}`, Values: [owner.fleet] }];
  if (owner.run !== undefined) filters.push({ Name: `tag:${RUN_TAG}`, Values: [owner.run] });
  return filters;
}

/** All pages of a listing. */
export async function collect<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(page);
  return all;
}
