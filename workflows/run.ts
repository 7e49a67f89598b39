/**
 * A run and its account of itself: steps with their undos, the report that grows with them, the decision of a person
 * when a step has failed, and the rollback.
 */

import { ApplicationFailureCategory, RetryState } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { RETRYING_SIGNAL } from '../fleet/attributes.ts';
import { failureWords } from '../fleet/failure-words.ts';
import { type AwsFailure, DEADLINE_PASSED, FLEET_FAILED } from '../fleet/failures.ts';
import { isTagged, leftoverName } from '../fleet/leftovers.ts';
import { progressMarkdown } from '../fleet/progress-markdown.ts';
import type { RemovalOutcome } from '../fleet/removal.ts';
import type { FailureReport, FleetReport, Leftover, StepReport } from '../fleet/report.ts';
import { DECIDE_UPDATE, type Decision, PROGRESS_QUERY } from '../fleet/run.ts';
import type { NotifyEvent, NotifyTarget, OnFailure } from '../fleet/spec.ts';
import type { StepName } from '../fleet/steps.ts';
import { tellAttributes } from './attributes.ts';
import { notify } from './notify.ts';

/** What reverses a step. Runs in the reverse order of registration, each on its own. */
export interface Undo {
  /** The account that it is about, in a run with several. */
  readonly at?: string;
  /** The step of a teardown that reads like this undo. */
  readonly name: StepName;
  readonly run: () => Promise<UndoTold>;
  /** What is left if it fails for good; `left` are the ids, when the failure tells them. */
  readonly leftovers: (reason: string, left?: readonly string[]) => Leftover[];
}

/** What came of a removal or of its undo, for the report and in a few words. */
export interface UndoTold {
  readonly outcome: RemovalOutcome | 'replaced' | 'restored';
  readonly detail: string;
}

/** An undo that has failed for good, as its step tells it. */
interface FailedUndo {
  readonly step: StepReport;
  readonly leftovers: readonly Leftover[];
}

/** Which of these are left, as AWS shows it. */
export type LastLook = (leftovers: readonly Leftover[]) => Promise<readonly Leftover[]>;

export interface StepOptions<T> {
  /** The account or place that it is about, in a run that does the step in several. */
  readonly at?: string;
  readonly undo?: Undo;
  /** Whether the step may have had an effect although AWS refused its last call: then its undo is needed. */
  readonly mayHaveActed?: () => boolean;
  /** What was found, made or removed, in a few words. */
  readonly found?: (result: T) => string | UndoTold | undefined;
}

const progressQuery = defineQuery<FleetReport>(PROGRESS_QUERY);
const decideUpdate = defineUpdate<void, [Decision]>(DECIDE_UPDATE);
const retryingSignal = defineSignal<[string]>(RETRYING_SIGNAL);

export class Run {
  readonly report: FleetReport;
  private readonly onFailure: OnFailure;
  private readonly targets: readonly NotifyTarget[] | undefined;
  private readonly undos: Undo[] = [];
  private decision: Decision | undefined;
  /** Those of which a call is made again and again. */
  private readonly retrying = new Set<StepReport>();

  constructor(
    about: Pick<FleetReport, 'fleet' | 'action' | 'state' | 'region' | 'specHash' | 'place'>,
    onFailure: OnFailure,
    targets?: readonly NotifyTarget[],
  ) {
    const { workflowId, runId } = workflowInfo();
    this.onFailure = onFailure;
    this.targets = targets;
    this.report = {
      schema: 1,
      ...about,
      workflowId,
      runId,
      instances: [],
      steps: [],
      undos: [],
      leftovers: [],
    };
    setHandler(progressQuery, () => this.report);
    setHandler(decideUpdate, (decision) => this.decide(decision), {
      validator: (decision) => this.checkDecision(decision),
    });
    setHandler(retryingSignal, (activityId) => this.isRetrying(activityId));
  }

  /** Announces steps that are certain to come, so that whoever looks sees the way ahead. */
  expect(names: readonly StepName[], at?: string): void {
    this.report.steps.push(...names.map((name): StepReport => ({ name, at, state: 'pending' })));
    this.show();
  }

