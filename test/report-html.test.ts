/** The page of real runs in a real browser: on a phone and a desk, light and dark, and what is on it is what AWS has. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Muster, reportPage, type SpecInput, specFrom } from '../client/index.ts';
import { owner } from '../client/owner.ts';
import { fleetWorkflowId } from '../fleet/run.ts';
import { type Browser, LOOKS, openBrowser, pageAt, type Seen, seen } from './browser.ts';
import { type Ended, ended, startMuster } from './command.ts';
import { openWorld, QUICK, until, untilPolled, type World } from './world.ts';

let world: World;
let muster: Muster;
let folder: string;
let browser: Browser | undefined;
let why: string | undefined;
before(async () => {
  ({ browser, why } = await openBrowser());
  world = await openWorld();
  ({ muster } = world);
  folder = mkdtempSync(join(tmpdir(), 'muster-page-'));
  await untilPolled(muster);
});
after(async () => {
  await browser?.close();
  await world.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  world.aws.clearFaults();
  world.aws.configure({ ...QUICK, soldOut: [] });
});

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script></main>';
const DENIED = { code: 'AccessDenied', message: 'User is not authorized to perform this', status: 403 };
/** A step that is held open is not over before it has been looked at. */
const LONG = { running: '5m', undo: 30, consistency: 1 };
const LAUNCH = { action: 'RunInstances', match: 'TagSpecification' };

type Instances = NonNullable<Exclude<SpecInput['instances'], string>>;

function specOf(name: string, more: Partial<SpecInput> = {}, instances: Partial<Instances> = {}) {
  return specFrom({
    name,
    region: 'us-east-1',
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro', ...instances } as Instances,
    deadlines: { propagation: 20, launch: 15, step: '15s', running: '20s', undo: 3, consistency: 1 },
    ...more,
  });
}

const up = async (...of: Parameters<typeof specOf>) => (await muster.up(specOf(...of))).result();
const handle = (name: string) => world.client.workflow.getHandle(fleetWorkflowId(name));
const command = (...args: string[]): Promise<Ended> =>
  ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1' }));

/** The page as the command writes it. */
async function written(name: string): Promise<string> {
  const file = join(folder, `${name}.html`);
  const { code, stdout, stderr } = await command('report', name, '--html', file);
  assert.equal(code, 0, stderr);
  assert.match(stdout, RegExp(`^✓ .*${name}\\.html has the report of fleet ${name}: `));
  return file;
}

/** In each look: nothing runs out of the page, all words can be told from what is behind them, nothing was fetched. */
async function assertReadable(file: string, name: string): Promise<Seen> {
  let last: Seen | undefined;
  for (const look of LOOKS) {
    const { page, requests } = await pageAt(browser!, look);
    await page.goto(`file://${file}`);
    last = await seen(page);
    const where = `${name}, ${look.width} px, ${look.colorScheme}`;
    assert.ok(last.width <= look.width, `${where}: ${last.width} px wide`);
    assert.deepEqual(last.undrawn, [], where);
    assert.deepEqual(last.faint, [], where);
    assert.match(last.text, /^fleet report\n/i, where);
    assert.equal(last.background, look.colorScheme === 'dark' ? 'dark' : 'light', where);
    assert.deepEqual(requests, [`file://${file}`], where);
    await page.context().close();
  }
  return last!;
}

/** Writes the page of a fleet and looks at it; answers what a reader reads. */
async function readable(name: string): Promise<string> {
  return (await assertReadable(await written(name), name)).text;
}

const needsBrowser = (work: () => Promise<void>) => async (test: { skip(why: string): void }) =>
  browser ? work() : test.skip(why!);

