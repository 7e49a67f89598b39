/** What a schedule says and what it is told: lengths of time, cron, zones, and the text for people. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import picocolors from 'picocolors';
import { crowdedWords, scheduleText } from '../cli/schedule-text.ts';
import { type ScheduleStanding, specFrom } from '../client/index.ts';
import { readCron } from '../fleet/cron.ts';
import { durationWords, secondsOf } from '../fleet/duration.ts';
import { fleetInstancesWords } from '../fleet/fleet-words.ts';
import { checkSchedule } from '../fleet/read-schedule.ts';
import { instantOf, timeWords, zoneNamed } from '../fleet/zones.ts';

describe('a length of time', () => {
  it('is read as people write it', () => {
    for (const [text, seconds] of [
      ['90s', 90],
      ['90m', 5_400],
      ['8h30m', 30_600],
      ['2d', 172_800],
      ['1d2h3m4s', 93_784],
      ['10x', undefined],
      ['h', undefined],
      ['', undefined],
      ['30m8h', undefined],
      ['1.5h', undefined],
      ['-1h', undefined],
      ['36000', undefined],
    ] as const) {
      assert.equal(secondsOf(text), seconds, text);
    }
  });

  it('is told in words', () => {
    assert.deepEqual([36_000, 5_400, 604_800, 1, 93_784, 0].map(durationWords), [
      '10 hours',
      '1 hour 30 minutes',
      '7 days',
      '1 second',
      '1 day 2 hours 3 minutes 4 seconds',
      '0 seconds',
    ]);
  });
});

describe('a cron expression', () => {
  it('has all that is wrong with it told, in its own words', () => {
    assert.deepEqual(readCron('60 8-25 0 foo sat-sun').problems, [
      "minute '60' is not from 0 to 59",
      "hour '25' is not from 0 to 23",
      "day of the month '0' is not from 1 to 31",
      "month 'foo' is not from 1 to 12, or a name such as feb",
      "weekday 'sat-sun' ends before it begins",
    ]);
    assert.match(readCron('0 8 *').problems[0]!, /^it has 3 fields, not five/);
  });

  it('means the same to every reader: seven fields, with numbers', () => {
    assert.equal(readCron('0 8 * jan-mar MON').fields, '0 0 8 * 1-3 1 *');
    assert.equal(readCron('@weekly').fields, '0 0 0 * * 0 *');
    assert.equal(readCron('*/15 8 1,15 * * 2027').fields, '0 */15 8 1,15 * * 2027');
  });
});

