/** All cases, in the order of the table. */

import type { BenchCase } from '../case.ts';
import { buckets } from './buckets.ts';
import { calls } from './calls.ts';
import { calm } from './calm.ts';
import { crowd } from './crowd.ts';
import { history } from './history.ts';
import { memory } from './memory.ts';
import { placements } from './placements.ts';
import { propagation } from './propagation.ts';
import { slowProfile } from './slow-profile.ts';
import { startUp } from './start-up.ts';
import { timeline } from './timeline.ts';

export const CASES: readonly BenchCase[] = [
  calm,
  propagation,
  slowProfile,
  calls,
  buckets,
  placements,
  crowd,
  history,
  memory,
  startUp,
  timeline,
];
