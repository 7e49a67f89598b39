/** The volumes that outlive their instances: taken back by a rollback, left and named by a teardown. */

import {
  DeleteVolumeCommand,
  type EbsInstanceBlockDevice,
  type EC2Client,
  type Instance,
  type Volume,
} from '@aws-sdk/client-ec2';
import type { Where } from '../fleet/places.ts';
import type { Termination } from '../fleet/removal.ts';
import type { Owner } from '../fleet/tags.ts';
import { type AwsError, ask, isVolumeAbsent } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { findInstances, findVolumes } from './fleet-instances.ts';
import type { UndoRequest } from './ownership.ts';
import { lookFor, nextPause, pause } from './patience.ts';

export interface VolumesRequest extends UndoRequest {
  readonly volumes: 'delete' | 'keep';
  /** `volume/ID`. */
  readonly spare?: readonly string[];
}

export function volumeSteps(clientsFor: ClientsFor) {
  return {
    /** Deletes the owner's volumes that no instance holds. Only for when all of its instances run. */
    async clearLooseVolumes(request: UndoRequest): Promise<void> {
      const { ec2 } = clientsFor(request);
      const loose = async () =>
        (await findVolumes(ec2, request.owner)).filter(({ State }) => State === 'available');
      await deleteAll(ec2, loose, await loose());
    },

    /** Changes nothing. */
    async outlivedVolumes({ owner, ...where }: Where & { readonly owner: Owner }): Promise<string[]> {
      return outlived(clientsFor(where).ec2, owner);
    },
  };
}

/** Of a fleet that lives: ids of its volumes that have outlived their machines, or will when these have ended. */
async function outlived(ec2: EC2Client, owner: Owner): Promise<string[]> {
  const alive = (await findInstances(ec2, owner)).filter((instance) => !isGoing(instance));
  const ids = new Set(alive.map(({ InstanceId }) => InstanceId));
  const stays = ({ Attachments = [] }: Volume) =>
    Attachments.every(({ InstanceId, DeleteOnTermination }) => !ids.has(InstanceId) && !DeleteOnTermination);
  return (await findVolumes(ec2, owner)).filter((volume) => isLasting(volume) && stays(volume)).map(idOf);
}

const isGoing = ({ State }: Instance): boolean =>
  State?.Name === 'shutting-down' || State?.Name === 'terminated';

/** Ids of the volumes that stay when these instances go. */
export function lastingVolumes(instances: readonly Instance[]): string[] {
  return mappingsOf(instances)
    .filter(({ DeleteOnTermination }) => DeleteOnTermination === false)
    .flatMap(({ VolumeId }) => VolumeId ?? []);
}

/** Ids of all volumes that these instances hold. */
export function heldVolumes(instances: readonly Instance[]): string[] {
  return mappingsOf(instances).flatMap(({ VolumeId }) => VolumeId ?? []);
}

function mappingsOf(instances: readonly Instance[]): EbsInstanceBlockDevice[] {
  return instances.flatMap(({ BlockDeviceMappings = [] }) =>
    BlockDeviceMappings.flatMap(({ Ebs }) => Ebs ?? []),
  );
}

/** Deletes the owner's volumes, or tells which are kept. `expected` are those that should be there to be seen. */
export async function clearVolumes(
  ec2: EC2Client,
  request: VolumesRequest,
  expected: readonly string[],
): Promise<Pick<Termination, 'volumesDeleted' | 'volumesKept'>> {
  const { found } = await lookFor(async () => {
    const seen = await lasting(ec2, request);
    const ids = new Set(seen.map(idOf));
    return expected.every((id) => ids.has(id)) ? seen : undefined;
  }, request.patience);
  const volumes = found ?? (await lasting(ec2, request));
  if (request.volumes === 'keep') return { volumesDeleted: 0, volumesKept: volumes.map(idOf) };
  await deleteAll(ec2, () => lasting(ec2, request), volumes);
  return { volumesDeleted: volumes.length, volumesKept: [] };
}

/**
 * Until none is to be seen: that one is unknown to its deletion proves nothing while it is shown, nor that it is not shown
 * when its deletion was refused.
 */
async function deleteAll(
  ec2: EC2Client,
  look: () => Promise<Volume[]>,
  volumes: readonly Volume[],
): Promise<void> {
  const started = Date.now();
  let left = volumes.map(idOf);
  while (left.length > 0) {
    const refused = await deleteEach(ec2, left);
    left = [...new Set([...refused.keys(), ...(await look()).map(idOf)])];
    const [refusal] = refused.values();
    if (refusal) throw refusal.leaving(left);
    if (left.length > 0) await pause(nextPause(Date.now() - started, 250, 5_000));
  }
}

/** One that is refused holds no other up. Answers the refusals, by the volumes. */
async function deleteEach(ec2: EC2Client, ids: readonly string[]): Promise<Map<string, AwsError>> {
  const refused = new Map<string, AwsError>();
  for (const id of ids) {
    try {
      await ask('ec2:DeleteVolume', ec2.send(new DeleteVolumeCommand({ VolumeId: id })));
    } catch (error) {
      if (!isVolumeAbsent(error)) refused.set(id, error as AwsError);
    }
  }
  return refused;
}

async function lasting(ec2: EC2Client, { owner, spare = [] }: VolumesRequest): Promise<Volume[]> {
  const seen = await findVolumes(ec2, owner);
  return seen.filter((volume) => isLasting(volume) && !spare.includes(`volume/${idOf(volume)}`));
}

export function isLasting({ State }: Volume): boolean {
  return State !== 'deleting' && State !== 'deleted';
}

const idOf = (volume: Volume): string => volume.VolumeId!;
