/** Clearing: removes what an earlier change of a fleet has left, so that the fleet is complete and nothing else. */

import { CancellationScope } from '@temporalio/workflow';
import type { FoundDrift } from '../activities/drift.ts';
import { findingCount } from '../fleet/drift-report.ts';
import { leftoverName } from '../fleet/leftovers.ts';
import { type Stand, standsOf, whereOf } from '../fleet/places.ts';
import { terminationWords } from '../fleet/removal.ts';
import { beyondTold, type FleetReport, type Leftover } from '../fleet/report.ts';
import type { ClearRequest } from '../fleet/run.ts';
import { counted } from '../fleet/words.ts';
import { as, undoing } from './activities.ts';
import type { Changed, Standing } from './changed.ts';
import { lookForDrift } from './drift-look.ts';
import { stillLeft } from './last-look.ts';
import { Run } from './run.ts';

/**
 * Ends what carries the tags of the run `leftBy`, in each of its places, but for what is given up; the fleet's own is
 * another run's.
 */
export async function clearFleet(
  { report: fleet, spec }: Standing,
  leftBy: string,
  { skip }: ClearRequest,
): Promise<Changed> {
  const { region, deadlines } = spec;
  const run = new Run(
    { fleet: fleet.fleet, action: 'scale', state: 'scaling', region, specHash: fleet.specHash },
    'rollback',
  );
  const { account, role, profile, image, lease, wanted, instances, instanceCount, runs, places } = fleet;
  const now = { account, role, profile, image, lease, wanted, instances, instanceCount, runs, places };
  Object.assign(run.report, now);
  const isGivenUp = (left: Leftover) => skip.includes(leftoverName(left));
  const leftovers = fleet.leftovers.filter((left) => !isGivenUp(left));
  const skipped = [...(fleet.skipped ?? []), ...fleet.leftovers.filter(isGivenUp)];
  if (skipped.length > 0) run.report.skipped = skipped;
  const stands = standsOf(spec, fleet);
  for (const { at } of stands) run.expect(['terminate'], at);
  const owner = { fleet: fleet.fleet, run: leftBy };
  for (const stand of stands) {
    const { at } = stand;
    const where = whereOf(stand.spec);
    try {
      await run.step(
        'terminate',
        () =>
          undoing.terminate.executeWithOptions(as('terminate', `what ${leftBy} left`, deadlines.undo, at), [
            {
              ...where,
              owner,
              patience: deadlines.consistency,
              ids: [],
              volumes: 'delete',
              spare: skipped.map(leftoverName),
            },
          ]),
        { at, found: (ended) => ({ outcome: ended.outcome, detail: terminationWords(ended) }) },
      );
    } catch {
      const there = leftovers.filter((left) => left.at === at);
      const left = await CancellationScope.nonCancellable(() =>
        stillLeft({ ...where, owner, leftovers: there, made: [] }, deadlines.consistency, at),
      );
      run.report.leftovers.push(...left.map((one) => ({ ...one, at })));
    }
  }
  Object.assign(fleet, { leftovers: run.report.leftovers, skipped: run.report.skipped });
  if (run.report.leftovers.length > 0) {
    run.setState('left-over');
    return { told: run.report, failure: run.failure() };
  }
  run.report.error = undefined;
  run.setState((await isAsItShouldBe(run, stands)) ? 'complete' : 'degraded');
  return { told: run.report };
}

/** What a change had done that was ended from outside no undo has taken back: it is said, and not passed over. */
async function isAsItShouldBe(run: Run, stands: readonly Stand[]): Promise<boolean> {
  const words = (found: FoundDrift) =>
    `${counted(findingCount(found), 'thing')} otherwise than the spec says`;
  for (const { at } of stands) run.expect(['check'], at);
  for (const stand of stands) {
    const { at } = stand;
    const look = () => lookForDrift('check', stand, { patience: stand.spec.deadlines.consistency });
    const found = await run.step('check', look, { at, found: words }).catch(() => undefined);
    if (!found) continue;
    if (at === undefined) tellCount(run.report, found);
    if (findingCount(found) > 0)
      run.report.error ??= { step: 'check', code: 'Degraded', message: words(found) };
  }
  return run.report.error?.code !== 'Degraded';
}

function tellCount(report: FleetReport, { instanceCount, gone }: FoundDrift): void {
  report.instanceCount = beyondTold(instanceCount);
  report.instances = report.instances.filter(({ id }) => !gone.includes(id));
}
