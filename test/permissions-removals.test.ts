/**
 * Each statement of the policy of `muster permissions` is needed: without it a run fails by the missing action's name and
 * leaves nothing, or it is one of those that a fleet can do without, and is told so.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import type { Permission } from '../fleet/permission.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import {
  allow,
  allowed,
  assertNothing,
  deleteVolumes,
  neededBy,
  useWorld,
  type Written,
  wordsOf,
  world,
  written,
} from './permitted.ts';
import { specOf } from './world.ts';

useWorld();

const withoutOne = (spec: Written, sid: string) => neededBy(spec).filter((each) => each.sid !== sid);
const fleetWithout = (sid: string) => `no-${sid.toLowerCase()}`;

const everything = neededBy(written('all'));
const needed = everything.filter(({ without }) => without === undefined);
/** One fleet's statement of these would do for another's; all others hold for one fleet alone. */
const isWide = ({ sid, resources }: Permission) =>
  resources.includes('*') || ['ReadManagedPolicies', 'ReadImageName', 'LaunchWith'].includes(sid);

async function assertFails(spec: Written, { sid, actions }: Permission): Promise<void> {
  const { report } = await world.up(spec);
  assert.equal(report.state, 'rolled-back', `${sid}: ${wordsOf(report)}`);
  assert.ok(
    actions.some((action) => wordsOf(report).includes(action)),
    `${wordsOf(report)} names none of ${actions.join(', ')}`,
  );
  await assertNothing(spec.name);
}

describe('without a statement that holds for one fleet, its run fails by its name and leaves nothing', {
  concurrency: 4,
}, () => {
  const own = needed.filter((permission) => !isWide(permission));
  let takeAway: () => Promise<void>;
  before(async () => {
    // Its machines are tied to the profile that is no more.
    const stale = written(fleetWithout('MendProfile'));
    await allowed(neededBy(stale), async () => {
      await world.up(stale);
      await world.down(stale.name);
    });
    await deleteVolumes(stale.name);
    world.aws.configure({ staleProfileSeconds: 60 });
    const together = own.flatMap(({ sid }) => withoutOne(written(fleetWithout(sid)), sid));
    takeAway = await allow(together.map((each, at) => ({ ...each, sid: `${each.sid}${at}` })));
  });
  after(async () => {
    world.aws.configure({ staleProfileSeconds: 0 });
    await takeAway();
  });

  for (const permission of own) {
    it(permission.sid, () => assertFails(written(fleetWithout(permission.sid)), permission));
  }
});

describe('without a statement that would do for others, too, the same', () => {
  for (const permission of needed.filter(isWide)) {
    it(permission.sid, async () => {
      const spec = written(fleetWithout(permission.sid));
      await allowed(withoutOne(spec, permission.sid), () => assertFails(spec, permission));
    });
  }
});

describe('without all that only a change, a repair or a sweep needs', () => {
  it('a fleet comes up and goes, and all else is refused by name', async () => {
    const all = { ...written('bare'), tags: { team: 'web' } };
    const spec = { ...all, deadlines: { ...all.deadlines, undo: 3 } };
    await allowed(
      neededBy(spec).filter(({ without }) => without === undefined),
      async () => {
        const up = await (await world.muster.up(specOf(spec))).result();
        assert.equal(up.state, 'complete', wordsOf(up));

        const { id } = up.instances[0]!;
        await world.ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
        await trustOthers('bare');
        const repaired = await (await world.muster.repair('bare')).result();
        assert.notEqual(repaired.state, 'complete');
        const refused = JSON.stringify(repaired.steps);
        assert.match(refused, /iam:UpdateAssumeRolePolicy/);
        assert.match(refused, /ec2:StartInstances/);

        await world.ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
        const other = { ...spec, tags: { team: 'other' } };
        const changed = await (await world.muster.change(specOf(other))).result();
        // To set the tags back would take the same permission.
        assert.equal(changed.state, 'degraded', wordsOf(changed));
        assert.match(wordsOf(changed), /iam:TagRole/);

        await assert.rejects(world.muster.sweep(), /iam:List(?:Roles|InstanceProfiles)/);
        const down = await (await world.muster.down('bare')).result();
        assert.equal(down.state, 'gone', JSON.stringify(down.leftovers));
      },
    );
    await deleteVolumes('bare');
    await assertNothing('bare');
  });

  it('each of these says what is lost', () => {
    const optional = everything.filter(({ without }) => without !== undefined);
    assert.deepEqual(
      optional.map(({ sid }) => sid),
      [
        'SimulateItself',
        'ChangeRole',
        'BindRole',
        'MendTrust',
        'ChangeProfile',
        'ChangeTags',
        'MendMachines',
        'FindRemains',
      ],
    );
  });
});

function trustOthers(RoleName: string) {
  const { Statement, ...trust } = ec2TrustPolicy('us-east-1');
  const other = { Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'sts:AssumeRole' };
  const PolicyDocument = JSON.stringify({ ...trust, Statement: [...Statement, other] });
  return world.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
}
