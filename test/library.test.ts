/** Muster from programs: the page about it, its examples, and any language by Temporal's client alone. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { parse } from 'yaml';
import { specFrom } from '../client/index.ts';
import type { Mistake } from '../fleet/mistakes.ts';
import type { FleetReport } from '../fleet/report.ts';
import { fleetWorkflowId, TASK_QUEUE } from '../fleet/run.ts';
import { findTemporal } from '../sandbox/temporal.ts';
import { ensureEnvironment, programsOf } from '../setup/environment.js';
import { SetupError } from '../setup/install.js';
import { ensurePython } from '../setup/python.js';
import { ended, MUSTER, startMuster } from './command.ts';
import { programOf } from './pages.ts';
import { written } from './specs.ts';
import { openWorld, QUICK, until, untilPolled, type World } from './world.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

let world: World;
let folder: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-library-'));
  world = await openWorld();
  await untilPolled(world.muster);
});
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  world.aws.clearFaults();
  world.aws.configure(QUICK);
});

const NOTHING = { role: undefined, profile: undefined, instances: [], volumes: [] };
const DENIED = { code: 'AccessDenied', message: 'is not authorized', status: 403 };

/** AWS has the whole fleet, and its instances are those of the report. */
async function assertThere(report: FleetReport): Promise<void> {
  assert.equal(report.state, 'complete', JSON.stringify(report.error));
  const { role, profile, instances } = await world.exists(report.fleet);
  assert.deepEqual([role?.Arn, profile?.Arn], [report.role?.arn, report.profile?.arn]);
  assert.ok(instances.length > 0);
  assert.deepEqual(
    instances.map(({ InstanceId }) => InstanceId).sort(),
    report.instances.map(({ id }) => id).sort(),
  );
}

/** As a client of any language: it knows names and JSON. */
function ask(name: string, sent: unknown, workflowId = `up:${name}`): Promise<WorkflowHandle> {
  return world.client.workflow.start('fleetFromSpec', { args: [sent], taskQueue: TASK_QUEUE, workflowId });
}

const runOf = (fleet: string) => world.client.workflow.getHandle(fleetWorkflowId(fleet));

