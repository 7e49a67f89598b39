/** The AWS calls of a fleet of one, by the step that makes them, straight from AWS's SDK. */

import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeSubnetsCommand,
  EC2Client,
  RunInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
  SimulatePrincipalPolicyCommand,
  TagInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { FLEET_TAG } from '../../fleet/tags.ts';

const IMAGE = 'ami-12c6146b';
const TYPE = 't3.micro';
const EC2_MAY_ASSUME = document({
  Effect: 'Allow',
  Principal: { Service: 'ec2.amazonaws.com' },
  Action: 'sts:AssumeRole',
});
const MAY_READ = document({ Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: '*' });

/** For each of Muster's activities the same calls; the name is that of the role, the profile and the fleet. */
export function awsCalls() {
  const settings = { region: 'us-east-1', maxAttempts: 1 };
  const [ec2, iam, sts] = [new EC2Client(settings), new IAMClient(settings), new STSClient(settings)];

  async function simulate(principal: string, actions: string[], resource: string): Promise<void> {
    await iam.send(
      new SimulatePrincipalPolicyCommand({
        PolicySourceArn: principal,
        ActionNames: actions,
        ResourceArns: [resource],
      }),
    );
  }

  function launch(name: string, account: string, isDryRun: boolean): Promise<unknown> {
    const Tags = [{ Key: FLEET_TAG, Value: name }];
    return ec2.send(
      new RunInstancesCommand({
        DryRun: isDryRun,
        MinCount: 1,
        MaxCount: 1,
        ImageId: IMAGE,
        InstanceType: TYPE,
        IamInstanceProfile: { Arn: `arn:aws:iam::${account}:instance-profile/${name}` },
        ...(isDryRun
          ? {}
          : {
              ClientToken: name,
              TagSpecifications: [
                { ResourceType: 'instance', Tags },
                { ResourceType: 'volume', Tags },
              ],
            }),
      }),
    );
  }

  let account = '';
  return {
    async preflight(name: string): Promise<void> {
      const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}));
      account = Account!;
      const iamArn = (kind: string) => `arn:aws:iam::${account}:${kind}/${name}`;
      const role = [
        'DeleteRole',
        'ListRolePolicies',
        'ListAttachedRolePolicies',
        'ListInstanceProfilesForRole',
        'DeleteRolePolicy',
      ].map((action) => `iam:${action}`);
      const profile = ['iam:RemoveRoleFromInstanceProfile', 'iam:DeleteInstanceProfile'];
      await Promise.all([
        ec2.send(new DescribeSubnetsCommand({ Filters: [{ Name: 'default-for-az', Values: ['true'] }] })),
        ec2.send(new DescribeImagesCommand({ ImageIds: [IMAGE] })),
        failsWith('NoSuchEntity', iam.send(new GetRoleCommand({ RoleName: name }))),
        failsWith('NoSuchEntity', iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name }))),
        simulate(Arn!, ['ec2:TerminateInstances'], `arn:aws:ec2:us-east-1:${account}:instance/*`),
        simulate(Arn!, role, iamArn('role')),
        simulate(Arn!, profile, iamArn('instance-profile')),
      ]);
      const named = [{ Name: 'instance-type', Values: [TYPE] }];
      await ec2.send(new DescribeInstanceTypesCommand({ Filters: named }));
      await ec2.send(
        new DescribeInstanceTypeOfferingsCommand({ LocationType: 'availability-zone', Filters: named }),
      );
    },
    async createRole(name: string): Promise<void> {
      await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: EC2_MAY_ASSUME }));
    },
    async createProfile(name: string): Promise<void> {
      const Tags = [{ Key: FLEET_TAG, Value: name }];
      await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name, Tags }));
    },
    async putPolicy(name: string): Promise<void> {
      await iam.send(
        new PutRolePolicyCommand({ RoleName: name, PolicyName: name, PolicyDocument: MAY_READ }),
      );
    },
    async addRole(name: string): Promise<void> {
      await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
    },
    awaitProfile: (name: string) => failsWith('DryRunOperation', launch(name, account, true)),
    async launch(name: string): Promise<void> {
      await launch(name, account, false);
    },
    async verify(name: string): Promise<void> {
      const filters = [{ Name: `tag:${FLEET_TAG}`, Values: [name] }];
      await Promise.all([
        ec2.send(new DescribeInstancesCommand({ Filters: filters })),
        iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name })),
      ]);
    },
    async markComplete(name: string): Promise<void> {
      const Tags = [{ Key: `${FLEET_TAG}:complete`, Value: 'true' }];
      await iam.send(new TagInstanceProfileCommand({ InstanceProfileName: name, Tags }));
    },
  };
}

/** Some answers are wanted and come as errors. */
async function failsWith(code: string, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if ((error as Error).name.startsWith(code)) return;
    throw error;
  }
  throw new Error(`AWS was to answer ${code}, and did not`);
}

function document(statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}
