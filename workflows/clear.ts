/** Clearing: removes what an earlier change of a fleet has left, so that the fleet is complete and nothing else. */

import { CancellationScope } from '@temporalio/workflow';
import type { FoundDrift } from '../activities/drift.ts';
import { findingCount } from '../fleet/drift-report.ts';
import { leftoverName } from '../fleet/leftovers.ts';
import { terminationWords } from '../fleet/removal.ts';
import { beyondTold, type FleetReport, instanceCountOf } from '../fleet/report.ts';
import type { ClearRequest } from '../fleet/run.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { counted } from '../fleet/words.ts';
import { as, undoing } from './activities.ts';
import type { Changed, Standing } from './changed.ts';
import { lookForDrift } from './drift-look.ts';
import { stillLeft } from './last-look.ts';
import { Run } from './run.ts';

/** Ends what carries the tags of the run `leftBy`, but for what is given up; the fleet's own is another run's. */
export async function clearFleet(
  { report: fleet, spec }: Standing,
  leftBy: string,
  { skip }: ClearRequest,
): Promise<Changed> {
  const { region, deadlines } = spec;
  const owner = { fleet: fleet.fleet, run: leftBy };
  const run = new Run(
    { fleet: fleet.fleet, action: 'scale', state: 'scaling', region, specHash: fleet.specHash },
    'rollback',
  );
  const { account, role, profile, image, lease, wanted, instances, runs } = fleet;
  Object.assign(run.report, { account, role, profile, image, lease, wanted, instances, runs });
  run.report.instanceCount = instanceCountOf(fleet) > instances.length ? fleet.instanceCount : undefined;
  run.expect(['terminate']);
  const isGivenUp = (left: (typeof fleet.leftovers)[number]) => skip.includes(leftoverName(left));
  const leftovers = fleet.leftovers.filter((left) => !isGivenUp(left));
  const skipped = [...(fleet.skipped ?? []), ...fleet.leftovers.filter(isGivenUp)];
  if (skipped.length > 0) run.report.skipped = skipped;
  try {
    await run.step(
      'terminate',
      () =>
        undoing.terminate.executeWithOptions(as('terminate', `what ${leftBy} left`, deadlines.undo), [
          {
            region,
            owner,
            patience: deadlines.consistency,
            ids: [],
            volumes: 'delete',
            spare: skipped.map(leftoverName),
          },
        ]),
      { found: (ended) => ({ outcome: ended.outcome, detail: terminationWords(ended) }) },
    );
  } catch {
    const left = await CancellationScope.nonCancellable(() =>
      stillLeft({ region, owner, leftovers, made: [] }, deadlines.consistency),
    );
    run.report.leftovers.push(...left);
  }
  Object.assign(fleet, { leftovers: run.report.leftovers, skipped: run.report.skipped });
  if (run.report.leftovers.length > 0) {
    run.setState('left-over');
    return { told: run.report, failure: run.failure() };
  }
  run.report.error = undefined;
  run.setState((await isAsItShouldBe(run, spec, fleet)) ? 'complete' : 'degraded');
  return { told: run.report };
}

/** What a change had done that was ended from outside no undo has taken back: it is said, and not passed over. */
async function isAsItShouldBe(run: Run, spec: FleetSpec, fleet: FleetReport): Promise<boolean> {
  run.expect(['check']);
  const look = () => lookForDrift('check', spec, fleet, { patience: spec.deadlines.consistency });
  const words = (found: FoundDrift) =>
    `${counted(findingCount(found), 'thing')} otherwise than the spec says`;
  const found = await run.step('check', look, { found: words }).catch(() => undefined);
  if (!found) return true;
  run.report.instanceCount = beyondTold(found.instanceCount);
  const gone = new Set(found.gone);
  run.report.instances = run.report.instances.filter(({ id }) => !gone.has(id));
  if (findingCount(found) === 0) return true;
  run.report.error = { step: 'check', code: 'Degraded', message: words(found) };
  return false;
}
