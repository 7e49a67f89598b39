/** Every end of a bootstrap, each asked of AWS: what exists after it, and whose it is. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import {
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteUserPolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import type { WorkflowHandle } from '@temporalio/client';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import { DECIDE_UPDATE } from '../fleet/run.ts';
import { FLEET_TAG, RUN_TAG } from '../fleet/tags.ts';
import type { Fault } from '../sandbox/index.ts';
import { type End, endOf, openWorld, QUICK, until, type World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

const DENIED = {
  code: 'AccessDenied',
  message: 'User is not authorized to perform this action',
  status: 403,
};
const BROKEN = { code: 'InternalError', message: 'An internal error has occurred', status: 500 };

/** Each step, the call by which it can be made to fail, and how many of those calls pass before. */
const STEPS = [
  { step: 'preflight', action: 'DescribeImages' },
  { step: 'create-role', action: 'CreateRole' },
  { step: 'create-profile', action: 'CreateInstanceProfile' },
  { step: 'put-policy', action: 'PutRolePolicy' },
  { step: 'add-role', action: 'AddRoleToInstanceProfile' },
  { step: 'await-profile', action: 'RunInstances', match: 'DryRun=true' },
  { step: 'launch', action: 'RunInstances', match: 'TagSpecification' },
  { step: 'verify', action: 'DescribeInstances' },
  { step: 'mark', action: 'TagInstanceProfile' },
] as const;

async function assertComplete(fleet: string, end: End, count = 2): Promise<void> {
  assert.equal(end.report.state, 'complete', JSON.stringify(end.report.error));
  assert.equal(end.status, 'COMPLETED');
  const { role, profile, instances } = await world.exists(fleet);
  assert.equal(instances.length, count);
  assert.deepEqual(
    instances.map((instance) => instance.InstanceId).sort(),
    end.report.instances.map(({ id }) => id).sort(),
  );
  assert.ok(instances.every((instance) => instance.IamInstanceProfile?.Id === profile?.InstanceProfileId));
  assert.equal(profile?.Roles?.[0]?.RoleId, role?.RoleId);
  assert.deepEqual(end.report.leftovers, []);
}

async function assertNothing(fleet: string): Promise<void> {
  const { role, profile, instances, volumes } = await world.exists(fleet);
  assert.equal(role, undefined, 'the role is gone');
  assert.equal(profile, undefined, 'the profile is gone');
  assert.deepEqual(instances, [], 'the instances are gone');
  assert.deepEqual(volumes, [], 'the volumes are gone');
}

