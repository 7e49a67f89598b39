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
  CreateRoleCommand,
  CreateUserCommand,
  GetInstanceProfileCommand,
  IAMClient,
  PutRolePolicyCommand,
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

/** moto as one of its accounts has it. */
export interface Moto {
  readonly endpoint: string;
  /** Keys of somebody who may do everything in the account. */
  readonly operator: Keys;
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
}

export interface MotoServer {
  /** The account that is there from the beginning. */
  readonly home: Moto;
  readonly died: Promise<never>;
  /** Whose keys these are. */
  accountOf(accessKeyId: string): string;
  /** An account beside the others. */
  openAccount(id: string): Promise<Moto>;
  stop(): Promise<void>;
}

/** moto's own (MOTO_ACCOUNT_ID). */
export const HOME = '123456789012';

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

export async function startMoto(python: string): Promise<MotoServer> {
  const port = await freePort();
  const args = [SERVER, '-H', '127.0.0.1', '-p', `${port}`];
  // AWS's own managed policies exist, as in every account; moto takes half a second to load them.
  const server = startLeashed(python, 'moto', python, args, { MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' });
  const url = `http://127.0.0.1:${port}`;
  try {
    // What answers may be another's server, which took the port first.
    await untilReady(60, server.died, async () => (await fetch(`${url}/moto-api/data.json`)).json());
    return await withOperator(server, url, port);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function withOperator(server: Leashed, url: string, port: number): Promise<MotoServer> {
  const shared: Shared = { url, port, keys: new Map(), accounts: new Map(), passing: Promise.resolve() };
  const home = viewOf(shared, await createOperator(url));
  await enforcePolicies(url, true);
  // moto loads each service at its first call, which takes most of a second.
  const sts = stsOf(shared, home.operator);
  void Promise.allSettled([
    home.ec2('us-east-1').send(new DescribeSubnetsCommand({})),
    sts.send(new GetCallerIdentityCommand({})),
  ]);
  return {
    home,
    died: server.died,
    accountOf: (accessKeyId) => shared.accounts.get(accessKeyId) ?? HOME,
    async openAccount(id) {
      // Whoever moto lets assume a role of an account is in it, whether or not there is such a role.
      const keys = await home.assumeRole(`arn:aws:iam::${id}:role/${OPERATOR}`, OPERATOR);
      shared.accounts.set(keys.accessKeyId, id);
      const made = shared.passing.then(() => unchecked(url, () => createOperatorRole(url, keys)));
      shared.passing = made.catch(() => {});
      await made;
      return viewOf(shared, keys);
    },
    stop: () => server.stop(),
  };
}

/** What all accounts have in common. */
interface Shared {
  readonly url: string;
  readonly port: number;
  readonly keys: Map<string, Keys>;
  /** By access key ids. */
  readonly accounts: Map<string, string>;
  /** While policies are not enforced, no call is let through. */
  passing: Promise<unknown>;
}

const OPERATOR = 'operator';

function stsOf({ url }: Shared, operator: Keys): STSClient {
  return new STSClient({ endpoint: url, credentials: operator, maxAttempts: 1, region: 'us-east-1' });
}

function viewOf(shared: Shared, operator: Keys): Moto {
  const { url, port, keys, accounts } = shared;
  keys.set(operator.accessKeyId, operator);
  const settings = { endpoint: url, credentials: operator, maxAttempts: 1 };
  const iam = new IAMClient({ ...settings, region: 'us-east-1' });
  const sts = stsOf(shared, operator);
  const regional = new Map<string, EC2Client>();
  const ec2 = (region: string) => {
    const client = regional.get(region) ?? new EC2Client({ ...settings, region });
    regional.set(region, client);
    return client;
  };
  const images = new Set<string>();

  return {
    endpoint: url,
    operator,

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
      const made = shared.passing.then(() =>
        unchecked(url, () =>
          sts.send(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: session, DurationSeconds: 3600 })),
        ),
      );
      shared.passing = made.catch(() => {});
      const { Credentials } = await made;
      const credentials = {
        accessKeyId: Credentials!.AccessKeyId!,
        secretAccessKey: Credentials!.SecretAccessKey!,
        sessionToken: Credentials!.SessionToken!,
      };
      keys.set(credentials.accessKeyId, credentials);
      accounts.set(credentials.accessKeyId, accountIn(arn) ?? HOME);
      return credentials;
    },
  };

  async function forward(request: AwsRequest): Promise<Answer> {
    await shared.passing;
    const signed = request.isChanged ? await signAgain(request, keys.get(request.accessKeyId)) : request;
    const answer = await sendOn(port, signed);
    if (/^(CreateAccessKey|AssumeRole|GetSessionToken|GetFederationToken)/.test(request.action)) {
      const text = answer.body.toString();
      const account = accountIn(text) ?? accounts.get(request.accessKeyId);
      for (const id of learnKeys(keys, text)) if (account) accounts.set(id, account);
    }
    return answer;
  }
}

async function createOperator(url: string): Promise<Keys> {
  const anybody = { accessKeyId: 'sandbox', secretAccessKey: 'sandbox' };
  const iam = new IAMClient({ endpoint: url, region: 'us-east-1', credentials: anybody, maxAttempts: 1 });
  const user = { UserName: OPERATOR };
  await iam.send(new CreateUserCommand(user));
  await iam.send(new PutUserPolicyCommand({ ...user, PolicyName: 'anything', PolicyDocument: ANYTHING }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand(user));
  iam.destroy();
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

/** The account of a role in an ARN, or of the session that an answer tells of. */
function accountIn(text: string): string | undefined {
  return /arn:aws:(?:iam|sts)::(\d{12}):(?:assumed-)?role\//.exec(text)?.[1];
}

async function createOperatorRole(url: string, credentials: Keys): Promise<void> {
  const iam = new IAMClient({ endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1 });
  const role = { RoleName: OPERATOR };
  await iam.send(new CreateRoleCommand({ ...role, AssumeRolePolicyDocument: '{}' }));
  await iam.send(new PutRolePolicyCommand({ ...role, PolicyName: 'anything', PolicyDocument: ANYTHING }));
  iam.destroy();
}

async function unchecked<T>(url: string, call: () => Promise<T>): Promise<T> {
  await enforcePolicies(url, false);
  try {
    return await call();
  } finally {
    await enforcePolicies(url, true);
  }
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