  /** Steps that come once more, as if they had not been. */
  again(names: readonly StepName[]): void {
    for (const step of this.report.steps.filter(({ name }) => names.includes(name as StepName))) {
      Object.assign(step, { state: 'pending', startedAt: undefined, seconds: undefined, detail: undefined });
    }
  }

  /**
   * Does one step. Its undo is on the list before it runs, because an answer can be lost after the effect; it is
   * taken off again only when AWS refused the first attempt. With onFailure 'pause' a failed step waits for a person,
   * and is done again or given up as they decide.
   */
  async step<T>(name: StepName, work: () => Promise<T>, options: StepOptions<T> = {}): Promise<T> {
    // A step that was never begun has nothing to undo.
    if (isCancelled()) throw new CancelledFailure('cancelled');
    const { at } = options;
    const step = this.begin(name, at);
    const undo = options.undo && { ...options.undo, at };
    if (undo) this.undos.push(undo);
    let onlyRefused = true;
    for (;;) {
      try {
        const result = await work();
        this.finish(step, options.found?.(result));
        return result;
      } catch (error) {
        if (isCancellation(error) || (isCancelled() && wasMissed(error))) {
          this.end(step, 'cancelled');
          throw error;
        }
        // Runs of an earlier version told it as a failure, and may have notified of that.
        if (wasLetGo(error) && patched('let-go-is-cancelled')) {
          this.end(step, 'cancelled');
          throw new CancelledFailure('cancelled');
        }
        const failure = describeFailure(name, error);
        this.end(step, 'failed', `${failure.code}: ${failure.message}`);
        this.report.error ??= failure;
        onlyRefused &&= wasRefused(error);
        if (this.onFailure === 'pause' && (await this.askPerson(step, failure)) === 'retry') {
          this.begin(name, at);
          continue;
        }
        const hasNoEffect = onlyRefused && !options.mayHaveActed?.();
        if (undo && hasNoEffect) this.undos.splice(this.undos.indexOf(undo), 1);
        throw error;
      }
    }
  }

  /** Says what a running step waits for. */
  waits(name: StepName, why: string): void {
    const step = this.report.steps.find((step) => step.name === name);
    if (step?.state === 'running') step.detail = why;
    this.show();
  }

  /**
   * Rolls back: the undos, last first, out of reach of cancellation; one that fails for good leaves the others to run.
   * What those that failed have left is named after a last look.
   */
  async rollBack(lastLook: LastLook): Promise<void> {
    this.setState('rolling-back');
    this.report.leftovers.push(...(await this.undoAll(this.undos.splice(0), lastLook)));
    this.show();
  }

  /** The same in one account alone, of a fleet that goes on without it. Answers what is left there. */
  async takeBack(at: string, lastLook: LastLook): Promise<readonly Leftover[]> {
    const there = this.undos.filter((undo) => undo.at === at);
    for (const undo of there) this.undos.splice(this.undos.indexOf(undo), 1);
    return this.undoAll(there, lastLook);
  }

  private undoAll(undos: readonly Undo[], lastLook: LastLook): Promise<readonly Leftover[]> {
    return CancellationScope.nonCancellable(async () => {
      const failed: FailedUndo[] = [];
      for (const undo of [...undos].reverse()) failed.push(...(await this.undo(undo)));
      return this.whatIsLeft(failed, lastLook);
    });
  }

  /** What may exist because the run made it. */
  made(reason: string): Leftover[] {
    return [...this.undos].reverse().flatMap((undo) => undo.leftovers(reason));
  }

  setState(state: FleetReport['state']): void {
    this.report.state = state;
    this.show();
  }

  /** Tells who wants to hear of it, as the report is now. */
  async tell(event: NotifyEvent): Promise<void> {
    await notify(this.report, this.targets, event);
  }

  /** Ends the run as failed: with its report, and in words that the Temporal UI shows. */
  failure(): ApplicationFailure {
    return fleetFailed(this.report);
  }

