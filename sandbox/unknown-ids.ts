/** Ids of instances that EC2 does not know: one of them refuses the whole call, and the answer lists them all. */

import { paginateDescribeInstances } from '@aws-sdk/client-ec2';
import type { AwsFault } from './answers.ts';
import type { Instances } from './instances.ts';
import type { Moto } from './moto.ts';
import { type AwsRequest, listOf } from './request.ts';

/** moto's DescribeInstances names any one of several; which, changes from run to run. */
export async function refusedAsUnknown(
  moto: Moto,
  instances: Instances,
  { params, region }: AwsRequest,
): Promise<AwsFault | undefined> {
  const ids = listOf(params, 'InstanceId');
  if (ids.every((id) => instances.has(id))) return undefined;
  const known = new Set([...instances.keys(), ...(await idsInMoto(moto, region))]);
  const unknown = ids.filter((id) => !known.has(id));
  return unknown.length > 0 ? unknownInstances(unknown) : undefined;
}

export function unknownInstances(ids: readonly string[]): AwsFault {
  const message =
    ids.length === 1
      ? `The instance ID '${ids[0]}' does not exist`
      : `The instance IDs '${ids.join(', ')}' do not exist`;
  return { code: 'InvalidInstanceID.NotFound', message };
}

/** Those included that came to be without RunInstances. */
async function idsInMoto(moto: Moto, region: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: moto.ec2(region) }, {})) {
    for (const { Instances = [] } of Reservations)
      ids.push(...Instances.map(({ InstanceId }) => InstanceId!));
  }
  return ids;
}
