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
import { type Account, readAccount } from './account.ts';
import type { Operator } from './foreign.ts';
import { MANAGED_POLICY_NAME, REGION } from './plan.ts';
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
  const settings = { region: REGION, endpoint: aws.endpoint, credentials: aws.keys, maxAttempts: 1 };
  const [iam, ec2] = [new IAMClient(settings), new EC2Client(settings)];
  const [policy, muster] = await Promise.all([
    iam.send(new CreatePolicyCommand({ PolicyName: MANAGED_POLICY_NAME, PolicyDocument: ANYTHING })),
    Muster.connect({ address, taskQueue }),
    worker.start(),
  ]);
  const read = () => readAccount(iam, ec2);
  return {
    taskQueue,
    aws,
    operator: { iam, ec2, managedPolicy: policy.Policy!.Arn! },
    worker,
    muster,
    calm: () => aws.setWeather({ behaviour: CALM }),
    read,
    async quiet() {
      for (let calls = -1; calls !== aws.calls().length; ) {
        calls = aws.calls().length;
        await sleep(QUIET_MS);
      }
    },
    unprotect: async () => unprotect(ec2, aliveIn(await read())),
    clear: async () => clear(iam, ec2, await read()),
    async close() {
      await Promise.all([worker.kill(), muster.close()]);
      iam.destroy();
      ec2.destroy();
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

function aliveIn({ instances }: Account): string[] {
  return Object.keys(instances).filter((id) => instances[id]!.state !== 'terminated');
}

async function unprotect(ec2: EC2Client, ids: readonly string[]): Promise<void> {
  for (const InstanceId of ids) {
    await ec2.send(
      new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: false } }),
    );
  }
}

async function clear(iam: IAMClient, ec2: EC2Client, account: Account): Promise<void> {
  const alive = aliveIn(account);
  await unprotect(ec2, alive);
  if (alive.length > 0) await ec2.send(new TerminateInstancesCommand({ InstanceIds: alive }));
  for (const [InstanceProfileName, { role }] of Object.entries(account.profiles)) {
    if (role)
      await iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName: role }));
    await iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
  }
  for (const [RoleName, { inline, attached }] of Object.entries(account.roles)) {
    for (const PolicyName of Object.keys(inline))
      await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    for (const PolicyArn of attached) await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
    await iam.send(new DeleteRoleCommand({ RoleName }));
  }
  // Those that went with their instances are gone by now.
  for (const VolumeId of Object.keys(account.volumes)) {
    await ec2.send(new DeleteVolumeCommand({ VolumeId })).catch(() => {});
  }
}
