/** A large fleet under EC2's token buckets: how close its launch comes to what they allow at most. */

import type { FleetReport } from '../../fleet/report.ts';
import type { BenchCase, Row } from '../case.ts';
import { onField } from '../field.ts';
import { historyRow, LARGE } from '../history-size.ts';

/** EC2's defaults (EC2 Developer Guide, "Request throttling"): how many at once, and how many a second after that. */
const CALLS = { holds: 5, perSecond: 2 };
const INSTANCES = { holds: 1000, perSecond: 2 };
/** Instances in a call. */
const BATCH = 100;

/** `scale`: how much faster than EC2's the sandbox's buckets are refilled. */
const SIZES = [
  { count: 100, scale: 1 },
  { count: 500, scale: 1 },
  { count: 1_000, scale: 1 },
  { count: 2_000, scale: 10 },
  { count: 4_000, scale: 10 },
  { count: 10_000, scale: 10 },
] as const;

export const buckets: BenchCase = {
  name: 'buckets',
  async measure() {
    const rows: Row[] = [];
    for (const { count, scale } of SIZES) rows.push(...(await measureLaunch(count, scale)));
    return rows;
  },
};

/** Seconds until the last batch can be paid for. */
function boundOf(count: number, scale: number): number {
  const calls = (Math.ceil(count / BATCH) - CALLS.holds) / CALLS.perSecond;
  const instances = (count - INSTANCES.holds) / INSTANCES.perSecond;
  return Math.max(0, calls, instances) / scale;
}

function measureLaunch(count: number, scale: number): Promise<Row[]> {
  const workerEnv = { MUSTER_LAUNCHES_PER_SECOND: `${CALLS.perSecond * scale}` };
  return onField({ behaviour: { bucketScale: scale, propagationSeconds: 0 }, workerEnv }, async (field) => {
    const name = `buckets-${count}`;
    const started = performance.now();
    const told = await field.muster('up', await field.spec(name, count, LONG), '--json');
    const whole = (performance.now() - started) / 1000;
    const running = await field.running(name);
    if (running !== count) throw new Error(`${name} has ${running} running instances, not ${count}`);
    const launch = launchSecondsOf(JSON.parse(told));
    const calls = field.sandbox.aws
      .calls()
      .filter(({ action, dryRun }) => action === 'RunInstances' && !dryRun);
    const throttled = calls.filter(({ code }) => code === 'RequestLimitExceeded').length;
    const bound = boundOf(count, scale);
    const isBound = bound > 0;
    const row: Row = {
      case: `${count.toLocaleString('en')} instances, EC2's buckets, time × ${scale}`,
      muster: `${launch.toFixed(1)} s of launching (the whole command ${whole.toFixed(1)} s), ${throttled} of ${calls.length} calls throttled`,
      against: `the buckets' bound ${bound.toFixed(1)} s`,
      ratio: isBound ? (launch / bound).toFixed(3) : '',
      wanted: isBound ? 'at most 1.05' : '',
      holds: isBound ? launch <= bound * 1.05 : undefined,
      point: { count, seconds: launch * scale, bound: bound * scale },
    };
    return count < HISTORY_FROM ? [row] : [row, await historyRow(field, name, count, LARGE)];
  });
}

/** Smaller ones have their histories told without buckets. */
const HISTORY_FROM = 10_000;

const LONG = 'deadlines: { launch: 3h, running: 30m }\n';

function launchSecondsOf(report: FleetReport): number {
  return report.steps.find(({ name }) => name === 'launch')!.seconds!;
}
