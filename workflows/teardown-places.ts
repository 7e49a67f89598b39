/** teardownPlaces: removes a fleet that is in several places: its instances everywhere, and last the identities. */

import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { FoundFleet } from '../activities/inventory.ts';
import { PROFILE_IN_USE } from '../fleet/failures.ts';
import {
  isVolume,
  leftoversOf,
  resourceLeftovers,
  unknownInstancesLeftover,
  withoutSkipped,
} from '../fleet/leftovers.ts';
import type { KnownPlace } from '../fleet/places.ts';
import { type Removal, removalWords, terminationWords } from '../fleet/removal.ts';
import { beyondTold, type FleetReport, type Leftover } from '../fleet/report.ts';
import type { TeardownRequest } from '../fleet/run.ts';
import type { StepName } from '../fleet/steps.ts';
import type { Owner } from '../fleet/tags.ts';
import { as, looking, undoing } from './activities.ts';
import { stillLeft } from './last-look.ts';
import { describeFailure, isCancelled, Run, type UndoTold } from './run.ts';
import { assertNotBorrowed, DEFAULT_DEADLINE, foundWords, patienceOf } from './teardown.ts';

/**
 * Finds in each place by its tags what the fleet has there, and ends its instances; where that is done in all places of an
 * account, takes the role out of the profile, deletes the profile, the policies and the role. What fails in one place or
 * account holds up no other.
 */
export async function teardownPlaces(request: TeardownRequest): Promise<FleetReport> {
  const teardown = new PlacesTeardown(request);
  await teardown.find();
  await teardown.terminate();
  await teardown.removeIdentities();
  return teardown.end();
}

interface Place {
  readonly known: KnownPlace;
  readonly report: FleetReport;
  found?: FoundFleet;
  /** Why something may be left in it. */
  failed?: string;
  left?: readonly string[];
}

class PlacesTeardown {
  private readonly request: TeardownRequest;
  private readonly run: Run;
  private readonly seconds: number;
  private readonly places: readonly Place[];
  /** Accounts whose identity may be left, and why. */
  private readonly keptIn = new Map<string, string>();

  constructor(request: TeardownRequest) {
    this.request = request;
    this.seconds = request.undoDeadline ?? DEFAULT_DEADLINE;
    this.run = new Run(
      { fleet: request.fleet, action: 'down', state: 'removing' },
      'rollback',
      request.notify,
    );
    const { workflowId, runId } = this.run.report;
    this.places = request.places!.map((known) => ({
      known,
      report: {
        schema: 1,
        fleet: request.fleet,
        place: known.name,
        action: 'down',
        state: 'removing',
        region: known.region,
        workflowId,
        runId,
        instances: [],
        steps: [],
        undos: [],
        leftovers: [],
      },
    }));
    for (const name of ['find', 'terminate'] as const) {
      for (const { known } of this.places) this.run.expect([name], known.name);
    }
    this.tell();
  }

  async find(): Promise<void> {
    await this.inEach(this.places, 'find', async (place) => {
      const { places: _, ...request } = this.request;
      const { name, untouched, ...known } = place.known;
      const look = looking.findFleet.executeWithOptions(
        as('find', `${request.fleet} in ${name}`, Math.max(this.seconds, DEFAULT_DEADLINE), name),
        [{ ...request, ...known, here: true }],
      );
      try {
        place.found = await look;
      } catch (error) {
        if (!untouched || isCancellation(error)) throw error;
        return this.leaveUntouched(place, error);
      }
      assertNotBorrowed(place.found);
      const { wanted, skipped } = withoutSkipped(place.found, this.request.skip);
      place.found = wanted;
      if (skipped.length > 0) this.run.report.skipped = [...(this.run.report.skipped ?? []), ...skipped];
      this.tellFound(place, wanted);
      return foundWords(wanted);
    });
  }

  /** Nowhere anything, as long as others' machines run with the profile in one place. */
  async terminate(): Promise<void> {
    const isBorrowed = this.run.report.error?.code === PROFILE_IN_USE;
    if (isBorrowed || isCancelled()) return this.failAll();
    const { volumes = 'keep', skip = [], patience = 0 } = this.request;
    const found = this.places.filter((place) => place.found && !place.failed);
    await this.inEach(found, 'terminate', async (place) => {
      const { known, found } = place;
      // Those of a fleet that came up a moment ago may not be shown yet.
      const ids = new Set([...found!.ids, ...(patience > 0 ? (known.instances ?? []) : [])]);
      for (const id of [...ids]) if (skip.includes(`instance/${id}`)) ids.delete(id);
      const termination = await undoing.terminate.executeWithOptions(
        as('terminate', `in ${known.name}`, this.seconds, known.name),
        [{ ...this.removalIn(place), ids: [...ids], volumes, spare: skip }],
      );
      if (termination.volumesKept.length > 0) {
        place.report.volumesKept = [...termination.volumesKept];
        this.run.report.volumesKept = [...(this.run.report.volumesKept ?? []), ...termination.volumesKept];
      }
      place.report.instances = [];
      place.report.instanceCount = undefined;
      place.report.state = 'gone';
      return { outcome: termination.outcome, detail: terminationWords(termination) };
    });
  }

