/** What other people have in the account, by names that are nearly those of the fleet, or that it uses. */

import { CreateTagsCommand, type EC2Client, RunInstancesCommand, type Tag } from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  AttachRolePolicyCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  type IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import { FLEET_TAG, NAMESPACE_TAG, REGION_TAG, RUN_TAG } from '../fleet/tags.ts';
import { TYPE } from './places.ts';
import { IMAGE } from './plan.ts';

export interface Operator {
  readonly iam: IAMClient;
  readonly ec2: EC2Client;
  /** ARN of a managed policy of the account's own. */
  readonly managedPolicy: string;
}

/** A role and a profile that the spec says to use. */
export async function makeInUse(operator: Operator, role: string, profile?: string): Promise<void> {
  await makeRole(operator, role, {});
  if (profile !== undefined) await makeProfile(operator, profile, role);
}

/** Roles, a profile and instances that look like the fleet's, some of them like another fleet's. */
export async function makeForeign(operator: Operator, fleet: string): Promise<void> {
  const other = { [FLEET_TAG]: `${fleet}-2`, [RUN_TAG]: THEIR_RUN, [NAMESPACE_TAG]: 'elsewhere' };
  await Promise.all([
    makeRole(operator, `${fleet}_`, { 'muster:fleets': fleet, 'muster-fleet': fleet }),
    makeRole(operator, `${fleet}-2`, other).then(() => makeProfile(operator, `${fleet}x`, `${fleet}-2`)),
    makeInstance(operator, { Name: fleet }),
    makeInstance(operator, { Name: fleet, 'muster-fleet': fleet, 'Muster:Fleet': fleet }),
    makeInstance(operator, { ...other, [REGION_TAG]: 'us-east-1' }),
  ]);
}

/** Temporal's ids of runs are UUIDs. */
const THEIR_RUN = '00000000-0000-4000-8000-000000000000';

async function makeRole(
  { iam, managedPolicy }: Operator,
  RoleName: string,
  tags: Record<string, string>,
): Promise<void> {
  const AssumeRolePolicyDocument = JSON.stringify(ec2TrustPolicy());
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
  });
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument, Tags: listed(tags) }));
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'theirs', PolicyDocument }));
  await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: managedPolicy }));
}

async function makeProfile({ iam }: Operator, InstanceProfileName: string, RoleName: string): Promise<void> {
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
}

async function makeInstance({ ec2 }: Operator, tags: Record<string, string>): Promise<void> {
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({ ImageId: IMAGE, InstanceType: TYPE, MinCount: 1, MaxCount: 1 }),
  );
  const Resources = Instances.map(({ InstanceId }) => InstanceId!);
  await ec2.send(new CreateTagsCommand({ Resources, Tags: listed(tags) }));
}

function listed(tags: Record<string, string>): (Tag & { Key: string; Value: string })[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
