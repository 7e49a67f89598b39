/** A change of a complete fleet in several places: in each that it is about by a run of its own. */

import {
  CancellationScope,
  CancelledFailure,
  ChildWorkflowFailure,
  isCancellation,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { unknownInstancesLeftover } from '../fleet/leftovers.ts';
import { type Stand, standsOf } from '../fleet/places.ts';
import { type RepairRequest, repairedInEach } from '../fleet/repair.ts';
import { type FleetReport, instanceCountIn, instanceCountOf } from '../fleet/report.ts';
import type { ScaleRequest } from '../fleet/scale.ts';
import type { Count } from '../fleet/spec.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { counted } from '../fleet/words.ts';
import { changePlace } from './change-place.ts';
import type { Changed, Standing } from './changed.ts';
import { failureIn, lostRun, placeRun } from './place-runs.ts';
import { describeFailure, isCancelled, Run } from './run.ts';

export type ChangeOfPlaces =
  | { readonly action: 'scale'; readonly request: ScaleRequest }
  | { readonly action: 'repair'; readonly request: RepairRequest };

/** Each place is changed as a whole or stays as it was, and what fails in one holds up no other. */
export async function changePlaces(standing: Standing, asked: ChangeOfPlaces): Promise<Changed> {
  const places = new PlacesChange(standing, asked);
  await places.change();
  return CancellationScope.nonCancellable(() => places.end());
}

const STEPS = { scale: 'scale-place', repair: 'repair-place' } as const;
const STATES = { scale: 'scaling', repair: 'repairing' } as const;

class PlacesChange {
  private readonly run: Run;
  private readonly asked: ChangeOfPlaces;
  private readonly fleet: FleetReport;
  private readonly stands: readonly Stand[];
  /** Of what is launched, wherever, and of nothing else. */
  private readonly owner: RunOwner;
  /** What the places tell of the change, by their names. */
  private readonly told = new Map<string, FleetReport>();
  private readonly startedAt = Date.now();
  private wasCancelled = false;

  constructor({ report, spec }: Standing, asked: ChangeOfPlaces) {
    this.fleet = report;
    this.asked = asked;
    const { action } = asked;
    const only = asked.action === 'scale' ? asked.request.place : undefined;
    this.stands = standsOf(spec, report).filter(({ at }) => only === undefined || at === only);
    const { fleet, specHash, account, role, profile, lease, wanted } = report;
    this.owner = { fleet, run: workflowInfo().runId };
    this.run = new Run({ fleet, action, state: STATES[action], specHash }, 'rollback', spec.notify);
    Object.assign(this.run.report, { account, role, profile, lease, wanted });
    for (const place of report.places!) {
      // How it came up is told already.
      const untold = { steps: [], undos: [], decisions: undefined, propagation: undefined };
      this.told.set(place.place!, { ...place, ...untold });
    }
    this.tell();
    for (const { at } of this.stands) this.run.expect([STEPS[action]], at);
  }

  /** What is launched elsewhere in an account needs its role and profile as they should be: these come first. */
  async change(): Promise<void> {
    const bearsNone = ({ identity }: Stand) => identity === 'elsewhere';
    await this.sideBySide(this.stands.filter((stand) => !bearsNone(stand)));
    await this.sideBySide(this.stands.filter(bearsNone));
    this.wasCancelled = isCancelled();
  }

  async end(): Promise<Changed> {
    const { run, fleet, asked } = this;
    const { report } = run;
    const told = this.stands.map(({ at }) => this.told.get(at!)!);
    fleet.instanceCount = instanceCountIn(fleet.places!);
    report.leftovers = told.flatMap(({ place, leftovers }) =>
      leftovers.map((left) => ({ ...left, at: left.at ?? place })),
    );
    const volumesKept = told.flatMap(({ volumesKept: kept = [] }) => kept);
    if (volumesKept.length > 0) report.volumesKept = volumesKept;
    if (asked.action === 'repair') report.repair = repairedInEach(told);
    else this.tellScale(asked.request, told[0]!);
    this.tell();
    run.setState(this.stateOf(told));
    if (report.state === 'complete') report.error = undefined;
    if ((report.repair?.mendedCount ?? 0) > 0) await run.tell('repaired');
    const failure = report.leftovers.length > 0 ? run.failure() : undefined;
    return { told: report, failure };
  }

  private async sideBySide(stands: readonly Stand[]): Promise<void> {
    await Promise.all(
      stands.map(async (stand) => {
        const { at } = stand;
        const work = () => this.changeAt(stand);
        await this.run
          .step(STEPS[this.asked.action], work, { at, found: doneWords })
          .catch((error) => this.drop(stand, error));
      }),
    );
  }

  /** What has failed there is told by the place; here it is a step that has failed. */
  private async changeAt({ at, spec, report, identity }: Stand): Promise<FleetReport> {
    const { fleet, owner, asked } = this;
    const { notify: _, ...wanted } = spec;
    const child = await startChild(changePlace, {
      ...placeRun(asked.action, spec, at!),
      args: [{ standing: { at: at!, identity: identity!, report, spec: wanted }, owner, asked }],
    });
    const ids = { workflowId: child.workflowId, runId: child.firstExecutionRunId };
    this.tell({ ...this.told.get(at!)!, ...ids, state: STATES[asked.action] });
    const { now, ...told } = await child.result();
    this.tell(told);
    fleet.places = fleet.places!.map((place) => (place.place === at ? now : place));
    if (told.state === 'cancelled') throw new CancelledFailure('cancelled');
    if (told.error) throw failureIn(at!, told.error);
    return told;
  }

  /** Of a place whose run could not tell itself what has become of it. */
  private drop({ at, spec }: Stand, error: unknown): void {
    const told = this.told.get(at!)!;
    const { action } = this.asked;
    if (told.action === action) return;
    if (error instanceof ChildWorkflowFailure) {
      const lost = lostRun(STEPS[action], error.cause);
      const reason = `${lost.code}: ${lost.message}`;
      const leftovers = [unknownInstancesLeftover(spec.region, this.owner, reason)];
      this.run.report.error = { ...lost, message: `${at}: ${lost.message}` };
      this.tell({ ...told, action, state: 'lost', error: lost, leftovers });
      return;
    }
    // It has not begun.
    const state = isCancellation(error) ? 'cancelled' : 'rolled-back';
    this.tell({ ...told, action, state, error: describeFailure(STEPS[action], error) });
  }

  private tellScale({ place, by, count }: ScaleRequest, told: FleetReport): void {
    const { fleet } = this;
    const { report } = this.run;
    const from = instanceCountOf(this.stands[0]!.report);
    const { runId } = workflowInfo();
    const failed = report.error && `${report.error.code}: ${report.error.message}`;
    const unsaid = { from, to: count, by, startedAt: this.startedAt, failed };
    report.scale = { ...(told.scale ?? unsaid), place, runId };
    fleet.scale = report.scale;
    fleet.wanted = wantedIn(fleet.places!);
    report.wanted = fleet.wanted;
  }

  private stateOf(told: readonly FleetReport[]): FleetReport['state'] {
    const are = (...states: FleetReport['state'][]) => told.every(({ state }) => states.includes(state));
    if (this.run.report.leftovers.length > 0) return 'left-over';
    if (are('complete')) return 'complete';
    if (this.wasCancelled && are('complete', 'cancelled', 'rolled-back')) return 'cancelled';
    return are('rolled-back') ? 'rolled-back' : 'degraded';
  }

  private tell(place?: FleetReport): void {
    const { report } = this.run;
    if (place) this.told.set(place.place!, place);
    report.places = this.fleet.places!.map(({ place }) => this.told.get(place!)!);
    report.instanceCount = instanceCountIn(report.places);
    this.run.show();
  }
}

/** Of those that it has come up in. */
function wantedIn(places: readonly FleetReport[]): FleetReport['wanted'] {
  const all = places.flatMap(({ state, wanted }) => (state === 'complete' && wanted ? wanted : []));
  const sum = (of: (wanted: Count) => number) => all.reduce((total, one) => total + of(one), 0);
  return { want: sum(({ want }) => want), min: sum(({ min }) => min) };
}

function doneWords({ scale, repair }: FleetReport): string {
  if (!repair) return `${scale!.from} → ${scale!.to} instances`;
  const { mendedCount, remainingCount } = repair;
  if (mendedCount + remainingCount === 0) return 'all as the spec says';
  return `${counted(mendedCount, 'thing')} put right, ${remainingCount} ${remainingCount === 1 ? 'differs' : 'differ'} still`;
}
