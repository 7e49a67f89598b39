/** Placements, from spec to report: AWS is asked what came of it. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Muster } from '../client/index.ts';
import { DECIDE_UPDATE } from '../fleet/run.ts';
import type { Weather } from '../sandbox/index.ts';
import { endOf, openWorld, QUICK, until, type World } from './world.ts';

let world: World;
let muster: Muster;
before(async () => {
  world = await openWorld();
  ({ muster } = world);
});
after(() => world.close());
afterEach(() => turn({}));

const turn = ({ behaviour, ...weather }: Weather) => {
  world.aws.setWeather({ ...weather, behaviour: { ...QUICK, ...behaviour } });
  world.aws.clearCalls();
};
const zones = ['a', 'b', 'c'].map((letter) => ({ type: 't3.micro', zone: `us-east-1${letter}` }));
const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };
const noDeadline = { propagation: 20, launch: 60, step: 15, running: 60, undo: 20, consistency: 1 };

const up = (name: string, instances: object, more: object = {}) =>
  world.up({ name, instances: { type: undefined, ...instances }, deadlines: noDeadline, ...more });

async function placesOf(fleet: string): Promise<string[]> {
  const { instances } = await world.exists(fleet);
  return instances
    .map(({ InstanceType, Placement, InstanceLifecycle }) =>
      [InstanceType, Placement?.AvailabilityZone, InstanceLifecycle].filter(Boolean).join(' '),
    )
    .sort();
}

describe('placements', () => {
  it('fall from one to the next, each that is sold out is asked once, and the report says so', async () => {
    const placements = [
      ...zones,
      { type: 't3.small', zone: 'us-east-1a' },
      { type: 't3.medium', zone: 'us-east-1b' },
    ];
    turn({ behaviour: { soldOut: [{ type: 't3.micro' }, { type: 't3.small' }] } });
    const { report } = await up('fallen', { count: 3, placements });
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    assert.deepEqual(await placesOf('fallen'), Array(3).fill('t3.medium us-east-1b'));
    assert.deepEqual(report.sources, [
      { type: 't3.medium', zone: 'us-east-1b', market: 'on-demand', count: 3 },
    ]);
    assert.equal(world.launches().length, 5);
    assert.deepEqual(
      report.decisions?.map(({ placement, code, then }) => [placement, code, then]),
      [
        ['t3.micro in us-east-1a', 'InsufficientInstanceCapacity', 'trying t3.micro in us-east-1b'],
        ['t3.micro in us-east-1b', 'InsufficientInstanceCapacity', 'trying t3.micro in us-east-1c'],
        ['t3.micro in us-east-1c', 'InsufficientInstanceCapacity', 'trying t3.small in us-east-1a'],
        ['t3.small in us-east-1a', 'InsufficientInstanceCapacity', 'trying t3.medium in us-east-1b'],
      ],
    );
  });

  it('that are all sold out fail the fleet, which tells what each said', async () => {
    turn({ behaviour: { soldOut: [{}] } });
    const { report } = await up('nowhere', { count: 2, placements: zones });
    assert.equal(report.state, 'rolled-back');
    assert.equal(report.error?.code, 'InsufficientInstanceCapacity');
    assert.match(
      report.error!.message,
      /^0 of 2 launched\nt3.micro in us-east-1a: Insuff.*us-east-1c: Insuff.*We currently do not have/s,
    );
    assert.equal((await world.exists('nowhere')).role, undefined);
  });

  it('share the count when it is to be spread', async () => {
    const { report } = await up('spread', { count: 7, placements: zones, spread: true });
    assert.equal(report.state, 'complete');
    const counts = new Map((await placesOf('spread')).map((place) => [place, 0]));
    for (const place of await placesOf('spread')) counts.set(place, counts.get(place)! + 1);
    assert.deepEqual([...counts.values()], [3, 2, 2]);
  });

  it('are the smallest types that meet a need, once resolved and shown', async () => {
    const { report } = await up('needy', {
      count: 2,
      vcpu: '2..4',
      memory: '3GiB..4GiB',
      zone: 'us-east-1b',
    });
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    const [{ InstanceType } = {}] = (await world.exists('needy')).instances;
    assert.equal(InstanceType, report.placements?.[0]?.type);
    assert.ok((report.placements?.length ?? 0) > 1);
    const none = await up('greedy', { count: 2, vcpu: '1000..' });
    assert.match(
      none.report.error!.problems!.join(),
      /^No instance type in this region has at least 1000 vCPUs/,
    );
    const other = await up('misfit', { count: 1, vcpu: 2, arch: 'arm64' });
    assert.match(other.report.error!.problems!.join(), /^The image is for x86_64; the need asks for arm64/);
  });

  it('that do not exist, or do not fit, are all told before anything is made', async () => {
    const placements = [
      { type: 't3.micro', zone: 'us-east-1z' },
      { type: 'x9.huge', zone: 'us-east-1a' },
      { type: 't4g.micro', zone: 'us-east-1a' },
    ];
    const { report } = await up('misplaced', { count: 1, placements });
    const problems = report.error!.problems!.join('\n');
    assert.match(problems, /no default subnet in us-east-1z/);
    assert.match(problems, /x9.huge is not offered in us-east-1a/);
    assert.match(problems, /image is for x86_64; t4g.micro runs arm64/);
  });
});

describe('a market', () => {
  it('of spot first falls to on-demand', async () => {
    turn({
      behaviour: {
        soldOut: [
          { market: 'spot', zone: 'us-east-1a' },
          { market: 'spot', zone: 'us-east-1b' },
        ],
      },
    });
    const { report } = await up('thrifty', {
      count: 2,
      placements: zones.slice(0, 2),
      market: 'spot-then-on-demand',
    });
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    assert.deepEqual(
      report.sources?.map(({ market, zone }) => `${market} ${zone}`),
      ['on-demand us-east-1a'],
    );
    assert.equal(report.decisions?.length, 2);
  });

  it('of spot is spot', async () => {
    turn({ behaviour: { soldOut: [{ market: 'on-demand' }] } });
    const { report } = await up('cheap', { count: 1, type: 't3.micro', market: 'spot' });
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
  });

  it('of spot that the account may not have is left at once', async () => {
    const error = { code: 'MaxSpotInstanceCountExceeded', message: 'Max spot instance count exceeded' };
    turn({ faults: [{ ...LAUNCH, match: 'MarketType=spot', error, times: 100 }] });
    const { report } = await up('capped', { count: 1, placements: zones, market: 'spot-then-on-demand' });
    assert.equal(report.state, 'complete');
    assert.equal(world.launches().length, 2);
  });
});

/** Of a launch of 150 the second batch. */
const NO_MORE = {
  action: 'RunInstances',
  match: 'MaxCount=50',
  error: { code: 'VcpuLimitExceeded', message: 'no more' },
};

