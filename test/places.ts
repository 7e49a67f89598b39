/** What the tests of fleets in several places have in common: a world, fleets in two regions, and what AWS has of them. */

import assert from 'node:assert/strict';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { type FleetReport, MusterError, type SpecInput, specFrom } from '../client/index.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { FLEET_TAG } from '../fleet/tags.ts';
import { muster, useWorld as useOneWorld, world } from './one-world.ts';
import { QUICK } from './world.ts';

export { muster, world };

/** For all tests of a file. */
export const useWorld = (): void => useOneWorld({ ...QUICK, soldOut: [], hands: [] });

export const HERE = 'us-east-1';
export const ABROAD = 'eu-west-1';
export const BOTH = [{ region: HERE }, { region: ABROAD, count: 1 }];
export const ZONES_ABROAD = ['a', 'b', 'c'].map((zone) => ({ zone: `${ABROAD}${zone}` }));

export function specOf(name: string, more: Partial<SpecInput> = {}) {
  return specFrom({
    name,
    places: BOTH,
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
    deadlines: { propagation: 20, launch: 15, step: '15s', running: '20s', undo: 5, consistency: 1 },
    ...more,
  });
}

export const up = async (name: string, more: Partial<SpecInput> = {}) =>
  (await muster.up(specOf(name, more))).result();

/** What AWS has of a fleet: alive instances by region, role and profile. */
export async function exists(name: string, regions: readonly string[] = [HERE, ABROAD]) {
  const { role, profile } = await world.exists(name);
  const counts = await Promise.all(regions.map(async (region) => (await idsIn(name, region)).length));
  return [...counts, Boolean(role), Boolean(profile)];
}

export async function idsIn(name: string, region: string): Promise<string[]> {
  const ec2 = new EC2Client({ region, maxAttempts: 1 });
  const Filters = [{ Name: `tag:${FLEET_TAG}`, Values: [name] }];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  return Reservations.flatMap(({ Instances = [] }) => Instances)
    .filter(({ State }) => State?.Name !== 'terminated')
    .map(({ InstanceId }) => InstanceId!)
    .sort();
}

export const NOTHING = [0, 0, false, false];

export async function gone(name: string): Promise<void> {
  const report = await (await muster.down(name)).result();
  assert.equal(report.state, 'gone', JSON.stringify(report));
  assert.deepEqual(await exists(name), NOTHING);
}

export const stateIn = (report: FleetReport) => report.places!.map(({ place, state }) => `${place} ${state}`);

export const isRefused = (code: string, words?: RegExp) => (error: unknown) =>
  error instanceof MusterError && error.code === code && (words?.test(error.message) ?? true);

export const handle = (name: string) => world.client.workflow.getHandle(fleetWorkflowId(name));

export const countOf = (action: string) => world.aws.calls().filter((call) => call.action === action).length;

export const DENIED = { code: 'UnauthorizedOperation', message: 'You are not authorized', status: 403 };
export const SOLD_OUT = { code: 'InsufficientInstanceCapacity', message: 'We are out of it', status: 500 };

/** Until the fleet has launched something there, beside what had ended before. */
export async function untilSome(name: string, region: string, ended?: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await idsIn(name, region)).some((id) => id !== ended)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing of ${name} in ${region}`);
}
