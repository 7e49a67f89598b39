/** The launch plan: where the next batch is asked for, and what answers mean for the ones after it. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Batch,
  decisionWords,
  LaunchPlan,
  type PlanOptions,
  type RefusalKind,
} from '../fleet/launch-plan.ts';
import { Pace } from '../fleet/pace.ts';
import { quotaBucket } from '../fleet/quota-bucket.ts';
import { refusalLines } from '../fleet/shortfall.ts';

const MINUTE = 60_000;
const A = { type: 't3.micro', zone: 'us-east-1a', share: 0 };
const B = { type: 't3.micro', zone: 'us-east-1b', share: 1 };
const GRAPHICS = { type: 'g6.xlarge', zone: 'us-east-1a', share: 2 };

function plan(more: Partial<PlanOptions> = {}): LaunchPlan {
  return new LaunchPlan({
    count: { want: 10, min: 10 },
    placements: [A, B],
    spread: false,
    market: 'on-demand',
    ...more,
  });
}

const refusal = (kind: RefusalKind) => ({ kind, code: kind, message: kind });
const place = ({ pool }: Batch) => `${pool.type} ${pool.zone} ${pool.market}`;

/** As many batches at once as the plan gives, in full, until nothing is missing. */
function launchAll(of: LaunchPlan, now = 0): Batch[] {
  const all: Batch[] = [];
  for (;;) {
    const batches: Batch[] = [];
    for (let batch = of.next(now); batch; batch = of.next(now)) batches.push(batch);
    for (const batch of batches) of.succeeded(batch, batch.count, now);
    if (batches.length === 0) return all;
    all.push(...batches);
  }
}

describe('the refusals of a launch that came to too little', () => {
  const then = '';
  const refused = (at: number, code: string) => ({
    what: 'refused' as const,
    at,
    placement: `t3.micro in zone-${at}`,
    code,
    reason: `no room in ${at}`,
    then,
  });

  test('are told one by one when they are few', () => {
    assert.deepEqual(refusalLines([refused(1, 'A'), refused(2, 'B'), refused(1, 'C')]), [
      't3.micro in zone-1: C: no room in 1',
      't3.micro in zone-2: B: no room in 2',
    ]);
  });

  test('are counted by reason when they are many, with the first in words and where all are', () => {
    const many = Array.from({ length: 44 }, (_, at) =>
      refused(at, at % 4 === 3 ? 'Unsupported' : 'NoCapacity'),
    );
    const lines = refusalLines(many);
    assert.deepEqual(
      [lines.length, lines[0], lines.at(-1)],
      [
        5,
        'refused by 44 placements: NoCapacity 33, Unsupported 11; the first of them:',
        "the other 41: 'decisions' of the report, with --json",
      ],
    );
    assert.match(lines[1]!, /zone-0: NoCapacity: no room in 0/);
  });
});