describe('a zone', () => {
  it('is known by its name, however it is spelled, and by nothing else', () => {
    assert.deepEqual(['europe/paris', 'UTC', 'Asia/Kolkata', 'Europe/Pari', '+02:00', ''].map(zoneNamed), [
      'Europe/Paris',
      'UTC',
      'Asia/Kolkata',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('has its own clocks, in summer and in winter', () => {
    const read = (text: string) => instantOf(text, 'Europe/Paris')?.toISOString();
    assert.equal(read('2026-07-01T08:00'), '2026-07-01T06:00:00.000Z');
    assert.equal(read('2026-12-01 08:00:30'), '2026-12-01T07:00:30.000Z');
    assert.equal(read('2026-12-01'), '2026-11-30T23:00:00.000Z');
    assert.equal(read('2026-07-01T08:00Z'), '2026-07-01T08:00:00.000Z');
    assert.equal(read('2026-07-01T08:00-05:30'), '2026-07-01T13:30:00.000Z');
    for (const text of ['2026-02-30', '2026-07-01T24:00', '2026-07-01T08:60', 'yesterday', '']) {
      assert.equal(read(text), undefined, text);
    }
    assert.equal(timeWords(new Date('2026-07-01T22:05:00Z'), 'Europe/Paris'), 'Thu 2 Jul 2026, 00:05');
  });
});

describe('a schedule', () => {
  it('has all its mistakes told at once, each with what would be right', () => {
    const { mistakes } = checkSchedule(
      {
        cron: '0 25 * * *',
        timezone: 'Europe/Pari',
        for: '10x',
        overlap: 'skp',
        catchUp: '1s',
        pauseOnFailures: true,
      },
      new Date(),
    );
    assert.deepEqual(
      mistakes!.map(({ path, message, mend }) => `${path}: ${message}; ${mend}`),
      [
        `cron: "0 25 * * *": hour '25' is not from 0 to 23; for instance '0 8 * * 1-5': at eight, Monday to Friday`,
        'timezone: "Europe/Pari" is no time zone; did you mean Europe/Paris?',
        'for: "10x" is not a time of 1 second to 365 days; for instance 10h, 90m or 8h30m: a fleet that a schedule starts has to end',
        'overlap: "skp" is not one of skip, buffer-one, buffer-all, cancel-other; did you mean skip?',
        'catchUp: "1s" is not a time of 10 seconds to 365 days; for instance 10m or 1h',
        'pauseOnFailures: unknown; did you mean pauseOnFailure?',
      ],
    );
  });

  it('that never comes has that told, in the words of the text', () => {
    const now = new Date('2026-11-26T12:00:00Z');
    const said = (cron: string) =>
      checkSchedule({ cron, for: '10h' }, now).mistakes?.map(({ message }) => message) ?? [];
    for (const [cron, why] of [
      ['0 0 30 2 *', 'no month of it has such a day'],
      ['0 8 31 apr,6-6,9/2 *', 'no month of it has such a day'],
      ['0 8 * * 1-5 2020', 'its years are over'],
      ['0 0 8 * * * 2000-2025/1', 'its years are over'],
      ['0 8 24 11 * 2026', 'no such day is left until 2100'],
      ['0 8 29 2 * 2027', 'no such day is left until 2100'],
      ['0 8 1 1 mon 2027', 'no such day is left until 2100'],
    ] as const) {
      assert.deepEqual(said(cron), [`${JSON.stringify(cron)}: it never comes: ${why}`]);
    }
    for (const cron of [
      ...[
        '0 0 29 2 *',
        '0 0 29 2 1',
        '0 8 31 * *',
        '0 8 30/1 1-4 *',
        '0 8 1 1 5 2027',
        '@yearly',
        '* * * * * * *',
      ],
      ...['0 8 * * 7 2026', '0 0 * * */7', '0 0 25 11 * 2026', '0 8 */31 2 *', '0 8 * 1-12/11 0 2100'],
    ]) {
      assert.deepEqual(said(cron), [], cron);
    }
  });

  const standing: ScheduleStanding = {
    fleet: 'web',
    region: 'us-east-1',
    instances: '3 × t3.micro',
    specHash: 'a1',
    cron: '0 8 * * 1-5',
    timezone: 'Europe/Paris',
    lease: 36_000,
    overlap: 'skip',
    catchUp: 600,
    pauseOnFailure: false,
    paused: false,
    next: ['2026-11-26T07:00:00.000Z', '2026-11-27T07:00:00.000Z'],
    runs: [
      {
        scheduledFor: '2026-11-25T07:00:00.000Z',
        startedAt: '2026-11-25T07:00:00.100Z',
        state: 'skipped',
        reason: 'the fleet is there already, and complete',
        workflowId: 'schedule:web-2026-11-25T07:00:00Z',
        runId: 'r1',
      },
    ],
    started: 1,
    skipped: 2,
    missed: 0,
    scheduleId: 'schedule:web',
  };
  const page = { colors: picocolors.createColors(false) };

  it('reads in words, by its own clocks and by the reader’s', async () => {
    const text = await scheduleText(standing, page, 'America/New_York');
    for (const line of [
      /^✓ schedule web is on\n/,
      / {2}times {5}at 08:00, Monday through Friday, by the clocks of Europe\/Paris {2}0 8 \* \* 1-5\n/,
      / {2}fleet {5}3 × t3.micro in us-east-1, for 10 hours each time\n/,
      / {2}so far {4}1 run, 2 times skipped for an earlier run\n/,
      / {2}NEXT \(Europe\/Paris\) {5}HERE \(America\/New_York\)\n/,
      / {2}Thu 26 Nov 2026, 08:00 {2}Thu 26 Nov 2026, 02:00\n/,
      / {2}Wed 25 Nov 2026, 08:00 {4,}skipped: the fleet is there already, and complete$/,
    ]) {
      assert.match(text, line);
    }
    assert.match(await scheduleText(standing, page, 'Europe/Paris'), /\n {2}NEXT \(Europe\/Paris\)\n/);
    const paused = await scheduleText({ ...standing, paused: true, note: 'on holiday' }, page);
    assert.match(paused, /^‖ schedule web is paused: on holiday\n/);
    assert.match(paused, /\n {2}WHEN RESUMED \(Europe\/Paris\) /);
    assert.doesNotMatch(paused, /NEXT/);
    assert.match(await scheduleText({ ...standing, next: [] }, page), /\n {2}no time is to come\n/);
  });

  it('of a fleet in several places names them', async () => {
    const places = ['us-east-1', 'eu-west-1'];
    const text = await scheduleText({ ...standing, region: undefined, places }, page);
    assert.match(text, / {2}fleet {5}3 × t3.micro in us-east-1, eu-west-1, for 10 hours each time\n/);
  });

  it('has the instances of all places in one, and the fewest that are enough', () => {
    const spec = {
      name: 'web',
      policy: { allow: { actions: 's3:Get*', resources: '*' } },
      instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
      places: [
        { region: 'us-east-1' },
        { region: 'eu-west-1', count: { want: 5, min: 1 }, type: 't3.small' },
      ],
    };
    assert.equal(fleetInstancesWords(specFrom(spec).spec), '3 to 7 × t3.micro or t3.small');
    assert.equal(
      fleetInstancesWords(specFrom({ ...spec, need: { min: 1 } }).spec),
      '1 to 7 × t3.micro or t3.small',
    );
  });

  it('wants a day to be right by its date and its weekday both, as Temporal does', async () => {
    const text = await scheduleText({ ...standing, cron: '0 8 1 * 1' }, page);
    assert.match(text, /at 08:00, on day 1 of the month, only on Monday/);
  });

  it('says when a time comes before the fleet of the last one is gone', () => {
    assert.equal(crowdedWords(standing), undefined);
    assert.match(
      crowdedWords({ ...standing, lease: 90_000 })!,
      /^some of its times come before 1 day 1 hour are over: .*skipped$/,
    );
  });
});