describe('complete', () => {
  it('makes the fleet, tagged and verified, and reports it', async () => {
    const end = await world.up({ name: 'whole', instances: { count: 3 }, tags: { team: 'blue' } });
    await assertComplete('whole', end, 3);
    const { role, profile, instances, volumes } = await world.exists('whole');
    for (const tags of [
      role!.Tags,
      profile!.Tags,
      ...instances.map(({ Tags }) => Tags),
      ...volumes.map(({ Tags }) => Tags),
    ]) {
      const found = Object.fromEntries(tags!.map(({ Key, Value }) => [Key, Value]));
      assert.equal(found[FLEET_TAG], 'whole');
      assert.equal(found[RUN_TAG], end.report.runId);
      assert.equal(found.team, 'blue');
    }
    assert.ok(volumes.length >= 3, 'volumes carry the tags too');
    assert.deepEqual(await world.policies('whole'), {
      whole: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: ['*'] }],
      },
    });
    assert.ok(instances.every(({ MetadataOptions }) => MetadataOptions?.HttpTokens === 'required'));
    assert.ok(end.report.propagation!.attempts >= 1);
    assert.deepEqual(
      end.report.steps.map(({ name, state }) => [name, state]),
      [
        ['preflight', 'done'],
        ['create-role', 'done'],
        ['create-profile', 'done'],
        ['put-policy', 'done'],
        ['add-role', 'done'],
        ['await-profile', 'done'],
        ['launch', 'done'],
        ['verify', 'done'],
        ['mark', 'done'],
      ],
    );
  });

  it('keeps its history small', async () => {
    const end = await world.up({ name: 'small', instances: { count: 10 } });
    const { historyLength, raw } = await end.handle.describe();
    assert.ok(historyLength <= 120, `${historyLength} events`);
    assert.ok(Number(raw.workflowExecutionInfo!.historySizeBytes) < 50_000);
    await world.down('small');
  });

  it('waits for EC2 and says why', async () => {
    world.aws.configure({ propagationSeconds: 3 });
    try {
      const handle = await world.start({ name: 'waits' });
      const waiting = await until(handle, ({ steps }) =>
        steps.some(({ detail }) => detail?.includes('does not know')),
      );
      const wait = waiting.steps.find(({ name }) => name === 'await-profile')!;
      assert.match(wait.detail!, /^EC2 does not know the profile yet \(attempt \d+, \d+ s of 20\)$/);
      const end = await endOf(handle);
      await assertComplete('waits', end);
      assert.ok(end.report.propagation!.seconds >= 2.5 && end.report.propagation!.seconds < 5);
    } finally {
      world.aws.configure(QUICK);
    }
  });

  it('waits long without a growing history, and no longer than its deadline', async () => {
    world.aws.configure({ propagationSeconds: 30 });
    try {
      const [end, late] = await Promise.all([
        world.up({ name: 'waits-long', deadlines: { propagation: 60 } }),
        world.up({ name: 'waits-in-vain', deadlines: { propagation: 18 } }),
      ]);
      await assertComplete('waits-long', end);
      const { seconds } = end.report.propagation!;
      assert.ok(seconds >= 29, `${seconds} s`);
      const { historyLength } = await end.handle.describe();
      assert.ok(historyLength <= 100, `${historyLength} events`);
      assert.equal(late.report.error!.step, 'await-profile');
      assert.equal(late.report.error!.code, 'DeadlinePassed');
      assert.match(late.report.error!.message, /within 18 s: .*profile/i);
    } finally {
      world.aws.configure(QUICK);
    }
  });

  it('takes "not yet" as not yet at the launch itself', async () => {
    const undo = world.aws.fault({
      action: 'RunInstances',
      match: 'TagSpecification',
      error: {
        code: 'InvalidParameterValue',
        message:
          'IAM Instance Profile "arn:aws:iam::123456789012:instance-profile/flaps" has no associated IAM Roles',
        status: 400,
      },
      times: 2,
    });
    try {
      await assertComplete('flaps', await world.up({ name: 'flaps' }));
    } finally {
      undo();
    }
  });

  it('puts right what came up on the old profile of the same name', async () => {
    await assertComplete('again', await world.up({ name: 'again' }));
    assert.equal((await world.down('again')).report.state, 'gone');
    world.aws.configure({ staleProfileSeconds: 3 });
    try {
      await assertComplete('again', await world.up({ name: 'again' }));
    } finally {
      world.aws.configure({ staleProfileSeconds: 0 });
    }
  });
});

describe('a step that fails for good', () => {
  for (const { step, action, ...rest } of STEPS) {
    it(`${step}: is told, and nothing is left`, async () => {
      const fleet = `dies-${step}`;
      const undo = world.aws.fault({ action, error: DENIED, times: 1, ...rest });
      try {
        const { report, status } = await world.up({ name: fleet });
        assert.equal(status, 'FAILED');
        assert.equal(report.state, 'rolled-back');
        assert.equal(report.error?.step, step);
        assert.match(
          `${report.error?.code} ${report.error?.message} ${report.error?.problems}`,
          /AccessDenied/,
        );
        assert.deepEqual(report.leftovers, []);
        await assertNothing(fleet);
      } finally {
        undo();
      }
    });
  }
});

describe('a step that fails once', () => {
  for (const { step, action, ...rest } of STEPS) {
    it(`${step}: is done again, and the fleet is complete`, async () => {
      const undo = world.aws.fault({ action, error: BROKEN, times: 1, ...rest });
      try {
        await assertComplete(`retries-${step}`, await world.up({ name: `retries-${step}` }));
      } finally {
        undo();
      }
    });
  }
});

