/** A lane of the campaign: an AWS of its own, a worker of its own, and runs one after the other. */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteVolumeCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import {
  CreatePolicyCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  IAMClient,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { Muster } from '../client/index.ts';
import { startLocalAws } from '../sandbox/aws.ts';
import type { LocalAws } from '../sandbox/index.ts';
import { type Account, type Clients, readAccount } from './account.ts';
import type { Operator } from './foreign.ts';
import { EXTERNAL_ID, OTHER_ACCOUNT, REGION, REGIONS } from './places.ts';
import { MANAGED_POLICY_NAME } from './plan.ts';
import { CALM } from './weathers.ts';
import { WorkerProcess } from './workers.ts';

export interface LaneOptions {
  readonly taskQueue: string;
  readonly python: string;
  /** Temporal's. */
  readonly address: string;
  readonly bundle: string;
}

export interface Lane {
  readonly taskQueue: string;
  readonly aws: LocalAws;
  readonly operator: Operator;
  readonly worker: WorkerProcess;
  readonly muster: Muster;
  calm(): void;
  read(): Promise<Account>;
  /** The other account. */
  readonly other: { readonly operator: Operator; read(): Promise<Account> };
  /** Waits until no call has come for a while: what a worker had under way when its run was ended is over. */
  quiet(): Promise<void>;
  /** Takes the termination protection off all instances. */
  unprotect(): Promise<void>;
  /** Removes all that there is. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function openLane({ taskQueue, python, address, bundle }: LaneOptions): Promise<Lane> {
  const aws = await startLocalAws({ python, behaviour: CALM });
  const worker = new WorkerProcess({
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: aws.keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.keys.secretAccessKey,
    AWS_REGION: REGION,
    TEMPORAL_ADDRESS: address,
    MUSTER_TASK_QUEUE: taskQueue,
    CHAOS_BUNDLE: bundle,
    // What a run waits for its turn is none of a chaos of seconds.
    MUSTER_LAUNCHES_PER_SECOND: '100',
  });
  const opened = await aws.openAccount({ id: OTHER_ACCOUNT, externalId: EXTERNAL_ID });
  const own = clientsOf(aws.endpoint, aws.keys);
  const others = clientsOf(aws.endpoint, opened.keys);
  const [operator, otherOperator, muster] = await Promise.all([
    operatorOf(own),
    operatorOf(others),
    Muster.connect({ address, taskQueue }),
    worker.start(),
  ]);
  const read = () => readAccount(own);
  const readOther = () => readAccount(others);
  const workersRoles = Object.keys((await readOther()).roles);
  return {
    taskQueue,
    aws,
    operator,
    worker,
    muster,
    calm: () => aws.setWeather({ behaviour: CALM }),
    read,
    other: { operator: otherOperator, read: readOther },
    async quiet() {
      for (let calls = -1; calls !== aws.calls().length; ) {
        calls = aws.calls().length;
        await sleep(QUIET_MS);
      }
    },
    async unprotect() {
      await unprotect(own, aliveIn(await read()));
      await unprotect(others, aliveIn(await readOther()));
    },
    async clear() {
      await clear(own, await read(), []);
      await clear(others, await readOther(), workersRoles);
    },
    async close() {
      await Promise.all([worker.kill(), muster.close()]);
      for (const { iam, ec2 } of [own, others]) {
        iam.destroy();
        for (const client of Object.values(ec2)) client.destroy();
      }
      await aws.stop();
    },
  };
}

/** Longer than any call is held up by a weather. */
const QUIET_MS = 1_000;

const ANYTHING = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
});

function clientsOf(endpoint: string, credentials: LocalAws['keys']): Clients {
  const settings = { region: REGION, endpoint, credentials, maxAttempts: 3 };
  return {
    iam: new IAMClient(settings),
    ec2: Object.fromEntries(REGIONS.map((region) => [region, new EC2Client({ ...settings, region })])),
  };
}

async function operatorOf({ iam, ec2 }: Clients): Promise<Operator> {
  const policy = await iam.send(
    new CreatePolicyCommand({ PolicyName: MANAGED_POLICY_NAME, PolicyDocument: ANYTHING }),
  );
  return { iam, ec2: ec2[REGION]!, managedPolicy: policy.Policy!.Arn! };
}

type Alive = readonly (readonly [id: string, region: string])[];

function aliveIn({ instances }: Account): Alive {
  return Object.entries(instances)
    .filter(([, { state }]) => state !== 'terminated')
    .map(([id, { region }]) => [id, region]);
}

async function unprotect({ ec2 }: Clients, alive: Alive): Promise<void> {
  for (const [InstanceId, region] of alive) {
    await ec2[region]!.send(
      new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: false } }),
    );
  }
}

async function clear(clients: Clients, account: Account, spared: readonly string[]): Promise<void> {
  const { iam, ec2 } = clients;
  const alive = aliveIn(account);
  await unprotect(clients, alive);
  for (const [id, region] of alive) {
    await ec2[region]!.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  }
  for (const [InstanceProfileName, { role }] of Object.entries(account.profiles)) {
    if (role)
      await iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName: role }));
    await iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
  }
  for (const [RoleName, { inline, attached }] of Object.entries(account.roles)) {
    if (spared.includes(RoleName)) continue;
    for (const PolicyName of Object.keys(inline))
      await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    for (const PolicyArn of attached) await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
    await iam.send(new DeleteRoleCommand({ RoleName }));
  }
  // Those that went with their instances are gone by now.
  for (const [VolumeId, { region }] of Object.entries(account.volumes)) {
    await ec2[region]!.send(new DeleteVolumeCommand({ VolumeId })).catch(() => {});
  }
}
