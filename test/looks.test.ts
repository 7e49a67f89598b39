/** Looks at AWS through a worker: they are not waited for in vain, and tell what is there from what is not. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { CreateTagsCommand, DeleteTagsCommand } from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  RemoveRoleFromInstanceProfileCommand,
  TagRoleCommand,
  UntagRoleCommand,
} from '@aws-sdk/client-iam';
import { Muster, MusterError } from '../client/index.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import { TASK_QUEUE } from '../fleet/run.ts';
import { RUN_TAG } from '../fleet/tags.ts';
import { startMuster } from './command.ts';
import { openWorld, specOf, untilPolled, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

const written = (name: string) => ({
  name,
  instances: { count: 3, image: 'ami-12c6146b', type: 't3.micro' },
});

const isRefused = (code: string, words?: RegExp) => (error: unknown) =>
  error instanceof MusterError && error.code === code && (words?.test(error.message) ?? true);

describe('a look whose worker has been killed', () => {
  it('is given up, although Temporal still counts on that worker, and that it is waited for is said once', async () => {
    const { report } = await world.up(written('lonely'));
    assert.equal(report.state, 'complete');
    const taskQueue = 'lonely';
    const own = await Muster.connect({ taskQueue });
    const told: string[] = [];
    const asking = await Muster.connect({ taskQueue, onWorkerAwaited: (queue) => told.push(queue) });
    const worker = startMuster(['worker'], { MUSTER_TASK_QUEUE: taskQueue });
    try {
      await untilPolled(own);
      assert.equal((await own.status('lonely')).state, 'complete');
      const gone = once(worker, 'exit');
      worker.kill('SIGKILL');
      await gone;
      await Promise.all([
        assert.rejects(own.status('lonely'), isRefused('NoWorker')),
        assert.rejects(own.check('lonely'), isRefused('NoWorker')),
        assert.rejects(own.up(specOf(written('lonely'))), isRefused('NoWorker')),
        assert.rejects(own.sweep(), isRefused('NoWorker')),
        // Looks one after the other: what is there of it, and what would be made.
        assert.rejects(asking.plan(specOf(written('new'))), isRefused('NoWorker')),
      ]);
      assert.deepEqual(told, [taskQueue]);
      const left = world.client.workflow.list({
        query: `TaskQueue = '${taskQueue}' AND ExecutionStatus = 'Running'`,
      });
      for await (const { workflowId } of left) assert.fail(`${workflowId} waits for a worker still`);
    } finally {
      worker.kill('SIGKILL');
      await Promise.all([own.close(), asking.close()]);
    }
  });
});

describe('a look that AWS throttles', () => {
  it('says why it is asked again, and answers when it is let', async () => {
    assert.equal((await world.up(written('throttled'))).report.state, 'complete');
    const told: string[] = [];
    const own = await Muster.connect({ onLookRetried: (reason) => told.push(reason) });
    const error = { code: 'RequestLimitExceeded', message: 'Request limit exceeded.', status: 503 };
    const clear = world.aws.fault({ action: 'DescribeInstances', error, times: 1_000 });
    try {
      const looked = own.check('throttled');
      for (let tries = 0; told.length === 0 && tries < 600; tries++)
        await new Promise((resolve) => setTimeout(resolve, 100));
      assert.match(told[0]!, /Describe\w+: RequestLimitExceeded: Request limit exceeded/);
      clear();
      assert.deepEqual((await looked).findings, []);
    } finally {
      world.aws.clearFaults();
      await own.close();
    }
  });
});

describe('a role and a profile that somebody else has changed', () => {
  it('are told as what they are, and nothing is launched with them', async () => {
    const name = 'odd';
    const { report } = await world.up(written(name));
    const run = [{ Key: RUN_TAG, Value: report.runId }];
    await world.iam.send(new UntagRoleCommand({ RoleName: name, TagKeys: [RUN_TAG] }));
    const bare = await world.muster.status(name);
    assert.equal(bare.state, 'degraded');
    assert.equal(
      bare.error!.message,
      `the role ${name} is there, and does not carry the fleet's tags any more`,
    );
    await world.iam.send(new TagRoleCommand({ RoleName: name, Tags: run }));
    assert.equal((await world.muster.status(name)).state, 'complete');

    const trust = JSON.stringify(ec2TrustPolicy());
    await world.iam.send(new CreateRoleCommand({ RoleName: 'evil', AssumeRolePolicyDocument: trust }));
    const inProfile = { InstanceProfileName: name };
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand({ ...inProfile, RoleName: name }));
    await world.iam.send(new AddRoleToInstanceProfileCommand({ ...inProfile, RoleName: 'evil' }));
    const swapped = await world.muster.status(name);
    assert.equal(swapped.state, 'degraded');
    assert.match(
      swapped.error!.message,
      /^the instance profile odd holds the role evil, and not the fleet's own odd$/,
    );
    const launches = world.launches().length;
    await assert.rejects(
      world.muster.scale(name, { count: 4 }),
      isRefused('FleetDegraded', /holds the role evil/),
    );
    await assert.rejects(
      world.muster.up(specOf(written(name))),
      isRefused('FleetDegraded', /holds the role evil/),
    );
    assert.equal(world.launches().length, launches);
  });
});

describe('a look that AWS does not answer', () => {
  it('is told as that, and not in Temporal’s words', async () => {
    const { client, sandbox } = world;
    const known = { client, address: sandbox.temporal.address, namespace: 'default', uiUrl: undefined };
    const hurried = Muster.over({ ...known, taskQueue: TASK_QUEUE, lookSeconds: 3 });
    const clear = world.aws.fault({ action: '*', delayMs: 6_000, times: 1_000 });
    try {
      const looks = await Promise.allSettled(['one', 'two', 'three'].map((fleet) => hurried.status(fleet)));
      for (const look of looks) {
        assert.ok(look.status === 'rejected');
        assert.ok(
          isRefused('LookFailed', /: (AWS did not answer within 3 s|no answer in time)$/)(look.reason),
          look.reason,
        );
      }
    } finally {
      clear();
    }
  });
});

describe('somebody else’s role with the name and the tags of the fleet’s', () => {
  it('is told as another’s, and no command puts it into the profile', async () => {
    const name = 'copied';
    const { report } = await world.up(written(name));
    const { Role } = await world.iam.send(new GetRoleCommand({ RoleName: name }));
    const inProfile = { InstanceProfileName: name, RoleName: name };
    await world.iam.send(new RemoveRoleFromInstanceProfileCommand(inProfile));
    for (const PolicyName of Object.keys(await world.policies(name))) {
      await world.iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName }));
    }
    await world.iam.send(new DeleteRoleCommand({ RoleName: name }));
    const { Role: theirs } = await world.iam.send(
      new CreateRoleCommand({
        RoleName: name,
        AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()),
        Tags: Role!.Tags,
      }),
    );
    await world.iam.send(new AddRoleToInstanceProfileCommand(inProfile));
    const { state, error } = await world.muster.status(name);
    assert.equal(state, 'degraded');
    const ids = `it is ${theirs!.RoleId}, and the fleet's own was ${report.role!.id}`;
    assert.equal(error!.message, `the role copied is another's: ${ids}`);
    const { findings } = await world.muster.check(name);
    assert.deepEqual(
      findings.map(({ kind, safe, command }) => [kind, safe, command]),
      ['role', 'role-in-profile'].map((kind) => [kind, false, 'muster down copied; muster up FILE']),
    );
  });
});

describe('an instance without the tags that say whose it is', () => {
  it('is told as what it is, and not as gone', async () => {
    const name = 'bare';
    const { report } = await world.up(written(name));
    const { id } = report.instances[1]!;
    const tag = { Key: RUN_TAG, Value: report.runId };
    await world.ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: RUN_TAG }] }));
    const words = new RegExp(`^${id} is running, and does not carry the fleet's tags any more$`);
    const now = await world.muster.status(name);
    assert.equal(now.state, 'degraded');
    assert.match(now.error!.message, words);
    await assert.rejects(
      world.muster.scale(name, { count: 4 }),
      isRefused('FleetDegraded', /does not carry/),
    );
    await world.ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [tag] }));
    assert.equal((await world.muster.status(name)).state, 'complete');
  });
});
