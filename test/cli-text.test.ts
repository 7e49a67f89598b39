/** What the command says of a run: its report in every state, the live list and the plain lines. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import picocolors from 'picocolors';
import { harmless, jsonOf } from '../cli/output.ts';
import { type ReportTextOptions, reportText } from '../cli/report-text.ts';
import { silenceNews } from '../cli/silence.ts';
import { changedLines, type LiveOptions, liveLines } from '../cli/step-lines.ts';
import type { PendingStep } from '../client/pending-step.ts';
import type { RemovalOutcome } from '../fleet/removal.ts';
import type { FailureReport, FleetReport, InstanceReport, Leftover, StepReport } from '../fleet/report.ts';

const BEGAN = Date.UTC(2026, 10, 24);
const plain = picocolors.createColors(false);
const colored = picocolors.createColors(true);

const role = { name: 'web', arn: 'arn:aws:iam::123456789012:role/web', id: 'AROA1', reused: false };
const profile = {
  name: 'web',
  arn: 'arn:aws:iam::123456789012:instance-profile/web',
  id: 'AIPA1',
  reused: false,
};
const denied: FailureReport = {
  step: 'launch',
  call: 'ec2:RunInstances',
  code: 'UnauthorizedOperation',
  message: 'You are not authorized to perform this operation.\nUser: ci',
  requestId: '7a6e-1',
};
const roleLeft: Leftover = {
  kind: 'role',
  id: 'web',
  reason: 'iam:DeleteRole: AccessDenied: User is not authorized to perform this',
  command: 'aws iam delete-role --role-name web',
};
const NOT_YET = 'EC2 does not know the profile yet';

/** Steps begin `at` seconds after the run. */
function step(name: string, state: StepReport['state'], detail?: string, at = 0, seconds = 0.12): StepReport {
  if (state === 'pending') return { name, state };
  const startedAt = BEGAN + at * 1000;
  return state === 'running'
    ? { name, state, startedAt, detail }
    : { name, state, startedAt, seconds, detail };
}

/** A removal that is done. */
function removal(name: string, outcome: RemovalOutcome, detail: string, at = 0): StepReport {
  return { ...step(name, 'done', detail, at), outcome };
}

const MADE = [
  step('preflight', 'done', 'account 123456789012, ami-12c6146b'),
  step('create-role', 'done', role.arn, 0.3),
  step('create-profile', 'done', profile.arn, 0.3),
  step('await-profile', 'done', 'EC2 was asked 5 times', 0.5, 3.2),
];
const LAUNCH_FAILED = step('launch', 'failed', `${denied.code}: ${denied.message}`, 4, 0.4);
const UNDOS = [
  removal('delete-profile', 'removed', 'removed', 5),
  removal('delete-policy', 'absent', 'not there: looked 12 times in 60 s', 5.1),
  removal('delete-role', 'removed', 'removed', 5.2),
];

function report(changes: Partial<FleetReport>): FleetReport {
  return {
    schema: 1,
    fleet: 'web',
    action: 'up',
    state: 'running',
    account: '123456789012',
    region: 'us-east-1',
    workflowId: 'fleet:web',
    runId: 'r-1',
    instances: [],
    steps: [],
    undos: [],
    leftovers: [],
    ...changes,
  };
}

function instances(count: number): InstanceReport[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `i-${String(at).padStart(17, '0')}`,
    type: 't3.micro',
    zone: 'us-east-1a',
    privateIp: `10.0.0.${at + 4}`,
    state: 'running',
  }));
}

function text(changes: Partial<FleetReport>, options: Partial<ReportTextOptions> = {}): string {
  return reportText(report(changes), { colors: plain, ...options });
}

/** The end of a text, from the cause on. */
function endOf(whole: string, from = 'cause'): string {
  return whole.slice(whole.indexOf(`  ${from} `));
}

