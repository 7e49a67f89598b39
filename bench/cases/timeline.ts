/** Where the time of one run goes: each step from its begin to its end, as the report tells it. */

import type { FleetReport } from '../../fleet/report.ts';
import type { BenchCase } from '../case.ts';
import { onField } from '../field.ts';
import { COUNT, PROPAGATION } from '../propagation.ts';

export const timeline: BenchCase = {
  name: 'timeline',
  measure: () =>
    onField({ behaviour: { propagationSeconds: PROPAGATION } }, async (field) => {
      const started = performance.now();
      const said = await field.muster('up', await field.spec('timeline', COUNT), '--json');
      const whole = (performance.now() - started) / 1000;
      const { steps, propagation }: FleetReport = JSON.parse(said);
      const waited = propagation!.seconds;
      return [
        {
          case: `where the time of ${COUNT} instances goes, EC2 knows the profile after ${PROPAGATION} s`,
          muster: `${waited.toFixed(2)} of ${whole.toFixed(2)} s are the wait for the profile`,
          against: 'the whole command',
          ratio: (waited / whole).toFixed(2),
          wanted: '',
          steps,
        },
      ];
    }),
};
