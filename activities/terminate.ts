/** The undo of a launch: ends the owner's instances, waits until they are gone, removes their volumes. */

import { type EC2Client, type Instance, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import type { Termination } from '../fleet/removal.ts';
import { someOf } from '../fleet/words.ts';
import { AwsError, ask, isInstanceUnknown, isProtected } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { findByIds, findInstances, findLaunched, isTerminated } from './fleet-instances.ts';
import type { UndoRequest } from './ownership.ts';
import { inTheirTime, lookFor, nextPause, note, noted, pause } from './patience.ts';
import { clearVolumes, heldVolumes, lastingVolumes } from './volumes.ts';

export interface TerminateRequest extends UndoRequest {
  /** What the launch answered; instances of the owner's beyond these are found by their tags. */
  readonly ids: readonly string[];
  /** Launches whose answer is not known: the client token, and how many instances it may have made. */
  readonly unsettled?: readonly { readonly token: string; readonly count: number }[];
  /** None but `ids`: the owner's others go on, with all volumes. */
  readonly only?: boolean;
  /** What a person has given up (`instance/ID`, `volume/ID`): left as it is. */
  readonly spare?: readonly string[];
  /** A rollback takes the volumes too; a teardown leaves those that were to outlive their instances. */
  readonly volumes: 'delete' | 'keep';
}

export function terminateUndos(clientsFor: ClientsFor) {
  return {
    /**
     * Fails as long as an instance of the launch is not known to be terminated: one that EC2 does not show, one that is
     * protected. All others are terminated by then.
     */
    async terminate(request: TerminateRequest): Promise<Termination> {
      const { ec2 } = clientsFor(request);
      const { ended, volumes } = await endOwned(ec2, request);
      return { ...ended, ...(await clearVolumes(ec2, await sparingVolumes(ec2, request), volumes)) };
    },
  };
}

export function terminateSteps(clientsFor: ClientsFor) {
  return {
    /**
     * Ends some instances of a fleet that goes on without them; the volumes that outlive them are kept. Fails as
     * `terminate` does, and is then not tried for long: the fleet is to be whole again soon, one way or the other.
     */
    async terminateSome(request: Omit<TerminateRequest, 'only' | 'volumes'>): Promise<Termination> {
      const { ec2 } = clientsFor(request);
      const { ended, everHeld } = await endOwned(ec2, { ...request, only: true, volumes: 'keep' });
      return { ...ended, volumesDeleted: 0, volumesKept: everHeld };
    },
  };
}

/** Ends what the request means, and answers which volumes that leaves; `everHeld`: those of earlier attempts, too. */
async function endOwned(ec2: EC2Client, request: TerminateRequest) {
  const { found, ...search } = await lookFor(() => allSeen(ec2, request), request.patience);
  const instances = found ?? (await seenNow(ec2, request));
  const volumes = lastingVolumes(instances);
  const alive = instances.filter((instance) => !isTerminated(instance));
  // An attempt before this one may have ended some, and of those EC2 shows no volumes any more.
  const [before = '0', ...held] = noted()?.split(' ') ?? [];
  const terminated = Math.max(alive.length, Number(before));
  const everHeld = [...new Set([...held, ...volumes])];
  note([terminated, ...everHeld].join(' '));
  await endAll(ec2, request, alive);
  assertSeen(request, instances);
  const ended = {
    ...search,
    outcome: terminated > 0 ? ('removed' as const) : ('absent' as const),
    terminated,
    ended: Math.max(0, instances.length - terminated),
  };
  return { ended, volumes, everHeld };
}

/** An instance that a person has given up keeps what it holds. */
async function sparingVolumes(ec2: EC2Client, request: TerminateRequest): Promise<TerminateRequest> {
  const ids = (request.spare ?? []).flatMap((name) =>
    name.startsWith(INSTANCE) ? name.slice(INSTANCE.length) : [],
  );
  if (ids.length === 0) return request;
  const alive = (await findByIds(ec2, ids)).filter((instance) => !isTerminated(instance));
  return { ...request, spare: [...request.spare!, ...heldVolumes(alive).map((id) => `volume/${id}`)] };
}

const INSTANCE = 'instance/';

/** By its token first, which names what a lost answer launched, then by the owner's tags: one index may lag. */
async function seenNow(
  ec2: EC2Client,
  { owner, ids, only, unsettled = [], spare = [] }: TerminateRequest,
): Promise<Instance[]> {
  const byToken: Instance[] = [];
  for (const { token } of unsettled) byToken.push(...(await findLaunched(ec2, owner, token)));
  const byTag = await findInstances(ec2, owner);
  const seen = new Map([...byToken, ...byTag].map((instance) => [instance.InstanceId, instance]));
  const wanted = new Set(ids);
  return [...seen.values()].filter(
    (instance) => (!only || wanted.has(idOf(instance))) && !spare.includes(`${INSTANCE}${idOf(instance)}`),
  );
}

/** `undefined` as long as an instance of the launch is missing, or may be. */
async function allSeen(ec2: EC2Client, request: TerminateRequest): Promise<Instance[] | undefined> {
  const seen = await seenNow(ec2, request);
  const ids = new Set(seen.map((instance) => instance.InstanceId));
  const unknown = (request.unsettled ?? []).reduce((all, { count }) => all + count, 0);
  const most = request.ids.length + unknown;
  return request.ids.every((id) => ids.has(id)) && seen.length >= most ? seen : undefined;
}

/** In a sentence. */
const MOST_NAMED = 10;

/** What was launched and is not to be seen is not proven to be gone. */
function assertSeen({ ids, patience }: TerminateRequest, instances: readonly Instance[]): void {
  const seen = new Set(instances.map((instance) => instance.InstanceId));
  const unseen = ids.filter((id) => !seen.has(id));
  if (unseen.length === 0) return;
  const message = `${someOf(unseen, MOST_NAMED)} launched, and not shown for ${patience} s: nothing proves that they are gone`;
  throw new AwsError('ec2:DescribeInstances', 'InvalidInstanceID.NotFound', message, 400).leaving(unseen);
}

async function endAll(ec2: EC2Client, request: TerminateRequest, instances: Instance[]): Promise<void> {
  const started = Date.now();
  let alive = instances;
  while (alive.length > 0) {
    const refused = await terminate(ec2, alive.filter((instance) => !isEnding(instance)).map(idOf));
    await pause(nextPause(Date.now() - started, 250, 5_000));
    const now = new Map((await seenNow(ec2, request)).map((instance) => [idOf(instance), instance]));
    // Of what an answer leaves out nothing is known: it stays on the list as it was.
    alive = [...new Map([...alive.map((was) => [idOf(was), was] as const), ...now]).values()].filter(
      (instance) => !isTerminated(instance),
    );
    // Whoever is protected holds nobody else up.
    if (refused && !alive.some(isEnding)) throw refused.leaving(alive.map(idOf));
  }
}

const idOf = (instance: Instance): string => instance.InstanceId!;

function isEnding(instance: Instance): boolean {
  return instance.State?.Name === 'shutting-down';
}

/** AWS advises batches below the limit of 1,000. */
async function terminate(ec2: EC2Client, ids: readonly string[]): Promise<AwsError | undefined> {
  let refused: AwsError | undefined;
  for (let from = 0; from < ids.length; from += BATCH) {
    refused = (await terminateBatch(ec2, ids.slice(from, from + BATCH))) ?? refused;
  }
  return refused;
}

const BATCH = 100;

/**
 * One id that is unknown, or not to be seen yet, ends none of its batch, and one that is protected ends none of its
 * zone: such a batch is split. Answers the refusal of what is protected.
 */
async function terminateBatch(ec2: EC2Client, ids: readonly string[]): Promise<AwsError | undefined> {
  try {
    await inTheirTime(() => {
      const command = new TerminateInstancesCommand({ InstanceIds: [...ids] });
      return ask('ec2:TerminateInstances', ec2.send(command));
    });
    return undefined;
  } catch (error) {
    if (!isInstanceUnknown(error) && !isProtected(error)) throw error;
    if (ids.length === 1) return isProtected(error) ? (error as AwsError) : undefined;
    const middle = Math.ceil(ids.length / 2);
    const first = await terminateBatch(ec2, ids.slice(0, middle));
    return (await terminateBatch(ec2, ids.slice(middle))) ?? first;
  }
}
