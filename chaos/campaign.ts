/** A campaign: many runs on a few lanes side by side, each drawn from a seed of its own. */

import { Client, Connection } from '@temporalio/client';
import { startLocalTemporal } from '../sandbox/temporal.ts';
import { ensurePython } from '../setup/python.js';
import { problemsOf } from './judge.ts';
import { problemsInPlaces } from './judge-places.ts';
import { type Lane, openLane } from './lane.ts';
import { type Plan, planOf, type Which } from './plan.ts';
import { type Ending, play } from './story.ts';
import { bundleOnce } from './workers.ts';

export interface Result {
  readonly plan: Plan;
  readonly ending?: Ending;
  readonly problems: readonly string[];
  readonly seconds: number;
}

export interface CampaignOptions {
  /** Of the first run; each has the next. */
  readonly seed: number;
  readonly runs: number;
  readonly lanes: number;
  /** Which fleets are in several places. */
  readonly places?: Which;
  /** Only such as are changed once they are complete: seeds of others are passed over. */
  readonly changed?: boolean;
  /** Told of each run when it is over. */
  readonly told?: (result: Result) => void;
}

/** An emulator remembers all instances that ever were, and gets slow with them. */
const RUNS_AN_AWS = 25;

export async function campaign(options: CampaignOptions): Promise<Result[]> {
  const { runs, lanes, told = () => {} } = options;
  const python = await ensurePython();
  const [temporal, bundle] = await Promise.all([startLocalTemporal({ python }), bundleOnce()]);
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection });
  const results: Result[] = [];
  const plans = plansOf(options);
  let begun = 0;
  let opened: Promise<unknown> = Promise.resolve();
  // One after the other: all at once they would keep each other from answering in time.
  const open = (number: number): Promise<Lane> => {
    const lane = opened.then(() =>
      openLane({
        taskQueue: `lane-${number}`,
        python: python.python,
        address: temporal.address,
        bundle: bundle.path,
      }),
    );
    opened = lane.catch(() => {});
    return lane;
  };

  async function runLane(number: number): Promise<void> {
    let lane = await open(number);
    try {
      for (let here = 1; begun < runs; here++) {
        begun += 1;
        const result = await runOne(plans.next().value!, lane, client);
        results.push(result);
        told(result);
        if (here % RUNS_AN_AWS !== 0 && result.ending) await lane.clear();
        else if (begun < runs) {
          await lane.close();
          lane = await open(number);
        }
      }
    } finally {
      await lane.close();
    }
  }

  try {
    await Promise.all(Array.from({ length: Math.min(lanes, runs) }, (_, number) => runLane(number)));
    return results.sort((one, other) => one.plan.seed - other.plan.seed);
  } finally {
    await connection.close();
    await Promise.all([temporal.stop(), bundle.remove()]);
  }
}

/** Without end, each of the next seed that will do. */
function* plansOf({ seed, places = 'some', changed = false }: CampaignOptions): Generator<Plan, undefined> {
  for (let next = seed; ; next++) {
    const plan = planOf(next, places);
    if (!changed || (plan.changes.length > 0 && plan.terminate === null && plan.cancels.length === 0))
      yield plan;
  }
}

async function runOne(plan: Plan, lane: Lane, client: Client): Promise<Result> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  try {
    const ending = await play(plan, lane, client);
    const problems = plan.places.length > 0 ? problemsInPlaces(plan, ending) : problemsOf(plan, ending);
    return { plan, ending, problems, seconds: seconds() };
  } catch (error) {
    return { plan, problems: [(error as Error).stack ?? `${error}`], seconds: seconds() };
  }
}
