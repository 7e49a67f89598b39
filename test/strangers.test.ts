/** Machines with the tags of a fleet that none of its runs launched, as the console's "launch more like this" makes them. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { type Muster, specFrom } from '../client/index.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { written } from './specs.ts';
import { openWorld, until, untilPolled, type World } from './world.ts';

let world: World;
let muster: Muster;
before(async () => {
  world = await openWorld();
  ({ muster } = world);
  await untilPolled(muster);
});
after(() => world?.close());

const specOf = (name: string) => specFrom(written(name));

async function fleetOf(name: string): Promise<string[]> {
  const run = await muster.up(specOf(name));
  return (await run.result()).instances.map(({ id }) => id);
}

/** One more like the fleet's first, as the console would launch it. */
async function copyOf(fleet: string, profile?: string): Promise<string> {
  const [first] = (await world.exists(fleet)).instances;
  const { Instances } = await world.ec2.send(
    new RunInstancesCommand({
      ...{ MinCount: 1, MaxCount: 1, ImageId: 'ami-12c6146b', InstanceType: 't3.micro' },
      IamInstanceProfile: profile ? { Name: profile } : undefined,
      TagSpecifications: [{ ResourceType: 'instance', Tags: first!.Tags }],
    }),
  );
  return Instances![0]!.InstanceId!;
}

const end = (id: string) => world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
const runs = async (id: string) => (await world.running([id])) === 1;
const down = async (name: string) => (await muster.down(name)).result();

describe('a machine with copied tags', () => {
  it('is neither counted nor chosen to go, nor swept, nor taken down', async () => {
    const ids = await fleetOf('copied');
    const copy = await copyOf('copied');
    const standing = await muster.status('copied');
    assert.equal(standing.state, 'complete', standing.error?.message);
    assert.deepEqual(standing.instances.map(({ id }) => id).sort(), [...ids].sort());

    const scaled = await (await muster.scale('copied', { count: 1, by: 'newest' })).result();
    assert.equal(scaled.state, 'complete', scaled.error?.message);
    assert.ok(ids.includes(scaled.instances[0]!.id));
    const more = await (await muster.scale('copied', { count: 3 })).result();
    assert.equal(more.state, 'complete', more.error?.message);
    assert.ok(await runs(copy));

    const report = await down('copied');
    assert.equal(report.state, 'gone', report.error?.message);
    const { detail } = report.steps.find(({ name }) => name === 'find')!;
    assert.match(
      detail!,
      new RegExp(`^3 instances, .*; ${copy} with its tags, launched by no run of it: left alone$`),
    );
    assert.deepEqual(report.steps.find(({ name }) => name === 'terminate')!.state, 'done');
    const { swept } = await muster.sweep({ remove: true, olderThan: 0 });
    assert.ok(swept.every(({ remains }) => !remains.instances.includes(copy)));
    assert.ok(await runs(copy));
    await end(copy);
  });

  it('is not swept with what a run left that was terminated', async () => {
    world.aws.fault({ action: 'DescribeInstances', match: 'muster%3Arun', delayMs: 3_000, times: 1 });
    await muster.up(specOf('left'));
    await until(world.client.workflow.getHandle(fleetWorkflowId('left')), ({ steps }) =>
      steps.some(({ name, state }) => name === 'verify' && state === 'running'),
    );
    const own = (await world.exists('left')).instances.map(({ InstanceId }) => InstanceId!);
    const copy = await copyOf('left');
    await world.client.workflow.getHandle(fleetWorkflowId('left')).terminate('by hand');
    const { swept } = await muster.sweep({ remove: true });
    const remains = swept.flatMap(({ remains }) => (remains.fleet === 'left' ? remains.instances : []));
    assert.deepEqual(remains.sort(), own.sort());
    assert.equal(await world.running(own), 0);
    assert.ok(await runs(copy));
    await end(copy);
  });

  it('that runs with the profile stands in the way of its removal, with the command that ends it', async () => {
    await fleetOf('tied');
    const copy = await copyOf('tied', 'tied');
    const refused = await down('tied');
    assert.equal(refused.error?.code, 'ProfileInUse');
    assert.deepEqual(refused.error!.message.split('\n'), [
      `the instance profile tied is used by ${copy} (with its tags, and launched by no run of it): nothing was removed`,
      'end these first, or prove whose they are:',
      `    aws ec2 terminate-instances --region us-east-1 --instance-ids ${copy}`,
    ]);
    await end(copy);
    assert.equal((await down('tied')).state, 'gone');
  });
});

describe('a machine of the fleet without its tags', () => {
  it('stands in the way of its removal, until the command that is told has put them back', async () => {
    const [bare] = await fleetOf('bared');
    const tags = ['muster:fleet', 'muster:run'].map((Key) => ({ Key }));
    await world.ec2.send(new DeleteTagsCommand({ Resources: [bare!], Tags: tags }));
    const refused = await down('bared');
    assert.equal(refused.error?.code, 'ProfileInUse');
    assert.match(refused.error!.message, new RegExp(`${bare} .*its own, without the tags`));
    const [, resource, run] = /create-tags .* --resources (\S+) --tags .* Key=muster:run,Value=(\S+)$/.exec(
      refused.error!.message,
    )!;
    assert.equal(resource, bare);
    const Tags = [
      { Key: 'muster:fleet', Value: 'bared' },
      { Key: 'muster:run', Value: run },
    ];
    await world.ec2.send(new CreateTagsCommand({ Resources: [bare!], Tags }));
    assert.equal((await down('bared')).state, 'gone');
  });
});
