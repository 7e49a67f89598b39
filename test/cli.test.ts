/** The command line, as scripts and people call it: exit codes, what goes to which stream, kills. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DescribeInstanceAttributeCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { ended, MUSTER, says, startMuster } from './command.ts';
import { writeSpec } from './specs.ts';
import { converse } from './terminal.ts';
import { openWorld, QUICK, type World } from './world.ts';

let world: World;
let folder: string;
before(async () => {
  world = await openWorld();
  folder = mkdtempSync(join(tmpdir(), 'muster-cli-'));
});
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

/** What cannot be taken back is given up soon. */
const deadlines = { propagation: 20, launch: 15, step: 15, undo: 3, consistency: 1 };
const specFile = (name: string, more = '') => writeSpec(folder, name, { more, deadlines });

const start = (args: string[], env: Record<string, string> = {}) =>
  startMuster(args, { ...world.sandbox.env, NO_COLOR: '1', ...env });

const muster = (...args: string[]) => ended(start(args));

const DENIED = { code: 'AccessDenied', message: 'User is not authorized to perform this', status: 403 };

describe('muster up', () => {
  it('ends with 0 and the report as JSON on stdout, and nothing else there', async () => {
    const { code, stdout, stderr } = await muster('up', specFile('json'), '--json');
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout);
    const { role, profile, instances } = await world.exists('json');
    assert.equal(report.fleet, 'json');
    assert.equal(report.state, 'complete');
    assert.deepEqual([report.role.name, report.role.arn], ['json', role!.Arn]);
    assert.deepEqual([report.profile.name, report.profile.arn], ['json', profile!.Arn]);
    assert.deepEqual(
      report.instances.map(({ id, type, zone, privateIp, state }: Record<string, string>) => [
        ...[id, type, zone, privateIp, state],
      ]),
      instances.map((instance) => [
        instance.InstanceId,
        instance.InstanceType,
        instance.Placement!.AvailabilityZone,
        instance.PrivateIpAddress,
        'running',
      ]),
    );
    for (const { name, state, seconds } of report.steps) {
      assert.ok(name && state === 'done' && seconds >= 0);
    }
    assert.deepEqual(report.leftovers, []);
    assert.equal(report.error, null);
    assert.match(
      stderr,
      /^fleet {5}json\nworkflow {2}fleet:json\nwatch {5}http:\/\/\S+\/fleet%3Ajson\/\S+\n/,
    );
    assert.match(stderr, /✓ create the role \d/);
  });

  it('prints the report for people without --json, and what to type next', async () => {
    const { code, stdout } = await muster('up', specFile('people'));
    assert.equal(code, 0);
    assert.match(stdout, /^✓ fleet people is complete after \d+\.\d s\n/);
    assert.match(stdout, /role {6}arn:aws:iam::123456789012:role\/people/);
    assert.match(stdout, /muster down people\n$/);
  });

  it('says of a fleet that is there that --for changes nothing, and plays no old steps', async () => {
    const file = specFile('there-already');
    assert.equal((await muster('up', file)).code, 0);
    const bare = await muster('up', file, '--for', '8h');
    assert.equal(bare.code, 0, bare.stderr);
    assert.match(
      bare.stderr,
      /--for 8h changes nothing: the fleet is there without a lease; 'muster extend there-already 8h' gives/,
    );
    assert.doesNotMatch(bare.stderr, /create the role/);
    assert.match(bare.stdout, /^✓ fleet there-already is complete/);

    const leased = specFile('there-for-a-time');
    assert.equal((await muster('up', leased, '--for', '2h')).code, 0);
    const again = await muster('up', leased, '--for', '8h');
    assert.match(
      again.stderr,
      /--for 8h changes nothing: .* has its lease; 'muster extend there-for-a-time 8h' moves the end/,
    );
    assert.match(again.stdout, /wanted {4}until .*, for (2 hours|1 hour 59 minutes) more\n/);
    assert.match(
      (await muster('extend', 'there-for-a-time', 'soon')).stderr,
      /extend by soon: a time such as 90m, 8h, 1h30m or 2d; or for-good/,
    );
    const released = await muster('release', 'there-for-a-time', '--yes');
    assert.equal(released.code, 0, released.stderr);
    assert.doesNotMatch(released.stderr, /attached/);
  });

  it('ends with 1 when it failed and all is gone, with the cause in AWS’s words', async () => {
    const undo = world.aws.fault({ action: 'PutRolePolicy', error: DENIED });
    const { code, stdout } = await muster('up', specFile('fails'));
    undo();
    assert.equal(code, 1);
    assert.match(stdout, /^✗ fleet fails failed; all that the run made is gone again\n/);
    assert.match(stdout, /in 'put the policy': iam:PutRolePolicy: AccessDenied \(request \S+\)\n/);
    assert.match(stdout, /User is not authorized to perform this\n/);
    assert.match(stdout, /undone {4}(delete|take)/);
    assert.match(stdout, /left {6}nothing\n/);
    assert.match(stdout, /next {6}muster up \S+fails\.yaml, once the cause is gone/);
    assert.equal((await world.exists('fails')).role, undefined);
  });

  it('ends with 2 and every mistake with its line, and sends nothing', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'name: bad name\nregion: us-east-1\ninstances:\n  cuont: 3\n  image: ami-12c6146b\n');
    world.aws.clearCalls();
    const { code, stdout, stderr } = await muster('up', file);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    for (const mistake of [
      /wrong.yaml:1:\d+ name: /,
      /wrong.yaml:4:3 instances.cuont: .*count/,
      /instances.type/,
    ]) {
      assert.match(stderr, mistake);
    }
    assert.match(stderr, /nothing was sent/);
    assert.deepEqual(world.aws.calls(), []);
    const json = await muster('up', file, '--json');
    assert.equal(json.code, 2);
    assert.ok(JSON.parse(json.stdout).error.mistakes.length >= 3);
  });

  it('ends with 2 for a file that is not there, and for wrong arguments', async () => {
    const missing = await muster('up', join(folder, 'missing.yaml'));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /missing.yaml: there is no such file/);
    for (const args of [['up'], ['upp', 'x'], ['up', 'x', '--jsno'], ['down', 'x', 'y', '--yes']]) {
      const { code, stdout, stderr } = await muster(...args);
      assert.equal(code, 2, args.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /^✗ /);
    }
    assert.match((await muster('upp', 'x')).stderr, /did you mean up\?/);
    assert.equal((await muster('--help')).code, 0);
  });

  it('ends with 3 when something is left, names it, and says the command', async () => {
    const undos = [
      world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED }),
      world.aws.fault({ action: 'DeleteRole', match: 'sticky', error: DENIED, times: 1000 }),
    ];
    const { code, stdout } = await muster('up', specFile('sticky'));
    for (const undo of undos) undo();
    assert.equal(code, 3);
    assert.match(
      stdout,
      /left {6}role sticky: iam:DeleteRole: AccessDenied: .*\n +aws iam delete-role --role-name sticky\n/,
    );
    assert.match(stdout, /next {6}muster retry sticky/);
    const unknown = await muster('retry', 'sticky', '--skip', 'role/other');
    assert.equal(unknown.code, 2);
    assert.match(
      unknown.stderr,
      /role\/other: nothing that the last run of 'sticky' left\n {2}it left role\/sticky/,
    );
    const retry = await muster('retry', 'sticky', '--json');
    assert.equal(retry.code, 0, retry.stderr);
    assert.equal(JSON.parse(retry.stdout).state, 'gone');
    assert.equal((await world.exists('sticky')).role, undefined);
  });

  it('gives up with retry --skip what cannot be removed; the sweep finds it later', async () => {
    const undos = [
      world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED }),
      world.aws.fault({ action: 'DeleteRole', match: 'given-up', error: DENIED, times: 1000 }),
    ];
    assert.equal((await muster('up', specFile('given-up'))).code, 3);
    const skipped = await muster('retry', 'given-up', '--skip', 'role/given-up');
    assert.equal(skipped.code, 0, skipped.stderr);
    assert.match(skipped.stdout, /fleet given-up is gone, but for what was given up\n/);
    assert.match(skipped.stdout, /given up {2}role given-up: .*\n +aws iam delete-role --role-name given-up/);
    for (const undo of undos) undo();
    const shown = await muster('sweep');
    assert.equal(shown.code, 3, shown.stderr);
    assert.match(
      shown.stdout,
      /given-up, run \S+ in us-east-1: its run has ended as failed\n {4}role given-up\n/,
    );
    assert.ok((await world.exists('given-up')).role);
    assert.equal((await muster('sweep', '--yes')).code, 0);
    assert.equal((await world.exists('given-up')).role, undefined);
    assert.equal((await muster('up', specFile('well'))).code, 0);
    const none = await muster('sweep');
    assert.equal(none.code, 0, none.stderr);
    assert.match(
      none.stdout,
      /\nleft alone:\n {2}\d+ fleets?, complete or with a run under way; --all lists them\n$/,
    );
    assert.match(
      (await muster('sweep', '--all')).stdout,
      /\n {2}well, run \S+: \d things, as the fleet is complete\n/,
    );
  });

  it('ends with 4 without Temporal, and without a worker', async () => {
    const file = specFile('nowhere');
    const unreachable = await ended(start(['up', file], { TEMPORAL_ADDRESS: '127.0.0.1:1' }));
    assert.equal(unreachable.code, 4);
    assert.match(unreachable.stderr, /Temporal does not answer at 127.0.0.1:1/);
    const idle = await ended(start(['up', file], { MUSTER_TASK_QUEUE: 'nobody-polls' }));
    assert.equal(idle.code, 4);
    assert.match(idle.stderr, /no worker answers on the task queue 'nobody-polls'[\s\S]*muster worker/);
  });

  it('ends with 5 when paused; retry and rollback decide', async () => {
    const undo = world.aws.fault({ action: 'CreateInstanceProfile', error: DENIED, times: 2 });
    const first = await muster('up', specFile('pauses', 'onFailure: pause'));
    assert.equal(first.code, 5);
    assert.match(first.stdout, /muster retry pauses +does the step again/);
    const again = await muster('retry', 'pauses');
    assert.equal(again.code, 5);
    undo();
    const done = await muster('retry', 'pauses', '--json');
    assert.equal(done.code, 0, done.stderr);
    assert.equal(JSON.parse(done.stdout).state, 'complete');
    const late = await muster('rollback', 'pauses');
    assert.equal(late.code, 2);
    assert.match(late.stderr, /is complete: there is nothing to roll back/);
  });

  it('is left by Ctrl-C with 130, and by SIGKILL, while the run goes on; up again attaches', async () => {
    world.aws.configure({ propagationSeconds: 6 });
    try {
      const file = specFile('detached');
      const child = start(['up', file, '--json']);
      const end = ended(child);
      await says(child, /create the role/);
      child.kill('SIGINT');
      const { code, stdout, stderr } = await end;
      assert.equal(code, 130);
      assert.deepEqual(JSON.parse(stdout), { error: { code: 'Interrupted', message: 'the run goes on' } });
      assert.match(stderr, /the run of detached goes on/);
      assert.match(stderr, /muster watch detached/);
      assert.match(stderr, /muster status detached/);
      assert.match(stderr, /muster cancel detached/);

      const killed = start(['up', file]);
      await says(killed, /attached to the run/);
      killed.kill('SIGKILL');

      const last = await muster('up', file, '--json');
      assert.equal(last.code, 0, last.stderr);
      assert.match(last.stderr, /attached to the run under way/);
      assert.equal((await world.exists('detached')).instances.length, 2);
    } finally {
      world.aws.configure(QUICK);
    }
  });

  it('with --detach does not wait; cancel takes back what was made', async () => {
    world.aws.configure({ propagationSeconds: 10 });
    try {
      const up = await muster('up', specFile('brief'), '--detach', '--json');
      assert.equal(up.code, 0);
      const { workflowId, runId, state } = JSON.parse(up.stdout);
      assert.deepEqual([workflowId, state], ['fleet:brief', 'running']);
      const running = await muster('status', 'brief', '--json');
      assert.equal(running.code, 0);
      assert.equal(JSON.parse(running.stdout).runId, runId);
      const cancelled = await muster('cancel', 'brief');
      assert.equal(cancelled.code, 0, cancelled.stderr);
      assert.match(cancelled.stdout, /fleet brief was cancelled; all that the run made is gone again/);
      assert.equal((await world.exists('brief')).role, undefined);
    } finally {
      world.aws.configure(QUICK);
    }
  });
});

