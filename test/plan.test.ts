/** Plans: what `up` would do is told, by command and library, and nothing is done. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { CreateInstanceProfileCommand, CreateRoleCommand } from '@aws-sdk/client-iam';
import picocolors from 'picocolors';
import { planText } from '../cli/plan-text.ts';
import { type Muster, PricesError, pricesFromFile, type SpecInput, specFrom } from '../client/index.ts';
import type { PlanItem, PlanReport } from '../fleet/plan.ts';
import { ec2TrustPolicy } from '../fleet/policy.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { ended, startMuster } from './command.ts';
import { written } from './specs.ts';
import { converse } from './terminal.ts';
import { openWorld, QUICK, untilPolled, type World } from './world.ts';

let world: World;
let muster: Muster;
let folder: string;
before(async () => {
  world = await openWorld();
  ({ muster } = world);
  folder = mkdtempSync(join(tmpdir(), 'muster-plan-'));
  await untilPolled(muster);
});
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  world.aws.clearFaults();
  world.aws.configure(QUICK);
});

const [SSM, LOGS] = ['AmazonSSMManagedInstanceCore', 'CloudWatchLogsFullAccess'].map(
  (name) => `arn:aws:iam::aws:policy/${name}`,
) as [string, string];
const DENIED = { code: 'AccessDenied', message: 'User is not authorized to perform this', status: 403 };

/** A spec in several places, instead of a region. */
function inPlaces(name: string, more: Partial<SpecInput>): SpecInput {
  const { region: _, ...several } = written(name, more);
  return several;
}

const specOf = (...args: Parameters<typeof written>) => specFrom(written(...args));

function specFile(...args: Parameters<typeof written>): string {
  const file = join(folder, `${args[0]}.yaml`);
  writeFileSync(file, JSON.stringify(written(...args)));
  return file;
}

const command = (...args: string[]) => ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1' }));

const asked = ({ act, kind, name }: PlanItem) => `${act} ${kind} ${name}`;

const LOOKS = /^(?:Get|List|Describe|Simulate)/;

/** Plans, and makes sure that AWS was asked for nothing but looks, and that Temporal has no run of it that it had not. */
async function planned(spec: ReturnType<typeof specOf>, options = {}): Promise<PlanReport> {
  const callsBefore = world.aws.calls().length;
  const lastRun = await runOf(spec.spec.name);
  const report = await muster.plan(spec, options);
  const made = world.aws
    .calls()
    .slice(callsBefore)
    .filter(({ action }) => !LOOKS.test(action));
  assert.deepEqual(made, []);
  assert.equal(await runOf(spec.spec.name), lastRun);
  return report;
}

const runOf = (name: string) =>
  world.client.workflow
    .getHandle(fleetWorkflowId(name))
    .describe()
    .then(
      ({ runId }) => runId,
      () => undefined,
    );

async function fleetOf(spec: ReturnType<typeof specOf>): Promise<void> {
  const report = await (await muster.up(spec)).result();
  assert.equal(report.state, 'complete', JSON.stringify(report.error));
}