describe('the report of a fleet that is complete', () => {
  const complete: Partial<FleetReport> = {
    state: 'complete',
    role: { ...role, reused: true },
    profile,
    image: 'ami-12c6146b',
    instances: instances(22),
    propagation: { seconds: 3.24, attempts: 5 },
    steps: [
      ...MADE,
      step('launch', 'done', '22 × t3.micro', 4, 1.2),
      step('verify', 'done', undefined, 5.2, 2),
    ],
  };

  test('says what exists, where, who may use it and how long it took', () => {
    const told = text(complete, { uiUrl: 'http://127.0.0.1:8233/run' });
    assert.match(told, /^✓ fleet web is complete after 7\.2 s\n/);
    for (const line of [
      '  account   123456789012, us-east-1',
      `  role      ${role.arn} (existed before, and stays)`,
      `  profile   ${profile.arn}`,
      '  image     ami-12c6146b',
      '  waited    3.2 s until EC2 knew the profile, asked 5 times',
      '  i-00000000000000000  t3.micro  us-east-1a  10.0.0.4    running',
      '  run       http://127.0.0.1:8233/run',
    ]) {
      assert.ok(told.split('\n').includes(line), line);
    }
    assert.match(told, /\n {2}next {6}muster status web\n {12}muster down web$/);
  });

  test('says first what there is and since when, and offers a check, to whoever asks how it is', () => {
    const told = text(complete, { steps: true });
    assert.match(
      told,
      /\n\n {2}has {7}22 × t3\.micro, complete since 2026-11-24T00:00:\d\dZ \(\d+ days?.*\)\n {2}account/,
    );
    assert.match(told, /\n {2}next {6}muster check web\n {12}muster down web$/);
    assert.doesNotMatch(text(complete), /complete since/);
  });

  test('shows twenty instances and counts the rest', () => {
    const told = text(complete);
    assert.equal(told.match(/ {2}i-\d+/g)!.length, 20);
    assert.match(told, /\n {2}and 2 more; muster status web --instances has all\n/);
    assert.doesNotMatch(text({ ...complete, instances: instances(20) }), /more; --json/);
  });

  test('says who could not be told', () => {
    const why = 'https://example.com/hook: the worker has no HOOK_SECRET in its environment';
    assert.ok(text({ ...complete, unheard: [why] }).includes(`\n  not told  ${why}\n`));
    assert.doesNotMatch(text(complete), /not told/);
  });

  test('lists the steps with their times for whoever has not watched them', () => {
    assert.doesNotMatch(text(complete), /launch the instances/);
    const steps = text(complete, { steps: true });
    assert.match(steps, /\n {2}create the role {19}done {2}0\.1 s {2}arn:/);
    assert.match(steps, /\n {2}launch the instances {14}done {2}1\.2 s {2}22 × t3\.micro\n/);
  });

  test('reads the same without colour', () => {
    const options = { steps: true, uiUrl: 'http://ui' };
    const inColour = text(complete, { ...options, colors: colored });
    assert.ok(inColour.includes(colored.green('✓')));
    assert.equal(stripVTControlCharacters(inColour), text(complete, options));
  });
});

describe('the report of a fleet that is there', () => {
  const there: Partial<FleetReport> = {
    state: 'complete',
    role,
    profile,
    instances: instances(3),
    steps: [...MADE, step('verify', 'done', undefined, 5.2, 2)],
  };
  const source = { type: 't3.micro', zone: 'us-east-1a', market: 'on-demand', count: 3 } as const;
  const placements = [{ type: 't3.micro', zone: 'us-east-1a' }, { type: 't3.small' }];

  test('says where it came from whenever it could have come from elsewhere, however far it is', () => {
    for (const state of ['running', 'complete', 'degraded'] as const) {
      const told = (more: Partial<FleetReport>) => text({ ...there, state, sources: [source], ...more });
      assert.match(told({ placements }), /\n {2}from {6}3 × t3\.micro in us-east-1a\n/);
      assert.doesNotMatch(told({ placements: placements.slice(0, 1) }), /\n {2}from /);
    }
  });

  test('that is short offers to ask for the rest', () => {
    const short = text({ ...there, sources: [source], wanted: { want: 5, min: 2 } });
    assert.match(short, /^✓ fleet web is complete with 3 of 5 instances after /);
    assert.match(short, /\n {2}short {5}3 of the 5 wanted; at least 2 were needed\n/);
    assert.match(
      short,
      /\n {2}next {6}muster scale web 5 {3}asks for the rest once more\n {12}muster status web\n/,
    );
    const running = text({ state: 'running', sources: [source], wanted: { want: 5, min: 2 } });
    assert.doesNotMatch(running, / short /);
  });

  test('that is changed and has what is wanted is not short, though no launch tells it', () => {
    const changed: Partial<FleetReport> = {
      ...{ action: 'change', state: 'complete', role, profile },
      instances: instances(4),
      change: { changes: [], rest: [], startedAt: BEGAN },
    };
    assert.doesNotMatch(text({ ...changed, wanted: { want: 4, min: 4 } }), / short /);
    assert.match(
      text({ ...changed, wanted: { want: 6, min: 3 } }),
      / short {5}4 of the 6 wanted; at least 3/,
    );
  });

  test('that is gone again is not short of what it wanted', () => {
    for (const state of ['cancelled', 'rolled-back'] as const) {
      assert.doesNotMatch(text({ state, wanted: { want: 300, min: 300 } }), /short|enough|needed/);
    }
  });

  test('asked for by status is not sent to status again', () => {
    for (const changes of [there, { state: 'removing' }, { state: 'rolling-back' }] as const) {
      assert.match(text(changes), /muster status web/);
      assert.doesNotMatch(text(changes, { steps: true }), /muster status web/);
    }
  });

  test('with a lease is extended or released, whole or not', () => {
    const lease = { endsAt: Date.now() + 7_200_000 };
    for (const state of ['complete', 'degraded'] as const) {
      const told = text({ ...there, state, lease });
      assert.match(told, /\n {2}wanted {4}until \d{4}-\d\d-\d\d \d\d:\d\d \S+, for 2 hours more\n/);
      assert.match(told, / muster extend web 2h\n {12}muster release web$/);
      assert.equal(/\n {2}next {6}muster check web --repair /.test(told), state === 'degraded');
    }
  });

  test('that has been changed tells its first steps as such, and the run of the change', () => {
    const scale = { from: 1, to: 3, by: 'newest', startedAt: BEGAN, runId: 'r-2' } as const;
    const told = text({ ...there, scale }, { steps: true, changeUrl: 'http://ui/r-2' });
    assert.match(told, /^✓ fleet web is complete\n/);
    assert.match(told, /\n {2}scaled {4}from 1 to 3, 2026-11-24T00:00:00Z\n {12}http:\/\/ui\/r-2\n/);
    assert.match(told, /\n {2}when it was brought up:\n {2}look before touching anything /);
  });
});