describe('muster down', () => {
  it('asks, and without a terminal wants --yes', async () => {
    const { code, stderr } = await muster('down', 'anything');
    assert.equal(code, 2);
    assert.match(stderr, /add --yes/);
  });

  it('on a terminal does what it is answered, and nothing at Ctrl-C', async () => {
    await muster('up', specFile('asked'));
    const answer = (typed: string) =>
      converse(['down', 'asked'], [[/has 2 instances[\s\S]*Remove all of it\? \[y\/N\] $/, typed]], {
        env: world.sandbox.env,
      });
    for (const [typed, ends] of [
      ['n\n', 0],
      ['\n', 0],
      ['\x03', 130],
    ] as const) {
      const { code, screen } = await answer(typed);
      assert.equal(code, ends, screen);
      assert.match(screen, /Nothing was changed/);
      assert.equal((await world.exists('asked')).instances.length, 2);
    }
    const declined = await converse(['down', 'asked', '--json'], [[/\[y\/N\] $/, 'n\n']], {
      env: world.sandbox.env,
    });
    assert.match(
      declined.screen,
      /Nothing was changed\.\n\{\n {2}"fleet": "asked",\n {2}"changed": false\n\}\n/,
    );
    const { code, screen } = await answer('y\n');
    assert.equal(code, 0, screen);
    assert.deepEqual((await world.exists('asked')).instances, []);
  });

  it('takes the fleet down; the list has it no more', async () => {
    await muster('up', specFile('brought-down'));
    const { code, stdout } = await muster('down', 'brought-down', '--yes');
    assert.equal(code, 0);
    assert.match(stdout, /fleet brought-down is gone: nothing of it is left/);
    const { role, profile, instances } = await world.exists('brought-down');
    assert.deepEqual([role, profile, instances], [undefined, undefined, []]);
    const listed = JSON.parse((await muster('list', '--json')).stdout) as { fleet: string }[];
    assert.ok(listed.every(({ fleet }) => fleet !== 'brought-down'));
  });
});