describe('an answer that is lost after the effect', () => {
  for (const { step, action, ...rest } of STEPS.filter(
    ({ step }) => !['preflight', 'verify', 'await-profile'].includes(step),
  )) {
    it(`${step}: nothing is made twice`, async () => {
      const undo = world.aws.fault({ action, lost: true, times: 1, ...rest });
      try {
        await assertComplete(`lost-${step}`, await world.up({ name: `lost-${step}` }));
      } finally {
        undo();
      }
    });
  }

  it('launch: lost for good, the undo finds by its tags what was launched', async () => {
    const undo = world.aws.fault({
      action: 'RunInstances',
      match: 'TagSpecification',
      lost: true,
      times: Number.POSITIVE_INFINITY,
    });
    try {
      const { report } = await world.up({ name: 'lost-for-good', deadlines: { launch: 4 } });
      assert.equal(report.state, 'rolled-back');
      await assertNothing('lost-for-good');
    } finally {
      undo();
    }
  });

  it('launch: answered by a refusal the next time, the first call is still looked for', async () => {
    const undo = world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', lost: true });
    const refusals = [
      { code: 'InvalidParameterValue', message: 'Value (x) is invalid. Invalid IAM Instance Profile ARN' },
      { code: 'UnauthorizedOperation', message: 'not any more', status: 403 },
    ].map((error) => world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error, skip: 0 }));
    try {
      const { report } = await world.up({ name: 'lost-and-refused' });
      assert.equal(report.error?.code, 'UnauthorizedOperation');
      assert.equal(report.undos[0]?.detail, '2 terminated');
      await assertNothing('lost-and-refused');
    } finally {
      for (const take of [undo, ...refusals]) take();
    }
  });

  for (const [what, error] of [
    [
      'sold out: what the first call launched is the fleet',
      { code: 'InsufficientInstanceCapacity', message: 'none', status: 500 },
    ],
    [
      'not yet: nothing is launched twice',
      {
        code: 'InvalidParameterValue',
        message: 'Value (x) is invalid. Invalid IAM Instance Profile ARN',
      },
    ],
  ] as const) {
    it(`launch: lost, then ${what}`, async () => {
      const fleet = `lost-${error.code}`;
      const undos = [
        world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', lost: true }),
        world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error }),
      ];
      try {
        await assertComplete(fleet, await world.up({ name: fleet }));
      } finally {
        for (const undo of undos) undo();
      }
    });
  }
});

describe('cancelled', () => {
  for (const { step, action, ...rest } of STEPS) {
    it(`in ${step}: rolls back, and the run is cancelled`, async () => {
      const fleet = `cancel-${step}`;
      const undo = world.aws.fault({ action, delayMs: 700, times: 1, ...rest });
      try {
        const handle = await world.start({ name: fleet });
        await until(handle, ({ steps }) =>
          steps.some(({ name, state }) => name === step && state === 'running'),
        );
        await new Promise((resolve) => setTimeout(resolve, 150));
        await handle.cancel();
        const { report, status } = await endOf(handle);
        assert.equal(status, 'CANCELLED');
        assert.equal(report.state, 'cancelled');
        await assertNothing(fleet);
      } finally {
        undo();
      }
    });
  }
});