describe('the report of a run that failed', () => {
  const failed: Partial<FleetReport> = {
    state: 'rolled-back',
    role,
    profile,
    error: denied,
    steps: [...MADE, LAUNCH_FAILED],
    undos: UNDOS,
  };

  test('ends with the cause, what was undone, what remains and the next command', () => {
    const told = text(failed, { uiUrl: 'http://ui' });
    assert.match(told, /^✗ fleet web failed; all that the run made is gone again\n/);
    assert.equal(
      endOf(told),
      [
        "  cause     in 'launch the instances': ec2:RunInstances: UnauthorizedOperation (request 7a6e-1)",
        '            You are not authorized to perform this operation.',
        '            User: ci',
        '  undone    delete the instance profile',
        '            delete the role',
        '  left      nothing',
        '',
        '  next      muster up FILE, once the cause is gone',
      ].join('\n'),
    );
    assert.doesNotMatch(told, /arn:/, 'what is gone is not shown as if it were there');
  });

  test('lists everything that preflight found', () => {
    const problems = ["the role 'web' exists", 't3.micro is not offered in us-east-1e'];
    const error = { step: 'preflight', code: 'PreflightFailed', message: '2 problems', problems };
    assert.equal(
      endOf(text({ state: 'rolled-back', error })),
      [
        "  cause     in 'look before touching anything':",
        "            - the role 'web' exists",
        '            - t3.micro is not offered in us-east-1e',
        '  left      nothing',
        '',
        '  next      mend that, then muster up FILE again',
      ].join('\n'),
    );
  });

  test('names each leftover with its reason and its command, and shows nothing else as existing', () => {
    const undos = [UNDOS[0]!, step('delete-role', 'failed', roleLeft.reason, 5, 900)];
    const told = text({ ...failed, state: 'left-over', undos, leftovers: [roleLeft] });
    assert.match(told, /^✗ fleet web failed, and something is left\n/);
    assert.match(told, /\n {2}role {6}arn:/);
    assert.doesNotMatch(told, /instance-profile\/web/);
    assert.equal(
      endOf(told, 'undone'),
      [
        '  undone    delete the instance profile',
        '  left      role web: iam:DeleteRole: AccessDenied: User is not authorized to perform this',
        '              aws iam delete-role --role-name web',
        '',
        '  next      muster retry web                  removes what is left, once the cause is gone',
        '            muster retry web --skip KIND/ID   the same, and gives one thing up',
      ].join('\n'),
    );
  });

  test('does not call undone what the undo left as it was', () => {
    const undos = [
      UNDOS[0]!,
      removal('delete-role', 'not-ours', 'what has that name is not its own', 5),
      removal('terminate', 'absent', 'none there: looked once, by tag and by client token'),
    ];
    const end = endOf(text({ ...failed, undos }), 'undone');
    assert.match(end, /^ {2}undone {4}delete the instance profile\n {2}untouched delete the role: /);
    assert.doesNotMatch(end, /terminate/);
  });

  test('wraps sentences to the width, and leaves commands whole', () => {
    const told = text({ ...failed, state: 'left-over', leftovers: [roleLeft] }, { width: 44 });
    assert.match(told, /\n {12}You are not authorized to\n {12}perform this operation\.\n/);
    assert.ok(told.includes('\n              aws iam delete-role --role-name web\n'));
  });
});