describe('arguments and streams', () => {
  it('that name no fleet, no region and no free port are refused, and nothing is sent', async () => {
    const taken = new URL(world.sandbox.aws.endpoint).port;
    for (const [args, why] of [
      [['down', 'foo bar', '--yes'], /"foo bar" is no name of a fleet/],
      [['down', '', '--yes'], /"" is no name of a fleet/],
      [['status', 'a\u001b[31mred'], /"a\\u001b\[31mred" is no name of a fleet/],
      [['status', 'x'.repeat(3000)], /is no name of a fleet/],
      [['down', 'x', '--yes', '--region', 'bogus'], /--region "bogus" is none/],
      [['sandbox', '--port', taken], /something listens there already/],
      [['sandbox', '--env', '/nonexistent/dir/env'], /cannot be written/],
    ] as const) {
      const { code, stdout, stderr } = await muster(...args);
      assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
      assert.equal(stdout, '');
      assert.match(stderr, why);
    }
  });

  it('says npx where it was called through npm', async () => {
    const { stderr } = await ended(start(['cancel', 'nobody'], { npm_command: 'exec' }));
    assert.match(stderr, /'npx muster list' shows all/);
    const colored = { npm_command: 'exec', NO_COLOR: '', FORCE_COLOR: '1' };
    const { stdout } = await ended(start(['up', specFile('through-npm')], colored));
    assert.match(stdout, /next[^\n]*npx muster status through-npm\n/);
  });

  it('a closed stdout changes nothing of the exit code', async () => {
    const child = start(['up', specFile('unread')]);
    child.stdout!.destroy();
    assert.equal((await ended(child)).code, 0);
    assert.equal((await world.exists('unread')).instances.length, 2);
  });

  it('a stdout that takes nothing is told, and is a failure of what only shows', {
    skip: !existsSync('/dev/full') && 'there is no device that is full',
  }, async () => {
    const full = openSync('/dev/full', 'w');
    const toFull = (...args: string[]) =>
      ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1' }, undefined, full));
    const file = specFile('untold');
    const WORDS = /✗ not all of it could be written to stdout: ENOSPC: no space left on device, write\n$/;
    try {
      const up = await toFull('up', file, '--json');
      assert.equal(up.code, 0, up.stderr);
      assert.match(up.stderr, WORDS);
      for (const line of [
        ...['list', 'list --json', 'logs untold --json', 'status untold --json', 'report untold --html -'],
        ...['check untold', 'sweep', 'schedule list --json', 'completion bash'],
      ]) {
        const { code, stderr } = await toFull(...line.split(' '));
        assert.equal(code, 2, `${line}\n${stderr}`);
        assert.match(stderr, WORDS, line);
      }
      for (const what of ['plan', 'permissions']) {
        const { code, stderr } = await toFull(what, file, '--json');
        assert.equal(code, 2, `${what}\n${stderr}`);
        assert.match(stderr, WORDS, what);
      }
      assert.equal((await toFull('status', 'nobody', '--json')).code, 2);
    } finally {
      closeSync(full);
    }
  });

  it('a fleet of which nothing is known is not called gone', async () => {
    const status = await muster('status', 'nobody');
    assert.equal(status.code, 2);
    assert.match(
      status.stderr,
      /Temporal at 127\.0\.0\.1:\d+ \(namespace 'default'\) knows no run of the fleet 'nobody', and AWS shows nothing with its tag in us-east-1/,
    );
    const down = await muster('down', 'nobody', '--yes');
    assert.equal(down.code, 0);
    assert.match(down.stdout, /^✓ nothing of a fleet nobody is there/);
  });
});

