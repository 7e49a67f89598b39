/** One run of a fleet, as it is watched from outside. */

import { setTimeout as sleep } from 'node:timers/promises';
import { QueryNotRegisteredError, type WorkflowHandle } from '@temporalio/client';
import type { FleetEvent } from '../fleet/event.ts';
import {
  blankReport,
  type FleetReport,
  type InstanceReport,
  isSettled,
  type StepReport,
} from '../fleet/report.ts';
import { INSTANCES_QUERY, type InstancesPage, PROGRESS_QUERY } from '../fleet/run.ts';
import { runLink } from '../fleet/ui-link.ts';
import { MusterError, noWorker } from './errors.ts';
import { OpenCalls } from './open-calls.ts';
import { outcomeOf } from './outcome.ts';
import { detailOf, type PendingStep, pendingIn } from './pending-step.ts';
import { LOOK_EVERY_MS, type Progress } from './progress.ts';
import { eventsOf } from './run-events.ts';
import { asMusterError, isOutage, isPastWorkers, isUnanswered, type Temporal } from './temporal.ts';

/** A run by its ids. */
export interface RunId {
  readonly workflowId: string;
  readonly runId: string;
  /** Of the run that this one continues. */
  readonly firstRunId?: string;
  /** The Update by which the change was asked for that is watched: its answer is the end, and not the run's. */
  readonly change?: string;
}

const PAGE = 1_000;
/** A query that no worker answers would be waited for by default for ten seconds. */
const QUERY_PATIENCE_MS = 3_000;
/** For each the SDK has tried for about twenty seconds by itself. */
const MOST_OUTAGES = 15;

/** A run of a fleet, or a change that it makes. It goes on whether or not anybody watches it. */
export class FleetRun {
  readonly fleet: string;
  /** `fleet:NAME` of all runs that change a fleet; `runId` tells them apart. */
  readonly workflowId: string;
  readonly runId: string;
  /** The run in Temporal's web UI, where that is known. */
  readonly uiUrl: string | undefined;
  /** What the run was when it was asked for: begun by that, under way, ended before, or keeping a complete fleet. */
  readonly met: 'new' | 'running' | 'ended' | 'keeping';
  readonly #temporal: Temporal;
  readonly #handle: WorkflowHandle;
  /** The run that launched: the first of those that followed one another. */
  readonly #first: WorkflowHandle;
  /** The Update by which the change was asked for that it is about. */
  readonly change: string | undefined;

  constructor(
    temporal: Temporal,
    fleet: string,
    { workflowId, runId, firstRunId = runId, change }: RunId,
    met: FleetRun['met'],
  ) {
    this.fleet = fleet;
    this.workflowId = workflowId;
    this.runId = runId;
    this.met = met;
    this.uiUrl = runLink(temporal.uiUrl, temporal.namespace, workflowId, runId);
    this.#temporal = temporal;
    const handleOf = (run: string) =>
      temporal.client.workflow.getHandle(workflowId, run, { followRuns: false });
    this.#handle = handleOf(runId);
    this.change = change;
    this.#first = firstRunId === runId ? this.#handle : handleOf(firstRunId);
  }