describe('the plan of a new fleet', () => {
  it('is all that up then makes, and makes nothing', async () => {
    const spec = specOf('fresh', {
      role: { managedPolicies: [SSM], path: '/fleets/' },
      tags: { team: 'web' },
    });
    const report = await planned(spec);
    assert.deepEqual([report.standing, report.goes, report.obstacles], ['new', true, []]);
    assert.deepEqual(report.items.map(asked), [
      'make role fresh',
      'make policy fresh',
      `make managed-policy ${SSM}`,
      'make profile fresh',
      'make instances 2 × t3.micro',
    ]);
    const [place, ...others] = report.places;
    assert.deepEqual(
      [place!.account, place!.region, place!.image],
      ['123456789012', 'us-east-1', 'ami-12c6146b'],
    );
    assert.deepEqual([place!.types, others], [['t3.micro'], []]);
    assert.deepEqual(place!.quotas, [
      { quota: 'on-demand Standard (A, C, D, H, I, M, R, T, Z)', least: 4, most: 4 },
    ]);
    const { role, profile, instances } = await world.exists('fresh');
    assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
    await fleetOf(spec);
    const there = await world.exists('fresh');
    assert.deepEqual(
      [there.role!.Path, there.profile!.InstanceProfileName, there.instances.length],
      ['/fleets/', 'fresh', 2],
    );
  });

  it('says what exists and would be used', async () => {
    await world.iam.send(
      new CreateRoleCommand({
        RoleName: 'lender',
        AssumeRolePolicyDocument: JSON.stringify(ec2TrustPolicy()),
      }),
    );
    const report = await planned(
      specOf('borrower', { role: { name: 'lender', reuse: true }, policy: undefined }),
    );
    assert.deepEqual(report.items.map(asked), [
      'reuse role lender',
      'make profile borrower',
      'make instances 2 × t3.micro',
    ]);
    assert.deepEqual([report.goes, report.policy], [true, undefined]);
  });

  it('names everything that is in the way, as up would meet it', async () => {
    const AssumeRolePolicyDocument = JSON.stringify(ec2TrustPolicy());
    await world.iam.send(new CreateRoleCommand({ RoleName: 'taken', AssumeRolePolicyDocument }));
    await world.iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: 'taken' }));
    const spec = specOf('taken', {}, { image: 'ami-00000000', type: 'z9.huge' });
    const report = await planned(spec);
    assert.deepEqual([report.standing, report.goes], ['new', false]);
    const told = report.obstacles.map(({ message }) => message).join('\n');
    for (const each of [
      /A role named taken exists and is not of this fleet/,
      /An instance profile named taken exists/,
      /ami-00000000/,
    ]) {
      assert.match(told, each);
    }
    const { error } = await (await muster.up(spec)).result();
    assert.deepEqual(report.obstacles.map(({ message }) => message).sort(), [...error!.problems!].sort());
    const { code, stdout } = await command('plan', specFile('taken'));
    assert.equal(code, 2);
    assert.match(stdout, /^✗ fleet taken cannot be made: 2 things are in the way/);
    assert.match(stdout, /✗ A role named taken exists/);
  });

  it('is of each place, and once of each account', async () => {
    const spec = specFrom(
      inPlaces('spread-out', { places: [{ region: 'us-east-1' }, { region: 'eu-west-1', count: 1 }] }),
    );
    const report = await planned(spec);
    assert.deepEqual(
      report.items.map((item) => [asked(item), item.at]),
      [
        ['make role spread-out', undefined],
        ['make policy spread-out', undefined],
        ['make profile spread-out', undefined],
        ['make instances 2 × t3.micro', 'us-east-1'],
        ['make instances 1 × t3.micro', 'eu-west-1'],
      ],
    );
    assert.deepEqual(
      report.places.map(({ place, account }) => [place, account]),
      [
        ['us-east-1', '123456789012'],
        ['eu-west-1', '123456789012'],
      ],
    );
  });

  it('of places that are not all needed is content with as many as the fleet is', async () => {
    const places = [{ region: 'us-east-1' }, { region: 'eu-west-1', image: 'ami-00000000' }];
    const enough = await planned(specFrom(inPlaces('content', { places, need: { min: 1 } })));
    assert.deepEqual([enough.goes, enough.obstacles], [true, []]);
    assert.match(enough.warnings.join('\n'), /^eu-west-1: .*ami-00000000/m);
    const short = await planned(specFrom(inPlaces('content', { places, need: 'all' })));
    assert.equal(short.goes, false);
    assert.match(short.obstacles[0]!.message, /^eu-west-1: .*ami-00000000/);
  });

  it("has the doubts about its policy, which stand in nobody's way", async () => {
    const policy = {
      allow: { actions: ['s3:GetObjekt', 's3:Put*', 's3:ListBucket'], resources: 'arn:aws:s3:::b/*' },
    };
    const report = await planned(specOf('doubtful', { policy }));
    assert.deepEqual(
      report.policy!.doubts.map(({ kind, action, mend }) => [kind, action, mend]),
      [
        ['unknown-action', 's3:GetObjekt', 'did you mean s3:GetObject?'],
        ['wide', 's3:Put*', 'name the actions that are needed'],
        ['wrong-resource', 's3:ListBucket', 'did you mean arn:aws:s3:::b?'],
      ],
    );
    assert.equal(report.goes, true);
    for (const width of [60, 80, 120]) {
      const text = planText(report, { file: 'doubtful.yaml', colors: picocolors.createColors(true), width });
      const lines = stripVTControlCharacters(text).split('\n');
      assert.deepEqual(
        lines.filter((line) => line.length > width),
        [],
      );
    }
    const { code, stdout } = await command('plan', specFile('doubtful', { policy }));
    assert.equal(code, 0);
    assert.match(
      stdout,
      /! s3:GetObjekt, in statement 1: Amazon S3 has no such action; did you mean s3:GetObject\?/,
    );
    assert.match(stdout, /Known are the actions of 20\d\d-\d\d-\d\d/);
  });

  it('has the price of an hour by a list that is given, with its date', async () => {
    const file = join(folder, 'prices.json');
    const list = (onDemand: object) =>
      writeFileSync(file, JSON.stringify({ date: '2026-11-01', currency: 'USD', onDemand }));
    list({ 'us-east-1': { 't3.micro': 0.0104, 't3.small': 0.0208 } });
    const types = [{ type: 't3.micro' }, { type: 't3.small' }, { type: 't3.large' }];
    const spec = specOf('priced', {}, { type: undefined, placements: types, market: 'spot' });
    const { price } = await planned(spec, { prices: pricesFromFile(file) });
    assert.deepEqual(price, {
      date: '2026-11-01',
      currency: 'USD',
      least: 0.0208,
      most: 0.0416,
      isCeiling: true,
      missing: ['t3.large in us-east-1'],
    });
    const told = await command('plan', specFile('priced'), '--prices', file);
    assert.match(told.stdout, /price +0\.0208 USD an hour for the machines, on demand; prices of 2026-11-01/);
    writeFileSync(file, JSON.stringify({ date: 'today', onDemand: { 'us-east-1': { 't3.micro': '1' } } }));
    assert.throws(
      () => pricesFromFile(file),
      (error) => error instanceof PricesError && error.mistakes.length === 3,
    );
    const wrong = await command('plan', specFile('priced'), '--prices', file);
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    assert.match(wrong.stderr, /✗ 3 mistakes; nothing was sent[\s\S]*prices\.json/);
  });

  it('is refused with a spec of mistakes, and where AWS has no answer ends with 4', async () => {
    const mistaken = await command('plan', specFile('mistaken', {}, { count: 0 }));
    assert.deepEqual([mistaken.code, mistaken.stdout], [2, '']);
    assert.match(mistaken.stderr, /a mistake in the spec; nothing was sent/);
    const nowhere = await ended(
      startMuster(['plan', specFile('nowhere')], { TEMPORAL_ADDRESS: '127.0.0.1:1', NO_COLOR: '1' }),
    );
    assert.equal(nowhere.code, 4, nowhere.stderr);
  });
});

