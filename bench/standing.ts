/** What of a fleet is in AWS, by AWS's own word. */

import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetInstanceProfileCommand, GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import type { Field } from './field.ts';

export interface Standing {
  readonly role: boolean;
  readonly profile: boolean;
  /** Running, and with the profile. */
  readonly instances: number;
}

/** A fleet whose role and profile have its name, and whose instances have it for a value of the tag. */
export interface Named {
  readonly name: string;
  readonly tag: string;
}

export async function standing({ sandbox }: Field, { name, tag }: Named): Promise<Standing> {
  const { aws } = sandbox;
  const options = { region: 'us-east-1', endpoint: aws.endpoint, credentials: aws.keys };
  const [iam, ec2] = [new IAMClient(options), new EC2Client(options)];
  const running = new DescribeInstancesCommand({
    Filters: [
      { Name: `tag:${tag}`, Values: [name] },
      { Name: 'instance-state-name', Values: ['running'] },
    ],
  });
  try {
    const [role, profile, { Reservations = [] }] = await Promise.all([
      isThere(iam.send(new GetRoleCommand({ RoleName: name }))),
      isThere(iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }))),
      ec2.send(running),
    ]);
    const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
    const withProfile = instances.filter(({ IamInstanceProfile }) =>
      IamInstanceProfile?.Arn?.endsWith(`:instance-profile/${name}`),
    );
    return { role, profile, instances: withProfile.length };
  } finally {
    iam.destroy();
    ec2.destroy();
  }
}

async function isThere(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if ((error as Error).name.startsWith('NoSuchEntity')) return false;
    throw error;
  }
}