  private begin(name: StepName, at: string | undefined): StepReport {
    let step = this.report.steps.find((step) => step.name === name && step.at === at);
    if (!step) {
      step = { name, at, state: 'running' };
      this.report.steps.push(step);
    }
    step.state = 'running';
    step.startedAt = Date.now();
    step.detail = undefined;
    this.show();
    return step;
  }

  private finish(step: StepReport, found: string | UndoTold | undefined): void {
    if (typeof found === 'object') step.outcome = found.outcome;
    this.end(step, 'done', typeof found === 'object' ? found.detail : found);
  }

  private end(step: StepReport, state: StepReport['state'], detail?: string): void {
    step.state = state;
    step.seconds = (Date.now() - step.startedAt!) / 1000;
    step.detail = detail;
    this.retrying.delete(step);
    this.show();
  }

  /** Answers itself when it has failed for good. */
  private async undo(undo: Undo): Promise<FailedUndo[]> {
    const { at } = undo;
    const step: StepReport = { name: undo.name, at, state: 'running', startedAt: Date.now() };
    this.report.undos.push(step);
    this.show();
    try {
      this.finish(step, await undo.run());
      return [];
    } catch (error) {
      const { call, code, message, left } = describeFailure(undo.name, error);
      this.end(step, 'failed', `${code}: ${message}`);
      const reason = `${call ? `${call}: ` : ''}${code}: ${message}`;
      const leftovers = undo.leftovers(reason, left);
      return [{ step, leftovers: at === undefined ? leftovers : leftovers.map((one) => ({ ...one, at })) }];
    }
  }

  private async whatIsLeft(failed: readonly FailedUndo[], lastLook: LastLook): Promise<readonly Leftover[]> {
    const named = failed.flatMap(({ leftovers }) => leftovers);
    if (named.length === 0) return [];
    const left = await lastLook(named);
    // Where nothing but a tag was known of instances, the look has named them.
    const kinds = new Set(left.map(({ kind }) => kind));
    const names = new Set(left.map(leftoverName));
    for (const { step, leftovers } of failed) {
      const isLeft = leftovers.some(
        (one) => names.has(leftoverName(one)) || (isTagged(one) && kinds.has(one.kind)),
      );
      if (leftovers.length === 0 || isLeft) continue;
      step.state = 'done';
      step.outcome = 'removed';
      step.detail = `gone, as a last look showed (${step.detail})`;
    }
    return left;
  }

  private async askPerson(step: StepReport, failure: FailureReport): Promise<Decision> {
    this.report.error = failure;
    this.decision = undefined;
    step.state = 'paused';
    this.setState('paused');
    await this.tell('failed');
    try {
      await condition(() => this.decision !== undefined);
    } catch (error) {
      step.state = 'failed';
      throw error;
    }
    const decision = this.decision!;
    if (decision === 'retry') {
      this.report.error = undefined;
      this.setState('running');
    } else {
      step.state = 'failed';
    }
    return decision;
  }

  private checkDecision(decision: Decision): void {
    if (decision !== 'retry' && decision !== 'rollback') {
      throw ApplicationFailure.nonRetryable(`'${decision}' is no decision: retry or rollback`);
    }
    if (this.report.state !== 'paused') {
      throw ApplicationFailure.nonRetryable(
        `the run is ${this.report.state}, not paused: there is nothing to decide`,
      );
    }
  }

  private decide(decision: Decision): void {
    this.decision = decision;
  }

  /** An activity has the id of its step, with more behind it where there are several. */
  private isRetrying(activityId: string): void {
    const { steps, undos } = this.report;
    const running = [...steps, ...undos].filter(({ state }) => state === 'running');
    const [name] = activityId.replace(/^undo-/, '').split(':');
    const step = running.find((one) => one.name === name) ?? running[0];
    if (step) this.retrying.add(step);
    this.show();
  }

  /** Has Temporal's UI show the report as it is now, and its lists find the run by it. */
  show(): void {
    setCurrentDetails(progressMarkdown(this.report));
    tellAttributes(this.report, this.retrying.size > 0);
  }
}