async function failureOf(handle: WorkflowHandle): Promise<ApplicationFailure> {
  const error = await handle.result().then(
    (report) => assert.fail(`it has not failed: ${JSON.stringify(report)}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure, String(error));
  assert.equal(error.cause.nonRetryable, true);
  return error.cause;
}

describe('a spec that a program of another language sends', () => {
  it("comes up by Temporal's command, and goes; the command of Muster knows all of it", async () => {
    const file = join(folder, 'cli.json');
    writeFileSync(file, JSON.stringify({ spec: written('By-Cli') }));
    const up = await temporal('fleetFromSpec', 'up:by-cli', '--input-file', file);
    await assertThere(up);
    assert.deepEqual([up.fleet, up.workflowId, up.action], ['By-Cli', 'fleet:by-cli', 'up']);
    assert.equal((await world.muster.status('by-cli')).state, 'complete');

    const input = JSON.stringify({ fleet: 'By-Cli', region: 'us-east-1' });
    const down = await temporal('teardownFleet', 'fleet:by-cli', '--fail-existing', '--input', input);
    assert.equal(down.state, 'gone');
    assert.deepEqual(await world.exists('By-Cli'), NOTHING);

    // A run that carries nothing beside its input.
    assert.equal((await world.muster.status('By-Cli')).state, 'gone');
    const listed = (await world.muster.list()).find(({ workflowId }) => workflowId === 'fleet:by-cli');
    assert.deepEqual([listed?.fleet, listed?.state], ['by-cli', 'gone']);
    assert.equal((await (await world.muster.down('By-Cli')).result()).state, 'gone');
    await assertThere(await (await world.muster.up(specFrom(written('By-Cli')))).result());
  });

  it('with mistakes fails at once with all of them, and nothing is begun', async () => {
    const sent = {
      spec: {
        name: 'bad name',
        policy: { file: '/etc/passwd' },
        instances: { cuont: 2, image: 'ami-12c6146b', type: 't3.micro', userData: { file: 'setup.sh' } },
      },
      leaseSeconds: -1,
      lease: 5,
    };
    const failure = await failureOf(await ask('wrong', sent, 'fleet:wrong'));
    assert.deepEqual([failure.type, failure.category], ['SpecMistakes', 'BENIGN']);
    const [mistakes] = failure.details as [Mistake[]];
    const told = mistakes.map(({ path, message, mend }) => `${path}: ${message}; ${mend}`);
    assert.deepEqual(told, [
      'name: "bad name" is not a name of 1 to 64 characters; letters, digits and + = , . @ _ -',
      'policy.file: names a file, and none is read here; give what is in it instead',
      'instances.userData.file: names a file, and none is read here; give what is in it instead',
      'instances.cuont: unknown; did you mean count?',
      'region: missing; give one, for instance region: us-east-1',
      '"lease": unknown beside the spec; known here: spec, leaseSeconds',
      'leaseSeconds: -1 s is no time to have a fleet for; for instance 28800 for eight hours',
      'workflow id: "fleet:wrong" is the id of a fleet\'s own run; start this workflow under another, for instance up:wrong',
    ]);
    assert.equal(failure.message, told.map((line) => `spec ${line}`).join('\n'));
    assert.equal(await runOf('bad name').describe().catch(nameOf), 'WorkflowNotFoundError');
  });

  it('is a map with a spec: anything else is told what it should be', async () => {
    for (const [at, sent] of ['name: web', [], { name: 'web' }, {}].entries()) {
      const failure = await failureOf(await ask(`shape-${at}`, sent));
      assert.equal(failure.type, 'SpecMistakes');
      assert.match(failure.message, /"spec": \{/);
    }
  });

  it('meets the run that makes the very fleet, and the fleet that is there; another spec is refused', async () => {
    world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', delayMs: 1500, times: 1 });
    const spec = written('met');
    const [one, two] = await Promise.all([ask('met', { spec }), ask('met', { spec }, 'another-id')]);
    const [first, second] = (await Promise.all([one.result(), two.result()])) as FleetReport[];
    assert.equal(first!.runId, second!.runId);
    await assertThere(first!);
    const third = (await (await ask('met', { spec, leaseSeconds: 60 })).result()) as FleetReport;
    assert.deepEqual([third.runId, third.lease], [first!.runId, undefined]);
    assert.equal((await world.exists('met')).instances.length, 2);

    const other = await failureOf(await ask('met', { spec: written('met', { tags: { team: 'blue' } }) }));
    assert.equal(other.type, 'FleetDiffers');
    assert.match(other.message, /^the fleet 'met' is complete, and its spec is another; .*--yes/);
    assert.deepEqual(other.details, [[{ field: 'tags.team', from: 'none', to: 'blue', how: 'in-place' }]]);
  });

  it('fails with the report when its run has failed, and nothing is left', async () => {
    world.aws.fault({ action: 'PutRolePolicy', error: DENIED });
    const failure = await failureOf(await ask('denied', { spec: written('denied') }));
    assert.equal(failure.type, 'FleetFailed');
    assert.match(failure.message, /^put-policy: AccessDenied: .*Nothing is left\.$/);
    const [report] = failure.details as [FleetReport];
    assert.deepEqual([report.state, report.error?.call], ['rolled-back', 'iam:PutRolePolicy']);
    assert.deepEqual(await world.exists('denied'), NOTHING);
  });

  it('is cancelled with its run, which takes back what it made; terminated, it leaves the run alone', async () => {
    world.aws.configure({ ...QUICK, propagationSeconds: 60 });
    const isWaiting = ({ steps }: FleetReport) =>
      steps.some(({ name, state }) => name === 'await-profile' && state === 'running');
    const handle = await ask('stopped', { spec: written('stopped') });
    await untilRunning('stopped', isWaiting);
    await handle.cancel();
    await assert.rejects(handle.result(), WorkflowFailedError);
    assert.equal((await handle.describe()).status.name, 'CANCELLED');
    assert.equal((await runOf('stopped').describe()).status.name, 'CANCELLED');
    assert.deepEqual(await world.exists('stopped'), NOTHING);

    const left = await ask('left', { spec: written('left') });
    await untilRunning('left', isWaiting);
    await left.terminate();
    world.aws.configure(QUICK);
    await assertThere((await runOf('left').result()) as FleetReport);
  });

  it('says that somebody else has cancelled the run, or terminated it', async () => {
    world.aws.configure({ ...QUICK, propagationSeconds: 60 });
    const isWaiting = ({ steps }: FleetReport) =>
      steps.some(({ name, state }) => name === 'await-profile' && state === 'running');
    const cancelled = await ask('theirs', { spec: written('theirs') });
    await untilRunning('theirs', isWaiting);
    await runOf('theirs').cancel();
    const failure = await failureOf(cancelled);
    assert.deepEqual([failure.type, failure.message], ['FleetFailed', 'cancelled. Nothing is left.']);

    const lost = await ask('lost', { spec: written('lost') });
    await untilRunning('lost', isWaiting);
    await runOf('lost').terminate('by hand');
    const { type, message, details } = await failureOf(lost);
    assert.equal(type, 'FleetFailed');
    assert.match(message, /^await-profile: Terminated: .*'muster retry \S+' removes what it left\.$/);
    assert.equal((details![0] as FleetReport).state, 'lost');
    const leftOver = await failureOf(await ask('lost', { spec: written('lost') }));
    assert.equal(leftOver.type, 'FleetLeftOver');
    assert.match(leftOver.message, /role lost.*'muster retry lost' removes it$/);
    world.aws.configure(QUICK);
    assert.equal((await (await world.muster.down('lost')).result()).state, 'gone');
    assert.deepEqual(await world.exists('lost'), NOTHING);
  });

  it('has a lease, and the run that keeps the fleet is released by an Update', async () => {
    const sent = { spec: written('leased'), leaseSeconds: 86_400 };
    const report = (await (await ask('leased', sent)).result()) as FleetReport;
    await assertThere(report);
    assert.ok(report.lease!.endsAt > Date.now() + 80_000_000);
    const again = (await (await ask('leased', sent)).result()) as FleetReport;
    assert.deepEqual(again.lease, report.lease);

    const input = JSON.stringify({ fleet: 'leased', region: 'us-east-1' });
    await assert.rejects(
      temporal('teardownFleet', 'fleet:leased', '--fail-existing', '--input', input),
      /already (started|running)/i,
    );
    await runTemporal('workflow', 'update', 'execute', '--workflow-id', 'fleet:leased', '--name', 'release');
    const { state } = (await runOf('leased').result()) as FleetReport;
    assert.equal(state, 'gone');
    assert.deepEqual(await world.exists('leased'), NOTHING);
  });
});

describe('examples/from-python.py', () => {
  const script = join(ROOT, 'examples', 'from-python.py');

  it('brings a fleet up and takes it down, with the client that it names', async (t) => {
    const python = await pythonWithClient().catch((error: unknown) => {
      if (!(error instanceof SetupError)) throw error;
      return error;
    });
    if (python instanceof SetupError) return t.skip(python.message);
    const { code, stdout, stderr } = await ended(start(python, [script, 'From-Python']));
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^(i-[0-9a-f]{17} at [\d.]+ has the role \S+:role\/From-Python\n){2}taken down again: gone\n$/,
    );
    assert.deepEqual(await world.exists('From-Python'), NOTHING);

    const wrong = await ended(start(python, [script, 'not a name']));
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /^name: "not a name" is not a name/);
  });
});

describe('examples/web-handler.ts', () => {
  it('has fleets posted, looked at and deleted, and refuses in words', async () => {
    const server = start(process.execPath, [join(ROOT, 'examples', 'web-handler.ts')], { PORT: '0' });
    const end = ended(server);
    try {
      const [line] = (await Promise.race([
        once(server.stdout!, 'data'),
        end.then(({ stderr }) => assert.fail(stderr)),
      ])) as [Buffer];
      const base = line
        .toString()
        .trim()
        .replace(/\/fleets$/, '');
      const call = async (method: string, path: string, body?: unknown) => {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        const response = await fetch(base + path, { method, body: text });
        const json = (await response.json()) as Record<string, unknown> & { mistakes: Mistake[] };
        return { status: response.status, headers: response.headers, json };
      };

      const posted = await call('POST', '/fleets', written('web'));
      assert.deepEqual([posted.status, posted.headers.get('location')], [202, '/fleets/web']);
      assert.deepEqual([posted.json.met, posted.json.workflowId], ['new', 'fleet:web']);
      const report = (await runOf('web').result()) as FleetReport;
      await assertThere(report);
      const seen = await call('GET', '/fleets/web');
      assert.deepEqual([seen.status, seen.json.state, seen.json.runId], [200, 'complete', report.runId]);

      const differs = await call('POST', '/fleets', written('web', { tags: { team: 'blue' } }));
      assert.deepEqual([differs.status, differs.json.code], [409, 'FleetDiffers']);
      assert.match(`${differs.json.message}`, /^the fleet 'web' is complete/);
      const wrong = await call('POST', '/fleets', {
        ...written('web'),
        region: 'nowhere',
        policy: { file: '/etc/hostname' },
      });
      assert.deepEqual([wrong.status, wrong.json.code], [400, 'SpecMistakes']);
      assert.deepEqual(
        wrong.json.mistakes.map(({ path }) => path),
        ['region', 'policy.file'],
      );
      assert.equal((await call('POST', '/fleets', '{')).status, 400);
      assert.equal((await call('POST', '/fleets', ' '.repeat(300_000))).status, 400);
      const unknown = await call('GET', '/fleets/nobody');
      assert.deepEqual([unknown.status, unknown.json.code], [404, 'FleetNotFound']);
      assert.equal((await call('PATCH', '/fleets/web')).status, 404);

      const deleted = await call('DELETE', '/fleets/web');
      assert.deepEqual([deleted.status, deleted.json.workflowId], [202, 'fleet:web']);
      assert.equal(((await runOf('web').result()) as FleetReport).state, 'gone');
      assert.deepEqual(await world.exists('web'), NOTHING);
      assert.equal((await call('GET', '/fleets/web')).json.state, 'gone');
    } finally {
      server.kill('SIGTERM');
    }
    const { code, stderr } = await end;
    assert.deepEqual([code, stderr], [0, '']);
  });
});

describe('examples/github-action.yml', () => {
  interface Step {
    readonly name?: string;
    readonly uses?: string;
    readonly run?: string;
    readonly if?: string;
  }
  const { jobs } = parse(readFileSync(join(ROOT, 'examples', 'github-action.yml'), 'utf8'));
  const steps: readonly Step[] = jobs.work.steps;

  it('names the actions that it uses by their majors, and gives the fleet back however the job ends', () => {
    assert.deepEqual(
      steps.flatMap(({ uses }) => uses ?? []),
      ['actions/checkout@v4', 'actions/setup-node@v4'],
    );
    const last = steps.filter(({ if: when }) => when?.startsWith('always()')).map(({ run }) => run);
    assert.deepEqual(last, ['muster release "$FLEET" --yes', 'muster cancel "$FLEET"']);
  });

  it('brings a fleet up, works with it and releases it, as a runner would', async () => {
    const own = join(folder, 'runner');
    const bin = join(folder, 'bin');
    for (const made of [own, bin]) mkdirSync(made);
    writeFileSync(join(bin, 'muster'), `#!/bin/sh\nexec "${process.execPath}" "${MUSTER}" "$@"\n`);
    chmodSync(join(bin, 'muster'), 0o755);
    const env = { FLEET: 'ci-1-1', PATH: `${bin}${delimiter}${process.env.PATH}` };
    const commands = steps.flatMap(({ run, if: when }) =>
      run?.startsWith('muster ') && !when?.includes("'cancelled'") ? [run] : [],
    );
    assert.equal(commands.length, 4);
    for (const command of commands) {
      const { code, stdout, stderr } = await ended(start('bash', ['-e', '-c', command], env, own));
      assert.equal(code, 0, `${command}\n${stdout}${stderr}`);
      if (command.startsWith('muster up')) await assertThere(await world.muster.status('ci-1-1'));
    }
    assert.deepEqual(await world.exists('ci-1-1'), NOTHING);
    const cancel = await ended(startMuster(['cancel', 'ci-1-1'], world.sandbox.env));
    assert.equal(cancel.code, 2, 'nothing is under way any more');
  });
});

