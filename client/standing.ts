/** How a fleet stands: what AWS shows of it by its tags, and what an earlier report said held against that. */

import { randomUUID } from 'node:crypto';
import type { PlaceRef } from '../fleet/places.ts';
import {
  type FleetReport,
  type InstanceReport,
  instanceCountIn,
  instanceCountOf,
  runsOf,
} from '../fleet/report.ts';
import type { ListedInstances, ListRequest, TeardownRequest } from '../fleet/run.ts';
import type { Assume } from '../fleet/spec.ts';
import { FleetRun } from './fleet-run.ts';
import { answerOf } from './look.ts';
import { assertWorkerPolls, type Temporal } from './temporal.ts';

/** How long an answer of AWS is waited for, its retries included. */
const LOOK_SECONDS = 60;

/** Asks AWS, through a worker, what it has of a fleet. Changes nothing. Throws NoWorker and LookFailed. */
export async function inspect(
  temporal: Temporal,
  request: TeardownRequest,
): Promise<{ readonly run: FleetRun; readonly report: FleetReport }> {
  await assertWorkerPolls(temporal);
  const { client, taskQueue, lookSeconds = LOOK_SECONDS } = temporal;
  const handle = await client.workflow.start('inspectFleet', {
    args: [request],
    taskQueue,
    // It changes nothing and stands in nobody's way, so it does not have the fleet's one id.
    workflowId: `inspect:${request.fleet.toLowerCase()}:${randomUUID()}`,
    memo: { fleet: request.fleet },
    staticSummary: `what AWS has of ${request.fleet}`,
    workflowExecutionTimeout: (lookSeconds + (request.patience ?? 0)) * 1000,
  });
  const report = await answerOf<FleetReport>(temporal, request.fleet, handle);
  const { workflowId, firstExecutionRunId } = handle;
  const run = new FleetRun(temporal, report.fleet, { workflowId, runId: firstExecutionRunId }, 'ended');
  return { run, report };
}

/** Throws NoWorker and LookFailed. */
export async function* listed(
  temporal: Temporal,
  request: Omit<ListRequest, 'next'>,
): AsyncGenerator<InstanceReport, void> {
  await assertWorkerPolls(temporal);
  const { client, taskQueue } = temporal;
  const { fleet } = request.owner;
  for (let next: string | undefined; ; ) {
    const handle = await client.workflow.start('listInstances', {
      args: [{ ...request, next }],
      taskQueue,
      workflowId: `list:${fleet.toLowerCase()}:${randomUUID()}`,
      memo: { fleet },
      staticSummary: `instances of ${fleet}`,
      workflowExecutionTimeout: LOOK_SECONDS * 1000,
    });
    const page = await answerOf<ListedInstances>(temporal, fleet, handle);
    yield* page.instances;
    next = page.next;
    if (next === undefined) return;
  }
}

/** In a sentence. */
const MOST_NAMED = 10;

/** The report of a complete fleet as it is now. `patience` as in a TeardownRequest. */
export async function asItIsNow(
  temporal: Temporal,
  report: FleetReport,
  patience: number,
  places?: readonly PlaceRef[],
): Promise<FleetReport> {
  if (places) return asItIsInEach(temporal, report, patience, places);
  return asItIsThere(temporal, report, patience);
}

/** Of those of its places that came up; what the others are, its run has said. */
async function asItIsInEach(
  temporal: Temporal,
  report: FleetReport,
  patience: number,
  refs: readonly PlaceRef[],
): Promise<FleetReport> {
  const places = await Promise.all(
    report.places!.map((place) => {
      const assume = refs.find(({ name }) => name === place.place)?.assume;
      return place.state === 'complete' ? asItIsThere(temporal, place, patience, assume) : place;
    }),
  );
  const count = instanceCountIn(places);
  const now = { ...report, places, instanceCount: count };
  const degraded = places.filter(({ state }) => state === 'degraded');
  if (degraded.length === 0) return now;
  const message = degraded.map(({ place, error }) => `${place}: ${error!.message}`).join('; ');
  return { ...now, state: 'degraded', error: { step: 'verify', code: 'Degraded', message } };
}

async function asItIsThere(
  temporal: Temporal,
  report: FleetReport,
  patience: number,
  assume?: Assume,
): Promise<FleetReport> {
  const { fleet, region, account, role, profile, instances } = report;
  const { report: now } = await inspect(temporal, {
    fleet,
    region,
    assume,
    account,
    role: role?.reused ? undefined : role?.name,
    profile: profile?.reused ? undefined : profile?.name,
    instances: instances.map(({ id }) => id),
    count: instanceCountOf(report),
    patience,
    // A thing of an earlier run that was given up is none of this fleet's.
    runs: runsOf(report),
    byNameOnly: true,
  });
  const { untagged = [] } = now;
  const [count, left] = [instanceCountOf(report), instanceCountOf(now) + untagged.length];
  const gone = instances.flatMap(({ id }) => {
    const isThat = (instance: InstanceReport) => instance.id === id;
    const bare = untagged.find(isThat);
    if (bare) return [`${id} is ${bare.state}, and does not carry the fleet's tags any more`];
    const state = now.instances.find(isThat)?.state ?? 'gone';
    return state === 'running' ? [] : [`${id} is ${state}`];
  });
  const oddities = missingIdentity(report, now);
  const problems = [
    ...oddities,
    ...(left < count ? [`${left} of ${count} instances are left`] : []),
    ...gone.slice(0, MOST_NAMED),
    ...(gone.length > MOST_NAMED ? [`${gone.length - MOST_NAMED} more like these`] : []),
  ];
  if (problems.length === 0) return { ...report, instances: now.instances };
  const message = problems.join('; ');
  return {
    ...report,
    state: 'degraded',
    instances: now.instances,
    instanceCount: now.instanceCount,
    ...(oddities.length > 0 && { oddities }),
    error: { step: 'verify', code: 'Degraded', message },
  };
}

function missingIdentity({ role, profile }: FleetReport, now: FleetReport): string[] {
  const missing: string[] = [...(now.oddities ?? [])];
  const isTold = (what: string) => missing.some((words) => words.startsWith(`the ${what} is there`));
  if (role && !role.reused && now.role?.id !== role.id && !isTold(`role ${role.name}`)) {
    missing.push(now.role ? another('role', role, now.role) : `the role ${role.name} is gone`);
  }
  const isProfileTold = profile && isTold(`instance profile ${profile.name}`);
  if (profile && !profile.reused && now.profile?.id !== profile.id && !isProfileTold) {
    const words = `the instance profile ${profile.name}`;
    missing.push(now.profile ? another('instance profile', profile, now.profile) : `${words} is gone`);
  }
  return missing;
}

/** Tags can be copied, the unique id cannot. */
function another(what: string, own: { name: string; id: string }, now: { name: string; id: string }): string {
  return `the ${what} ${own.name} is another's: it is ${now.id}, and the fleet's own was ${own.id}`;
}