describe('the page in a browser', () => {
  it(
    'of a complete fleet has all of its machines, its steps, what they may do and who asked',
    needsBrowser(async () => {
      world.aws.configure({ soldOut: [{ type: 't3.micro', zone: 'us-east-1a' }] });
      const placements = [
        { type: 't3.micro', zone: 'us-east-1a' },
        { type: 't3.small', zone: 'us-east-1b' },
      ];
      const policy = {
        document: {
          Version: '2012-10-17' as const,
          Statement: [
            {
              Sid: 'Own',
              Effect: 'Allow' as const,
              Action: 's3:Get*',
              Resource: '*',
              Condition: { StringEquals: { 'aws:ResourceTag/team': HOSTILE } },
            },
          ],
        },
      };
      world.aws.fault({
        action: 'CreateRole',
        error: { code: 'Throttling', message: 'Rate exceeded', status: 400 },
      });
      await up('whole', { policy }, { type: undefined, placements, count: 3 });
      const text = await readable('whole');
      const { instances } = await world.exists('whole');
      assert.equal(instances.length, 3);
      for (const { InstanceId } of instances) assert.ok(text.includes(InstanceId!), text);
      for (const words of [
        'fleet whole is complete',
        't3.micro in us-east-1a: no capacity, trying t3.small in us-east-1b',
        `Own: read in Amazon S3, on everything, if StringEquals aws:ResourceTag/team is ${HOSTILE}`,
        owner(),
        'iam:CreateRole: Throttling',
        '2 attempts',
      ]) {
        assert.ok(text.includes(words), `${words}\n${text}`);
      }
    }),
  );

  it(
    'of one that failed has the cause in words that are AWS’s and no markup, and no script runs',
    needsBrowser(async () => {
      world.aws.fault({ ...LAUNCH, error: { ...DENIED, code: 'UnauthorizedOperation', message: HOSTILE } });
      const report = await up('hostile');
      assert.equal(report.state, 'rolled-back');
      const file = await written('hostile');
      const { text } = await assertReadable(file, 'hostile');
      assert.ok(text.includes(HOSTILE), text);
      assert.match(text, /left\s+nothing/);
      // Where scripts may run, too.
      const { page } = await pageAt(browser!, { ...LOOKS[0]!, javaScriptEnabled: true });
      await page.goto(`file://${file}`);
      assert.equal(await page.title(), 'hostile: rolled-back');
      assert.equal(await page.locator('img, script, iframe').count(), 0);
      await page.context().close();
      const { role, instances } = await world.exists('hostile');
      assert.deepEqual([role, instances], [undefined, []]);
    }),
  );

  it(
    'of one that left something has its name and the command, and of one that was taken down that it is gone',
    needsBrowser(async () => {
      const undone = world.aws.fault({ action: 'DeleteRole', error: DENIED, times: 10_000 });
      world.aws.fault({ ...LAUNCH, error: { ...DENIED, code: 'UnauthorizedOperation' } });
      assert.equal((await up('left')).state, 'left-over');
      const text = await readable('left');
      assert.ok((await world.exists('left')).role);
      assert.match(text, /role left: iam:DeleteRole: AccessDenied/);
      assert.match(text, /aws iam delete-role --role-name left/);
      assert.match(text, /Taking back/);
      undone();
      assert.equal((await (await muster.down('left')).result()).state, 'gone');
      assert.equal((await world.exists('left')).role, undefined);
      assert.match(await readable('left'), /fleet left is gone/);
    }),
  );

  it(
    'of a run under way says so; of one that was cancelled who did, of one that was terminated that too',
    needsBrowser(async () => {
      world.aws.configure({ pendingSeconds: 600 });
      for (const [name, end, wanted] of [
        ['stopped', () => muster.cancel('stopped'), /fleet stopped was cancelled[\s\S]*cancel\s+\w+@/],
        [
          'ended',
          () => handle('ended').terminate('by hand'),
          /ended from outside[\s\S]*terminate: by hand\s+\w+@/,
        ],
      ] as const) {
        const run = await muster.up(specOf(name, { deadlines: LONG }));
        await until(handle(name), ({ steps }) =>
          steps.some((one) => one.name === 'verify' && one.state === 'running'),
        );
        assert.match(await readable(name), /This run is under way/);
        await end();
        await run.result();
        assert.match(await readable(name), wanted);
      }
      assert.equal((await (await muster.down('ended')).result()).state, 'gone');
    }),
  );

  it(
    'of one that was scaled and rolled has its machines of now, and each that asked',
    needsBrowser(async () => {
      await up('changed');
      assert.equal((await (await muster.scale('changed', { count: 4 })).result()).state, 'complete');
      // It launches nothing, and its run ends with it.
      const tagged = await muster.change(specOf('changed', { tags: { team: 'blue' } }, { count: 4 }));
      assert.equal((await tagged.result()).state, 'complete');
      const rolled = await muster.roll(
        { fleet: 'changed', image: 'ami-1e749f67' },
        { wave: { percent: 50 } },
      );
      assert.equal((await rolled.result()).state, 'complete');
      const text = await readable('changed');
      const { instances } = await world.exists('changed');
      assert.equal(instances.length, 4);
      for (const { InstanceId } of instances) assert.ok(text.includes(InstanceId!), text);
      assert.match(text, /UTC\s+up\s+\w+@[\s\S]*\bscale to 4\s[\s\S]*UTC\s+change\s[\s\S]*UTC\s+roll\s/);
      assert.match(text, /from ami-12c6146b to ami-1e749f67/);
    }),
  );

  it(
    'of several places has each with its own steps',
    needsBrowser(async () => {
      world.aws.fault({
        ...LAUNCH,
        region: 'eu-west-1',
        error: { ...DENIED, code: 'UnauthorizedOperation' },
        times: 10,
      });
      const places = [{ region: 'us-east-1' }, { region: 'eu-west-1' }];
      const report = await up('both', { region: undefined, places, need: { min: 1 } });
      assert.equal(report.state, 'complete', JSON.stringify(report));
      const text = await readable('both');
      assert.match(text, /us-east-1\s+✓ complete/);
      assert.match(text, /eu-west-1\s+✗ rolled-back/);
      assert.match(text, /Steps in us-east-1[\s\S]*launch the instances[\s\S]*Steps in eu-west-1/);
    }),
  );

  it(
    'of more than a report tells one by one has all that AWS shows',
    needsBrowser(async () => {
      assert.equal((await up('large', {}, { count: 120 })).instances.length, 100);
      const text = await readable('large');
      assert.equal((await world.exists('large')).instances.length, 120);
      assert.match(text, /120 running\n/);
      assert.match(text, /the first 100 of 120, one by one/);
    }),
  );

  it(
    'of thousands in many zones fits a phone',
    needsBrowser(async () => {
      const { report, ...shown } = await muster.record('changed');
      const many = Array.from({ length: 5_000 }, (_, at) => ({
        ...report.instances[0]!,
        id: `i-${at.toString(16).padStart(17, '0')}`,
        type: `r6idn.${at % 9}xlarge`,
        zone: `us-east-1${'abcdef'[at % 6]}`,
        state: at % 50 === 0 ? 'pending' : 'running',
      }));
      const file = join(folder, 'many.html');
      writeFileSync(file, reportPage({ ...report, instanceCount: 5_000 }, { ...shown, instances: many }));
      assert.match((await assertReadable(file, 'many')).text, /4,900 running/);
    }),
  );
});