describe('a launch plan', () => {
  test('asks for what is missing, no more than a hundred at once, and for no more', () => {
    const counts = launchAll(plan({ count: { want: 250, min: 250 } })).map(({ count }) => count);
    assert.deepEqual(counts, [100, 100, 50]);
  });

  test('falls from a pool without room to the next, and comes back after three minutes', () => {
    const of = plan();
    const first = of.next(0)!;
    of.refused(first, refusal('capacity'), 0);
    assert.equal(place(of.next(0)!), 't3.micro us-east-1b on-demand');
    assert.equal(of.next(0), undefined, 'all is on its way');
    const again = plan();
    for (const _ of [1, 2]) again.refused(again.next(0)!, refusal('capacity'), 0);
    assert.equal(again.next(2.9 * MINUTE), undefined);
    assert.equal(place(again.next(3 * MINUTE)!), 't3.micro us-east-1a on-demand');
  });

  test('asks a pool once whether it has room, and tells a refusal once', () => {
    const of = plan({ count: { want: 500, min: 500 } });
    const [first, second] = [of.next(0)!, of.next(0)];
    assert.equal(second, undefined, 'the answer is waited for');
    of.succeeded(first, 100, 0);
    const batches = [of.next(0)!, of.next(0)!, of.next(0)!];
    for (const batch of batches) of.refused(batch, refusal('capacity'), 0);
    assert.equal(of.decisions.length, 1);
    assert.equal(place(of.next(0)!), 't3.micro us-east-1b on-demand');
    assert.equal(of.next(0), undefined, 'the next pool is asked once, too');
  });

  test('takes a part for all that the pool has', () => {
    const of = plan();
    of.succeeded(of.next(0)!, 4, 0);
    const rest = of.next(0)!;
    assert.deepEqual([rest.count, place(rest)], [6, 't3.micro us-east-1b on-demand']);
    assert.equal(
      decisionWords(of.decisions[0]!),
      't3.micro in us-east-1a: no more capacity, trying t3.micro in us-east-1b',
    );
  });

  test('wants all or nothing where a part would only be taken back', () => {
    assert.equal(plan({ placements: [A] }).next(0)!.least, 10);
    assert.equal(plan({ placements: [A], count: { want: 10, min: 3 } }).next(0)!.least, 1);
    assert.equal(plan().next(0)!.least, 1);
  });

  test('knows that a quota is the same in every zone, and not for every family', () => {
    const of = plan({ placements: [A, B, GRAPHICS] });
    of.refused(of.next(0)!, refusal('quota'), 0);
    assert.equal(place(of.next(MINUTE)!), 'g6.xlarge us-east-1a on-demand');
  });

  test('knows that without free addresses no type fits', () => {
    const of = plan({ placements: [A, GRAPHICS, B] });
    of.refused(of.next(0)!, refusal('addresses'), 0);
    assert.equal(place(of.next(0)!), 't3.micro us-east-1b on-demand');
  });

  test('goes from spot to on-demand when no placement has any, at once when the account may have none', () => {
    const sold = plan({ market: 'spot-then-on-demand' });
    const asked: string[] = [];
    for (let batch = sold.next(0); batch; batch = sold.next(0)) {
      asked.push(place(batch));
      if (batch.pool.market === 'spot') sold.refused(batch, refusal('capacity'), 0);
      else sold.succeeded(batch, batch.count, 0);
    }
    assert.deepEqual(asked, [
      't3.micro us-east-1a spot',
      't3.micro us-east-1b spot',
      't3.micro us-east-1a on-demand',
    ]);
    const none = plan({ market: 'spot-then-on-demand' });
    none.refused(none.next(0)!, refusal('spot-quota'), 0);
    assert.equal(place(none.next(0)!), 't3.micro us-east-1a on-demand');
    assert.deepEqual(
      [...new Set(launchAll(plan({ market: 'spot' })).map(place))],
      ['t3.micro us-east-1a spot'],
    );
  });

  test('shares the count over its placements, and what one cannot take over the others', () => {
    const of = plan({ spread: true, placements: [A, B, GRAPHICS] });
    assert.deepEqual(
      launchAll(of).map(({ count }) => count),
      [4, 3, 3],
    );
    const short = plan({ spread: true });
    const first = short.next(0)!;
    short.refused(first, refusal('capacity'), 0);
    assert.deepEqual(
      launchAll(short).map((batch) => `${batch.count} ${batch.pool.zone}`),
      ['10 us-east-1b'],
    );
  });

  test('says of a spread where the share of a pool without room goes', () => {
    const needed = ['c5.large', 'm5.large'].map((type) => ({ type, zone: 'us-east-1c', share: 2 }));
    const of = plan({ spread: true, placements: [A, B, ...needed] });
    const refuse = (type: string, zone: string) => {
      for (const batch of batches) {
        if (batch.pool.type === type && batch.pool.zone === zone) of.refused(batch, refusal('capacity'), 0);
      }
    };
    const batches = [of.next(0)!, of.next(0)!, of.next(0)!];
    refuse('t3.micro', 'us-east-1a');
    refuse('c5.large', 'us-east-1c');
    batches.push(of.next(0)!);
    refuse('m5.large', 'us-east-1c');
    refuse('t3.micro', 'us-east-1b');
    assert.deepEqual(
      of.decisions.map(({ placement, then }) => `${placement}: ${then}`),
      [
        't3.micro in us-east-1a: its share goes to the 2 others',
        'c5.large in us-east-1c: trying m5.large in us-east-1c',
        'm5.large in us-east-1c: its share goes to t3.micro in us-east-1b',
        't3.micro in us-east-1b: no placement is left to try',
      ],
    );
  });

  test('shares the count over the placements of the spec, not over the types that meet a need', () => {
    const needed = ['c5.large', 'm5.large', 'r5.large'].map((type) => ({ type, share: 1 }));
    const of = plan({ spread: true, placements: [A, ...needed] });
    assert.deepEqual(
      launchAll(of).map(({ count, pool }) => `${count} ${pool.type}`),
      ['5 t3.micro', '5 c5.large'],
    );
  });

  test('replaces what has died, elsewhere when it died for want of room', () => {
    const of = plan();
    const [batch] = launchAll(of);
    of.died(batch!.pool, 2, { code: 'Server.InternalError', message: 'x' }, 0);
    const [others] = launchAll(of);
    assert.deepEqual([others!.count, place(others!)], [2, 't3.micro us-east-1a on-demand']);
    of.died(batch!.pool, 1, { code: 'Server.InsufficientInstanceCapacity', message: 'x' }, 0);
    assert.equal(place(launchAll(of)[0]!), 't3.micro us-east-1b on-demand');
  });

  test('never has more on its way than are missing, whatever comes of its batches', () => {
    const kinds: RefusalKind[] = ['capacity', 'unsupported', 'addresses', 'quota', 'spot-quota'];
    const options = fc.record({
      want: fc.integer({ min: 1, max: 400 }),
      placements: fc.subarray([A, B, GRAPHICS], { minLength: 1 }),
      spread: fc.boolean(),
      market: fc.constantFrom('on-demand' as const, 'spot' as const, 'spot-then-on-demand' as const),
      answers: fc.array(fc.tuple(fc.constantFrom(...kinds, 'all', 'part', 'dropped'), fc.nat({ max: 100 })), {
        maxLength: 60,
      }),
    });
    fc.assert(
      fc.property(options, ({ want, placements, spread, market, answers }) => {
        const of = plan({ count: { want, min: 1 }, placements, spread, market });
        const underWay: Batch[] = [];
        let now = 0;
        for (const [answer, at] of answers) {
          while (underWay.length < 5) {
            const batch = of.next(now);
            if (!batch) break;
            underWay.push(batch);
          }
          const asked = underWay.reduce((sum, { count }) => sum + count, 0);
          assert.ok(of.launched + asked <= want);
          const [batch] = underWay.splice(at % Math.max(1, underWay.length), 1);
          now += 10_000;
          if (!batch) continue;
          if (answer === 'all') of.succeeded(batch, batch.count, now);
          else if (answer === 'part') of.succeeded(batch, Math.floor(batch.count / 2), now);
          else if (answer === 'dropped') of.dropped(batch);
          else of.refused(batch, { kind: answer as RefusalKind, code: 'X', message: 'x' }, now);
        }
      }),
      { numRuns: 500, seed: 20261125 },
    );
  });
});