describe('muster status and list', () => {
  it('tell a fleet by its name', async () => {
    await muster('up', specFile('told'));
    const { code, stdout } = await muster('status', 'told');
    assert.equal(code, 0);
    assert.match(stdout, /fleet told is complete/);
    assert.match(stdout, /launch the instances +done/);
    assert.match((await muster('list')).stdout, /^FLEET +STATE .*\n[\s\S]*told +complete +2 +us-east-1/);
  });
});

describe('muster schedule', () => {
  const MORNINGS = ['--cron', '0 8 * * 1-5', '--timezone', 'Europe/Paris', '--for', '10h'];

  it('set, show, list, pause, resume, trigger, backfill and delete, each in words and as JSON', async () => {
    const file = specFile('mornings');
    const made = await ended(start(['schedule', 'set', file, ...MORNINGS], { TZ: 'America/New_York' }));
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^✓ schedule mornings is on\n/);
    assert.match(made.stdout, /at 08:00, Monday through Friday, by the clocks of Europe\/Paris/);
    assert.match(
      made.stdout,
      /NEXT \(Europe\/Paris\) +HERE \(America\/New_York\)\n( +\w{3} \d+ \w{3} \d{4}, 08:00 .*\n){4}/,
    );
    assert.match(made.stderr, /^\nmuster schedule trigger mornings {3}/);

    const shown = JSON.parse((await muster('schedule', 'show', 'mornings', '--json')).stdout);
    assert.deepEqual(
      [shown.fleet, shown.cron, shown.lease, shown.next.length],
      ['mornings', '0 8 * * 1-5', 36_000, 5],
    );
    assert.match(
      (await muster('schedule', 'list')).stdout,
      /^FLEET +TIMES .*\n[\s\S]*mornings +at 08:00, Monday through Friday \(Europe\/Paris\) +10 hours/,
    );
    const { schedules, checks } = JSON.parse((await muster('schedule', 'list', '--json')).stdout);
    assert.deepEqual(checks, []);
    assert.ok(schedules.some(({ fleet }: { fleet: string }) => fleet === 'mornings'));

    const paused = await muster('schedule', 'pause', 'mornings', '--note', 'on holiday');
    assert.match(
      paused.stdout,
      /^schedule mornings is paused: on holiday\n {2}muster schedule resume mornings/,
    );
    assert.match(
      (await muster('schedule', 'show', 'mornings')).stdout,
      /^‖ schedule mornings is paused: on holiday\n/,
    );
    const resumed = await muster('schedule', 'resume', 'mornings', '--json');
    assert.equal(JSON.parse(resumed.stdout).paused, false);

    world.aws.configure({ propagationSeconds: 5 });
    const triggered = await muster('schedule', 'trigger', 'mornings', '--json');
    assert.equal(triggered.code, 0, triggered.stderr);
    assert.match(JSON.parse(triggered.stdout).started[0].workflowId, /^schedule:mornings-2/);
    const again = await muster('schedule', 'trigger', 'mornings');
    world.aws.configure(QUICK);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /is under way \(schedule:mornings-\S+\), and another would be skipped/);

    const kept = await converse(['schedule', 'delete', 'mornings'], [[/'0 [\s\S]*\[y\/N\] $/, 'n\n']], {
      env: world.sandbox.env,
    });
    assert.match(kept.screen, /Nothing was changed/);
    const deleted = await muster('schedule', 'delete', 'mornings', '--yes');
    assert.equal(deleted.code, 0, deleted.stderr);
    assert.match(deleted.stdout, /^schedule mornings is deleted\n {2}schedule:mornings-\S+ goes on/);
    assert.equal((await muster('schedule', 'show', 'mornings')).code, 2);
  });

  it('ends with 2 and all mistakes, in the words of the arguments, and sends nothing', async () => {
    const file = join(folder, 'wrong-schedule.yaml');
    writeFileSync(
      file,
      'name: wrong\nregion: us-east-1\ninstances: { count: 0, image: ami-12c6146b, type: t3.micro }\n',
    );
    const wrong = [
      '--cron',
      '0 25 * * *',
      '--timezone',
      'Europe/Pari',
      '--overlap',
      'skp',
      '--catch-up',
      'soon',
    ];
    const { code, stdout, stderr } = await muster('schedule', 'set', file, ...wrong);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    for (const mistake of [
      /7 mistakes; nothing was sent/,
      /wrong-schedule.yaml:3:\d+ instances.count/,
      /^--cron: "0 25 \* \* \*": hour '25' is not from 0 to 23/m,
      /^--timezone: "Europe\/Pari" is no time zone; did you mean Europe\/Paris\?/m,
      /^--for: missing; /m,
      /^--overlap: "skp" is not one of .*; did you mean skip\?/m,
      /^--catch-up: "soon" is not a time of/m,
    ]) {
      assert.match(stderr, mistake);
    }
    const json = await muster('schedule', 'set', file, ...wrong, '--json');
    assert.deepEqual([json.code, JSON.parse(json.stdout).error.mistakes.length], [2, 7]);
    assert.equal((await muster('schedule', 'show', 'wrong')).code, 2);

    const backfill = await muster(
      'schedule',
      'backfill',
      'wrong',
      '--from',
      'yesterday',
      '--overlap',
      'none',
    );
    assert.equal(backfill.code, 2);
    assert.match(
      backfill.stderr,
      /^--from: "yesterday" is no time; [\s\S]*^--to: missing; [\s\S]*^--overlap: "none"/m,
    );
    assert.match((await muster('schedule', 'show', 'foo bar')).stderr, /"foo bar" is no name of a fleet/);
  });

  it('backfill runs a time that has passed, by the clocks of the schedule', async () => {
    await muster('schedule', 'set', specFile('missed'), ...MORNINGS);
    const range = ['--from', '2025-07-07T08:00', '--to', '2025-07-07T08:00'];
    const { code, stdout, stderr } = await muster('schedule', 'backfill', 'missed', ...range);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^1 run of the schedule missed has begun\n {2}schedule:missed-2025-07-07T06:00:00Z\n/,
    );
    const future = await muster(
      'schedule',
      'backfill',
      'missed',
      '--from',
      '2999-01-01',
      '--to',
      '2998-01-01',
    );
    assert.equal(future.code, 2);
    assert.match(future.stderr, /^--from: .* is after [\s\S]*^--to: .* has not come yet/m);
    await muster('schedule', 'delete', 'missed', '--yes');
  });
});