describe('the report of a run that was cancelled, is paused or was lost', () => {
  test('cancelled: what was undone, and that nothing is left', () => {
    const told = text({ state: 'cancelled', steps: MADE, undos: UNDOS });
    assert.match(told, /^– fleet web was cancelled; all that the run made is gone again\n/);
    assert.match(told, /undone {4}delete the instance profile\n {12}delete the role\n {2}left {6}nothing\n/);
    assert.match(
      text({ state: 'left-over', leftovers: [roleLeft] }),
      /^✗ fleet web was cancelled, and something/,
    );
  });

  test('paused: what exists, the cause, and both decisions', () => {
    const told = text({ state: 'paused', role, profile, error: denied });
    assert.match(told, /^‖ fleet web is paused for a person\n/);
    assert.ok(told.includes(role.arn) && told.includes(profile.arn));
    assert.match(told, /cause[\s\S]*next {6}muster retry web .*\n {12}muster rollback web .*$/);
    assert.doesNotMatch(told, / left /);
  });

  test('lost: it does not pretend to know what is left', () => {
    const error = { step: 'await-profile', code: 'Terminated', message: 'the run was terminated' };
    const told = text({ state: 'lost', role, error });
    assert.match(told, /^✗ the run of fleet web was ended from outside before it came up\n/);
    assert.match(told, /left {6}what is named above, and perhaps more\n/);
    assert.match(told, /next {6}muster down web {3}/);
    assert.match(text({ state: 'lost', error }), /left {6}nothing that is known here\n/);
    const found = text({ state: 'lost', role, error, leftovers: [roleLeft] });
    assert.match(found, /left {6}role web: .*\n {14}aws iam delete-role --role-name web\n/);
    assert.match(found, /next {6}muster retry web {3}removes what it left$/);
  });
});

describe('the report of a run under way', () => {
  test('says how far it is and how to stop it or to go on watching', () => {
    const steps = [...MADE, step('launch', 'running', 'starting', 4), step('verify', 'pending')];
    const told = text({ steps }, { steps: true });
    assert.match(told, /^… fleet web is being brought up\n/);
    assert.match(told, /launch the instances +running +starting\n {2}verify the fleet +pending\n/);
    assert.match(told, /next {6}muster cancel web {3}/);

    const back = text({ state: 'rolling-back', error: denied, steps: MADE, undos: UNDOS }, { steps: true });
    assert.match(back, /^… fleet web is being rolled back\n/);
    assert.match(back, /\n {2}taking back:\n {2}delete the instance profile +done +0\.1 s {2}removed\n/);
    assert.match(text({ state: 'removing', action: 'down' }), /^… fleet web is being taken down\n/);
  });
});

describe('the report of a teardown', () => {
  const removals = [
    step('find', 'done', '2 instances, profile web, role web'),
    removal('terminate', 'removed', '2 terminated', 0.4),
    removal('delete-policy', 'absent', 'nothing of the fleet', 2),
    removal('delete-role', 'removed', 'removed', 2),
  ];

  test('gone: one line, and what was removed', () => {
    const told = text({ state: 'gone', action: 'down', role, profile, steps: removals });
    assert.match(told, /^✓ fleet web is gone: nothing of it is left\n/);
    assert.match(told, /\n {2}removed {3}terminate the instances: 2 terminated\n {12}delete the role$/);
  });

  test('does not say that nothing is left when volumes were kept', () => {
    const steps = [removal('terminate', 'removed', '2 terminated; volumes kept: vol-1')];
    const told = text({ state: 'gone', action: 'down', steps, volumesKept: ['vol-1'] });
    assert.match(told, /^✓ fleet web is gone; volumes that it had are kept\n/);
    assert.match(told, /vol-1/);
  });

  test('left over: says that the removal failed, what it removed, and what not', () => {
    const error = { step: 'delete-role', code: 'AccessDenied', message: 'no', call: 'iam:DeleteRole' };
    const steps = [...removals.slice(0, 2), step('delete-role', 'failed', 'AccessDenied: no')];
    const told = text({
      ...{ action: 'down', state: 'left-over', role, profile, steps, error },
      leftovers: [roleLeft],
      instances: instances(2),
    });
    assert.match(told, /^✗ the removal of fleet web failed\n/);
    assert.doesNotMatch(told, /i-0000|instance-profile\/web/, 'what it removed is not shown as existing');
    assert.match(told, /removed {3}terminate the instances: 2 terminated\n {2}left {6}role web: /);
    assert.match(told, /next {6}muster retry web +removes what is left, once the cause is gone\n/);
  });

  test('left over before it could look: says that it does not know', () => {
    const error = { step: 'find', code: 'AccessDenied', message: 'no' };
    const told = text({ action: 'down', state: 'left-over', error });
    assert.match(told, /left {6}not known: what the fleet has could not be looked up\n/);
    const looked = text({ action: 'down', state: 'left-over', role, error, steps: removals.slice(0, 1) });
    assert.match(looked, /left {6}nothing that a last look showed\n/);
    assert.doesNotMatch(looked, /arn:/);
  });
});