describe('cancelled while a call is on its way that would have been made again', () => {
  /** Holds the call, cancels the run, and has the call meet what it meets. */
  async function cancelledInCall(handle: WorkflowHandle, fault: Fault): Promise<End> {
    const undo = world.aws.fault({ ...fault, delayMs: 3_000 });
    // A fault that is used up is listed no more.
    while (world.aws.weather().faults.length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    undo();
    await handle.cancel();
    return endOf(handle);
  }

  async function assertCancelled(fleet: string, step: string, { report, status }: End): Promise<void> {
    assert.equal(status, 'CANCELLED');
    assert.equal(report.state, 'cancelled');
    assert.equal(report.error, undefined);
    const told = report.steps.find(({ name }) => name === step)!;
    assert.deepEqual([told.state, told.detail], ['cancelled', undefined]);
    await assertNothing(fleet);
  }

  it('a long wait for the profile: no deadline has passed', async () => {
    world.aws.configure({ propagationSeconds: 600 });
    try {
      const handle = await world.start({ name: 'regrets', deadlines: { propagation: 120 } });
      // From then on each attempt is one call, which fails.
      await until(handle, ({ steps }) =>
        steps.some(({ detail = '' }) => / ([89]|\d\d+) s of 120/.test(detail)),
      );
      const end = await cancelledInCall(handle, { action: 'RunInstances', match: 'DryRun=true' });
      await assertCancelled('regrets', 'await-profile', end);
    } finally {
      world.aws.configure(QUICK);
    }
  });

  it('a fault of AWS that passes is not why the run ended', async () => {
    const handle = await world.start({ name: 'unlucky', deadlines: { propagation: 120 } });
    const end = await cancelledInCall(handle, { action: 'PutRolePolicy', error: BROKEN });
    await assertCancelled('unlucky', 'put-policy', end);
  });

  it('a refusal is told', async () => {
    const handle = await world.start({ name: 'refused' });
    const { report } = await cancelledInCall(handle, { action: 'PutRolePolicy', error: DENIED });
    assert.equal(report.state, 'cancelled');
    assert.deepEqual([report.error?.step, report.error?.code], ['put-policy', 'AccessDenied']);
    await assertNothing('refused');
  });
});

describe('names that somebody has', () => {
  it('stop the run before anything is made, and stay as they are', async () => {
    await world.iam.send(
      new CreateRoleCommand({
        RoleName: 'foreign',
        AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()),
      }),
    );
    await world.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'foreign' }));
    world.aws.clearCalls();
    const { report } = await world.up({ name: 'foreign' });
    assert.equal(report.state, 'rolled-back');
    assert.equal(report.error?.code, 'PreflightFailed');
    assert.equal(report.error?.problems?.length, 2);
    assert.deepEqual(
      world.aws.calls().filter(({ action }) => !/^(Get|Describe|List|Simulate)/.test(action)),
      [],
      'nothing was asked for but answers',
    );
    const { role, profile } = await world.exists('foreign');
    assert.ok(role && profile);
  });

  it('of a fleet are told as that fleet', async () => {
    await world.up({ name: 'first' });
    const { report } = await world.up({
      name: 'second',
      role: { name: 'first' },
      policy: { allow: [{ actions: 's3:*', resources: '*' }] },
    });
    assert.match(report.error!.problems!.join(), /of the fleet first made it.*muster down first/);
    await assertNothing('second');
  });

  it('taken between the look and the making are not touched either', async () => {
    const undo = world.aws.fault({ action: 'CreateRole', match: 'muster%3Afleet', delayMs: 2000, times: 1 });
    try {
      const handle = await world.start({ name: 'raced' });
      await until(handle, ({ steps }) =>
        steps.some(({ name, state }) => name === 'create-role' && state === 'running'),
      );
      await world.iam.send(
        new CreateRoleCommand({
          RoleName: 'raced',
          AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()),
        }),
      );
      const { report } = await endOf(handle);
      assert.equal(report.error?.code, 'NameTaken');
      const { role, profile, instances } = await world.exists('raced');
      assert.ok(role, 'the other role is still there');
      assert.equal(profile, undefined);
      assert.deepEqual(instances, []);
      await world.iam.send(new DeleteRoleCommand({ RoleName: 'raced' }));
    } finally {
      undo();
    }
  });
});

describe('permissions that a rollback needs', () => {
  const policy = (...statements: object[]) => ({
    UserName: 'operator',
    PolicyName: 'less',
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
  });

  async function withPolicy(statement: object, test: () => Promise<void>): Promise<void> {
    await world.iam.send(new PutUserPolicyCommand(policy(statement)));
    try {
      await test();
    } finally {
      await world.iam.send(new DeleteUserPolicyCommand({ UserName: 'operator', PolicyName: 'less' }));
    }
  }

  it('are missed before anything is made', async () => {
    const Action = ['iam:ListAttachedRolePolicies', 'iam:DeleteRolePolicy', 'ec2:TerminateInstances'];
    await withPolicy({ Effect: 'Deny', Action, Resource: '*' }, async () => {
      const { report } = await world.up({ name: 'stuck-later' });
      assert.equal(report.error?.code, 'PreflightFailed');
      assert.match(
        report.error!.problems!.join(),
        /^The worker \(\S+user\/operator\) may not iam:ListAttachedRolePolicies, iam:DeleteRolePolicy, ec2:TerminateInstances: what/,
      );
      await assertNothing('stuck-later');
    });
  });

  it('may hang on the fleet’s tag, and a simulation that is not allowed hinders nobody', async () => {
    const Condition = { StringEquals: { 'aws:ResourceTag/muster:fleet': 'somebody-else' } };
    await withPolicy({ Effect: 'Deny', Action: 'iam:DeleteRole', Resource: '*', Condition }, async () => {
      await assertComplete('tag-scoped', await world.up({ name: 'tag-scoped' }));
    });
    const undo = world.aws.fault({ action: 'SimulatePrincipalPolicy', error: DENIED, times: 10 });
    await assertComplete('unsimulated', await world.up({ name: 'unsimulated' }));
    undo();
  });
});