  /** Once in each account, when nothing uses it any more. */
  async removeIdentities(): Promise<void> {
    const accounts = this.accounts();
    const label = (account: string) => (accounts.size > 1 ? account : undefined);
    await Promise.all(
      [...accounts].map(async ([account, places]) => {
        const failed = places.find((place) => place.failed !== undefined);
        if (failed) {
          this.keptIn.set(account, `kept, as something may use it in ${failed.known.name}`);
          return;
        }
        try {
          await this.removeIdentity(places, label(account));
        } catch (error) {
          this.keptIn.set(account, reasonOf(error));
        }
      }),
    );
  }

  async end(): Promise<FleetReport> {
    const { run } = this;
    run.report.leftovers.push(...(await this.whatIsLeft()));
    for (const { report } of this.places) if (report.state === 'removing') report.state = 'left-over';
    this.tell();
    if (run.report.leftovers.length === 0 && this.hasBegun) {
      for (const { report } of this.places) report.state = 'gone';
      run.report.error = undefined;
      run.setState('gone');
      await run.tell('gone');
      return run.report;
    }
    run.setState('left-over');
    await run.tell('leftovers');
    throw run.failure();
  }

  private async removeIdentity(places: readonly Place[], at: string | undefined): Promise<void> {
    const { seconds } = this;
    const [first] = places;
    const request = this.removalIn(first!);
    const { role, profile } = identityOf(places);
    const step = async <T>(name: StepName, thing: T | undefined, remove: (thing: T) => Promise<Removal>) => {
      await this.run.step(name, async () => (thing ? remove(thing) : undefined), {
        at,
        found: (removal) =>
          removal
            ? { outcome: removal.outcome, detail: removalWords(removal) }
            : { outcome: 'absent', detail: 'nothing of the fleet' },
      });
    };
    await step('remove-role', profile && role, ({ name }) =>
      undoing.removeRole.executeWithOptions(as('remove-role', name, seconds, at), [
        { ...request, profile: profile!.name, role: name },
      ]),
    );
    await step('delete-profile', profile, ({ name }) =>
      undoing.deleteProfile.executeWithOptions(as('delete-profile', name, seconds, at), [
        { ...request, profile: name },
      ]),
    );
    await step('delete-policy', role, ({ name }) =>
      undoing.deletePolicies.executeWithOptions(as('delete-policy', `of ${name}`, seconds, at), [
        { ...request, role: name },
      ]),
    );
    await step('delete-role', role, ({ name }) =>
      undoing.deleteRole.executeWithOptions(as('delete-role', name, seconds, at), [
        { ...request, role: name },
      ]),
    );
  }

  /** A step in each of the places side by side; in which of them it has failed is told by the places. */
  private async inEach(
    places: readonly Place[],
    name: StepName,
    work: (place: Place) => Promise<string | UndoTold>,
  ): Promise<void> {
    await Promise.all(
      places.map(async (place) => {
        try {
          await this.run.step(name, () => work(place), { at: place.known.name, found: (words) => words });
        } catch (error) {
          place.failed = reasonOf(error);
          place.left = isCancellation(error) ? undefined : describeFailure(name, error).left;
          if (!isCancellation(error)) place.report.error = describeFailure(name, error);
        }
        this.tell();
      }),
    );
  }

  /** What was wrong there kept the fleet from it, and may keep whoever looks from it still. */
  private leaveUntouched({ known, report }: Place, error: unknown): string {
    report.state = 'gone';
    const { run } = this;
    run.report.steps = run.report.steps.filter(({ name, at }) => name !== 'terminate' || at !== known.name);
    return `nothing was made there, and it cannot be looked at: ${reasonOf(error)}`;
  }

  private failAll(): void {
    for (const place of this.places) place.failed ??= 'nothing was removed';
  }

  private get hasBegun(): boolean {
    return this.run.report.steps.some(({ name, state }) => name === 'terminate' && state !== 'pending');
  }

