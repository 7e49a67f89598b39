/** teardownFleet: removes a complete fleet, in the right order, and only that. */

import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { FoundFleet } from '../activities/inventory.ts';
import { isVolume, leftoversOf, resourceLeftovers, withoutSkipped } from '../fleet/leftovers.ts';
import { type Removal, removalWords, terminationWords } from '../fleet/removal.ts';
import { beyondTold, type FleetReport, type Leftover } from '../fleet/report.ts';
import type { TeardownRequest } from '../fleet/run.ts';
import type { StepName } from '../fleet/steps.ts';
import type { Owner } from '../fleet/tags.ts';
import { counted } from '../fleet/words.ts';
import { as, looking, undoing } from './activities.ts';
import { stillLeft } from './last-look.ts';
import { Run } from './run.ts';
import { assertNotBorrowed, DEFAULT_DEADLINE, foundWords, patienceOf } from './teardown.ts';
import { teardownPlaces } from './teardown-places.ts';

/**
 * Finds by its tags what the fleet has, or with `run` what that run of it made, ends its instances and waits for that, takes the role out of the profile,
 * deletes the profile, the policies and the role. A profile or a role that the fleet only used is not its own, and stays.
 */
export async function teardownFleet(request: TeardownRequest): Promise<FleetReport> {
  const run = new Run(
    { fleet: request.fleet, action: 'down', state: 'removing', region: request.region },
    'rollback',
    request.notify,
  );
  run.expect(['find', 'terminate', 'remove-role', 'delete-profile', 'delete-policy', 'delete-role']);
  const deadline = request.undoDeadline ?? DEFAULT_DEADLINE;
  let found: FoundFleet | undefined;
  try {
    await run.step(
      'find',
      async () => {
        found = await looking.findFleet.executeWithOptions(
          // Without it nothing is known: it is tried for long, however soon a removal is to be given up.
          as('find', request.fleet, Math.max(deadline, DEFAULT_DEADLINE)),
          [request],
        );
        assertNotBorrowed(found);
        return found;
      },
      { found: foundWords },
    );
    const { wanted, skipped } = withoutSkipped(found!, request.skip);
    if (skipped.length > 0) run.report.skipped = skipped;
    if (!isInSeveral(found!)) await remove(run, wanted, request, deadline);
  } catch (error) {
    if (found) run.report.leftovers.push(...(await leftOf(run, found, request)));
    const isGone = run.report.leftovers.length === 0 && hasBegun(run);
    if (isGone) return await gone(run);
    run.setState('left-over');
    await run.tell('leftovers');
    throw isCancellation(error) && run.report.leftovers.length === 0 ? error : run.failure();
  }
  return isInSeveral(found!) ? teardownPlaces(inEach(found!, request)) : gone(run);
}

/** Its tags tell of more regions than whoever asked for its removal has known. */
function isInSeveral({ regions = [] }: FoundFleet): boolean {
  return regions.length > 1;
}

function inEach(
  { regions = [] }: FoundFleet,
  { region: _, assume, account, ...request }: TeardownRequest,
): TeardownRequest {
  return { ...request, places: regions.map((region) => ({ name: region, region, assume, account })) };
}

/** Also when its last step has failed, if a last look shows nothing any more. */
async function gone(run: Run): Promise<FleetReport> {
  run.report.instances = [];
  run.report.instanceCount = undefined;
  run.report.error = undefined;
  run.setState('gone');
  await run.tell('gone');
  return run.report;
}

async function remove(
  run: Run,
  found: FoundFleet,
  teardown: TeardownRequest,
  seconds: number,
): Promise<void> {
  const { run: ofRun, volumes = 'keep', skip = [], instances = [], patience = 0 } = teardown;
  const { region, role, profile } = found;
  const owner: Owner = { fleet: found.fleet, run: ofRun };
  // Whoever takes it up from here has to see the same account.
  const { account } = found;
  const request = { region, account, owner, patience: patienceOf(teardown) };
  Object.assign(run.report, {
    account,
    region,
    role,
    profile,
    instances: [...found.instances],
    instanceCount: beyondTold(found.ids.length),
  });

  // Those of a fleet that came up a moment ago may not be shown yet, and those that were shown may be hidden again.
  const isNew = patience > 0;
  const ids = new Set([...found.ids, ...(isNew ? instances : [])]);
  for (const id of [...ids]) if (skip.includes(`instance/${id}`)) ids.delete(id);

  await run.step(
    'terminate',
    () =>
      undoing.terminate.executeWithOptions(as('terminate', counted(found.ids.length, 'instance'), seconds), [
        { ...request, ids: [...ids], volumes, spare: skip },
      ]),
    {
      found: (termination) => {
        if (termination.volumesKept.length > 0) run.report.volumesKept = [...termination.volumesKept];
        return { outcome: termination.outcome, detail: terminationWords(termination) };
      },
    },
  );
  await step('remove-role', profile && role, ({ name }) =>
    undoing.removeRole.executeWithOptions(as('remove-role', name, seconds), [
      { ...request, profile: profile!.name, role: name },
    ]),
  );
  await step('delete-profile', profile, ({ name }) =>
    undoing.deleteProfile.executeWithOptions(as('delete-profile', name, seconds), [
      { ...request, profile: name },
    ]),
  );
  await step('delete-policy', role, ({ name }) =>
    undoing.deletePolicies.executeWithOptions(as('delete-policy', `of ${name}`, seconds), [
      { ...request, role: name },
    ]),
  );
  await step('delete-role', role, ({ name }) =>
    undoing.deleteRole.executeWithOptions(as('delete-role', name, seconds), [{ ...request, role: name }]),
  );

  /** A step about something that the fleet may not have. */
  async function step<T>(name: StepName, thing: T | undefined, removeIt: (thing: T) => Promise<Removal>) {
    await run.step(name, async () => (thing ? removeIt(thing) : undefined), {
      found: (removal) =>
        removal
          ? { outcome: removal.outcome, detail: removalWords(removal) }
          : { outcome: 'absent', detail: 'nothing of the fleet' },
    });
  }
}

/** What is left of what was found, as AWS shows it when it has made up its mind. */
async function leftOf(run: Run, found: FoundFleet, request: TeardownRequest): Promise<readonly Leftover[]> {
  const { error } = run.report;
  const { region, account, role, profile } = found;
  const reason = error ? `${error.code}: ${error.message}` : 'cancelled';
  const volumes = (error?.left ?? []).filter(isVolume);
  const leftovers = [
    ...leftoversOf(withoutSkipped(found, request.skip).wanted, reason, request.run),
    ...resourceLeftovers(region, { fleet: found.fleet, run: request.run }, volumes, reason),
  ];
  if (!hasBegun(run)) return leftovers;
  const made = [role, profile].flatMap((thing) => thing?.id ?? []);
  const owner: Owner = { fleet: found.fleet, run: request.run };
  return CancellationScope.nonCancellable(() =>
    stillLeft(
      { region, account, owner, leftovers, role: role?.name, made, volumes: request.volumes === 'delete' },
      patienceOf(request),
    ),
  );
}

/** Whether anything can have been removed. */
function hasBegun({ report }: Run): boolean {
  return report.steps.some(({ name, state }) => name === 'terminate' && state !== 'pending');
}