describe('reuse', () => {
  it('uses a profile that exists, by name and by ARN, as often as people like', async () => {
    await world.up({ name: 'lender' });
    const { profile } = await world.exists('lender');
    for (const [name, ref] of [
      ['by-name', 'lender'],
      ['by-arn', profile!.Arn!],
    ]) {
      world.aws.clearCalls();
      const { report } = await world.up({ name: name!, profile: ref });
      assert.equal(report.state, 'complete');
      assert.equal(report.profile?.id, profile!.InstanceProfileId);
      assert.equal(report.profile?.reused, true);
      assert.deepEqual(
        world.aws
          .calls()
          .filter(({ service, action }) => service === 'iam' && !/^(Get|Simulate)/.test(action)),
        [],
        'no IAM is made',
      );
      assert.equal((await world.down(name!)).report.state, 'gone');
      assert.equal((await world.exists(name!)).instances.length, 0);
      assert.ok((await world.exists('lender')).profile, 'and none is removed');
    }
  });

  it('uses a role that exists and never changes it', async () => {
    await world.iam.send(
      new CreateRoleCommand({
        RoleName: 'shared',
        AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()),
      }),
    );
    const { report } = await world.up({ name: 'borrower', role: { name: 'shared', reuse: true } });
    assert.equal(report.state, 'complete');
    assert.equal(report.role?.reused, true);
    assert.equal((await world.down('borrower')).report.state, 'gone');
    const { role } = await world.exists('borrower', { role: 'shared' });
    assert.ok(role);
    assert.deepEqual(role.Tags ?? [], []);
  });
});

describe('onFailure: pause', () => {
  const pausedRun = async (fleet: string) => {
    const undo = world.aws.fault({ action: 'CreateInstanceProfile', error: DENIED, times: 1 });
    const handle = await world.start({ name: fleet, onFailure: 'pause' });
    const paused = await until(handle, ({ state }) => state === 'paused');
    undo();
    assert.equal(paused.error?.step, 'create-profile');
    return handle;
  };

  it('retry: does the step again, and the fleet is complete', async () => {
    const handle = await pausedRun('pause-retry');
    await handle.executeUpdate(DECIDE_UPDATE, { args: ['retry'] });
    await assertComplete('pause-retry', await endOf(handle));
  });

  it('rollback: nothing is left', async () => {
    const handle = await pausedRun('pause-rollback');
    await handle.executeUpdate(DECIDE_UPDATE, { args: ['rollback'] });
    const { report } = await endOf(handle);
    assert.equal(report.state, 'rolled-back');
    assert.equal(report.error?.code, 'AccessDenied');
    await assertNothing('pause-rollback');
  });

  it('retry after a launch that was never answered asks again under its token: nothing is launched twice', async () => {
    const undo = world.aws.fault({
      action: 'RunInstances',
      match: 'TagSpecification',
      lost: true,
      times: Number.POSITIVE_INFINITY,
    });
    const handle = await world.start({ name: 'pause-lost', onFailure: 'pause', deadlines: { launch: 3 } });
    await until(handle, ({ state }) => state === 'paused');
    undo();
    await handle.executeUpdate(DECIDE_UPDATE, { args: ['retry'] });
    await assertComplete('pause-lost', await endOf(handle));
    const { Reservations = [] } = await world.ec2.send(
      new DescribeInstancesCommand({ Filters: [{ Name: `tag:${FLEET_TAG}`, Values: ['pause-lost'] }] }),
    );
    assert.equal(Reservations.flatMap(({ Instances = [] }) => Instances).length, 2, 'dead ones too');
  });

  it('cancelled while paused: nothing is left', async () => {
    const handle = await pausedRun('pause-cancel');
    await handle.cancel();
    assert.equal((await endOf(handle)).status, 'CANCELLED');
    await assertNothing('pause-cancel');
  });

  it('refuses a decision that is none, and any when nothing is paused', async () => {
    const handle = await pausedRun('pause-wrong');
    await assert.rejects(handle.executeUpdate(DECIDE_UPDATE, { args: ['perhaps'] }));
    await handle.executeUpdate(DECIDE_UPDATE, { args: ['rollback'] });
    await endOf(handle);
  });
});

describe('onFailure: keep', () => {
  it('keeps what it made, names it, and down removes it', async () => {
    const undo = world.aws.fault({
      action: 'RunInstances',
      match: 'TagSpecification',
      error: DENIED,
      times: 1,
    });
    try {
      const { report } = await world.up({ name: 'kept', onFailure: 'keep' });
      assert.equal(report.state, 'left-over');
      assert.deepEqual(report.leftovers.map(({ kind, id }) => `${kind} ${id}`).sort(), [
        'policy kept',
        'profile kept',
        'role kept',
      ]);
      const { role, profile, instances } = await world.exists('kept');
      assert.ok(role && profile);
      assert.deepEqual(instances, []);
      assert.equal((await world.down('kept')).report.state, 'gone');
      await assertNothing('kept');
    } finally {
      undo();
    }
  });
});

