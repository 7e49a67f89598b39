/** Schedules of fleets: each time a fleet comes up, for as long as it is wanted. They are Temporal's own. */

import { setTimeout as sleep } from 'node:timers/promises';
import {
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleNotFoundError,
  type ScheduleOptions,
  type ScheduleOverlapPolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { durationWords } from '../fleet/duration.ts';
import { fleetInstancesWords, whereaboutsOf, whereWords } from '../fleet/fleet-words.ts';
import { lookBySpec } from '../fleet/look-by-spec.ts';
import type { Mistake } from '../fleet/mistakes.ts';
import { type BootstrapRequest, fleetWorkflowId } from '../fleet/run.ts';
import {
  type Overlap,
  SCHEDULE_ID_PREFIX,
  type ScheduleMemo,
  type ScheduleRules,
  scheduleId,
} from '../fleet/schedule.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { withAttributes } from './attributes.ts';
import { MusterError, ScheduleError, scheduleBusy, scheduledFleetThere, scheduleNotFound } from './errors.ts';
import type { BackfillInput, ScheduleInput } from './schedule-input.ts';
import {
  memoOf,
  runOf,
  type ScheduledRun,
  type ScheduleStanding,
  standingOf,
  type TriggeredRun,
} from './schedule-standing.ts';
import type { CheckedSpec } from './specs.ts';
import { inspect } from './standing.ts';
import { asMusterError, assertWorkerPolls, type Temporal } from './temporal.ts';

const WORKFLOW = 'scheduledFleet';
/** Temporal remembers ten. */
const MOST_RUNS = 10;
const AT_ONCE = 16;
/** Temporal takes a change first and does it then: mostly within a tenth of a second. */
const CHANGE_PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 100;

export class Schedules {
  readonly #temporal: Temporal;

  constructor(temporal: Temporal) {
    this.#temporal = temporal;
  }

  /**
   * Makes the schedule of a fleet, or changes the one that there is: its spec, its times and its policies; a paused one
   * stays paused. Runs that are under way go on as they were begun. Throws ScheduleError; nothing was sent then.
   */
  async set({ spec, hash }: CheckedSpec, written: ScheduleInput): Promise<ScheduleStanding> {
    // What reads it is a third of all that the commands load, and this one alone needs it.
    const { checkSchedule } = await import('../fleet/read-schedule.ts');
    const { rules, mistakes } = checkSchedule(written, new Date());
    if (mistakes) throw new ScheduleError(mistakes);
    const options = optionsOf(spec, hash, rules, this.#temporal.taskQueue);
    const { schedule } = this.#temporal.client;
    return this.#asking(spec.name, async () => {
      const note = `brings up ${spec.name} for ${durationWords(rules.lease)}`;
      await withAttributes(spec.name, async (attributes) => {
        const wanted = { ...options, action: { ...options.action, ...attributes } };
        try {
          await schedule.create({ ...wanted, state: { note } });
        } catch (error) {
          if (!(error instanceof ScheduleAlreadyRunning)) throw error;
          await this.#handle(spec.name).update(({ state }) => ({
            ...wanted,
            state: state.paused ? state : { ...state, note },
          }));
        }
      }).catch((error: unknown) => {
        throw refusalOf(error);
      });
      const changed = await this.#until(spec.name, (now) => isAsWanted(now, options));
      return standingOf(this.#temporal, changed, MOST_RUNS);
    });
  }

  /** How a schedule stands. Throws ScheduleNotFound. */
  get(fleet: string): Promise<ScheduleStanding> {
    return this.#asking(fleet, async () =>
      standingOf(this.#temporal, await this.#describe(fleet), MOST_RUNS),
    );
  }

  /** All schedules of fleets, by name, each with its last run. Temporal's list may lack one that was made just now. */
  async list(): Promise<ScheduleStanding[]> {
    return this.#asking('', async () => {
      const names: string[] = [];
      for await (const { scheduleId: id, action } of this.#temporal.client.schedule.list()) {
        if (id.startsWith(SCHEDULE_ID_PREFIX) && action?.workflowType === WORKFLOW) {
          names.push(id.slice(SCHEDULE_ID_PREFIX.length));
        }
      }
      names.sort();
      const found: (ScheduleStanding | undefined)[] = [];
      for (let at = 0; at < names.length; at += AT_ONCE) {
        found.push(...(await Promise.all(names.slice(at, at + AT_ONCE).map((name) => this.#listed(name)))));
      }
      return found.filter((standing) => standing !== undefined);
    });
  }

  /** No time starts a run until it is resumed. Throws ScheduleNotFound. */
  async pause(fleet: string, note = 'paused'): Promise<ScheduleStanding> {
    return this.#paused(fleet, true, (handle) => handle.pause(note));
  }

  /** Times that passed meanwhile are not made up for. Throws ScheduleNotFound. */
  async resume(fleet: string, note = 'resumed'): Promise<ScheduleStanding> {
    return this.#paused(fleet, false, (handle) => handle.unpause(note));
  }

  /**
   * Starts a run now, paused or not. Answers it; or undefined when it waits, as the overlap policy says, for the end of
   * one that is under way. Of several who ask at once it may be another's run: `skipped` tells that. Throws
   * ScheduleNotFound, NoWorker, and ScheduleBusy when it would be skipped: by the policy, or as the fleet is there from
   * elsewhere.
   */
  async trigger(fleet: string): Promise<TriggeredRun | undefined> {
    return this.#asking(fleet, async () => {
      const before = await this.#free(fleet);
      await this.#handle(fleet).trigger(before.policies.overlap);
      const [run] = await this.#startedSince(fleet, before);
      if (!run) return undefined;
      const { info } = await this.#describe(fleet);
      const skipped = info.numActionsSkippedOverlap - before.info.numActionsSkippedOverlap;
      return { ...run, skipped };
    });
  }

  /**
   * Runs times that have passed as if they came now. Answers the runs that have started: none when no time of the
   * schedule lies between the two. Throws ScheduleError, ScheduleNotFound, NoWorker, ScheduleBusy.
   */
  async backfill(fleet: string, { from, to, overlap }: BackfillInput): Promise<ScheduledRun[]> {
    const mistakes = rangeMistakes(from, to);
    if (mistakes.length > 0) throw new ScheduleError(mistakes);
    return this.#asking(fleet, async () => {
      const before = await this.#free(fleet, overlap);
      await this.#handle(fleet).backfill({
        start: from,
        end: to,
        overlap: overlap === undefined ? before.policies.overlap : policyOf(overlap),
      });
      return this.#startedSince(fleet, before);
    });
  }

  /** No time starts a run any more; one that is under way goes on to its end. Throws ScheduleNotFound. */
  async delete(fleet: string): Promise<void> {
    await this.#asking(fleet, () => this.#handle(fleet).delete());
  }

  async #listed(name: string): Promise<ScheduleStanding | undefined> {
    try {
      return await standingOf(this.#temporal, await this.#describe(name), 1);
    } catch (error) {
      // It was deleted while the others were read.
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    }
  }

  async #paused(
    fleet: string,
    paused: boolean,
    change: (handle: ScheduleHandle) => Promise<void>,
  ): Promise<ScheduleStanding> {
    return this.#asking(fleet, async () => {
      await change(this.#handle(fleet));
      const changed = await this.#until(fleet, ({ state }) => state.paused === paused);
      return standingOf(this.#temporal, changed, MOST_RUNS);
    });
  }

  /** The schedule, if a run of it can start or wait now. */
  async #free(fleet: string, overlap?: Overlap): Promise<ScheduleDescription> {
    const [description] = await Promise.all([this.#describe(fleet), assertWorkerPolls(this.#temporal)]);
    const { info, policies } = description;
    const policy = overlap === undefined ? policies.overlap : policyOf(overlap);
    const running = info.runningActions[0];
    if (running && policy === 'SKIP') throw scheduleBusy(fleet, running.workflow.workflowId);
    if (!running) await this.#assertAway(fleet, description);
    return description;
  }

  /** Throws ScheduleBusy when the fleet is there from elsewhere: whatever the policy, a run would be skipped. */
  async #assertAway(fleet: string, { action }: ScheduleDescription): Promise<void> {
    const last = await this.#temporal.client.workflow
      .getHandle(fleetWorkflowId(fleet))
      .describe()
      .catch((error) => {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      });
    if (last?.status.name === 'RUNNING') throw scheduledFleetThere(fleet, 'a run has it');
    const [{ spec }] = action.args as [BootstrapRequest<FleetSpec>];
    const found = await inspect(this.#temporal, lookBySpec(spec)).catch((error) => {
      // The run asks again, for minutes, and tells what is wrong.
      if (error instanceof MusterError && error.code === 'LookFailed') return undefined;
      throw error;
    });
    if (found?.report.state === 'complete') throw scheduledFleetThere(fleet, 'it is complete');
  }

  /** The runs that the schedule has started since it was described, oldest first: as soon as there is one. */
  async #startedSince(fleet: string, before: ScheduleDescription): Promise<ScheduledRun[]> {
    const runIds = new Set(
      before.info.recentActions.map(({ action }) => action.workflow.firstExecutionRunId),
    );
    const isNew = ({ action }: ScheduleDescription['info']['recentActions'][number]) =>
      !runIds.has(action.workflow.firstExecutionRunId);
    const waitsFor = before.info.runningActions.length > 0;
    const { info } = await this.#until(
      fleet,
      ({ info }) => info.recentActions.some(isNew),
      waitsFor ? BUFFER_PATIENCE_MS : START_PATIENCE_MS,
    );
    return Promise.all(info.recentActions.filter(isNew).map((action) => runOf(this.#temporal, action)));
  }

  /** Looks until the schedule is as wanted, or for so long. */
  async #until(
    fleet: string,
    isWanted: (description: ScheduleDescription) => boolean,
    patience = CHANGE_PATIENCE_MS,
  ): Promise<ScheduleDescription> {
    const end = Date.now() + patience;
    for (;;) {
      const description = await this.#describe(fleet);
      if (isWanted(description) || Date.now() > end) return description;
      await sleep(LOOK_EVERY_MS);
    }
  }

  #describe(fleet: string): Promise<ScheduleDescription> {
    return this.#handle(fleet).describe();
  }

  #handle(fleet: string): ScheduleHandle {
    return this.#temporal.client.schedule.getHandle(scheduleId(fleet));
  }

  /** Temporal's errors as Muster's. */
  async #asking<T>(fleet: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) throw scheduleNotFound(fleet);
      throw asMusterError(this.#temporal, error);
    }
  }
}

