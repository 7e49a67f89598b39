/** What carries Muster's tags, whoever's run made it, and what Temporal knows of those runs: the sweep's two looks. */

import type { EC2Client } from '@aws-sdk/client-ec2';
import { type IAMClient, paginateListInstanceProfiles, paginateListRoles } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import { fleetWorkflowId } from '../fleet/run.ts';
import type { Tags } from '../fleet/spec.ts';
import { isRunId, type KnownRun, type Remains } from '../fleet/sweep.ts';
import {
  COMPLETE,
  FLEET_TAG,
  NAMESPACE_TAG,
  REGION_TAG,
  RUN_TAG,
  regionsOf,
  STATE_TAG,
} from '../fleet/tags.ts';
import { ask } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { collect, findInstances, findVolumes, isTerminated } from './fleet-instances.ts';
import { readProfile, readRole } from './reads.ts';
import { fromAwsTags } from './tags.ts';

export interface FoundRemains {
  readonly account: string;
  readonly namespace: string;
  readonly regions: readonly string[];
  readonly remains: readonly Remains[];
}

/** One thing that carries the tags of a run. */
interface Thing {
  readonly kind: 'roles' | 'profiles' | 'instances' | 'volumes';
  readonly id: string;
  readonly tags: Tags;
  readonly madeAt: Date | undefined;
}

export function remainsSteps(clientsFor: ClientsFor) {
  return {
    /** Goes through all roles and profiles of the account, and the instances and volumes of the regions. */
    async findRemains({ regions }: { readonly regions: readonly string[] }): Promise<FoundRemains> {
      const { iam, sts } = clientsFor({ region: regions[0]! });
      const [{ Account }, identities] = await Promise.all([
        ask('sts:GetCallerIdentity', sts.send(new GetCallerIdentityCommand({}))),
        identityThings(iam),
      ]);
      const places = new Set([...regions, ...identities.flatMap(({ tags }) => regionsOf(tags))]);
      const things = [...identities];
      for (const region of places) things.push(...(await regionalThings(clientsFor({ region }).ec2)));
      return {
        account: Account!,
        namespace: Context.current().info.workflowNamespace!,
        regions: [...places],
        remains: byRun(things),
      };
    },

    /** For each of the runs, in their order, what Temporal knows of it. */
    async describeRuns({ runs }: { readonly runs: readonly RunOfFleet[] }): Promise<KnownRun[]> {
      const known: KnownRun[] = [];
      const here = Context.current().info.workflowNamespace;
      for (const { fleet, run, namespace } of runs) {
        // Of other namespaces nothing is known here, and nothing is removed.
        if (namespace !== here || !isRunId(run)) {
          known.push({});
          continue;
        }
        const [own, last] = await Promise.all([describe(fleet, run), describe(fleet)]);
        known.push({ status: own?.status, last });
      }
      return known;
    },
  };
}

type RunOfFleet = Pick<Remains, 'fleet' | 'run' | 'namespace'>;

/** Lists carry no tags, so that each name is read by itself. */
async function identityThings(iam: IAMClient): Promise<Thing[]> {
  const [profiles, roles] = await Promise.all([
    ask('iam:ListInstanceProfiles', collect(paginateListInstanceProfiles({ client: iam }, {}))),
    ask('iam:ListRoles', collect(paginateListRoles({ client: iam }, {}))),
  ]);
  const things: Thing[] = [];
  for (const { InstanceProfileName, CreateDate } of profiles.flatMap((page) => page.InstanceProfiles ?? [])) {
    const seen = await readProfile(iam, InstanceProfileName!);
    if (seen) things.push({ kind: 'profiles', id: seen.name, tags: seen.tags, madeAt: CreateDate });
  }
  for (const { RoleName, CreateDate } of roles.flatMap((page) => page.Roles ?? [])) {
    const seen = await readRole(iam, RoleName!);
    if (seen) things.push({ kind: 'roles', id: seen.name, tags: seen.tags, madeAt: CreateDate });
  }
  return things.filter(isOfARun);
}

async function regionalThings(ec2: EC2Client): Promise<Thing[]> {
  const [instances, volumes] = await Promise.all([findInstances(ec2), findVolumes(ec2)]);
  return [
    ...instances
      .filter((instance) => !isTerminated(instance))
      .map(
        ({ InstanceId, Tags, LaunchTime }): Thing => ({
          kind: 'instances',
          id: InstanceId!,
          tags: fromAwsTags(Tags),
          madeAt: LaunchTime,
        }),
      ),
    ...volumes.map(
      ({ VolumeId, Tags, CreateTime }): Thing => ({
        kind: 'volumes',
        id: VolumeId!,
        tags: fromAwsTags(Tags),
        madeAt: CreateTime,
      }),
    ),
  ].filter(isOfARun);
}

function isOfARun({ tags }: Thing): boolean {
  return Boolean(tags[FLEET_TAG] && tags[RUN_TAG] && tags[REGION_TAG]);
}

function byRun(things: readonly Thing[]): Remains[] {
  const runs = new Map<string, Thing[]>();
  for (const thing of things) {
    const run = `${thing.tags[FLEET_TAG]} ${thing.tags[RUN_TAG]}`;
    runs.set(run, [...(runs.get(run) ?? []), thing]);
  }
  return [...runs.values()].map((of): Remains => {
    const { tags } = of[0]!;
    const ids = (kind: Thing['kind']) => of.filter((thing) => thing.kind === kind).map(({ id }) => id);
    return {
      fleet: tags[FLEET_TAG]!,
      run: tags[RUN_TAG]!,
      namespace: tags[NAMESPACE_TAG] ?? '',
      region: tags[REGION_TAG]!,
      regions: [...new Set(of.flatMap((thing) => regionsOf(thing.tags)))],
      marked: of.some((thing) => thing.tags[STATE_TAG] === COMPLETE),
      // What cannot say how old it is counts as new.
      youngest: Math.max(...of.map(({ madeAt }) => madeAt?.getTime() ?? Date.now())),
      roles: ids('roles'),
      profiles: ids('profiles'),
      instances: ids('instances'),
      volumes: ids('volumes'),
    };
  });
}

/** A run of the fleet, or without one its last; undefined when Temporal knows none. */
async function describe(fleet: string, run?: string): Promise<KnownRun['last']> {
  const { client } = Context.current();
  try {
    const { runId, type, status } = await client.workflow.getHandle(fleetWorkflowId(fleet), run).describe();
    return { run: runId, type, status: status.name };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