describe('muster report', () => {
  it('writes to stdout with -, says what it has written, and tells all as JSON', async () => {
    await up('told');
    const { stdout: page } = await command('report', 'told', '--html', '-');
    assert.match(page, /^<!doctype html>\n<html lang="en">/);
    assert.match(page, /<\/html>\n$/);
    const file = join(folder, 'told.html');
    const said = await command('report', 'told', '--html', file, '--json');
    assert.deepEqual(JSON.parse(said.stdout), { fleet: 'told', state: 'complete', file });
    assert.match(readFileSync(file, 'utf8'), /^<!doctype html>/);
    const { stdout } = await command('report', 'told', '--json');
    const { state, history } = JSON.parse(stdout);
    assert.equal(state, 'complete');
    assert.match(history.asks[0].what, /^up$/);
    assert.ok(history.activities.length >= 9);
  });

  it('without --html tells what status does, and ends with 0 whatever that is', async () => {
    world.aws.fault({ ...LAUNCH, error: { ...DENIED, code: 'UnauthorizedOperation' } });
    assert.equal((await up('failed')).state, 'rolled-back');
    const [report, status] = await Promise.all([command('report', 'failed'), command('status', 'failed')]);
    assert.deepEqual([report.code, status.code], [0, 1]);
    assert.equal(report.stdout, status.stdout);
  });

  it('writes nothing of a fleet that nobody knows, nor where it may not', async () => {
    const nobody = await command('report', 'nobody', '--html', join(folder, 'nobody.html'));
    assert.equal(nobody.code, 2);
    assert.throws(() => readFileSync(join(folder, 'nobody.html')));
    await up('nowhere');
    const nowhere = await command('report', 'nowhere', '--html', join(folder, 'none', 'it.html'));
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /the page cannot be written: ENOENT/);
    const both = await command('report', 'nowhere', '--html', '-', '--json');
    assert.deepEqual([both.code, JSON.parse(both.stdout).error.code], [2, 'Usage']);
  });
});