describe('a rollback that cannot finish', () => {
  it('names what is left and why, after the other undos have run', async () => {
    const undos = [
      world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED, times: 1 }),
      world.aws.fault({
        action: 'DeleteRole',
        match: 'RoleName=stuck',
        error: DENIED,
        times: Number.POSITIVE_INFINITY,
      }),
    ];
    try {
      const { report, status } = await world.up({ name: 'stuck', deadlines: { undo: 3 } });
      assert.equal(status, 'FAILED');
      assert.equal(report.state, 'left-over');
      assert.equal(report.error?.step, 'launch');
      assert.deepEqual(
        report.leftovers.map(({ kind, id }) => [kind, id]),
        [['role', 'stuck']],
      );
      assert.match(report.leftovers[0]!.reason, /iam:DeleteRole: AccessDenied/);
      assert.equal(report.leftovers[0]!.command, 'aws iam delete-role --role-name stuck');
      const { role, profile } = await world.exists('stuck');
      assert.ok(role);
      assert.equal(profile, undefined);
    } finally {
      for (const undo of undos) undo();
    }
    assert.equal((await world.down('stuck')).report.state, 'gone');
    await assertNothing('stuck');
  });

  it('does not name a managed policy that was never attached', async () => {
    const undos = ['AttachRolePolicy', 'DetachRolePolicy'].map((action) =>
      world.aws.fault({ action, error: DENIED, times: 1000 }),
    );
    try {
      const managedPolicies = ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'];
      const { report } = await world.up({ name: 'unattached', role: { managedPolicies } });
      assert.equal(report.error?.step, 'attach-policies');
      assert.equal(report.state, 'rolled-back', JSON.stringify(report.leftovers));
      await assertNothing('unattached');
    } finally {
      for (const undo of undos) undo();
    }
  });

  it('is tried again for as long as it was told to, and cancelling again does not cut it short', async () => {
    const undos = [
      world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', delayMs: 500, times: 1 }),
      world.aws.fault({ action: 'DeleteRole', match: 'RoleName=patient', error: DENIED, times: 3 }),
    ];
    try {
      const handle = await world.start({ name: 'patient' });
      await until(handle, ({ steps }) =>
        steps.some(({ name, state }) => name === 'launch' && state === 'running'),
      );
      await handle.cancel();
      await until(handle, ({ state }) => state === 'rolling-back');
      await handle.cancel();
      assert.equal((await endOf(handle)).report.state, 'cancelled');
      await assertNothing('patient');
    } finally {
      for (const undo of undos) undo();
    }
  });
});

describe('teardown', () => {
  it('removes a complete fleet by its tags, with names of its own, and leaves a like-named one', async () => {
    const names = { role: { name: 'r-custom', path: '/x/' }, profile: { name: 'p-custom' } };
    await world.up({ name: 'custom', ...names, policy: { allow: [{ actions: 's3:*', resources: '*' }] } });
    await world.up({ name: 'custom-2' });
    const { report } = await world.down('custom');
    assert.equal(report.state, 'gone');
    const { role, profile, instances } = await world.exists('custom', {
      role: 'r-custom',
      profile: 'p-custom',
    });
    assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
    assert.equal((await world.exists('custom-2')).instances.length, 2);
  });

  it('is refused while somebody else’s machines run with the profile', async () => {
    await world.up({ name: 'lent-out' });
    await world.up({ name: 'borrower', profile: 'lent-out' });
    const { report } = await world.down('lent-out');
    assert.equal(report.error?.code, 'ProfileInUse');
    assert.match(
      report.error!.message,
      /is used by i-\w+ \(fleet borrower\), i-\w+ \(fleet borrower\): nothing was removed\n.*:\n {4}muster down borrower$/,
    );
    assert.equal((await world.exists('lent-out')).instances.length, 2);
    assert.equal((await world.down('borrower')).report.state, 'gone');
    assert.equal((await world.down('lent-out')).report.state, 'gone');
    await assertNothing('lent-out');
  });

  it('of what does not exist is done', async () => {
    assert.equal((await world.down('never-was')).report.state, 'gone');
  });
});
