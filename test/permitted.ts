/** What the tests of permissions have in common: a world whose worker is a user that may do what it is told to. */

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import {
  CreateKeyPairCommand,
  CreateSecurityGroupCommand,
  DeleteVolumeCommand,
  DescribeSubnetsCommand,
} from '@aws-sdk/client-ec2';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DeletePolicyCommand,
  DetachUserPolicyCommand,
} from '@aws-sdk/client-iam';
import type { Permission } from '../fleet/permission.ts';
import { permissionsFor, policyFor } from '../fleet/permissions.ts';
import type { FleetReport } from '../fleet/report.ts';
import { openWorld, QUICK, specOf, type World } from './world.ts';

export let world: World;
let groups: string[] | undefined;

const SSM = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore';
export const S3 = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess';
export const LOGS = 'arn:aws:iam::aws:policy/CloudWatchLogsFullAccess';

const IMAGE = 'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64';

/** For all tests of a file. */
export function useWorld(): void {
  before(async () => {
    world = await openWorld({ ...QUICK, initializingSeconds: 0.2 });
    // The test's own clients take the operator's keys at their first call; the worker's come after.
    await world.exists('nobody');
    const { VpcId } = (await world.ec2.send(new DescribeSubnetsCommand({}))).Subnets![0]!;
    const group = new CreateSecurityGroupCommand({ GroupName: 'web', Description: 'web', VpcId });
    groups = [(await world.ec2.send(group)).GroupId!];
    await world.ec2.send(new CreateKeyPairCommand({ KeyName: 'mine' }));
    await world.iam.send(new CreateUserCommand({ UserName: 'worker' }));
    const { AccessKey } = await world.iam.send(new CreateAccessKeyCommand({ UserName: 'worker' }));
    process.env.AWS_ACCESS_KEY_ID = AccessKey!.AccessKeyId;
    process.env.AWS_SECRET_ACCESS_KEY = AccessKey!.SecretAccessKey;
  });
  after(() => world.close());
}

/** Everything that needs a permission. */
export const written = (name: string) => ({
  name,
  account: '123456789012',
  policy: { allow: [{ actions: ['s3:Get*'], resources: ['*'] }] },
  role: { path: '/fleets/', permissionsBoundary: SSM, managedPolicies: [S3] } as Record<string, unknown>,
  profile: { path: '/fleets/' },
  deadlines: { step: 60, launch: 60, running: 60 },
  instances: {
    image: IMAGE,
    securityGroups: groups,
    key: 'mine',
    volumes: [{ device: '/dev/sdf', size: 1, deleteOnTermination: false }],
  },
});

export type Written = Parameters<typeof specOf>[0];

export const neededBy = (spec: Written): readonly Permission[] => permissionsFor(specOf(spec).spec);

/** Gives the worker a policy; the answer takes it away. */
export async function allow(permissions: readonly Permission[]): Promise<() => Promise<void>> {
  const PolicyName = `muster-${++policies}`;
  const PolicyDocument = JSON.stringify(policyFor(permissions));
  const { Policy } = await world.iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument }));
  const attached = { UserName: 'worker', PolicyArn: Policy!.Arn! };
  await world.iam.send(new AttachUserPolicyCommand(attached));
  return async () => {
    await world.iam.send(new DetachUserPolicyCommand(attached));
    await world.iam.send(new DeletePolicyCommand({ PolicyArn: attached.PolicyArn }));
  };
}

let policies = 0;

/** With nothing but these. */
export async function allowed<T>(permissions: readonly Permission[], work: () => Promise<T>): Promise<T> {
  const takeAway = await allow(permissions);
  try {
    return await work();
  } finally {
    await takeAway();
  }
}

/** Those that a teardown keeps. */
export async function deleteVolumes(name: string): Promise<void> {
  for (const { VolumeId } of (await world.exists(name)).volumes) {
    await world.ec2.send(new DeleteVolumeCommand({ VolumeId }));
  }
}

export async function assertNothing(name: string): Promise<void> {
  const { role, profile, instances, volumes } = await world.exists(name);
  assert.deepEqual([role, profile, instances, volumes], [undefined, undefined, [], []], name);
}

/** All that a report says of what went wrong. */
export const wordsOf = ({ error }: FleetReport): string =>
  [error?.message, ...(error?.problems ?? [])].join('\n');
