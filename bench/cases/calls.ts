/** What AWS is asked for a fleet of ten when EC2 knows the profile after 8 s, and how close the launches stand. */

import type { Call } from '../../sandbox/index.ts';
import { type BenchCase, spreadOf } from '../case.ts';
import { type Outcome, times, timesOf } from '../contest.ts';
import { COUNT, PROPAGATION, propagationRuns } from '../propagation.ts';

const STRETCH_MS = 2_000;
/** RunInstances' bucket is refilled with two a second (EC2 Developer Guide, "Request throttling"). */
const MOST_LAUNCHES = 3;

export const calls: BenchCase = {
  name: 'calls',
  async measure() {
    const { muster, script, ansible } = await propagationRuns();
    const [own, scripts, ansibles] = [muster, script, ansible].map(countOf);
    const withDryRuns = mostLaunches(muster, () => true);
    const without = mostLaunches(muster, ({ dryRun }) => !dryRun);
    return [
      {
        case: `AWS calls for ${COUNT} instances, EC2 knows the profile after ${PROPAGATION} s`,
        muster: `${own!.median}`,
        against: `Ansible: ${ansibles!.median} (the script, which looks at nothing: ${scripts!.median})`,
        ratio: times(timesOf(own!, ansibles!)),
        wanted: 'fewer than Ansible',
        holds: own!.median < ansibles!.median,
      },
      {
        case: `of these, RunInstances in any ${STRETCH_MS / 1000} s`,
        muster: `${withDryRuns}, and ${without} without dry runs`,
        against: `Ansible: ${mostLaunches(ansible, () => true)}`,
        ratio: '',
        wanted: `at most ${MOST_LAUNCHES}`,
        holds: Math.max(withDryRuns, without) <= MOST_LAUNCHES,
      },
    ];
  },
};

const countOf = (outcome: Outcome) => spreadOf(outcome.calls.map((run) => run.length));

function mostLaunches({ calls }: Outcome, counts: (call: Call) => boolean): number {
  const ofRuns = calls.map((run) => {
    const launches = run.filter((call) => call.action === 'RunInstances' && counts(call));
    const within = launches.map(
      ({ time }) => launches.filter((call) => call.time >= time && call.time < time + STRETCH_MS).length,
    );
    return Math.max(0, ...within);
  });
  return Math.max(...ofRuns);
}
