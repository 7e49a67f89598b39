/** What the tests of rolls have in common: a world, fleets in it, and how rolls of them are begun, watched and held. */

import assert from 'node:assert/strict';
import { type Instance, ModifyInstanceAttributeCommand } from '@aws-sdk/client-ec2';
import { MusterError, type RollOptions, type SpecInput, specFrom } from '../client/index.ts';
import type { FleetReport } from '../fleet/report.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { muster, useWorld as useOneWorld, world } from './one-world.ts';
import { QUICK, until } from './world.ts';

export { muster, world };

export const USUAL = {
  ...QUICK,
  initializingSeconds: 0.2,
  impaired: [],
  privateIp: '',
  deathChance: 0,
  soldOut: [],
  hands: [],
};
/** For all tests of a file. */
export const useWorld = (): void => useOneWorld(USUAL);
export const [OLD, NEW] = ['ami-12c6146b', 'ami-1e749f67'] as const;
export const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };
export const SOLD_OUT = { code: 'InsufficientInstanceCapacity', message: 'We are out of it', status: 500 };

export type Instances = NonNullable<Exclude<SpecInput['instances'], string>>;

export function specOf(name: string, instances: Partial<Instances> = {}, more: Partial<SpecInput> = {}) {
  return specFrom({
    name,
    region: 'us-east-1',
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 5, image: OLD, type: 't3.micro', ...instances } as Instances,
    deadlines: { propagation: 40, launch: 40, step: '40s', undo: 40, consistency: 1 },
    ...more,
  });
}

/** A complete fleet, and its ids. */
export async function fleetOf(
  name: string,
  instances?: Partial<Instances>,
  lease?: number,
  more?: Partial<SpecInput>,
) {
  world.aws.configure(USUAL);
  const report = await (await muster.up(specOf(name, instances, more), { lease })).result();
  assert.equal(report.state, 'complete');
  return idsIn(name);
}

/** As AWS shows them; with its role and profile the fleet is whole. */
export async function machinesOf(name: string): Promise<Instance[]> {
  const { role, profile, instances } = await world.exists(name);
  assert.ok(role && profile, `${name} has its role and profile`);
  return instances;
}

export const idsIn = async (name: string) =>
  (await machinesOf(name)).map(({ InstanceId }) => InstanceId!).sort();

/** Asks AWS: so many, all of one image and one type, and all of them running. */
export async function assertAll(
  name: string,
  count: number,
  image: string,
  type = 't3.micro',
): Promise<void> {
  const seen = (await machinesOf(name)).map(({ ImageId, InstanceType, State }) =>
    [ImageId, InstanceType, State?.Name].join(' '),
  );
  assert.deepEqual(seen, Array(count).fill(`${image} ${type} running`));
}

export const isRefused = (code: string, words?: RegExp) => (error: unknown) =>
  error instanceof MusterError && error.code === code && (words?.test(error.message) ?? true);

/** To the new image, in waves of two unless told otherwise. */
export const startRoll = (name: string, options: RollOptions = {}) =>
  muster.roll({ fleet: name, image: NEW }, { wave: { count: 2 }, ...options });

export const rolled = async (name: string, options?: RollOptions) =>
  (await startRoll(name, options)).result();

/** Until the roll says of itself what is wanted. */
export const untilRoll = (name: string, wanted: (report: FleetReport) => boolean) =>
  until(
    world.client.workflow.getHandle(fleetWorkflowId(name)),
    (report) => report.action === 'roll' && wanted(report),
  );

export const isIn = (report: FleetReport, wave: number, step: string) =>
  report.roll!.wave === wave && report.steps.some(({ name, state }) => name === step && state === 'running');

export async function listed(name: string): Promise<string[]> {
  const ids = [];
  for await (const { id } of (await muster.attach(name)).instances()) ids.push(id);
  return ids.sort();
}

export const gone = async (name: string) => {
  assert.equal((await (await muster.down(name)).result()).state, 'gone');
  const { role, profile, instances } = await world.exists(name);
  assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
};

export const CHECKS = { action: 'DescribeInstanceStatus' };

/** A roll that has done its first wave and waits, as a person wished while that was looked at. */
export async function pausedAfterTheFirst(name: string, options?: RollOptions) {
  world.aws.fault({ action: 'DescribeInstances', match: 'muster%3Arun', delayMs: 6_000 });
  const run = await startRoll(name, options);
  await untilRoll(name, (report) => isIn(report, 1, 'verify'));
  await muster.steerRoll(name, 'pause');
  await untilRoll(name, (report) => isIn(report, 1, 'pause'));
  return run;
}

/** Goes on until the roll has ended. */
export async function fewestUntilEnd(
  name: string,
  run: { watch(): AsyncIterable<unknown> },
): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for await (const _ of run.watch()) {
    fewest = Math.min(fewest, (await machinesOf(name)).filter(isRunning).length);
  }
  return fewest;
}

/** As many, of the old image, so many of them those that were there before; and the run says so. */
export async function assertAsBefore(name: string, before: readonly string[], same: number): Promise<void> {
  await assertAll(name, before.length, OLD);
  const ids = await idsIn(name);
  assert.equal(ids.filter((id) => before.includes(id)).length, same);
  assert.deepEqual(await listed(name), ids);
  const status = await muster.status(name);
  assert.deepEqual([status.state, status.image], ['complete', OLD], JSON.stringify(status.error));
}

export const protect = (id: string, Value: boolean) =>
  world.ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value } }));

export function isRunning({ State }: Instance): boolean {
  return State?.Name === 'running';
}