describe('the live list', () => {
  const options: LiveOptions = { colors: plain, now: BEGAN + 15_000, frame: 0, width: 80, pending: [] };
  const running = report({
    steps: [
      step('create-role', 'done', 'x'.repeat(100)),
      step('await-profile', 'running', NOT_YET, 0.7),
      step('launch', 'pending'),
    ],
  });

  test('has a line a step: mark, title, time and words', () => {
    const [done, waits, pending] = liveLines(running, options);
    assert.match(done!, /^✓ create the role {21}0\.1 s {2}x+…$/);
    assert.equal(waits, `⠋ wait until EC2 knows the profile   14.3 s  ${NOT_YET}`);
    assert.equal(pending, '· launch the instances');
    assert.match(liveLines(running, { ...options, frame: 11 })[1]!, /^⠙ /);
  });

  test('marks each state', () => {
    const states = ['failed', 'paused', 'cancelled'] as const;
    const steps = states.map((state) => step('launch', state));
    assert.deepEqual(
      liveLines(report({ steps }), options).map((line) => line[0]),
      ['✗', '‖', '–'],
    );
  });

  test('tells of a call that is made again instead of what the step says', () => {
    const again = (reason?: string, width = 80) =>
      liveLines(running, {
        ...options,
        width,
        pending: [{ name: 'await-profile', attempt: 3, reason }],
      }).slice(1);
    assert.match(again()[0]!, / {2}attempt 3$/);
    const throttled = 'Throttling: Rate\nexceeded';
    assert.deepEqual(again(throttled, 120).length, 2, 'the step, and the one after it');
    assert.match(again(throttled, 120)[0]!, / 14\.3 s {2}attempt 3: Throttling: Rate exceeded$/);
    assert.deepEqual(again(throttled).slice(0, 2), [
      '⠋ wait until EC2 knows the profile   14.3 s',
      '    attempt 3: Throttling: Rate exceeded',
    ]);
  });

  test('has below a step what its line has no room for, in three lines at most', () => {
    const long = `${denied.code}: ${'You are not authorized to perform this operation. '.repeat(9)}`;
    const failing = report({
      steps: [step('launch', 'failed', long), step('create-role', 'done', role.arn)],
    });
    const lines = liveLines(failing, { ...options, width: 40 });
    assert.deepEqual(lines, [
      '✗ launch the instances             0.1 s',
      '    UnauthorizedOperation: You are not',
      '    authorized to perform this',
      '    operation. You are not authorized t…',
      '✓ create the role                  0.1 s',
    ]);
  });

  test('has what was launched by its zones beside the refusals below', () => {
    const then = 'trying t3.micro in us-east-1b';
    const refused = {
      what: 'refused' as const,
      at: BEGAN,
      placement: 't3.micro in us-east-1a',
      code: 'InsufficientInstanceCapacity',
      reason: 'no room',
      then,
    };
    const words = 't3.micro in us-east-1a: no capacity, trying t3.micro in us-east-1b';
    const source = { type: 't3.micro', market: 'on-demand' as const };
    const launching = report({
      steps: [step('launch', 'running', words)],
      decisions: [refused],
      sources: [
        { ...source, zone: 'us-east-1b', count: 9 },
        { ...source, zone: 'us-east-1a', count: 12 },
      ],
    });
    const [line, below] = liveLines(launching, options);
    assert.match(line!, / {2}us-east-1a 12, us-east-1b 9$/);
    assert.equal(below, `    ${words}`);
  });

  test('says what a roll changes, which need not be the image', () => {
    const about = {
      from: 'ami-1',
      to: 'ami-1',
      count: 4,
      waves: 2,
      size: 2,
      wave: 1,
      healthy: 1,
      replaced: 0,
    };
    const roll = { ...about, startedAt: BEGAN, failed: 'cancelled' };
    const change = (field: string, from: string, to: string) => ({ field, from, to, how: 'roll' as const });
    const type = change('instances.placements', 't3.micro', 't3.small');
    const groups = change('instances.securityGroups', 'sg-1', 'sg-1, sg-2');
    const data = change('instances.userData', '10 characters', '12 characters');
    const long = change('instances.metadata', 'x'.repeat(41), 'none');
    const zones = change('instances.placements', 't3.micro in us-east-1a', 't3.micro in us-east-1b');
    const rowOf = (more: object) => {
      const told = text({ state: 'complete', role, roll: { ...roll, ...more } });
      return / rolled {4}(.*), 2026-11-24T00:00:00Z, in vain: cancelled\n/.exec(told)?.[1];
    };
    assert.equal(rowOf({ changes: [type] }), 'type from t3.micro to t3.small');
    assert.equal(
      rowOf({ to: 'ami-2', changes: [groups, data, long] }),
      'image from ami-1 to ami-2, security groups from sg-1 to sg-1, sg-2, user data, metadata',
    );
    assert.equal(
      rowOf({ changes: [zones] }),
      'placements from t3.micro in us-east-1a to t3.micro in us-east-1b',
    );
    assert.equal(rowOf({ to: 'ami-2', changes: [] }), 'image from ami-1 to ami-2');
    assert.equal(rowOf({ to: 'resolve:ssm:/ami', changes: [type] }), 'type from t3.micro to t3.small');
    assert.equal(rowOf({}), 'image ami-1 as before', 'of an earlier version');
    const rolling = text({ action: 'roll', state: 'rolling', role, roll: { ...roll, changes: [type] } });
    assert.match(
      rolling,
      / rolling {3}type from t3\.micro to t3\.small; wave 1 of 2, 1 of 2 healthy; 0 of 4/,
    );
  });

  test('says how far a roll is', () => {
    const roll = {
      from: 'ami-1',
      to: 'ami-2',
      count: 4,
      waves: 2,
      size: 2,
      wave: 1,
      healthy: 1,
      replaced: 0,
      startedAt: BEGAN,
    };
    const rolling = report({ action: 'roll', state: 'rolling', roll, steps: [step('launch', 'running')] });
    assert.equal(liveLines(rolling, options)[0], 'wave 1 of 2, 1 of 2 healthy; 0 of 4 replaced');
  });

  describe('of a fleet in several places', () => {
    const NAMES = ['us-east-1', 'ap-southeast-2'];
    const place = (name: string, steps: StepReport[]) => report({ place: name, steps });
    const places = NAMES.map((name, at) =>
      place(name, [
        step('launch', at === 0 ? 'done' : 'running'),
        step('verify', at === 0 ? 'running' : 'pending'),
      ]),
    );
    const up = report({
      steps: [step('await-profile', 'done'), step('launch-places', 'running'), step('mark', 'pending')],
      places,
    });
    /** Where the times end. */
    const ends = (lines: readonly string[]) => lines.flatMap((line) => (/ s$/.test(line) ? line.length : []));

    test('has what goes on in each of them below the step that launches there', () => {
      for (const width of [80, 60, 120]) {
        const lines = liveLines(up, { ...options, width });
        assert.deepEqual(
          lines.map((line) => line.replace(/ {2,}[\d.]+ s$/, '').trimEnd()),
          [
            '✓ wait until EC2 knows the profile',
            '⠋ launch in each place',
            '  ⠋ verify the fleet (us-east-1)',
            '  ⠋ launch the instances (ap-southeast-2)',
            '· mark it as complete',
          ],
        );
        assert.equal(new Set(ends(lines)).size, 1, lines.join('\n'));
      }
    });

    test('keeps the columns when another place is under way', () => {
      const later = { ...up, places: [places[0]!, place(NAMES[1]!, [step('launch', 'done')])] };
      const [before, after] = [up, later].map((at) => ends(liveLines(at, options))[0]);
      assert.equal(before, after);
    });

    test('has it below the step of that place in a change', () => {
      const steps = NAMES.map((at) => ({
        ...step('scale-place', at === NAMES[1] ? 'running' : 'pending'),
        at,
      }));
      const told = report({
        action: 'scale',
        state: 'scaling',
        steps,
        places: [report({ place: NAMES[0] }), places[1]!],
      });
      const lines = liveLines(told, options);
      assert.deepEqual(
        lines.map((line) => line.replace(/ {2,}[\d.]+ s$/, '').trimEnd()),
        ['· scale it (us-east-1)', '⠋ scale it (ap-southeast-2)', '  ⠋ launch the instances'],
      );
      assert.equal(new Set(ends(lines)).size, 1, lines.join('\n'));
    });

    test('cuts what is done before where it is done, in a narrow terminal', () => {
      const lines = liveLines(up, { ...options, width: 45 });
      assert.match(lines[3]!, /^ {2}⠋ launch the ins… \(ap-southeast-2\) +15\.0 s$/);
      assert.ok(
        lines.every((line) => line.length <= 45),
        lines.join('\n'),
      );
    });
  });

  test('is never wider than the terminal, in colour or not', () => {
    for (const width of [120, 80, 46, 45, 44, 40, 20, 1]) {
      for (const colors of [plain, colored]) {
        for (const line of liveLines(running, { ...options, width, colors })) {
          assert.ok(stripVTControlCharacters(line).length <= width, `${width}: ${line}`);
        }
      }
    }
  });

  test('has the undos under a line of their own', () => {
    const wide = { ...options, width: 140 };
    const lines = liveLines(report({ steps: [LAUNCH_FAILED], undos: UNDOS }), wide);
    assert.deepEqual(lines.slice(1, 3), ['', 'taking back what was made:']);
    assert.match(lines[3]!, /^✓ delete the instance profile .*removed$/);
  });
});