const START_PATIENCE_MS = 5_000;
const BUFFER_PATIENCE_MS = 1_000;

type Options = Omit<ScheduleOptions, 'state'>;

function optionsOf(spec: FleetSpec, specHash: string, rules: ScheduleRules, taskQueue: string): Options {
  const { cron, timezone, lease, overlap, catchUp, pauseOnFailure } = rules;
  const { name } = spec;
  const where = whereaboutsOf(spec);
  const instances = fleetInstancesWords(spec);
  const request: BootstrapRequest<FleetSpec> = { spec, specHash, lease };
  const memo: ScheduleMemo = { fleet: name, ...where, specHash, instances, cron, lease };
  const id = scheduleId(name);
  return {
    scheduleId: id,
    spec: { cronExpressions: [cron], timezone },
    policies: { overlap: policyOf(overlap), catchupWindow: catchUp * 1000, pauseOnFailure },
    memo: { fleet: name },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW,
      args: [request],
      taskQueue,
      workflowId: id,
      memo: { ...memo },
      staticSummary: `scheduled ${name}: ${instances} in ${whereWords(where)} for ${durationWords(lease)}`,
      staticDetails: `Brings up the fleet \`${name}\` at a time of its schedule, and lasts until it is gone. Cancelling it takes back what there is; terminating it leaves the fleet's own run alone.`,
    },
  };
}