describe('the plan of a fleet that is there', () => {
  it('with the same spec is that nothing is done', async () => {
    const spec = specOf('same');
    await fleetOf(spec);
    const report = await planned(spec);
    assert.deepEqual([report.standing, report.goes, report.changes], ['same', true, []]);
    assert.deepEqual(report.items.map(asked), [
      'keep role same',
      'keep policy same',
      'keep profile same',
      'keep instances 2 × t3.micro',
    ]);
    await (await muster.scale('same', { count: 3 })).result();
    const scaled = await planned(spec);
    assert.equal(asked(scaled.items.at(-1)!), 'keep instances 3 × t3.micro');
    assert.deepEqual([report.scaled, scaled.scaled], [undefined, [{ has: 3, says: 2 }]]);
    const { code, stdout } = await command('plan', specFile('same'));
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^✓ fleet same is there, as the spec says but for its count; 'up' would change nothing\n/,
    );
    assert.match(stdout, /\n {2}count {6}3 by the last scale; the file says 2, and 'up' leaves it so\n/);
    assert.match(stdout, /\n {2}price {6}unknown: --prices FILE adds it \(docs\/plan\.md\)\n/);
    const tagged = await planned(specOf('same', { tags: { team: 'web' } }));
    assert.deepEqual([tagged.standing, tagged.scaled], ['differs', [{ has: 3, says: 2 }]]);
    const counted = await planned(specOf('same', {}, { count: 4 }));
    assert.deepEqual([counted.standing, counted.scaled], ['differs', undefined]);
    assert.equal((await (await muster.up(spec)).result()).state, 'complete');
    assert.equal((await world.exists('same')).instances.length, 3);
  });

  it('and was scaled in one of its places says where', async () => {
    const spec = specFrom(
      inPlaces('apart', { places: [{ region: 'us-east-1' }, { region: 'eu-west-1', count: 1 }] }),
    );
    await fleetOf(spec);
    assert.equal((await planned(spec)).scaled, undefined);
    await (await muster.scale('apart', { count: 3, place: 'eu-west-1' })).result();
    const report = await planned(spec);
    assert.deepEqual(report.scaled, [{ at: 'eu-west-1', has: 3, says: 1 }]);
    assert.deepEqual(
      report.items.slice(-2).map(({ at, count }) => [at, count]),
      [
        ['us-east-1', 2],
        ['eu-west-1', 3],
      ],
    );
  });

  it('with another is what would be made, changed and removed, and what would stop it', async () => {
    await fleetOf(specOf('changing', { role: { managedPolicies: [SSM] } }));
    const spec = specOf(
      'changing',
      {
        policy: { allow: { actions: 's3:List*', resources: '*' } },
        role: { managedPolicies: [LOGS] },
      },
      { count: 3, userData: '#!/bin/sh' },
    );
    const report = await planned(spec);
    assert.deepEqual([report.standing, report.goes], ['differs', true]);
    assert.deepEqual(report.items.map(asked), [
      'keep role changing',
      'change policy changing',
      `make managed-policy ${LOGS}`,
      'keep profile changing',
      `remove managed-policy ${SSM}`,
      'keep instances 2 of 2',
      'make instances 1 × t3.micro',
    ]);
    assert.deepEqual(
      report.changes.map(({ field, how }) => [field, how]),
      [
        ['policy.document', 'in-place'],
        ['role.managedPolicies', 'in-place'],
        ['role.managedPolicies', 'in-place'],
        ['instances.count', 'in-place'],
        ['instances.userData', 'roll'],
      ],
    );
    const missing = 'arn:aws:iam::aws:policy/NoSuchPolicyAtAll';
    const stopped = await planned(specOf('changing', { role: { managedPolicies: [SSM, missing] } }));
    assert.deepEqual([stopped.standing, stopped.goes], ['differs', false]);
    assert.match(stopped.obstacles[0]!.message, /NoSuchPolicyAtAll/);
    const fewer = await planned(specOf('changing', { role: { managedPolicies: [SSM] } }, { count: 1 }));
    assert.deepEqual(fewer.items.map(asked).slice(-2), ['keep instances 1 of 2', 'remove instances 1 of 2']);
    assert.equal((await world.exists('changing')).instances.length, 2);
  });

  it('and cannot become what is wanted says so, with 2', async () => {
    await fleetOf(specOf('fixed'));
    const file = specFile('fixed', {}, { type: 't3.small' });
    const { code, stdout } = await command('plan', file, '--json');
    const report: PlanReport = JSON.parse(stdout);
    assert.deepEqual([code, report.standing, report.goes], [2, 'differs', false]);
    assert.deepEqual([report.obstacles[0]!.code, report.obstacles.length], ['FleetDiffers', 1]);
    assert.ok(report.obstacles[0]!.mend!.includes(`'muster roll ${file}' has`));
    const told = await command('plan', file);
    assert.ok(told.stdout.includes(`'muster roll ${file}'`), told.stdout);
    assert.equal(told.code, 2);
    assert.match(told.stdout, /^✗ fleet fixed is there by another spec, which needs other machines: /);
    assert.doesNotMatch(told.stdout, /in the way|its spec is another/);
    assert.ok(told.stdout.endsWith(`next       muster roll ${file}\n`), told.stdout);
    assert.doesNotMatch(told.stdout.replace('--prices FILE', ''), /FILE/);
  });

  it('and has lost a part says so', async () => {
    const spec = specOf('part');
    await fleetOf(spec);
    const [first] = (await world.exists('part')).instances;
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [first!.InstanceId!] }));
    const report = await planned(spec);
    assert.deepEqual(
      [report.standing, report.goes, report.obstacles[0]!.code],
      ['degraded', false, 'FleetDegraded'],
    );
  });

  it('in part, as a run has left it, says so', async () => {
    const undo = world.aws.fault({ action: 'DeleteRole', error: DENIED, times: 1000 });
    const lost = world.aws.fault({ action: 'AddRoleToInstanceProfile', error: DENIED, times: 1000 });
    const spec = specOf('remains', {
      deadlines: { propagation: 20, launch: 30, step: 6, undo: 2, consistency: 1 },
    });
    assert.equal((await (await muster.up(spec)).result()).state, 'left-over');
    lost();
    undo();
    const report = await planned(spec);
    assert.deepEqual(
      [report.standing, report.goes, report.obstacles[0]!.code],
      ['left-over', false, 'FleetLeftOver'],
    );
    assert.match(report.obstacles[0]!.mend!, /muster retry remains/);
    assert.equal((await (await muster.retry('remains')).result()).state, 'gone');
  });

  it('or comes up, or goes, in the hands of a run says so', async () => {
    world.aws.configure({ ...QUICK, propagationSeconds: 3600 });
    const spec = specOf('in-hands');
    const run = await muster.up(spec);
    const attached = await planned(spec);
    assert.deepEqual([attached.standing, attached.goes], ['coming-up', true]);
    const other = await planned(specOf('in-hands', { tags: { team: 'blue' } }));
    assert.deepEqual(
      [other.standing, other.goes, other.obstacles[0]!.code],
      ['differs', false, 'FleetDiffers'],
    );
    await muster.cancel('in-hands');
    assert.equal((await run.result()).state, 'cancelled');

    world.aws.configure(QUICK);
    await fleetOf(spec);
    world.aws.configure({ ...QUICK, shuttingDownSeconds: 3600 });
    const down = await muster.down('in-hands');
    const going = await planned(spec);
    assert.deepEqual([going.standing, going.goes, going.obstacles[0]!.code], ['busy', false, 'FleetBusy']);
    world.aws.configure(QUICK);
    assert.equal((await down.result()).state, 'gone');
  });
});

