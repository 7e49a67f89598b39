/** sweepFleets: finds, shows and, if asked, removes what runs have left that can do nothing about it any more. */

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  ChildWorkflowFailure,
  executeChild,
  ParentClosePolicy,
  setCurrentDetails,
} from '@temporalio/workflow';
import { FLEET_FAILED } from '../fleet/failures.ts';
import type { FleetReport, Leftover } from '../fleet/report.ts';
import type { FleetMemo, TeardownRequest } from '../fleet/run.ts';
import {
  DEFAULT_OLDER_THAN,
  judge,
  type KnownRun,
  type Remains,
  type SweepReport,
  type SweepRequest,
  type Swept,
  volumesOf,
} from '../fleet/sweep.ts';
import { counted } from '../fleet/words.ts';
import { as, looking } from './activities.ts';
import { teardownFleet } from './teardown-fleet.ts';
import { teardownPlaces } from './teardown-places.ts';

const LOOK_DEADLINE = 1_800;

/** Looks at AWS first and at Temporal after it: a run that begins in between is met as one that is alive. */
export async function sweepFleets(request: SweepRequest): Promise<SweepReport> {
  const found = await looking.findRemains.executeWithOptions(
    {
      ...as('find', '', LOOK_DEADLINE),
      summary: `find what runs have left in ${counted(request.regions.length, 'region')}`,
    },
    [{ regions: request.regions }],
  );
  const known = await looking.describeRuns.executeWithOptions(
    {
      ...as('find', '', LOOK_DEADLINE),
      summary: `ask Temporal about ${counted(found.remains.length, 'run')}`,
    },
    [{ runs: found.remains.map(({ fleet, run, namespace }) => ({ fleet, run, namespace })) }],
  );
  const here = {
    namespace: found.namespace,
    now: Date.now(),
    olderThan: request.olderThan ?? DEFAULT_OLDER_THAN,
  };
  const swept: Swept[] = [];
  for (const [at, remains] of found.remains.entries()) {
    const verdict = judge(remains, known[at]!, here);
    swept.push(
      verdict.remove && request.remove
        ? await removed(remains, known[at]!, verdict.why, request)
        : { ...verdict, remains, leftovers: [] },
    );
    setCurrentDetails(`${swept.length} of ${found.remains.length} runs judged`);
  }
  const { account, regions } = found;
  return { schema: 1, account, regions, removed: request.remove === true, swept };
}

/**
 * A teardown of what one run made and nothing else: it has an id of its own, because a later run of the fleet may be
 * under way or may have made it, and neither concerns the other.
 */
async function removed(
  remains: Remains,
  known: KnownRun,
  why: string,
  { undoDeadline }: SweepRequest,
): Promise<Swept> {
  const { fleet, run, region, regions = [region], roles, profiles } = remains;
  const places = regions.length > 1 ? regions.map((of) => ({ name: of, region: of })) : undefined;
  const memo: FleetMemo = { fleet, region, places };
  const request: TeardownRequest = {
    fleet,
    run,
    region,
    places,
    role: roles[0],
    profile: profiles[0],
    volumes: volumesOf(known),
    undoDeadline,
  };
  try {
    await executeChild(places ? teardownPlaces : teardownFleet, {
      args: [request],
      workflowId: `sweep:${fleet}:${run}`,
      memo: { ...memo },
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `sweep ${fleet}: what run ${run} left`,
    });
    return { remove: true, why, remains, leftovers: [] };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      return { remove: false, why: 'another sweep is removing it', remains, leftovers: [] };
    }
    return { remove: true, why, remains, leftovers: leftoversIn(error) };
  }
}

function leftoversIn(error: unknown): readonly Leftover[] {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure) || cause.type !== FLEET_FAILED) throw error;
  return (cause.details![0] as FleetReport).leftovers;
}