/** The failure of a run that has ended with this report. */
export function fleetFailed(report: FleetReport): ApplicationFailure {
  return ApplicationFailure.create({
    type: FLEET_FAILED,
    message: failureWords(report),
    nonRetryable: true,
    // It is told by the report; the worker need not log it as an error of its own.
    category: ApplicationFailureCategory.BENIGN,
    details: [report],
  });
}

/**
 * Does things side by side. When one fails the others are cancelled, and all have ended before the failure goes on:
 * a rollback must not race a step that is still on its way.
 */
export async function sideBySide<T extends readonly (() => Promise<unknown>)[]>(
  ...branches: T
): Promise<{ [K in keyof T]: Awaited<ReturnType<T[K]>> }> {
  let failed: { error: unknown } | undefined;
  const results = await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current();
    return Promise.all(
      branches.map(async (branch) => {
        try {
          return await branch();
        } catch (error) {
          failed ??= { error };
          scope.cancel();
          return undefined;
        }
      }),
    );
  });
  if (failed) throw failed.error;
  return results as { [K in keyof T]: Awaited<ReturnType<T[K]>> };
}

/** Whether whoever is under way here was told to stop. */
export function isCancelled(): boolean {
  return CancellationScope.current().consideredCancelled;
}

/** A worker that was killed is missed after a while; somebody who cancelled meanwhile is the reason of that end. */
function wasMissed(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof TimeoutFailure && cause.timeoutType === 'HEARTBEAT';
}

/**
 * Whether it would have been tried again, had nobody cancelled: a wait that is not over, a throttle, no answer. What it met
 * is not why it ended. A refusal is a reason of its own, also when a removal would have met it again.
 */
export function wasLetGo(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || error.retryState !== RetryState.CANCEL_REQUESTED) return false;
  const { cause } = error;
  const isPassing =
    cause instanceof ApplicationFailure &&
    !cause.nonRetryable &&
    cause.category === ApplicationFailureCategory.BENIGN;
  return isCancelled() && (isPassing || cause instanceof TimeoutFailure);
}

/** What a failed step says of itself. */
export function describeFailure(step: StepName, error: unknown): FailureReport {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const aws = cause.details?.[0] as AwsFailure | undefined;
    return {
      step,
      code: aws?.code ?? cause.type ?? 'Unknown',
      message: aws?.message ?? cause.message,
      call: aws?.call,
      requestId: aws?.requestId,
      problems: aws?.problems && [...aws.problems],
      left: aws?.left && [...aws.left],
    };
  }
  if (cause instanceof TimeoutFailure) {
    const last = lastAnswer(cause);
    const said = last ? `; the last answer was ${last.code}: ${last.message}` : '';
    return {
      step,
      code: DEADLINE_PASSED,
      message: `no success within the step's deadline${said}`,
      call: last?.call,
      requestId: last?.requestId,
      left: last?.left && [...last.left],
    };
  }
  if (cause instanceof CancelledFailure) return { step, code: 'Cancelled', message: 'cancelled' };
  return { step, code: 'Unknown', message: cause instanceof Error ? cause.message : String(cause) };
}

/** Whether AWS said no to the first and only attempt, so that it can have had no effect. */
export function wasRefused(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  // After a timeout nobody knows what the last attempt did, whatever the one before was told.
  return !(cause instanceof TimeoutFailure) && lastAnswer(error)?.untouched === true;
}

/** What AWS said last before an activity was given up: its failure, or what its heartbeats carried. */
export function lastAnswer(error: unknown): AwsFailure | undefined {
  if (error instanceof ActivityFailure) return lastAnswer(error.cause);
  if (error instanceof ApplicationFailure) return error.details?.[0] as AwsFailure | undefined;
  if (!(error instanceof TimeoutFailure)) return undefined;
  const notes = error.lastHeartbeatDetails as { failure?: AwsFailure } | undefined;
  return lastAnswer(error.cause) ?? notes?.failure;
}