describe('a count with a least', () => {
  it('is met by a part', async () => {
    turn({ faults: [NO_MORE] });
    const { report } = await up('partial', { count: { want: 150, min: 90 }, type: 't3.micro' });
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    assert.equal((await world.exists('partial')).instances.length, 100);
    assert.deepEqual(report.wanted, { want: 150, min: 90 });
    assert.deepEqual(report.sources, [
      { type: 't3.micro', zone: 'us-east-1a', market: 'on-demand', count: 100 },
    ]);
  });

  it('that is missed takes all back', async () => {
    turn({ faults: [NO_MORE] });
    const { report } = await up('missed', { count: { want: 150, min: 101 }, type: 't3.micro' });
    assert.equal(report.state, 'rolled-back');
    assert.equal(report.error?.code, 'VcpuLimitExceeded');
    const { role, instances, volumes } = await world.exists('missed');
    assert.deepEqual([role, instances, volumes], [undefined, [], []]);
  });
});

describe('an instance that dies in pending', () => {
  it('is replaced, with its reason told, and leaves no volume', async () => {
    turn({ seed: 3, behaviour: { deathChance: 0.3, pendingSeconds: 0.5 } });
    const { report } = await up('mortal', {
      count: 6,
      type: 't3.micro',
      volumes: [{ device: '/dev/sdf', size: 1, deleteOnTermination: false }],
    });
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    turn({});
    const { instances, volumes } = await world.exists('mortal');
    assert.equal(instances.length, 6);
    assert.ok((report.decisions?.length ?? 0) > 0);
    assert.match(report.decisions![0]!.code, /^Server\./);
    const held = instances.flatMap(({ BlockDeviceMappings = [] }) =>
      BlockDeviceMappings.map(({ Ebs }) => Ebs?.VolumeId),
    );
    assert.deepEqual(volumes.map(({ VolumeId }) => VolumeId).sort(), held.sort());
  });
});

describe('an instance that died and found no room again', () => {
  it('is launched by the retry of whoever was asked', async () => {
    turn({ seed: 3, behaviour: { deathChance: 0.5, pendingSeconds: 1 } });
    const handle = await world.start({
      name: 'roomless',
      onFailure: 'pause',
      instances: { count: 4, type: 't3.micro' },
      deadlines: noDeadline,
    });
    await until(handle, ({ steps }) =>
      steps.some(({ name, state }) => name === 'verify' && state === 'running'),
    );
    world.aws.configure({ soldOut: [{}] });
    const paused = await until(handle, ({ state }) => state === 'paused');
    assert.equal(paused.error?.code, 'InsufficientInstanceCapacity');
    turn({});
    await handle.executeUpdate(DECIDE_UPDATE, { args: ['retry'] });
    const { report } = await endOf(handle);
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    assert.equal((await world.exists('roomless')).instances.length, 4);
    assert.equal(report.instances.length, 4);
  });
});

describe('a history', () => {
  it('stays short for ten instances, and hardly grows with the hundreds', async () => {
    const sizeOf = async (count: number) => {
      const { handle, report } = await up(`short-${count}`, { count, type: 't3.micro' });
      assert.equal(report.state, 'complete');
      const { historyLength, historySize } = await handle.describe();
      return { events: historyLength, bytes: historySize! };
    };
    const [ten, hundreds] = [await sizeOf(10), await sizeOf(300)];
    assert.ok(ten.events <= 120 && ten.bytes <= 50 * 1024, JSON.stringify(ten));
    assert.ok(hundreds.events <= ten.events + 60 && hundreds.bytes <= 80 * 1024, JSON.stringify(hundreds));
  });
});

describe('a launch of many', () => {
  it('that is throttled is made again as whole batches, and in the end as wanted', async () => {
    const error = { code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 };
    turn({ faults: [{ ...LAUNCH, error, times: 3 }] });
    const { report } = await up('many', { count: 250, type: 't3.micro' });
    assert.equal(report.state, 'complete', JSON.stringify(report.error));
    const { instances } = await world.exists('many');
    assert.equal(instances.length, 250);
    assert.deepEqual([report.instances.length, report.instanceCount], [100, 250], 'a report stays short');
    const ids: string[] = [];
    for await (const { id } of (await muster.attach('many')).instances()) ids.push(id);
    assert.deepEqual(ids.sort(), instances.map(({ InstanceId }) => InstanceId).sort());
    assert.equal(world.launches().length, 3 + 3);
    assert.equal(report.decisions, undefined, 'a throttle moves nothing elsewhere');
    assert.equal((await world.down('many')).report.state, 'gone');
  });
});
