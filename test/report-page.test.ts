/** The page of a report: what it tells of each end, and that nothing of what it tells can become markup. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { specFrom } from '../client/specs.ts';
import { activityCounts, type HistoryReport } from '../fleet/history-report.ts';
import type { FleetReport, FleetState, InstanceReport, StepReport } from '../fleet/report.ts';
import { attemptsOf } from '../fleet/step-attempts.ts';
import { html, link } from '../page/html.ts';
import { type PageOptions, reportPage } from '../page/page.ts';

const { spec } = specFrom({
  name: 'web',
  region: 'us-east-1',
  policy: { allow: { actions: ['s3:Get*', 's3:List*'], resources: '*' } },
  instances: { count: 4, image: 'ami-12c6146b', type: 't3.micro' },
});
const BEGAN = Date.UTC(2026, 10, 26, 8);

function step(name: string, state: StepReport['state'], at = 0, seconds = 1, detail?: string): StepReport {
  return state === 'pending'
    ? { name, state }
    : { name, state, startedAt: BEGAN + at * 1000, seconds, detail };
}

function instances(count: number, more: Partial<InstanceReport> = {}): InstanceReport[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `i-${at.toString(16).padStart(17, '0')}`,
    type: at % 3 === 0 ? 't3.small' : 't3.micro',
    zone: at % 2 === 0 ? 'us-east-1a' : 'us-east-1b',
    privateIp: `10.0.${at >> 8}.${at & 255}`,
    state: 'running',
    ...more,
  }));
}

const role = { name: 'web', arn: 'arn:aws:iam::123456789012:role/web', id: 'AROA1', reused: false };
const complete: FleetReport = {
  schema: 1,
  fleet: 'web',
  action: 'up',
  state: 'complete',
  account: '123456789012',
  region: 'us-east-1',
  workflowId: 'fleet:web',
  runId: 'run-1',
  role,
  image: 'ami-12c6146b',
  instances: instances(4),
  steps: [step('create-role', 'done', 0, 1, role.arn), step('launch', 'done', 1, 3, '4 × t3.micro')],
  undos: [],
  propagation: { seconds: 3.2, attempts: 5 },
  leftovers: [],
};
const denied = {
  step: 'launch',
  call: 'ec2:RunInstances',
  code: 'UnauthorizedOperation',
  message: 'You are not authorized to perform this operation.',
  requestId: 'req-1',
};
const failed: Partial<FleetReport> = {
  steps: [step('create-role', 'done'), step('launch', 'failed', 1, 3, `${denied.code}: ${denied.message}`)],
  undos: [{ ...step('delete-role', 'done', 4, 1, 'removed'), outcome: 'removed' }],
  error: denied,
};
const left = {
  kind: 'role',
  id: 'web',
  reason: 'iam:DeleteRole: AccessDenied: no',
  command: 'aws iam delete-role --role-name web',
} as const;
const history: HistoryReport = {
  asks: [{ at: BEGAN, what: 'up', by: '12@desk' }],
  activities: [
    activity('createRole', 'create-role', 200, {
      attempts: 3,
      failure: 'iam:CreateRole: Throttling: Rate exceeded',
    }),
    activity('launch', 'launch', 1_200),
    activity('launch', 'launch:2', 1_500, {
      attempts: 2,
      end: 'failed',
      failure: 'ec2:RunInstances: Denied: no',
    }),
    activity('deleteRole', 'undo-delete-role', 4_100),
  ],
};

function activity(
  type: string,
  id: string,
  at: number,
  more: Partial<HistoryReport['activities'][number]> = {},
) {
  return {
    ...{
      type,
      id,
      workflowId: 'fleet:web',
      scheduledAt: BEGAN + at,
      attempts: 1,
      end: 'completed',
      worker: '7@here',
    },
    ...more,
  } as HistoryReport['activities'][number];
}

const page = (more: Partial<FleetReport> = {}, options: Partial<PageOptions> = {}) =>
  reportPage({ ...complete, ...more }, { at: BEGAN + 60_000, ...options });

/** What a person reads of it, a space for all markup between two words. */
function read(text: string): string {
  return text
    .replace(/<style>[\s\S]*?<\/style>/, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;|&gt;|&quot;|&#39;|&amp;/g, (entity) => ENTITIES[entity]!)
    .replace(/\s+/g, ' ');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
};

describe('the page of a report', () => {
  test('of a complete fleet has what there is, its steps, and what may be typed next', () => {
    const told = read(page({}, { uiUrl: 'http://127.0.0.1:8233/run' }));
    for (const words of [
      'web ✓ complete',
      'fleet web is complete after 4.0 s',
      role.arn,
      '3.2 s until EC2 knew the profile, asked 5 times',
      'create the role done 1.0 s',
      'launch the instances done 3.0 s 4 × t3.micro',
      'muster down web',
      'See the run in Temporal',
      'As it was at 2026-11-26 08:01:00 UTC',
    ]) {
      assert.ok(told.includes(words), `${words}\n${told}`);
    }
    assert.doesNotMatch(told, /How it ended|under way/);
  });

  test('names the state of each end, and why, what was undone and what is left of those that failed', () => {
    const ends: [FleetState, Partial<FleetReport>, readonly string[]][] = [
      [
        'rolled-back',
        failed,
        ['You are not authorized', 'req-1', 'delete the role', 'left nothing', 'once the cause is gone'],
      ],
      [
        'left-over',
        { ...failed, leftovers: [left] },
        ['iam:DeleteRole: AccessDenied: no', left.command, 'muster retry web'],
      ],
      [
        'cancelled',
        { undos: failed.undos },
        ['was cancelled; all that the run made is gone again', 'left nothing'],
      ],
      [
        'lost',
        { error: { step: 'launch', code: 'Terminated', message: 'by hand' } },
        ['ended from outside', 'by hand', 'muster down web'],
      ],
      [
        'degraded',
        { error: { step: 'verify', code: 'Degraded', message: '1 of 4 instances are left' } },
        ['1 of 4 instances are left', 'muster check web --repair'],
      ],
      ['paused', { error: denied }, ['paused for a person', 'muster rollback web']],
      ['gone', { action: 'down', instances: [], role: undefined }, ['nothing of a fleet web is there']],
    ];
    for (const [state, more, wanted] of ends) {
      const told = read(page({ state, ...more }));
      for (const words of [` ${state} `, ...wanted])
        assert.ok(told.includes(words), `${state}: ${words}\n${told}`);
    }
  });

  test('of a run under way says so, and what it is doing', () => {
    const told = read(
      page({ state: 'running', steps: [step('create-role', 'done'), step('launch', 'running', 1, 9)] }),
    );
    assert.match(told, /This run is under way\. The page shows how far it was at 2026-11-26 08:01:00 UTC\./);
    assert.match(told, /launch the instances running 9\.0 s/);
    // It has been under way until the page was made.
    const open: StepReport = { name: 'launch', state: 'running', startedAt: BEGAN + 1_000 };
    assert.match(read(page({ state: 'running', steps: [open] })), /launch the instances running 59\.0 s/);
  });

  test('of several places has each with its state, why it failed, and its own steps', () => {
    const place = (name: string, more: Partial<FleetReport>): FleetReport => ({
      ...complete,
      place: name,
      region: name,
      workflowId: `fleet:web:${name}`,
      ...more,
    });
    const told = read(
      page({
        instances: [],
        instanceCount: 4,
        wanted: { want: 8, min: 4 },
        places: [
          place('us-east-1', {}),
          place('eu-west-1', { state: 'rolled-back', instances: [], ...failed }),
        ],
      }),
    );
    for (const words of [
      'us-east-1 ✓ complete 4',
      'eu-west-1 ✗ rolled-back 0',
      'You are not authorized',
      'Steps in us-east-1',
      'Steps in eu-west-1',
      '4 running',
    ]) {
      assert.ok(told.includes(words), `${words}\n${told}`);
    }
    assert.doesNotMatch(told, /muster scale/);
  });

  test('tells how often a step was tried and why again, by what the history says of that time', () => {
    const told = read(page(failed, { history }));
    assert.match(
      told,
      /create the role done 1\.0 s 3 attempts; failed with iam:CreateRole: Throttling: Rate exceeded/,
    );
    assert.match(
      told,
      /launch the instances failed 3\.0 s .{0,90}3 attempts of 2 activities; failed with ec2:RunInstances: Denied: no/,
    );
    assert.match(told, /Who asked for what .*2026-11-26 08:00:00 UTC up 12@desk/);
    assert.match(told, / createRole 1 3 2 /);
    assert.match(told, /Done by 1 worker: 7@here/);
    // What the step itself says is not said twice.
    const once = activity('launch', 'launch', 1_200, {
      end: 'failed',
      failure: `ec2:RunInstances: ${denied.code}: ${denied.message}`,
    });
    assert.doesNotMatch(read(page(failed, { history: { asks: [], activities: [once] } })), /1 attempt/);
    // A run that does a step of that name again is not told here.
    const later = { ...step('launch', 'done', 1_000, 3) };
    assert.equal(
      attemptsOf(later, { isUndo: false, workflowId: 'fleet:web' }, history.activities),
      undefined,
    );
    assert.equal(
      attemptsOf(failed.steps![0]!, { isUndo: false, workflowId: 'fleet:other' }, history.activities),
      undefined,
    );
  });

  test('counts activities by kind, with all attempts that failed', () => {
    assert.deepEqual(activityCounts(history.activities), [
      { type: 'createRole', count: 1, attempts: 3, failed: 2 },
      { type: 'launch', count: 2, attempts: 3, failed: 2 },
      { type: 'deleteRole', count: 1, attempts: 1, failed: 0 },
    ]);
  });

  test('says what was refused where, and what its machines may do', () => {
    const then = 'trying t3.small in us-east-1b';
    const decision = {
      what: 'refused',
      at: BEGAN + 1_000,
      placement: 't3.micro in us-east-1a',
      code: 'InsufficientInstanceCapacity',
      reason: 'We are out of it',
      then,
    } as const;
    const told = read(page({ decisions: [decision] }, { spec }));
    assert.match(
      told,
      /08:00:01 t3\.micro in us-east-1a: no capacity, trying t3\.small in us-east-1b InsufficientInstanceCapacity: We are out of it/,
    );
    assert.match(told, /What its machines may do Allow s3:Get\*, s3:List\* on \*/);
    assert.match(
      read(page({ decisions: Array.from({ length: 130 }, () => decision) })),
      / 30 more before these\. /,
    );
  });
});

describe('the grid of instances', () => {
  const squaresIn = (text: string) => text.match(/<i class="\w+" title=/g)?.length;

  test('has a square for each by zone and type, and a list', () => {
    const text = page({ instances: instances(12) });
    assert.equal(squaresIn(text), 12);
    const told = read(text);
    assert.match(told, /12 running Zone t3\.micro t3\.small us-east-1a 4 2 us-east-1b 4 2 one by one/);
    assert.match(text, /<details open>/);
    assert.match(read(page({ instances: instances(2, { state: 'shutting-down' }) })), / 2 shutting-down /);
  });

  test('of thousands has numbers and bars, and lists the first hundred', () => {
    const many = instances(6_000);
    const text = page({ instances: many.slice(0, 100), instanceCount: 6_000 }, { instances: many });
    assert.ok(text.length < 60_000, `${text.length} characters`);
    assert.equal(squaresIn(text) ?? 0, 0);
    assert.match(
      read(text),
      /6,000 running Zone t3\.micro t3\.small us-east-1a 2,000 1,000 us-east-1b 2,000 1,000/,
    );
    assert.match(read(text), /the first 100 of 6,000, one by one/);
  });

  test('says so when only some of them are known', () => {
    assert.match(read(page({ instances: instances(100), instanceCount: 6_000 })), /These are 100 of 6,000\./);
  });
});

describe('what the page is told', () => {
  const PAYLOADS = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    `' style='position:fixed' onmouseover='alert(1)`,
    '</style></title></main><iframe src="//evil.example">',
    '<!-- --><![CDATA[ &lt;b&gt; &#60;b&#62;',
    'javascript:alert(1)\u0000\u0007',
  ];

  /** Words of AWS and of people; all else is one of few words that the code itself writes. */
  const OWN = ['state', 'action', 'what', 'outcome', 'market', 'end', 'kind', 'place', 'name'];

  /** The same thing with each of its words as `word` has it, but for those of the code's own. */
  function worded<T>(thing: T, word: (at: number) => string, key = '', count = { at: 0 }): T {
    if (typeof thing === 'string') return OWN.includes(key) ? thing : (word(count.at++) as T);
    if (typeof thing !== 'object' || thing === null) return thing;
    if (Array.isArray(thing)) return thing.map((one) => worded(one, word, key, count)) as T;
    return Object.fromEntries(
      Object.entries(thing).map(([field, value]) => [field, worded(value, word, field, count)]),
    ) as T;
  }

  const then = 'on';
  const ends: FleetReport[] = (['complete', 'rolled-back', 'left-over', 'lost', 'running'] as const).map(
    (state) => ({
      ...complete,
      ...failed,
      state,
      leftovers: [left],
      lease: { endsAt: BEGAN },
      unheard: ['nobody'],
      skipped: [left],
      decisions: [{ what: 'refused', at: BEGAN, placement: 'p', code: 'c', reason: 'r', then }],
      sources: [{ type: 't', zone: 'z', market: 'spot', count: 1 }],
      scale: { from: 1, to: 2, by: 'newest', startedAt: BEGAN, failed: 'no' },
      places: [{ ...complete, ...failed, place: 'here', state: 'rolled-back', leftovers: [left] }],
    }),
  );
  const repaired: FleetReport = {
    ...complete,
    action: 'repair',
    state: 'degraded',
    repair: {
      mended: [{ kind: 'tag', resource: 'r', wanted: 'w', found: 'f', safe: true, command: 'c' }],
      mendedCount: 1,
      remaining: [{ kind: 'stranger', resource: 'r', wanted: 'w', found: 'f', safe: false, command: 'c' }],
      remainingCount: 1,
    },
  };

  const tagsOf = (text: string) => text.match(/<[^>]*>/g)!.map((tag) => tag.replace(/"[^"]*"/g, '""'));
  const pageOf = (report: FleetReport, word: (at: number) => string) =>
    reportPage(worded(report, word), {
      at: BEGAN,
      uiUrl: 'https://temporal.example/run',
      spec: worded(spec, word),
      history: worded({ ...history, activities: history.activities.map((one) => ({ ...one })) }, word),
    });

  for (const payload of PAYLOADS) {
    test(`is text, whatever it is: ${JSON.stringify(payload)}`, () => {
      for (const report of [...ends, repaired]) {
        const harmless = pageOf(report, (at) => `word${at}`);
        const hostile = pageOf(report, (at) => `word${at}${payload}`);
        assert.deepEqual(tagsOf(hostile), tagsOf(harmless), report.state);
        assert.doesNotMatch(hostile, /[\u0000-\u0008\u000b-\u001f]/);
        assert.ok(read(hostile).includes(payload.replace(/[\u0000\u0007]/g, '\ufffd')), report.state);
      }
    });
  }

  test('is linked to only when it is a page of the web', () => {
    assert.equal(link('https://a.example/?a="b', 'it').text, '<a href="https://a.example/?a=&quot;b">it</a>');
    for (const url of ['javascript:alert(1)', 'data:text/html,x', ' https://a.example', '//a.example']) {
      assert.doesNotMatch(link(url, 'it').text, /<a/);
      assert.doesNotMatch(page({}, { uiUrl: url }), /<a /);
    }
  });

  test('may be markup only when a template has made it', () => {
    assert.equal(
      html`<b title="${'"'}">${['<', html`<i>${'&'}</i>`]}${false}${undefined}${0}</b>`.text,
      '<b title="&quot;">&lt;<i>&amp;</i>0</b>',
    );
  });

  test('fetches nothing: no address but that of the run, and a policy that forbids it', () => {
    const text = pageOf(ends[0]!, (at) => `word${at}`);
    assert.deepEqual(text.match(/\b(?:src|href|url|@import)\b[=(][^\s>]*/g), [
      'href="https://temporal.example/run"',
    ]);
    assert.match(text, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/);
    assert.doesNotMatch(text, /<script|javascript:/i);
  });
});
