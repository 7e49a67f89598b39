/** A world for whole runs: the sandbox, a worker, a Temporal client, and AWS to be asked what exists. */

import {
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  EC2Client,
  type Instance,
} from '@aws-sdk/client-ec2';
import {
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import { Muster, type MusterError } from '../client/index.ts';
import { ATTRIBUTES } from '../fleet/attributes.ts';
import { checkSpec } from '../fleet/read-spec.ts';
import type { FleetReport } from '../fleet/report.ts';
import { fleetWorkflowId, PROGRESS_QUERY, TASK_QUEUE } from '../fleet/run.ts';
import { FLEET_TAG } from '../fleet/tags.ts';
import { type Behaviour, type Sandbox, startSandbox } from '../sandbox/index.ts';
import { createFleetWorker } from '../worker/index.ts';

/** Quick as AWS never is, so that a whole run takes less than a second. */
export const QUICK: Partial<Behaviour> = {
  propagationSeconds: 0.3,
  pendingSeconds: 0.1,
  shuttingDownSeconds: 0.1,
};

export type World = Awaited<ReturnType<typeof openWorld>>;

export async function openWorld(behaviour: Partial<Behaviour> = QUICK) {
  Runtime.install({
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error } as never,
  });
  const sandbox: Sandbox = await startSandbox({ searchAttributes: ATTRIBUTES, behaviour });
  Object.assign(process.env, sandbox.env);
  const worker = await createFleetWorker({ shutdownGraceTime: 1000, launchesPerSecond: 100 });
  const working = worker.run();
  const connection = await Connection.connect({ address: sandbox.temporal.address });
  const client = new Client({ connection });
  const muster = await Muster.connect();
  const iam = new IAMClient({ region: 'us-east-1', maxAttempts: 1 });
  const ec2 = new EC2Client({ region: 'us-east-1', maxAttempts: 1 });

  /** Starts a bootstrap of what a person might have written. */
  async function start(written: WrittenSpec, more: { lease?: number } = {}): Promise<WorkflowHandle> {
    const { spec, hash } = specOf(written);
    return client.workflow.start(spec.places ? 'bootstrapPlaces' : 'bootstrapFleet', {
      args: [{ spec, specHash: hash, ...more }],
      taskQueue: TASK_QUEUE,
      workflowId: fleetWorkflowId(spec.name),
    });
  }

  return {
    sandbox,
    aws: sandbox.aws,
    client,
    muster,
    iam,
    ec2,
    start,
    up: async (written: WrittenSpec) => endOf(await start(written)),
    down: async (fleet: string, known: object = {}) =>
      endOf(
        await client.workflow.start('places' in known ? 'teardownPlaces' : 'teardownFleet', {
          args: [{ fleet, region: 'us-east-1', ...known }],
          taskQueue: TASK_QUEUE,
          workflowId: fleetWorkflowId(fleet),
        }),
      ),
    /** What AWS has by the fleet's name and tag. */
    async exists(fleet: string, names: { role?: string; profile?: string } = {}) {
      const [role, profile, instances, volumes] = await Promise.all([
        absentAsUndefined(iam.send(new GetRoleCommand({ RoleName: names.role ?? fleet }))),
        absentAsUndefined(
          iam.send(new GetInstanceProfileCommand({ InstanceProfileName: names.profile ?? fleet })),
        ),
        instancesOf(fleet),
        ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: `tag:${FLEET_TAG}`, Values: [fleet] }] })),
      ]);
      return {
        role: role?.Role,
        profile: profile?.InstanceProfile,
        instances,
        volumes: volumes.Volumes ?? [],
      };
    },
    /** The launches that were asked for, dry runs left out. */
    launches: () => sandbox.aws.calls().filter(({ action, dryRun }) => action === 'RunInstances' && !dryRun),
    /** How many of these instances run. */
    async running(ids: string[]): Promise<number> {
      const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: ids }));
      const seen = Reservations.flatMap(({ Instances = [] }) => Instances);
      return seen.filter(({ State }) => State?.Name === 'running').length;
    },
    /** The inline policies of a role, decoded. */
    async policies(role: string) {
      const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName: role }));
      const documents = await Promise.all(
        PolicyNames.map((PolicyName) => iam.send(new GetRolePolicyCommand({ RoleName: role, PolicyName }))),
      );
      return Object.fromEntries(
        documents.map(({ PolicyName, PolicyDocument }) => [
          PolicyName,
          JSON.parse(decodeURIComponent(PolicyDocument!)),
        ]),
      );
    },
    async close() {
      worker.shutdown();
      await working;
      await Promise.all([muster.close(), connection.close()]);
      await sandbox.stop();
    },
  };

  /** Alive ones: what is terminated is gone, though EC2 shows it for a while. */
  async function instancesOf(fleet: string): Promise<Instance[]> {
    const answer = await ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: `tag:${FLEET_TAG}`, Values: [fleet] }] }),
    );
    return (answer.Reservations ?? [])
      .flatMap((reservation) => reservation.Instances ?? [])
      .filter((instance) => instance.State?.Name !== 'terminated');
  }
}

type WrittenSpec = Record<string, unknown> & { name: string; instances?: Record<string, unknown> };

/** A spec as a person writes it, with what every fleet of the tests has. */
export function specOf(written: WrittenSpec) {
  const reading = checkSpec(
    {
      region: 'us-east-1',
      ...(written.profile === undefined && written.role === undefined ? { policy: READ_ONLY } : {}),
      ...written,
      deadlines: {
        propagation: 20,
        launch: 15,
        step: 15,
        running: 20,
        undo: 20,
        consistency: 1,
        ...(written.deadlines as object),
      },
      instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro', ...written.instances },
    },
    { env: {}, readFile: () => '' },
  );
  if (reading.mistakes) throw new Error(JSON.stringify(reading.mistakes, null, 1));
  return reading;
}

const READ_ONLY = { allow: [{ actions: ['s3:Get*', 's3:List*'], resources: ['*'] }] };

export interface End {
  readonly handle: WorkflowHandle;
  readonly report: FleetReport;
  /** As Temporal closes the run. */
  readonly status: string;
}

/** Waits for a run's end and answers its report, however it ended. */
export async function endOf(handle: WorkflowHandle): Promise<End> {
  let report: FleetReport | undefined;
  try {
    report = await handle.result();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const details = (error.cause as { details?: unknown[] } | undefined)?.details;
    report = details?.[0] as FleetReport | undefined;
  }
  const { status } = await handle.describe();
  return { handle, report: report ?? (await handle.query<FleetReport>(PROGRESS_QUERY)), status: status.name };
}

/** Waits until the run's own account of itself is as wanted. */
export async function until(
  handle: WorkflowHandle,
  wanted: (report: FleetReport) => boolean,
): Promise<FleetReport> {
  for (let tries = 0; tries < 1200; tries++) {
    const report = await handle.query<FleetReport>(PROGRESS_QUERY);
    if (wanted(report)) return report;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not as wanted: ${JSON.stringify(await handle.query(PROGRESS_QUERY))}`);
}

/** Waits until the worker that was just started is known to poll. */
export async function untilPolled(of: Muster): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const isPolled = await of.status('nobody').then(
      () => true,
      (error: MusterError) => error.code === 'FleetNotFound',
    );
    if (isPolled) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the worker does not poll');
}

async function absentAsUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ((error as Error).name.startsWith('NoSuchEntity')) return undefined;
    throw error;
  }
}