  private ownerIn({ found }: Place): Owner {
    return { fleet: found?.fleet ?? this.request.fleet, run: this.request.run };
  }

  private removalIn(place: Place) {
    const { region, assume, account = place.found?.account } = place.known;
    return { region, assume, account, owner: this.ownerIn(place), patience: patienceOf(this.request) };
  }

  /** By their ids; a place in which nothing could be looked up is of none that is known. */
  private accounts(): Map<string, Place[]> {
    const accounts = new Map<string, Place[]>();
    for (const place of this.places) {
      const account = place.found?.account;
      if (account !== undefined) accounts.set(account, [...(accounts.get(account) ?? []), place]);
    }
    // Whose account it is, its role may tell.
    for (const place of this.places.filter(({ found }) => !found)) {
      const same = [...accounts.values()].find(
        ([other]) => other!.known.assume?.role === place.known.assume?.role,
      );
      same?.push(place);
    }
    return accounts;
  }

  private async whatIsLeft(): Promise<readonly Leftover[]> {
    const failed = this.places.filter((place) => place.failed !== undefined);
    const left = await Promise.all([
      ...failed.map((place) => this.leftIn(place)),
      ...[...this.accounts()].map(([account, places]) => this.leftOfIdentity(account, places)),
    ]);
    return left.flat();
  }

  private async leftIn(place: Place): Promise<readonly Leftover[]> {
    const { known, found, failed, left, report } = place;
    const owner = this.ownerIn(place);
    const ids = [...(found?.ids ?? []), ...(left ?? []).filter(isVolume)];
    const named = found
      ? resourceLeftovers(known.region, owner, ids, failed!)
      : [unknownInstancesLeftover(known.region, owner, failed!), ...this.unseenIdentity(place)];
    const leftovers = found ? await this.lastLook(place, named, known.name) : named;
    report.leftovers = leftovers.map((one) => ({ ...one, at: known.name }));
    if (leftovers.length === 0) report.state = 'gone';
    return report.leftovers;
  }

  /** What an earlier report named in an account of which nothing could be looked up. */
  private unseenIdentity(place: Place): readonly Leftover[] {
    const { known, failed } = place;
    if ([...this.accounts().values()].some((places) => places.includes(place))) return [];
    const named = (name: string | undefined) => (name === undefined ? undefined : { name });
    const identity = { role: named(known.role), profile: named(known.profile) };
    return leftoversOf({ region: known.region, fleet: this.request.fleet, ids: [], ...identity }, failed!);
  }

  private async leftOfIdentity(account: string, places: readonly Place[]): Promise<readonly Leftover[]> {
    const reason = this.keptIn.get(account);
    if (reason === undefined) return [];
    const first = places.find(({ found }) => found)!;
    const { role, profile, policies } = identityOf(places);
    const all = leftoversOf(
      { region: first.known.region, fleet: this.request.fleet, ids: [], role, profile, policies },
      reason,
    );
    const left = await this.lastLook(first, all, account);
    return left.map((one) => ({ ...one, at: account }));
  }

  private lastLook(place: Place, leftovers: readonly Leftover[], at: string): Promise<readonly Leftover[]> {
    if (!this.hasBegun) return Promise.resolve(leftovers);
    const { role, profile } = place.found ?? {};
    const { patience: _, ...request } = this.removalIn(place);
    const made = [role, profile].flatMap((thing) => thing?.id ?? []);
    const volumes = this.request.volumes === 'delete' && at === place.known.name;
    return CancellationScope.nonCancellable(() =>
      stillLeft({ ...request, leftovers, role: role?.name, made, volumes }, patienceOf(this.request), at),
    );
  }

  private tellFound({ report }: Place, { account, role, profile, instances, ids }: FoundFleet): void {
    const instanceCount = beyondTold(ids.length);
    Object.assign(report, { account, role, profile, instances: [...instances], instanceCount });
  }

  private tell(): void {
    this.run.report.places = this.places.map(({ report }) => report);
    this.run.show();
  }
}

/** As the places of an account show it: one of them may have been asked too early. */
function identityOf(places: readonly Place[]): Pick<FoundFleet, 'role' | 'profile' | 'policies'> {
  const found = places.flatMap((place) => place.found ?? []);
  return {
    role: found.find(({ role }) => role)?.role,
    profile: found.find(({ profile }) => profile)?.profile,
    policies: found.find(({ role }) => role)?.policies ?? [],
  };
}

function reasonOf(error: unknown): string {
  if (isCancellation(error)) return 'cancelled';
  const { code, message } = describeFailure('terminate', error);
  return `${code}: ${message}`;
}