describe('muster worker', () => {
  it('begins once more, as itself, for the settings of its memory', {
    skip: process.platform !== 'linux',
  }, async () => {
    const worker = start(['worker'], { MUSTER_TASK_QUEUE: 'small' });
    const hasEnded = ended(worker);
    await says(worker, /worker polls/);
    const environment = readFileSync(`/proc/${worker.pid}/environ`, 'utf8').split('\0');
    assert.ok(environment.includes('MALLOC_ARENA_MAX=2'));
    assert.ok(environment.includes('MUSTER_TASK_QUEUE=small'));
    worker.kill('SIGTERM');
    assert.equal((await hasEnded).code, 0);
  });

  it('works until SIGTERM, ends what it holds and exits with 0; another goes on', async () => {
    const queue = { MUSTER_TASK_QUEUE: 'of-its-own' };
    world.aws.configure({ propagationSeconds: 4 });
    try {
      const first = start(['worker'], queue);
      const firstEnded = ended(first);
      await says(first, /worker polls the task queue 'of-its-own'/);
      const up = ended(start(['up', specFile('handed-over'), '--json'], queue));
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const second = start(['worker'], queue);
      const secondEnded = ended(second);
      await says(second, /worker polls/);
      first.kill('SIGTERM');
      assert.equal((await firstEnded).code, 0);
      const { code, stdout, stderr } = await up;
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).state, 'complete');
      second.kill('SIGTERM');
      assert.equal((await secondEnded).code, 0);
    } finally {
      world.aws.configure(QUICK);
    }
  });
});