/** Whether Temporal has taken a change over. */
function isAsWanted(now: ScheduleDescription, { action, policies, spec }: Options): boolean {
  const [has, wants] = [memoOf(now), action.memo as unknown as ScheduleMemo];
  return (
    has.specHash === wants.specHash &&
    has.cron === wants.cron &&
    has.lease === wants.lease &&
    (now.spec.timezone ?? 'UTC') === spec.timezone &&
    now.policies.overlap === policies?.overlap &&
    now.policies.catchupWindow === policies?.catchupWindow &&
    now.policies.pauseOnFailure === policies?.pauseOnFailure
  );
}

function policyOf(overlap: Overlap): ScheduleOverlapPolicy {
  return overlap.toUpperCase().replaceAll('-', '_') as ScheduleOverlapPolicy;
}

/** What the server's own tables and rules have against it: a zone that they do not know, for instance. */
function refusalOf(error: unknown): unknown {
  // So the SDK tells that a schedule's times are refused.
  if (!(error instanceof TypeError)) return error;
  return new ScheduleError([
    {
      path: 'cron or timezone',
      message: `Temporal refuses it: ${error.message}`,
      mend: 'write it another way',
    },
  ]);
}

function rangeMistakes(from: Date, to: Date): Mistake[] {
  const mistakes: Mistake[] = [];
  if (from > to) {
    mistakes.push({
      path: 'from',
      message: `${from.toISOString()} is after ${to.toISOString()}`,
      mend: 'give the earlier time first',
    });
  }
  if (to.getTime() > Date.now()) {
    mistakes.push({
      path: 'to',
      message: `${to.toISOString()} has not come yet`,
      mend: 'the schedule itself runs the times to come',
    });
  }
  return mistakes;
}
