/** A fleet of ten when EC2 knows the profile after 8 s: Muster asks, the script sleeps, Ansible tries again. */

import { type BenchCase, type Row, seconds } from '../case.ts';
import { type Outcome, times, timesOf } from '../contest.ts';
import { COUNT, PROPAGATION, propagationRuns, SLEEP } from '../propagation.ts';

const WANTED = 1.5;
/** Seconds. */
const MOST_BEYOND = 0.8;

export const propagation: BenchCase = {
  name: 'propagation',
  async measure() {
    const { muster, script, ansible } = await propagationRuns();
    const what = `${COUNT} instances, EC2 knows the profile after ${PROPAGATION} s`;
    const against = (peer: string, { took }: Outcome): Row => {
      const ratio = timesOf(muster.took, took);
      return {
        case: what,
        muster: seconds(muster.took),
        against: `${peer}: ${seconds(took)}`,
        ratio: times(ratio),
        wanted: `at least ${WANTED} ×`,
        holds: ratio >= WANTED,
      };
    };
    const beyond = muster.took.median - PROPAGATION;
    return [
      against(`script with a sleep of ${SLEEP} s`, script),
      against('Ansible', ansible),
      {
        case: 'the same, beyond the propagation',
        muster: `${beyond.toFixed(2)} s`,
        against: '',
        ratio: '',
        wanted: `at most ${MOST_BEYOND} s`,
        holds: beyond <= MOST_BEYOND,
      },
    ];
  },
};
