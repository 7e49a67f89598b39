/** Health: EC2's status checks of instances, and an answer of each of them when it is to be asked for one. */

import { type Instance, type InstanceStatus, paginateDescribeInstanceStatus } from '@aws-sdk/client-ec2';
import { Context } from '@temporalio/activity';
import type { Where } from '../fleet/places.ts';
import { healthUrl } from '../fleet/roll.ts';
import type { Owner } from '../fleet/tags.ts';
import { ask, isInstanceUnknown } from './aws-errors.ts';
import type { AwsClients, ClientsFor } from './clients.ts';
import { collect, findInstances } from './fleet-instances.ts';
import { nextPause, pause } from './patience.ts';
import { hasEnded } from './verify.ts';

export interface HealthRequest extends Where {
  readonly owner: Owner;
  /** Those that are asked after. */
  readonly ids: readonly string[];
  /** With `{privateIp}` for its host. */
  readonly url?: string;
  /** Milliseconds waited before this look. */
  readonly waited: number;
  /** Milliseconds that this look may take before it says 'pending'. */
  readonly patience: number;
}

export type Health =
  | { readonly state: 'healthy' }
  /** `reason` is what stands in the way of the first of the others. */
  | { readonly state: 'pending'; readonly healthy: number; readonly reason: string }
  /** Some have ended by themselves: others may have to take their place before all can be healthy. */
  | { readonly state: 'ended'; readonly healthy: number };

export function healthSteps(clientsFor: ClientsFor) {
  return {
    /** Looks at growing intervals until all are healthy at once, some have ended, or the patience is over. */
    async health(request: HealthRequest): Promise<Health> {
      const aws = clientsFor(request);
      const started = Date.now();
      for (;;) {
        const health = await look(aws, request);
        if (health.state !== 'pending') return health;
        const waited = Date.now() - started;
        const wait = nextPause(request.waited + waited, 250, 10_000);
        if (waited + wait > request.patience) return health;
        await pause(wait);
      }
    },
  };
}

async function look({ ec2 }: AwsClients, { owner, ids, url }: HealthRequest): Promise<Health> {
  const wanted = new Set(ids);
  const instances = (await findInstances(ec2, owner)).filter(({ InstanceId }) => wanted.has(InstanceId!));
  const statuses = await statusesOf({ ec2 }, instances.filter(isRunning).map(idOf));
  const passed = instances.filter((instance) => isPassed(statuses.get(idOf(instance))));
  const refusals = url === undefined ? new Map<string, string>() : await askEach(passed, url);
  const healthy = passed.length - refusals.size;
  if (instances.some(hasEnded)) return { state: 'ended', healthy };
  if (healthy === ids.length) return { state: 'healthy' };
  const [ill] = instances.filter((instance) => !passed.includes(instance));
  const [refused] = refusals;
  const why = ill
    ? `${idOf(ill)} ${checksOf(ill, statuses.get(idOf(ill)))}`
    : refused
      ? `${refused[0]}: ${refused[1]}`
      : 'EC2 does not show the others yet';
  return { state: 'pending', healthy, reason: `${healthy} of ${ids.length} healthy; ${why}` };
}

/** EC2 takes no more ids in one call (EC2 API, "DescribeInstanceStatus"); what it tells of them comes in pages. */
const MOST_IDS = 100;

async function statusesOf(
  { ec2 }: Pick<AwsClients, 'ec2'>,
  ids: readonly string[],
): Promise<Map<string, InstanceStatus>> {
  const statuses = new Map<string, InstanceStatus>();
  for (let from = 0; from < ids.length; from += MOST_IDS) {
    const InstanceIds = ids.slice(from, from + MOST_IDS);
    const pages = paginateDescribeInstanceStatus({ client: ec2 }, { InstanceIds });
    try {
      for (const { InstanceStatuses = [] } of await ask('ec2:DescribeInstanceStatus', collect(pages))) {
        for (const status of InstanceStatuses) statuses.set(status.InstanceId!, status);
      }
    } catch (error) {
      // One that a replica has not heard of yet refuses the call for all: the next look asks again.
      if (!isInstanceUnknown(error)) throw error;
    }
  }
  return statuses;
}

function isPassed(status: InstanceStatus | undefined): boolean {
  return status?.InstanceStatus?.Status === 'ok' && status.SystemStatus?.Status === 'ok';
}

function checksOf(instance: Instance, status: InstanceStatus | undefined): string {
  if (!isRunning(instance)) return `is ${instance.State?.Name}`;
  const [ofInstance, ofSystem] = [status?.InstanceStatus?.Status, status?.SystemStatus?.Status];
  if (ofInstance === undefined || ofSystem === undefined) return 'has no status checks yet';
  return ofInstance === ofSystem
    ? `has its status checks ${ofInstance}`
    : `has the instance check ${ofInstance}, the system check ${ofSystem}`;
}

const AT_ONCE = 16;

/** What those say that are not healthy by their own answer. */
async function askEach(instances: readonly Instance[], url: string): Promise<Map<string, string>> {
  const refusals = new Map<string, string>();
  for (let from = 0; from < instances.length; from += AT_ONCE) {
    await Promise.all(
      instances.slice(from, from + AT_ONCE).map(async (instance) => {
        const refusal = await refusalOf(instance, url);
        if (refusal !== undefined) refusals.set(idOf(instance), refusal);
      }),
    );
  }
  return refusals;
}

const ANSWER_MS = 5_000;

/**
 * Undefined when it answers 2xx. The host is the instance's own private address, as EC2 tells it, and no redirect is
 * followed: nobody but the fleet is asked. Of an answer only the status is looked at, and told.
 */
async function refusalOf({ PrivateIpAddress }: Instance, url: string): Promise<string | undefined> {
  if (PrivateIpAddress === undefined) return 'it has no private address';
  const { cancelled, cancellationSignal } = Context.current();
  try {
    const response = await fetch(healthUrl(url, PrivateIpAddress), {
      headers: { 'user-agent': 'muster' },
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(ANSWER_MS), cancellationSignal]),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    if (cancellationSignal.aborted) return cancelled;
    return whyUnanswered(error as Error);
  }
}

/** fetch itself says only that it failed. */
function whyUnanswered({ name, message, cause }: Error): string {
  if (name === 'TimeoutError') return `no answer within ${ANSWER_MS / 1000} s`;
  return cause instanceof Error && cause.message ? cause.message : message;
}

function isRunning({ State }: Instance): boolean {
  return State?.Name === 'running';
}

const idOf = ({ InstanceId }: Instance): string => InstanceId!;