describe('the plain lines', () => {
  const look = (steps: StepReport[], pending: PendingStep[] = []) => ({
    report: report({ steps }),
    pending,
  });
  const waiting = (attempt: number, seconds: number) =>
    look([step('await-profile', 'running', `${NOT_YET} (attempt ${attempt}, ${seconds} s of 180)`)]);

  test('say once that a step has ended, and how', () => {
    const before = look([step('launch', 'running')]);
    const after = look([LAUNCH_FAILED]);
    assert.deepEqual(changedLines(before, after), [
      '✗ launch the instances 0.4 s: UnauthorizedOperation: You are not authorized to perform this operation. User: ci',
    ]);
    assert.deepEqual(changedLines(after, after), []);
  });

  test('tell a wait at first and then every ten seconds of it', () => {
    assert.equal(changedLines(undefined, waiting(1, 1)).length, 1);
    assert.deepEqual(changedLines(waiting(1, 1), waiting(2, 9)), []);
    assert.deepEqual(changedLines(waiting(2, 9), waiting(3, 10)), [
      `… wait until EC2 knows the profile: ${NOT_YET} (attempt 3, 10 s of 180)`,
    ]);
  });

  test('say that a step has begun, when it is seen at it', () => {
    assert.deepEqual(changedLines(undefined, look([step('terminate', 'pending')])), []);
    const running = look([step('terminate', 'running')]);
    assert.deepEqual(changedLines(undefined, running), ['… terminate the instances']);
    assert.deepEqual(changedLines(running, running), []);
    assert.equal(changedLines(look([LAUNCH_FAILED]), look([step('launch', 'running')])).length, 1);
  });

  test('tell a retry when its reason is of another kind or its attempts have doubled', () => {
    const retry = (attempt: number, reason?: string) => {
      const code = reason?.split(':')[0];
      return look([step('launch', 'running')], [{ name: 'launch', attempt, code, reason }]);
    };
    const tells = (before: Parameters<typeof changedLines>[0], after: NonNullable<typeof before>) =>
      changedLines(before, after).length === 1;
    assert.deepEqual(changedLines(look([step('launch', 'running')]), retry(2, 'Throttling: Rate exceeded')), [
      '… launch the instances: attempt 2: Throttling: Rate exceeded',
    ]);
    assert.ok(
      !tells(retry(2, 'Throttling: Rate exceeded'), retry(3, 'Throttling: Request 9f of yours is too much')),
    );
    assert.ok(tells(retry(3, 'Throttling: Rate exceeded'), retry(3, 'AccessDenied: no')));
    assert.ok(tells(retry(3, 'Throttling'), retry(4, 'Throttling')));
    assert.ok(!tells(retry(5), look([step('launch', 'running')])), 'that the retry is over is no news');
  });

  test('tell each refusal, those between two looks too, and none twice', () => {
    const then = 'trying another';
    const decision = (at: number) => ({
      what: 'refused' as const,
      at,
      placement: `t3.micro in zone-${at}`,
      code: 'InsufficientInstanceCapacity',
      reason: 'no room',
      then,
    });
    const words = (at: number) => `t3.micro in zone-${at}: no capacity, trying another`;
    const launching = (count: number) => ({
      report: report({
        steps: [step('launch', 'running', words(count))],
        decisions: Array.from({ length: count }, (_, at) => decision(at + 1)),
      }),
      pending: [],
    });
    const begun = look([step('launch', 'running')]);
    assert.deepEqual(changedLines(begun, launching(2)), [`  ${words(1)}`, `  ${words(2)}`]);
    assert.deepEqual(changedLines(launching(2), launching(3)), [`  ${words(3)}`]);
    assert.deepEqual(changedLines(launching(3), launching(3)), []);
    const many = changedLines(begun, launching(44));
    assert.deepEqual([many.length, many.at(-1)], [11, '  and 34 more refusals; the report has all']);
    const live = liveLines(launching(5).report, {
      colors: plain,
      now: BEGAN,
      frame: 0,
      width: 80,
      pending: [],
    });
    assert.deepEqual(live.slice(1), [
      '    2 refused before these',
      ...[3, 4, 5].map((at) => `    ${words(at)}`),
    ]);
  });

  test('name undos as such', () => {
    const after = { report: report({ undos: UNDOS.slice(0, 1) }), pending: [] };
    assert.deepEqual(changedLines(undefined, after), ['✓ undo: delete the instance profile 0.1 s: removed']);
  });
});