describe('the pace of a throttled launch', () => {
  test('comes close to what the bucket allows, with few refusals', () => {
    // EC2's bucket of instances once its first thousand are launched: two a second. A refused call is made again after
    // five seconds.
    const pace = new Pace();
    let [tokens, now, refusals] = [0, 0, 0];
    const pass = (ms: number) => {
      now += ms;
      tokens += (ms / 1000) * 2;
    };
    for (let batch = 0; batch < 90; batch++) {
      pass(pace.wait(now));
      let throttled = false;
      for (; tokens < 100; refusals++) {
        throttled = true;
        pass(5_000);
      }
      tokens -= 100;
      pace.launched(now, throttled);
    }
    assert.ok(now / 1000 <= 4_500 * 1.02, `${now / 1000} s`);
    assert.ok(refusals < 200, `${refusals} refusals`);
  });

  test('is none as long as AWS refuses nothing', () => {
    const pace = new Pace();
    for (let now = 0; now < 60_000; now += 10_000) {
      assert.equal(pace.wait(now), 0);
      pace.launched(now, false);
    }
  });
});

describe('quotas', () => {
  test('are shared by families', () => {
    assert.deepEqual(
      ['t3.micro', 'm7i.large', 'im4gn.large', 'g6.xlarge', 'vt1.3xlarge', 'p5.48xlarge', 'u-6tb1.metal'].map(
        quotaBucket,
      ),
      ['standard', 'standard', 'standard', 'graphics', 'graphics', 'p', 'u'],
    );
  });
});