  /**
   * Waits for the end of the run, or of the change that it makes, and answers its report, whatever the end: `report.state` tells which. A paused run
   * has not ended; one that keeps a complete fleet until its lease is over has nothing more to tell. Throws only when
   * Temporal cannot be asked, or the worker that is needed for that.
   */
  async result(): Promise<FleetReport> {
    try {
      if (this.change !== undefined) return await this.#answerOf(this.change);
      return await (this.met === 'keeping'
        ? this.progress()
        : outcomeOf(this.#handle, this.#temporal.workerWait));
    } catch (error) {
      throw asMusterError(this.#temporal, error);
    }
  }

  async #answerOf(change: string): Promise<FleetReport> {
    try {
      return await this.#handle.getUpdateHandle<FleetReport>(change).result();
    } catch (error) {
      const { status } = await this.#handle.describe();
      if (status.name === 'RUNNING') throw error;
      // Whoever ended the run from outside has ended its change with it.
      return outcomeOf(this.#handle, this.#temporal.workerWait);
    }
  }

  /** What the run says of itself now. Throws NoWorker when no worker answers, and TemporalUnreachable. */
  async progress(): Promise<FleetReport> {
    const report = await this.#report();
    return isSettled(report.state) ? report : withReasons(report, await this.#pending());
  }

  /** With what the runs say that launch in its places: theirs knows how far each is. */
  async #report(): Promise<FleetReport> {
    const report = await this.#ask<FleetReport>(PROGRESS_QUERY);
    if (!report.places || isSettled(report.state)) return report;
    return { ...report, places: await Promise.all(report.places.map((place) => this.#placeNow(place))) };
  }

  async #placeNow(place: FleetReport): Promise<FleetReport> {
    if (isSettled(place.state) || place.workflowId === this.workflowId) return place;
    try {
      const { client } = this.#temporal;
      const handle = client.workflow.getHandle(place.workflowId, place.runId);
      return await this.#askOf<FleetReport>(handle, PROGRESS_QUERY);
    } catch {
      return place;
    }
  }

  #ask<Answer>(query: string): Promise<Answer> {
    return this.#askOf<Answer>(this.#handle, query);
  }

  async #askOf<Answer, Args extends unknown[] = []>(
    handle: WorkflowHandle,
    query: string,
    ...args: Args
  ): Promise<Answer> {
    const { client, address, taskQueue } = this.#temporal;
    try {
      return await client.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
        handle.query<Answer, Args>(query, ...args),
      );
    } catch (error) {
      // A query is answered by a worker: Temporal lets it wait for one.
      if (isPastWorkers(error) || (isUnanswered(error) && (await this.#isTemporalThere(handle)))) {
        throw noWorker(taskQueue, address);
      }
      throw asMusterError(this.#temporal, error);
    }
  }

  /** Whether it answers what no worker is needed for. */
  async #isTemporalThere(handle: WorkflowHandle): Promise<boolean> {
    const { client } = this.#temporal;
    const asked = client.withDeadline(Date.now() + QUERY_PATIENCE_MS, () => handle.describe());
    return asked.then(
      () => true,
      () => false,
    );
  }

  /**
   * All instances of a fleet, as its run knows them, however many: a report has the first hundred. Throws NoWorker when
   * no worker answers, and TemporalUnreachable.
   */
  async *instances(): AsyncGenerator<InstanceReport, void> {
    const { places } = await this.#ask<FleetReport>(PROGRESS_QUERY);
    if (!places) return yield* this.#pages(this.#handle);
    // Each is known by the run that launched there.
    for (const { workflowId, runId, state } of places) {
      if (state !== 'complete' || workflowId === this.workflowId) continue;
      yield* this.#pages(this.#temporal.client.workflow.getHandle(workflowId, runId));
    }
  }

  async *#pages(of: WorkflowHandle): AsyncGenerator<InstanceReport, void> {
    for (let from = 0; ; from += PAGE) {
      const page = await this.#page({ from, most: PAGE }, of);
      yield* page;
      if (page.length < PAGE) return;
    }
  }

  /**
   * Of the run that has changed the fleet, or else of the one that launched it. A teardown has none, nor has a run that
   * has not launched yet.
   */
  async #page(page: InstancesPage, of: WorkflowHandle): Promise<InstanceReport[]> {
    try {
      return await this.#askOf<InstanceReport[], [InstancesPage]>(of, INSTANCES_QUERY, page);
    } catch (error) {
      if (!(error instanceof QueryNotRegisteredError)) throw error;
      return of === this.#handle && of !== this.#first ? this.#page(page, this.#first) : [];
    }
  }

  /** What is known of the run, four times a second, until it has ended; the last is its end. */
  async *watch(): AsyncGenerator<Progress, void> {
    let ended: FleetReport | undefined;
    let failed: { error: unknown } | undefined;
    const calls = new OpenCalls(this.#temporal.client);
    const end = this.#endThroughOutages(calls).then(
      (report) => {
        ended = report;
      },
      (error) => {
        failed = { error };
      },
    );
    try {
      while (!ended && !failed) {
        const progress = await Promise.race([calls.ask(() => this.look()), end]);
        if (progress && !ended) yield progress;
        await calls.pause(LOOK_EVERY_MS, end);
      }
    } finally {
      await calls.stop();
    }
    if (failed) throw failed.error;
    yield { report: ended!, pending: [] };
  }

  /**
   * What has happened in the run so far, and what does as it comes, until it has ended or waits for a person; of a change
   * from when it was asked for, until it is done. The last is its `result`. Throws as `result()` does.
   */
  events(): AsyncGenerator<FleetEvent, void> {
    return eventsOf(this.#temporal, this);
  }

  #last: FleetReport | undefined;
  #heardAt = Date.now();

  /** What is known of the run now; who does not answer is told, too. */
  async look(): Promise<Progress> {
    try {
      this.#last = await this.#report();
      this.#heardAt = Date.now();
      return { report: this.#last, pending: isSettled(this.#last.state) ? [] : await this.#pending() };
    } catch (error) {
      const of = error instanceof MusterError && error.code === 'NoWorker' ? 'worker' : 'temporal';
      const seconds = Math.round((Date.now() - this.#heardAt) / 1000);
      const { fleet, workflowId, runId } = this;
      const report = this.#last ?? blankReport({ fleet, action: 'up', workflowId, runId });
      return { report, pending: [], silence: { of, seconds } };
    }
  }

  /** The server may be restarted under a watcher: that ends no run, so it ends no watch before long. */
  async #endThroughOutages(calls: OpenCalls): Promise<FleetReport> {
    for (let outages = 1; ; outages++) {
      try {
        // Each go is a call of its own: none begins when nobody watches any more.
        return await calls.ask(() => this.result());
      } catch (error) {
        const known = asMusterError(this.#temporal, error);
        if (!isOutage(this.#temporal, known) || outages >= MOST_OUTAGES) throw known;
        await sleep(LOOK_EVERY_MS);
      }
    }
  }

  async #pending(): Promise<PendingStep[]> {
    return pendingIn(await this.#handle.describe());
  }
}

/** Of a step whose call is made again the report itself says nothing: only Temporal knows. */
function withReasons(report: FleetReport, pending: readonly PendingStep[]): FleetReport {
  const told = (step: StepReport): StepReport => ({ ...step, detail: detailOf(step, pending) });
  return { ...report, steps: report.steps.map(told), undos: report.undos.map(told) };
}
