/** The undo of a launch: ends the owner's instances, waits until they are gone, removes their volumes. */

import {
  DeleteVolumeCommand,
  type EC2Client,
  type Instance,
  TerminateInstancesCommand,
  type Volume,
} from '@aws-sdk/client-ec2';
import { ask, isInstanceUnknown, isVolumeAbsent } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { findInstances, findVolumes } from './fleet-instances.ts';
import type { UndoRequest } from './ownership.ts';
import { lookFor, nextPause, pause } from './patience.ts';

export interface TerminateRequest extends UndoRequest {
  /** What the launch answered; instances of the owner's beyond these are found by their tags. */
  readonly ids: readonly string[];
  /** A rollback takes the volumes too; a teardown leaves those that were to outlive their instances. */
  readonly volumes: 'delete' | 'keep';
}

export interface TerminateOutcome {
  readonly terminated: number;
  readonly volumesDeleted: number;
  /** Ids of volumes left, as the spec asked (`deleteOnTermination: false`). */
  readonly volumesKept: readonly string[];
}

export function terminateUndos(clientsFor: ClientsFor) {
  return {
    async terminate(request: TerminateRequest): Promise<TerminateOutcome> {
      const { ec2 } = clientsFor(request.region);
      const seen = await lookFor(() => allSeen(ec2, request), request.patience);
      const instances = seen ?? (await findInstances(ec2, request.owner));
      await endAll(ec2, request, instances);
      const volumes = await findVolumes(ec2, request.owner);
      if (request.volumes === 'delete') await deleteVolumes(ec2, volumes);
      return {
        terminated: instances.length,
        volumesDeleted: request.volumes === 'delete' ? volumes.length : 0,
        volumesKept: request.volumes === 'keep' ? volumes.map((volume) => volume.VolumeId!) : [],
      };
    },
  };
}

/** `undefined` as long as an instance of the launch is missing, or while nothing at all is seen of a lost one. */
async function allSeen(ec2: EC2Client, request: TerminateRequest): Promise<Instance[] | undefined> {
  const seen = await findInstances(ec2, request.owner);
  if (seen.length === 0) return undefined;
  const ids = new Set(seen.map((instance) => instance.InstanceId));
  return request.ids.every((id) => ids.has(id)) ? seen : undefined;
}

async function endAll(ec2: EC2Client, request: TerminateRequest, instances: Instance[]): Promise<void> {
  let alive = instances.filter((instance) => instance.State?.Name !== 'terminated');
  const started = Date.now();
  let asked = new Set<string>();
  while (alive.length > 0) {
    const ids = alive.map((instance) => instance.InstanceId!).filter((id) => !asked.has(id));
    await terminate(ec2, ids);
    asked = new Set([...asked, ...ids]);
    await pause(nextPause(Date.now() - started, 250, 5_000));
    const now = await findInstances(ec2, request.owner);
    alive = now.filter((instance) => instance.State?.Name !== 'terminated');
    // An instance that lives on although it was asked to end is asked again.
    asked = new Set(
      alive.filter((instance) => instance.State?.Name === 'shutting-down').map((i) => i.InstanceId!),
    );
  }
}

/** AWS advises batches below the limit of 1,000; one unknown id in a batch ends none of it, so it is split. */
async function terminate(ec2: EC2Client, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += BATCH)
    await terminateBatch(ec2, ids.slice(from, from + BATCH));
}

const BATCH = 100;

async function terminateBatch(ec2: EC2Client, ids: readonly string[]): Promise<void> {
  try {
    const command = new TerminateInstancesCommand({ InstanceIds: [...ids] });
    await ask('ec2:TerminateInstances', ec2.send(command));
  } catch (error) {
    if (!isInstanceUnknown(error) || ids.length === 1) throw error;
    const middle = Math.ceil(ids.length / 2);
    await terminateBatch(ec2, ids.slice(0, middle));
    await terminateBatch(ec2, ids.slice(middle));
  }
}

async function deleteVolumes(ec2: EC2Client, volumes: readonly Volume[]): Promise<void> {
  for (const { VolumeId } of volumes) {
    try {
      await ask('ec2:DeleteVolume', ec2.send(new DeleteVolumeCommand({ VolumeId })));
    } catch (error) {
      if (!isVolumeAbsent(error)) throw error;
    }
  }
}