describe('what is secret', () => {
  it('is in no output, no log, no progress and no memo, whatever fails', async () => {
    const secret = 'hunter2-in-user-data';
    const queue = { MUSTER_TASK_QUEUE: 'of-secrets' };
    const worker = start(['worker'], queue);
    const workerEnded = ended(worker);
    await says(worker, /worker polls/);
    const undos = [
      world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', cut: true, times: 2 }),
      world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED }),
    ];
    const file = specFile('secretive', `tags: { team: blue }`);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(
        'type: t3.micro',
        `type: t3.micro, userData: "echo ${secret} $(id) {{x}}"`,
      ),
    );
    const up = await ended(start(['up', file], queue));
    for (const undo of undos) undo();
    const status = await ended(start(['status', 'secretive', '--json'], queue));
    const described = await world.client.workflow.getHandle('fleet:secretive').describe();
    worker.kill('SIGTERM');
    const said = await workerEnded;
    assert.equal(up.code, 1, up.stderr);
    const all = [up, status, said].map(({ stdout, stderr }) => stdout + stderr).join('\n');
    assert.doesNotMatch(all, new RegExp(secret));
    assert.doesNotMatch(all, new RegExp(world.sandbox.env.AWS_SECRET_ACCESS_KEY!.replace(/[^\w]/g, '.')));
    assert.doesNotMatch(JSON.stringify([described.memo, described.searchAttributes]), new RegExp(secret));

    const whole = await muster('up', file);
    assert.equal(whole.code, 0, whole.stderr);
    const [instance] = (await world.exists('secretive')).instances;
    const { UserData } = await world.ec2.send(
      new DescribeInstanceAttributeCommand({ InstanceId: instance!.InstanceId, Attribute: 'userData' }),
    );
    assert.equal(Buffer.from(UserData!.Value!, 'base64').toString(), `echo ${secret} $(id) {{x}}`);
  });
});