describe("other people's words", () => {
  test('are nothing that a terminal obeys', () => {
    const ESC = '\u001b';
    const hostile = `a${ESC}]0;title\u0007b\u009b31mc\u202ed${ESC}[2Je\rf\nkept\there`;
    assert.equal(harmless(hostile), 'a\ufffd]0;title\ufffdb\ufffd31mc\ufffdd\ufffd[2Je\ufffdf\nkept\there');
    // Colours are this command's own.
    assert.equal(harmless(colored.red('✗')), colored.red('✗'));
    const json = jsonOf({ name: hostile });
    assert.doesNotMatch(json, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    assert.equal(JSON.parse(json).name, hostile);
  });
});

describe('words that say what is meant', () => {
  const lost = { step: 'verify', code: 'Degraded', message: '1 of 4 instances are left' };

  test('a look that shows less than there was is no step that failed', () => {
    const told = text({ state: 'degraded', error: lost });
    assert.match(
      told,
      /\n {2}cause {5}what AWS shows of it now is not what its run left:\n {12}1 of 4 instances/,
    );
    assert.match(
      text({ state: 'rolled-back', action: 'scale', error: lost }),
      /in 'verify the fleet': Degraded/,
    );
  });

  test('a launch that makes up for what was ended is told as that', () => {
    const undos = [step('launch', 'done', '3 launched'), step('terminate', 'done', '2 terminated')];
    assert.deepEqual(changedLines(undefined, { report: report({ undos }), pending: [] }), [
      '✓ undo: launch again what was ended 0.1 s: 3 launched',
      '✓ undo: terminate the instances 0.1 s: 2 terminated',
    ]);
  });

  test('what goes on by itself names nothing to type', () => {
    assert.doesNotMatch(text({ state: 'complete' }, { isPassing: true }), / next /);
    assert.match(text({ state: 'complete' }), / next /);
  });
});

describe('who does not answer', () => {
  const silent = (seconds: number, of: 'worker' | 'temporal' = 'worker') => ({ silence: { of, seconds } });

  test('is said line by line when that is known, and again each minute', () => {
    assert.equal(silenceNews({}, silent(3)), undefined);
    const words = "no worker answers (6 s): the run waits until one does ('muster worker')";
    assert.equal(silenceNews(silent(3), silent(6)), words);
    assert.equal(silenceNews(undefined, silent(6)), words);
    assert.equal(silenceNews(silent(6), silent(59)), undefined);
    assert.match(silenceNews(silent(59), silent(61))!, /61 s/);
    assert.match(silenceNews(silent(61), silent(121))!, /121 s/);
    assert.match(silenceNews(silent(61), silent(62, 'temporal'))!, /^Temporal does not answer/);
    assert.equal(silenceNews(silent(61), {}), undefined);
  });
});
