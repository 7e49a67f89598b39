/** A short campaign of chaos (chaos/): the same runs each time, each held against all that is promised. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Runtime } from '@temporalio/worker';
import { campaign } from '../chaos/campaign.ts';

const SEED = 16;
const RUNS = 15;

it(`runs that are killed, cancelled and terminated in bad weather keep every promise (seed ${SEED})`, async () => {
  Runtime.install({
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error } as never,
  });
  const results = await campaign({ seed: SEED, runs: RUNS, lanes: 5 });
  assert.equal(results.length, RUNS);
  assert.deepEqual(
    results.flatMap(({ plan, problems }) => problems.map((problem) => `seed ${plan.seed}: ${problem}`)),
    [],
  );
});
