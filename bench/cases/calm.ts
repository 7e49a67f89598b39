/** A fleet of ten when EC2 knows the profile at once: what the tool itself costs. */

import { type BenchCase, seconds } from '../case.ts';
import { contest, musterOf, scriptOf, times, timesOf } from '../contest.ts';
import { onField } from '../field.ts';
import { ensurePeers } from '../peers.ts';

const COUNT = 10;
const ROUNDS = 3;
const WANTED = 4;

export const calm: BenchCase = {
  name: 'calm',
  async measure() {
    const peers = await ensurePeers();
    return onField({ behaviour: { propagationSeconds: 0 } }, async (field) => {
      const contenders = [await musterOf(field, 'by-muster', COUNT), scriptOf(peers, field, COUNT, 0)];
      const [muster, script] = await contest(field, contenders, { rounds: ROUNDS, count: COUNT });
      const ratio = timesOf(muster!.took, script!.took);
      return [
        {
          case: `${COUNT} instances, EC2 knows the profile at once`,
          muster: seconds(muster!.took),
          against: `script without a sleep: ${seconds(script!.took)}`,
          ratio: times(ratio),
          wanted: `at least ${WANTED} ×`,
          holds: ratio >= WANTED,
        },
      ];
    });
  },
};
