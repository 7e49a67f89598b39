/** What is asked of a fleet that is complete: each change as drawn, killed and cancelled meanwhile, and what came of it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type FleetReport, type FleetRun, MusterError, specFrom } from '../client/index.ts';
import type { Lane } from './lane.ts';
import { type DrawnChange, IMAGE, OTHER_IMAGE, type Plan, type Shape, shapeOf, specOf } from './plan.ts';

export interface Made {
  /** What the fleet is to be after all of them. */
  readonly shape: Shape;
  /** Of the last that was not done and not taken back either. */
  readonly broken?: FleetReport;
  /** Ids of volumes that outlived instances which a change has ended, as its report names them. */
  readonly volumesKept: readonly string[];
  readonly problems: readonly string[];
  readonly did: readonly string[];
}

/** Makes the drawn changes, one after the other, until one leaves the fleet otherwise than whole. */
export async function makeChanges(
  plan: Plan,
  { muster, worker }: Lane,
  within: <T>(work: Promise<T>) => Promise<T>,
): Promise<Made> {
  const { fleet } = plan;
  const [problems, did, volumesKept]: [string[], string[], string[]] = [[], [], []];
  let shape = shapeOf(plan);
  for (const change of plan.changes) {
    const wanted = shapeAfter(change, shape);
    const report = await make(change, wanted);
    const hasReport = typeof report !== 'string';
    did.push(`${change.what} ${hasReport ? report.state : report}`);
    if (!hasReport) continue;
    volumesKept.push(...(report.volumesKept ?? []));
    if (report.state === 'complete' && report.action !== 'up') shape = wanted;
    if (!['complete', 'rolled-back', 'cancelled'].includes(report.state))
      return { shape, broken: report, volumesKept, problems, did };
  }
  return { shape, volumesKept, problems, did };

  async function make(change: DrawnChange, wanted: Shape): Promise<FleetReport | 'done' | 'refused'> {
    const over = new AbortController();
    let run: FleetRun | undefined;
    try {
      run = await within(ask(change, wanted));
      if (!run) return 'done';
      const meanwhile = [
        ...(change.kill === null ? [] : [after(change.kill, () => worker.replace())]),
        ...(change.cancel === null ? [] : [after(change.cancel, () => muster.cancel(fleet))]),
      ];
      const report = await within(run.result()).finally(() => over.abort());
      await Promise.all(meanwhile);
      return report;
    } catch (error) {
      if (!(error instanceof MusterError && REFUSALS.includes(error.code))) throw error;
      return 'refused';
    }

    async function after(at: number, act: () => Promise<unknown>): Promise<void> {
      const isDue = await sleep(at, true, { signal: over.signal }).catch(() => false);
      if (!isDue) return;
      await act().catch((error) => {
        if (!(error instanceof MusterError && REFUSALS.includes(error.code))) problems.push(`${error}`);
      });
    }
  }

  async function ask({ what, count, place }: DrawnChange, wanted: Shape): Promise<FleetRun | undefined> {
    const spec = () => specFrom(specOf(plan, wanted));
    switch (what) {
      case 'scale':
        return muster.scale(fleet, { count, place });
      case 'change':
        return muster.change(spec());
      case 'roll':
        return muster.roll(spec(), { wave: { count: 2 } });
      case 'repair':
        return muster.repair(fleet);
      case 'check':
        await muster.check(fleet);
        return undefined;
      case 'extend':
        await muster.extend(fleet, { seconds: 60 });
        return undefined;
    }
  }
}

/** What a fleet may answer that has died in part, has no lease or no such place, or whose change was over before it was to be cancelled. */
const REFUSALS: readonly string[] = [
  'FleetDegraded',
  'FleetLeftOver',
  'FleetBusy',
  'NotNow',
  'LookFailed',
  'WrongPlace',
];

function shapeAfter({ what, count, place }: DrawnChange, shape: Shape): Shape {
  switch (what) {
    case 'scale':
      if (place !== undefined) return { ...shape, counts: { ...shape.counts, [place]: count } };
      return { ...shape, want: count, least: count };
    case 'change':
      return { ...shape, want: count, least: count, isWidened: !shape.isWidened };
    case 'roll':
      return { ...shape, image: shape.image === IMAGE ? OTHER_IMAGE : IMAGE };
    default:
      return shape;
  }
}