describe('muster sandbox', () => {
  it('prints what to export, and takes everything with it when it ends', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const child = start(['sandbox', '--json']);
      const end = ended(child);
      const env = await new Promise<Record<string, string>>((resolve) => {
        child.stdout!.once('data', (text) => resolve(JSON.parse(String(text))));
      });
      const ports = [
        env.TEMPORAL_ADDRESS!,
        new URL(env.AWS_ENDPOINT_URL!).host,
        new URL(env.MUSTER_UI_URL!).host,
      ];
      assert.deepEqual(await Promise.all(ports.map(listens)), [true, true, true]);
      child.kill(signal);
      const { code } = await end;
      assert.equal(code, signal === 'SIGTERM' ? 0 : null);
      for (let tries = 0; tries < 600 && (await Promise.all(ports.map(listens))).includes(true); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.deepEqual(await Promise.all(ports.map(listens)), [false, false, false], signal);
    }
  });

  it('ends with the process in whose place it runs, however that ends', async () => {
    const child = spawn(process.execPath, [MUSTER, 'sandbox', '--json'], {
      env: { ...process.env, MUSTER_CHILD: '1' },
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    });
    await once(child.stdout!, 'data');
    const exit = once(child, 'exit');
    // As the kernel does when it ends the other side.
    child.disconnect();
    assert.deepEqual(await exit, [0, null]);
  });

  function listens(address: string): Promise<boolean> {
    const [host, port] = address.split(':');
    return new Promise((resolve) => {
      const socket = connect(Number(port), host!);
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }
});

describe('muster demo', () => {
  it('brings a fleet up, proves it, takes it down and ends with 0', async () => {
    const { code, stdout, stderr } = await muster('demo');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /fleet s3-read-only is complete[\s\S]*fleet s3-read-only is gone/);
    assert.doesNotMatch(stdout, / next /);
    for (const proof of [/listed s3:/, /read hello.txt/, /AccessDenied/, /rotated/, /again/]) {
      assert.match(stderr, proof);
    }
  });
});

