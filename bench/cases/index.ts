/** All cases, in the order of the table. */

import type { BenchCase } from '../case.ts';

import { up } from './up.ts';

export const CASES: readonly BenchCase[] = [up];
