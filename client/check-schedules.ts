/** Schedules of checks: a fleet is held against its spec every so often, and kept as that says if that is wanted. */

import {
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleHandle,
  ScheduleNotFoundError,
  type ScheduleOptions,
} from '@temporalio/client';
import {
  CHECK_SCHEDULE_PREFIX,
  type CheckRules,
  type CheckState,
  checkScheduleId,
  everyMistake,
  type ScheduledCheckRequest,
} from '../fleet/check-schedule.ts';
import { durationWords } from '../fleet/duration.ts';
import { scheduleLink } from '../fleet/ui-link.ts';
import { checkScheduleNotFound, ScheduleError } from './errors.ts';
import { lastRuns, type ScheduledRun } from './schedule-standing.ts';
import { asMusterError, type Temporal } from './temporal.ts';

export interface CheckScheduleInput {
  /** Seconds from one check to the next. */
  readonly every: number;
  /** Whether what can be put right is put right. Default: it is only told. */
  readonly repair?: boolean;
}

/** Times are ISO 8601. */
export interface CheckScheduleStanding extends CheckRules {
  readonly fleet: string;
  /** The next time; none when somebody has paused it in Temporal. */
  readonly next?: string;
  /** The last runs, newest first, at most ten. */
  readonly runs: readonly ScheduledRun<CheckState>[];
  readonly scheduleId: string;
  readonly uiUrl?: string;
}

const WORKFLOW = 'scheduledCheck';
/** Temporal remembers ten. */
const MOST_RUNS = 10;

export class CheckSchedules {
  readonly #temporal: Temporal;

  constructor(temporal: Temporal) {
    this.#temporal = temporal;
  }

  /**
   * Has a fleet checked every so often, from now on; a second call changes that. A time that finds no fleet, or another run
   * that has it, is skipped, and so is one that comes while the one before is under way. Throws ScheduleError; nothing was sent
   * then.
   */
  async set(fleet: string, { every, repair = false }: CheckScheduleInput): Promise<CheckScheduleStanding> {
    const mistake = everyMistake(every);
    if (mistake) {
      throw new ScheduleError([
        { path: 'every', message: mistake, mend: 'say how often it is to be looked at' },
      ]);
    }
    const options = this.#optionsOf({ fleet, every, repair });
    return this.#asking(fleet, async () => {
      try {
        await this.#temporal.client.schedule.create({ ...options, state: { triggerImmediately: true } });
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        await this.#handle(fleet).update(({ state }) => ({ ...options, state }));
      }
      return this.#standingOf(await this.#handle(fleet).describe(), { every, repair });
    });
  }

  /** Throws ScheduleNotFound. */
  get(fleet: string): Promise<CheckScheduleStanding> {
    return this.#asking(fleet, async () => this.#standingOf(await this.#handle(fleet).describe()));
  }

  /** All of them, by name. Temporal's list may lack one that was made just now. */
  list(): Promise<CheckScheduleStanding[]> {
    return this.#asking('', async () => {
      const names: string[] = [];
      for await (const { scheduleId: id, action } of this.#temporal.client.schedule.list()) {
        if (id.startsWith(CHECK_SCHEDULE_PREFIX) && action?.workflowType === WORKFLOW) {
          names.push(id.slice(CHECK_SCHEDULE_PREFIX.length));
        }
      }
      const standings: CheckScheduleStanding[] = [];
      for (const name of names.sort()) standings.push(await this.get(name));
      return standings;
    });
  }

  /** A check now, beside the times that come. Throws ScheduleNotFound. */
  trigger(fleet: string): Promise<void> {
    return this.#asking(fleet, () => this.#handle(fleet).trigger());
  }

  /** No check comes any more. Throws ScheduleNotFound. */
  delete(fleet: string): Promise<void> {
    return this.#asking(fleet, () => this.#handle(fleet).delete());
  }

  #handle(fleet: string): ScheduleHandle {
    return this.#temporal.client.schedule.getHandle(checkScheduleId(fleet));
  }

  #optionsOf(request: ScheduledCheckRequest): Omit<ScheduleOptions, 'state'> {
    const { fleet, every, repair } = request;
    const scheduleId = checkScheduleId(fleet);
    const what = repair ? 'check and repair' : 'check';
    return {
      scheduleId,
      spec: { intervals: [{ every: every * 1000, offset: offsetOf(fleet, every) * 1000 }] },
      // What was missed is made up for by the next.
      policies: { overlap: 'SKIP', catchupWindow: 60_000, pauseOnFailure: false },
      memo: { fleet },
      action: {
        type: 'startWorkflow',
        workflowType: WORKFLOW,
        args: [request],
        taskQueue: this.#temporal.taskQueue,
        workflowId: scheduleId,
        memo: { ...request },
        staticSummary: `${what} ${fleet}, every ${durationWords(every)}`,
        staticDetails: `Holds the fleet \`${fleet}\` against its spec. Cancelling it leaves a repair of the fleet that it has begun alone.`,
      },
    };
  }

  /** `rules` when they were changed just now: Temporal may not have taken them over. */
  async #standingOf(
    { scheduleId, action, info, state }: ScheduleDescription,
    rules?: CheckRules,
  ): Promise<CheckScheduleStanding> {
    const { fleet, every, repair } = action.memo as unknown as ScheduledCheckRequest;
    const { uiUrl, namespace } = this.#temporal;
    return {
      ...{ fleet, every, repair, ...rules },
      next: state.paused ? undefined : info.nextActionTimes[0]?.toISOString(),
      runs: await lastRuns<CheckState>(this.#temporal, info.recentActions, MOST_RUNS),
      scheduleId,
      uiUrl: scheduleLink(uiUrl, namespace, scheduleId),
    };
  }

  async #asking<T>(fleet: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) throw checkScheduleNotFound(fleet);
      throw asMusterError(this.#temporal, error);
    }
  }
}

/** By its name, so that not all fleets are looked at in the same second. */
function offsetOf(fleet: string, every: number): number {
  let sum = 0;
  for (const letter of fleet.toLowerCase()) sum = (sum * 31 + letter.codePointAt(0)!) % every;
  return sum;
}