describe('muster scale', () => {
  it('says what was done, as text and as JSON, and ends with its exit codes', async () => {
    assert.equal((await muster('up', specFile('sized'))).code, 0);
    const more = await muster('scale', 'sized', '3');
    assert.equal(more.code, 0, more.stderr);
    assert.match(more.stdout, /^✓ fleet sized is scaled from 2 to 3 instances after \d+\.\d s\n/);
    assert.match(more.stderr, /✓ launch the instances \d/);
    assert.equal((await world.exists('sized')).instances.length, 3);

    const same = await muster('scale', 'sized', '3');
    assert.equal(same.code, 0);
    assert.match(same.stderr, /nothing to do: it has 3 instances\n/);
    assert.doesNotMatch(same.stderr, /create the role/);
    assert.match(same.stdout, /^✓ fleet sized is complete\n[\s\S]*\n {2}scaled {4}from 2 to 3, /);
    const { scale } = JSON.parse((await muster('status', 'sized', '--json')).stdout);
    const status = await muster('status', 'sized');
    assert.match(
      status.stdout,
      new RegExp(`\\n {12}http\\S+/${scale.runId}\\n[\\s\\S]*when it was brought up:`),
    );

    const undo = world.aws.fault({ action: 'RunInstances', match: 'TagSpecification', error: DENIED });
    const denied = await muster('scale', 'sized', '5');
    undo();
    assert.equal(denied.code, 1);
    assert.match(denied.stdout, /^✗ fleet sized was not scaled from 3 to 5 instances; it is as it was\n/);
    assert.match(denied.stdout, /User is not authorized to perform this\n/);
    assert.match(denied.stdout, /next {6}muster scale sized 5, once the cause is gone/);
    assert.match(
      (await muster('status', 'sized')).stdout,
      /scaled {4}from 3 to 5, \S+, in vain: AccessDenied/,
    );

    const fewer = await muster('scale', 'sized', '1', '--by', 'oldest', '--json');
    assert.equal(fewer.code, 0, fewer.stderr);
    const report = JSON.parse(fewer.stdout);
    assert.deepEqual([report.action, report.state, report.instances.length], ['scale', 'complete', 1]);
    assert.deepEqual([report.scale.from, report.scale.to, report.scale.by], [3, 1, 'oldest']);
    const { instances } = await world.exists('sized');
    assert.deepEqual(
      instances.map(({ InstanceId }) => InstanceId),
      [report.instances[0].id],
    );
    const listed = await muster('status', 'sized', '--instances');
    const [heading, one, ...others] = listed.stdout.trimEnd().split('\n');
    assert.equal(heading, 'INSTANCE             TYPE            ZONE             PRIVATE IP       STATE');
    const { id, privateIp } = report.instances[0];
    assert.match(one!, new RegExp(`^${id} +t3.micro +us-east-1\\w +${privateIp} +running$`));
    assert.deepEqual(others, []);

    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    const ended = await muster('status', 'sized', '--instances', '--json');
    assert.deepEqual([ended.code, ended.stdout.includes(`"state":"running"`)], [3, false], ended.stdout);
    assert.equal((await muster('down', 'sized', '--yes')).code, 0);
  });

  it('ends with 2 for what is no count, no choice or no fleet', async () => {
    for (const [args, words] of [
      [['sized', 'many'], /many is no count of instances/],
      [['sized', '0'], /0 is no count of instances: 1 to 10000/],
      [['sized', '2', '--by', 'age'], /--by 'age' is no choice: newest, oldest, zone/],
      [['sized', '0', '--by', 'age'], /0 is no count of instances[\s\S]*--by 'age' is no choice/],
      [['no-such', '2'], /AWS shows nothing with its tag/],
    ] as const) {
      const { code, stderr } = await muster('scale', ...args);
      assert.equal(code, 2);
      assert.match(stderr, words);
    }
  });
});
