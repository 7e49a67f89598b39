/** Tables on a terminal: no line is wider than it, and what a row is about stays. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import picocolors from 'picocolors';
import { driftText } from '../cli/drift-text.ts';
import { reportText } from '../cli/report-text.ts';
import { tableText } from '../cli/table.ts';
import type { DriftReport } from '../fleet/drift-report.ts';
import type { FleetReport } from '../fleet/report.ts';

const colors = picocolors.createColors(false);
const ID = 'i-0123456789abcdef0';

const ROWS = [
  ['NAME', 'WHAT', 'WHERE', 'STATE'],
  ['web', 'words '.repeat(20).trim(), 'ap-southeast-2a', 'running'],
  ['a-longer-name', 'a word', 'us-east-1a', 'pending'],
];

const table = (width?: number, least?: readonly string[]) =>
  tableText(ROWS, { colors, width }, { indent: '  ', least }).split('\n');

describe('a table', () => {
  test('is whole where there is no terminal, or one that is wide enough', () => {
    const whole = table();
    assert.match(whole[1]!, /( words){19} {2}ap-southeast-2a {2}running$/);
    assert.deepEqual(table(whole[1]!.length), whole);
  });

  test('is never wider than the terminal', () => {
    for (const least of [[], ['WHERE'], ['WHERE', 'WHAT']]) {
      for (let width = 3; width < 180; width++) {
        for (const line of table(width, least)) assert.ok(line.length <= width, `${width}: ${line}`);
      }
    }
  });

  test('has its widest cells cut first, and its first column last', () => {
    assert.deepEqual(table(80), [
      '  NAME           WHAT                                   WHERE            STATE',
      '  web            words words words words words words…   ap-southeast-2a  running',
      '  a-longer-name  a word                                 us-east-1a       pending',
    ]);
    for (const line of table(50).slice(1)) assert.match(line, /^ {2}(web {12}|a-longer-name {2})/);
  });

  test('goes without what it can do without before much is cut', () => {
    const [head, first] = table(60, ['WHERE']);
    assert.match(head!, /^ {2}NAME +WHAT +STATE$/);
    assert.match(first!, /words wor… +running$/);
    assert.match(table(80, ['WHERE'])[0]!, / WHERE /);
  });
});

function report(more: Partial<FleetReport>): FleetReport {
  const instance = {
    type: 't3.micro',
    zone: 'ap-southeast-2a',
    privateIp: '172.31.100.100',
    state: 'running',
  };
  const about = {
    schema: 1,
    fleet: 'web',
    action: 'up',
    state: 'complete',
    workflowId: 'fleet:web',
    runId: 'r',
  };
  const all = {
    ...about,
    steps: [],
    undos: [],
    leftovers: [],
    instances: [{ id: ID, ...instance }],
    ...more,
  };
  return all as unknown as FleetReport;
}

/** Lines of a table, by what they begin with. */
const linesOf = (text: string, pattern: RegExp) => text.split('\n').filter((line) => pattern.test(line));

describe('on a narrow terminal', () => {
  test('an id is whole, and a state too, where less matters', () => {
    const lines = (width: number) => linesOf(reportText(report({}), { colors, width }), /INSTANCE|i-0/);
    const whole = `  ${ID}  t3.micro  ap-southeast-2a  172.31.100.100  running`;
    assert.equal(lines(80)[1], whole);
    assert.equal(lines(72)[1], `  ${ID}  t3.micro  ap-southeast-2a  running`);
    assert.equal(lines(50)[1], `  ${ID}  t3.micro  running`);
    assert.equal(lines(32)[1], `  ${ID}  running`);
    assert.equal(linesOf(reportText(report({}), { colors }), /i-0/)[0], whole);
  });

  test('the places of a fleet go without their images, and why one failed is wrapped', () => {
    const error = {
      step: 'launch',
      code: 'VcpuLimitExceeded',
      message: 'You have requested more vCPU than allowed.',
    };
    const place = report({ place: 'ap-southeast-2', image: 'ami-0d27e0fb3bac4d724', state: 'rolled-back' });
    const told = reportText(report({ places: [{ ...place, error }], instances: [] }), { colors, width: 50 });
    assert.deepEqual(linesOf(told, /PLACE|ap-south/), [
      '  PLACE           STATE        INSTANCES',
      '  ap-southeast-2  rolled-back  1',
    ]);
    for (const line of linesOf(told, /^ {6}/)) assert.ok(line.length <= 50, line);
  });

  test('a finding has what is long cut, and all of it where there is no terminal', () => {
    const wanted = 'Allow s3:Get*, s3:List* on everything in the account';
    const finding = {
      kind: 'policy',
      on: 'role',
      resource: 'web',
      wanted,
      found: 'none',
      safe: true,
      command: 'x',
    };
    const about = { fleet: 'web', account: '123456789012', region: 'us-east-1', instanceCount: 1, more: {} };
    const drift = { ...about, findings: [finding] } as unknown as DriftReport;
    const lines = (width?: number) => linesOf(driftText(drift, { colors, width }), /WANTED|policy {2}/);
    assert.match(lines()[1]!, /in the account {2}none$/);
    assert.match(lines(60)[1]!, /^ {2}policy {2}role web {2}Allow s3:Get\*.*… {2}none$/);
    assert.ok(lines(60)[1]!.length <= 60);
  });
});
