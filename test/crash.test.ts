/** A few cells of the crash matrix (chaos/): SIGKILL at the worst moments, and the run goes on to its end. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Runtime } from '@temporalio/worker';
import { type Moment, ROWS, type Victim } from '../chaos/cells.ts';
import { crashMatrix } from '../chaos/matrix.ts';

const CELLS: readonly [action: string, moment: Moment, victim: Victim][] = [
  ['CreateRole', 'before', 'temporal'],
  ['AddRoleToInstanceProfile', 'after', 'worker'],
  ['TagInstanceProfile', 'during', 'both'],
  ['TerminateInstances', 'during', 'worker'],
];

it('a worker, the Temporal server and both may be killed at any moment', async () => {
  Runtime.install({
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error } as never,
  });
  const cells = CELLS.map(([action, moment, victim]) => ({
    row: ROWS.find((row) => row.action === action)!,
    moment,
    victim,
  }));
  const outcomes = await crashMatrix({ cells, sites: 2, inEarnest: false });
  assert.equal(outcomes.length, CELLS.length);
  assert.deepEqual(
    outcomes.flatMap(({ cell, problems }) =>
      problems.map((problem) => `${cell.victim} ${cell.moment} ${cell.row.action}: ${problem}`),
    ),
    [],
  );
});