describe('muster up on a terminal', () => {
  const up = (file: string, ...answers: Parameters<typeof converse>[1]) =>
    converse(['up', file], answers, { env: world.sandbox.env });

  it('shows what would be made and does as it is answered', async () => {
    const file = specFile('asked-for');
    for (const [typed, ends] of [
      ['n\n', 0],
      ['\n', 0],
      ['\x03', 130],
    ] as const) {
      const { code, screen } = await up(file, [/Make it\? \[y\/N\] $/, typed]);
      assert.equal(code, ends, screen);
      assert.match(screen, /Nothing was changed\./);
      assert.match(screen, /✓ fleet asked-for would be made; nothing is in the way/);
      assert.match(screen, /\+ role +asked-for/);
      const { role, profile, instances } = await world.exists('asked-for');
      assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
    }
    const { code, screen } = await up(file, [/Make it\? \[y\/N\] $/, 'y\n']);
    assert.equal(code, 0, screen);
    assert.equal((await world.exists('asked-for')).instances.length, 2);
    // What is there is nothing to be asked about.
    const again = await up(file);
    assert.equal(again.code, 0, again.screen);
    assert.doesNotMatch(again.screen, /Make it\?/);
  });

  it('does not ask with --yes, and not where something is in the way', async () => {
    const yes = await converse(['up', specFile('unasked'), '--yes'], [], { env: world.sandbox.env });
    assert.equal(yes.code, 0, yes.screen);
    assert.doesNotMatch(yes.screen, /Make it\?/);
    assert.equal((await world.exists('unasked')).instances.length, 2);
    const wrong = await up(specFile('obstructed', {}, { image: 'ami-00000000' }));
    assert.equal(wrong.code, 2, wrong.screen);
    assert.match(wrong.screen, /1 thing in the way; nothing was made/);
    assert.equal(await runOf('obstructed'), undefined);
  });

  it('where it is none asks nothing and plans nothing', async () => {
    const { code, stderr } = await command('up', specFile('scripted'));
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /would be made/);
    const plans = world.client.workflow.list({ query: `WorkflowType = 'planFleet'` });
    for await (const { workflowId } of plans) assert.doesNotMatch(workflowId, /^plan:scripted:/);
  });
});