describe('docs/library.md', () => {
  it('shows a program that runs as it stands', async () => {
    const modules = join(folder, 'page', 'node_modules');
    mkdirSync(modules, { recursive: true });
    symlinkSync(ROOT, join(modules, 'muster'));
    writeFileSync(join(folder, 'page', 'web.yaml'), JSON.stringify(written('web')));
    writeFileSync(join(folder, 'page', 'page.ts'), programOf('library.md'));
    const { code, stdout, stderr } = await ended(
      start(process.execPath, ['page.ts'], {}, join(folder, 'page')),
    );
    assert.equal(code, 0, stderr + stdout);
    assert.match(stdout, /^complete arn:aws:iam::\d+:role\/web \d+$/m);
    assert.match(stdout, /^complete undefined$/m);
    assert.match(stdout, /^complete 3$/m);
    assert.match(stdout, /^instances\.count 0 /m);
    assert.match(stdout, /^gone \[\]$/m);
    assert.deepEqual(await world.exists('web'), NOTHING);
  });
});

const nameOf = (error: Error) => error.name;

/** Waits for the run that is begun meanwhile, too. */
async function untilRunning(fleet: string, wanted: (report: FleetReport) => boolean): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    const known = await runOf(fleet).describe().catch(nameOf);
    if (typeof known !== 'string') return void (await until(runOf(fleet), wanted));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no run of ${fleet}`);
}

function start(program: string, args: string[], env: NodeJS.ProcessEnv = {}, cwd = folder): ChildProcess {
  return spawn(program, args, {
    cwd,
    env: { ...process.env, ...world.sandbox.env, NO_COLOR: '1', npm_command: undefined, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What Temporal's own command says on stdout, as JSON. */
async function runTemporal(...args: string[]) {
  const command = findTemporal((await ensurePython()).bin);
  assert.ok(command, 'there is no `temporal` here');
  const { address } = world.sandbox.temporal;
  const { code, stdout, stderr } = await ended(start(command, [...args, '--address', address, '-o', 'json']));
  if (code !== 0) throw new Error(stdout + stderr);
  return JSON.parse(stdout);
}

/** The report with which a workflow of this type ends. */
async function temporal(type: string, workflowId: string, ...input: string[]) {
  const ids = ['--type', type, '--workflow-id', workflowId, '--task-queue', TASK_QUEUE];
  const { result } = await runTemporal('workflow', 'execute', ...ids, ...input);
  return result as FleetReport;
}

/** An interpreter with Temporal's client: made once in a clone. Throws SetupError when it cannot be. */
async function pythonWithClient(): Promise<string> {
  const home = join(ROOT, '.muster', 'python-example');
  const plan = {
    home,
    requirements: join(ROOT, 'examples', 'requirements.txt'),
    what: "fetching Temporal's client for Python",
    size: 'about 70 MB on disk; examples/requirements.txt',
    oldest: [3, 10] as const,
  };
  await ensureEnvironment(plan, () => {});
  return programsOf(home).python;
}
