/** The zones of launches: the one that is named, and those that EC2 chooses from. */

import { DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import type { Moto } from './moto.ts';
import type { AwsRequest } from './request.ts';

/** The zone that a launch names, or implies by its subnet. */
export async function namedZone(moto: Moto, { params, region }: AwsRequest): Promise<string | undefined> {
  const zone = params.get('Placement.AvailabilityZone');
  if (zone) return zone;
  const subnet = params.get('SubnetId') ?? params.get('NetworkInterface.1.SubnetId');
  if (!subnet) return undefined;
  const zones = await zonesOfSubnets(moto, region, { Name: 'subnet-id', Values: [subnet] });
  return zones[0];
}

/** Those with a default subnet, where a launch goes that says nothing. */
export async function defaultZones(moto: Moto, region: string): Promise<string[]> {
  const zones = await zonesOfSubnets(moto, region, { Name: 'default-for-az', Values: ['true'] });
  return zones.sort();
}

async function zonesOfSubnets(
  moto: Moto,
  region: string,
  filter: { Name: string; Values: string[] },
): Promise<string[]> {
  const { Subnets = [] } = await moto.ec2(region).send(new DescribeSubnetsCommand({ Filters: [filter] }));
  return Subnets.map(({ AvailabilityZone }) => AvailabilityZone!);
}
