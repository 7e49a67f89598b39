/** The emulator behind the sandbox's AWS: moto, with policies enforced, and the sandbox's own look into it. */

import { fileURLToPath } from 'node:url';
import {
  AssociateIamInstanceProfileCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  GetInstanceProfileCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Answer } from './answers.ts';
import { type Keys, learnKeys, sendOn, signAgain } from './forwarding.ts';
import { freePort, type Leashed, startLeashed, untilReady } from './processes.ts';
import { type AwsRequest, withParams } from './request.ts';

/** An instance profile as IAM has it. */
export interface Profile {
  readonly name: string;
  readonly arn: string;
  /** Unique id (`AIPA...`). */
  readonly id: string;
  readonly roles: readonly { readonly name: string; readonly arn: string }[];
}

export interface Moto {
  readonly endpoint: string;
  /** Keys of a user who may do everything. */
  readonly operator: Keys;
  readonly died: Promise<never>;
  /** Sends the request on; a changed one is signed again on behalf of who sent it. */
  forward(request: AwsRequest): Promise<Answer>;
  /** What moto answers the operator to another question of the same service. */
  askAsOperator(request: AwsRequest, params: URLSearchParams): Promise<Answer>;
  /** The operator's clients, past all that the sandbox adds. */
  readonly iam: IAMClient;
  ec2(region: string): EC2Client;
  /** What IAM knows, whoever asks. */
  profile(name: string): Promise<Profile | undefined>;
  imageExists(region: string, id: string): Promise<boolean>;
  instance(region: string, id: string): Promise<InstanceFacts>;
  /** Ties an instance to a profile, unless it is tied or one of them is gone. */
  associate(region: string, id: string, arn: string): Promise<void>;
  /** Temporary credentials of a role, as EC2 would get them for an instance. */
  assumeRole(arn: string, session: string): Promise<Keys>;
  stop(): Promise<void>;
}

export interface InstanceFacts {
  readonly image: string;
  readonly type: string;
  readonly zone: string;
  readonly privateIp: string;
}

const ANYTHING = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

const SERVER = fileURLToPath(new URL('../sandbox/moto_server.py', import.meta.url));

export async function startMoto(python: string): Promise<Moto> {
  const port = await freePort();
  const args = [SERVER, '-H', '127.0.0.1', '-p', `${port}`];
  // AWS's own managed policies exist, as in every account; moto takes half a second to load them.
  const server = startLeashed(python, 'moto', python, args, { MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' });
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(60, server.died, async () => (await fetch(`${url}/moto-api/`)).arrayBuffer());
    return await withOperator(server, url, port);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function withOperator(server: Leashed, url: string, port: number): Promise<Moto> {
  const keys = new Map<string, Keys>();
  const operator = await createOperator(url);
  keys.set(operator.accessKeyId, operator);
  await enforcePolicies(url, true);

  const settings = { endpoint: url, credentials: operator, maxAttempts: 1 };
  const iam = new IAMClient({ ...settings, region: 'us-east-1' });
  const sts = new STSClient({ ...settings, region: 'us-east-1' });
  const regional = new Map<string, EC2Client>();
  const ec2 = (region: string) => {
    const client = regional.get(region) ?? new EC2Client({ ...settings, region });
    regional.set(region, client);
    return client;
  };
  // moto loads each service at its first call, which takes most of a second.
  void Promise.allSettled([
    ec2('us-east-1').send(new DescribeSubnetsCommand({})),
    sts.send(new GetCallerIdentityCommand({})),
  ]);
  const images = new Set<string>();
  let passing: Promise<unknown> = Promise.resolve();

  return {
    endpoint: url,
    operator,
    died: server.died,

    forward,
    askAsOperator: (request, params) =>
      forward(withParams({ ...request, accessKeyId: operator.accessKeyId }, params)),
    iam,
    ec2,

    async profile(name) {
      try {
        const { InstanceProfile: found } = await iam.send(
          new GetInstanceProfileCommand({ InstanceProfileName: name }),
        );
        return {
          name,
          arn: found!.Arn!,
          id: found!.InstanceProfileId!,
          roles: (found!.Roles ?? []).map((role) => ({ name: role.RoleName!, arn: role.Arn! })),
        };
      } catch (error) {
        if ((error as Error).name.startsWith('NoSuchEntity')) return undefined;
        throw error;
      }
    },

    async imageExists(region, id) {
      if (images.has(`${region} ${id}`)) return true;
      try {
        const { Images = [] } = await ec2(region).send(new DescribeImagesCommand({ ImageIds: [id] }));
        if (Images.length > 0) images.add(`${region} ${id}`);
        return Images.length > 0;
      } catch (error) {
        if ((error as Error).name.startsWith('InvalidAMIID')) return false;
        throw error;
      }
    },

    async instance(region, id) {
      const answer = await ec2(region).send(new DescribeInstancesCommand({ InstanceIds: [id] }));
      const found = answer.Reservations![0]!.Instances![0]!;
      return {
        image: found.ImageId!,
        type: found.InstanceType!,
        zone: found.Placement!.AvailabilityZone!,
        privateIp: found.PrivateIpAddress!,
      };
    },

    async associate(region, id, arn) {
      const command = new AssociateIamInstanceProfileCommand({
        InstanceId: id,
        IamInstanceProfile: { Arn: arn },
      });
      await ec2(region)
        .send(command)
        .catch(() => {});
    },

    async assumeRole(arn, session) {
      // moto knows no service as a principal: with policies enforced, nobody may assume a role that trusts EC2.
      // So they are off for this one call, and no other call is let through meanwhile.
      const before = passing;
      const made = before.then(async () => {
        await enforcePolicies(url, false);
        try {
          return await sts.send(
            new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: session, DurationSeconds: 3600 }),
          );
        } finally {
          await enforcePolicies(url, true);
        }
      });
      passing = made.catch(() => {});
      const { Credentials } = await made;
      const credentials = {
        accessKeyId: Credentials!.AccessKeyId!,
        secretAccessKey: Credentials!.SecretAccessKey!,
        sessionToken: Credentials!.SessionToken!,
      };
      keys.set(credentials.accessKeyId, credentials);
      return credentials;
    },

    stop: () => server.stop(),
  };

  async function forward(request: AwsRequest): Promise<Answer> {
    await passing;
    const signed = request.isChanged ? await signAgain(request, keys.get(request.accessKeyId)) : request;
    const answer = await sendOn(port, signed);
    if (/^(CreateAccessKey|AssumeRole|GetSessionToken|GetFederationToken)/.test(request.action)) {
      learnKeys(keys, answer.body.toString());
    }
    return answer;
  }
}

async function createOperator(url: string): Promise<Keys> {
  const anybody = { accessKeyId: 'sandbox', secretAccessKey: 'sandbox' };
  const iam = new IAMClient({ endpoint: url, region: 'us-east-1', credentials: anybody, maxAttempts: 1 });
  const user = { UserName: 'operator' };
  await iam.send(new CreateUserCommand(user));
  await iam.send(new PutUserPolicyCommand({ ...user, PolicyName: 'anything', PolicyDocument: ANYTHING }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand(user));
  iam.destroy();
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

/** moto enforces policies after a number of unchecked calls: none, or for ever. */
async function enforcePolicies(url: string, enforced: boolean): Promise<void> {
  const answer = await fetch(`${url}/moto-api/reset-auth`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: enforced ? '0' : 'inf',
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`moto did not take reset-auth: HTTP ${answer.status}`);
}
