/**
 * What has happened in a run, in order: of what its history says and of what its reports tell. A report has a step's words
 * and its exact times, but only of the last go of it; the history has who asked for what, each call that was made again,
 * and the goes before.
 */

import { actionOf, askDetail } from './asks.ts';
import type { FleetEvent, Happened } from './event.ts';
import { type Decision, decisionWords } from './launch-plan.ts';
import type { FleetReport, StepReport } from './report.ts';
import { DECIDE_UPDATE } from './run.ts';
import type { CallFailure, RunFact } from './run-fact.ts';
import { STEP_TITLES, stepTitle } from './steps.ts';

/** A call that is made again while it is looked at. */
export interface CallUnderWay {
  /** As Temporal names it. */
  readonly call?: string;
  readonly attempt: number;
  readonly code?: string;
  readonly reason?: string;
}

interface StepRef {
  readonly name: string;
  readonly undo: boolean;
  readonly where?: string;
}

/** A step from one begin to its end: a person may have it done again, and each wave of a roll does. */
interface Go extends StepRef {
  readonly startedAt: number;
  step: StepReport;
}

interface Call {
  readonly id: number;
  readonly at: number;
  readonly activity: string;
  readonly step: StepRef | undefined;
  attempted?: Extract<RunFact, { kind: 'attempted' }>;
  returned?: Extract<RunFact, { kind: 'returned' }>;
}

/** An event that may have been told already. */
interface Entry {
  readonly key: string;
  readonly at: number;
  /** When what it is about began: of two at once, what began earlier is told first. */
  readonly since: number;
  readonly happened: Happened;
}

interface PlaceRun {
  readonly workflowId: string;
  readonly runId: string;
}

type Noted = Extract<RunFact, { kind: 'began' | 'asked' | 'answered' | 'ended' }>;

export class RunStory {
  private about: Pick<FleetEvent, 'fleet' | 'runId' | 'place'>;
  private readonly change: string | undefined;
  private lastHeard = 0;
  private readonly noted: Noted[] = [];
  private readonly calls = new Map<number, Call>();
  private readonly goes = new Map<string, Go[]>();
  private readonly decisions = new Map<string, Decision>();
  /** What can only be seen while it is. */
  private readonly passing: Entry[] = [];
  private silences = 0;
  private silentFor = 0;
  private readonly places = new Map<string, RunStory>();
  /** Of a fleet in several places: the runs that launch there, by the places. */
  readonly placeRuns = new Map<string, PlaceRun>();
  private readonly told = new Set<string>();

  /** With the Update that asked for it, of a change alone, and not of the rest of the run that makes it. */
  constructor(about: Pick<FleetEvent, 'fleet' | 'runId' | 'place'>, change?: string) {
    this.about = about;
    this.change = change;
  }

  /** Takes what the history says, in its order; what was heard before is no news. */
  hear(fact: RunFact): void {
    if (fact.id <= this.lastHeard) return;
    this.lastHeard = fact.id;
    switch (fact.kind) {
      case 'called': {
        const { call: id, at, activity } = fact;
        this.calls.set(id, { id, at, activity, step: stepOf(activity) });
        return;
      }
      case 'attempted':
      case 'returned': {
        const call = this.calls.get(fact.call);
        if (call) Object.assign(call, { [fact.kind]: fact });
        return;
      }
      case 'answered':
      case 'ended':
        if (fact.report) this.see(fact.report);
    }
    this.noted.push(fact);
  }

  /** The same of what the history of a place's own run says. */
  hearOf(place: string, fact: RunFact): void {
    this.places.get(place)?.hear(fact);
  }

  /** Takes a report; `now` when it is how the run is at this moment. */
  see(report: FleetReport, now?: number): void {
    for (const place of report.places ?? []) {
      this.placeOf(place).see(place, now);
      const { workflowId, runId, action } = place;
      // What launched there once is no part of a change that leaves the place as it is.
      if (workflowId !== report.workflowId && action === report.action)
        this.placeRuns.set(place.place!, { workflowId, runId });
    }
    for (const step of report.steps) this.seeStep(step, false, report, now);
    for (const step of report.undos) this.seeStep(step, true, report, now);
    for (const decision of report.decisions ?? []) {
      const { at, placement, code } = decision;
      this.decisions.set(`${at} ${placement} ${code}`, decision);
    }
  }

  /** Takes the calls that are made again at this moment. */
  seeRetries(calls: readonly CallUnderWay[], now: number): void {
    for (const { call: name, attempt, code, reason } of calls) {
      const call = [...this.calls.values()].findLast((one) => one.activity === name && !one.returned);
      // The history may tell a moment later that the call was made.
      if (call?.step)
        this.pass(retryKey(call.id, attempt), now, retried(call.step, attempt, { code, reason }));
    }
  }

  /** Takes that nobody answers. */
  seeSilence(of: 'worker' | 'temporal', seconds: number, now: number): void {
    if (seconds < this.silentFor) this.silences += 1;
    this.silentFor = seconds;
    // Each doubling is told.
    const key = `silent ${of} ${this.silences} ${Math.floor(Math.log2(seconds))}`;
    this.pass(key, now, { type: 'silent', of, seconds });
  }

  /** The last that the history said of the run, if it has ended. */
  get end(): Extract<RunFact, { kind: 'ended' }> | undefined {
    const last = this.noted.at(-1);
    return last?.kind === 'ended' ? last : undefined;
  }

  /** Whether the history has the answer of this Update. */
  hasAnswered(update: string): boolean {
    return this.noted.some((fact) => fact.kind === 'answered' && fact.update === update);
  }

  /** Whether a report of the run, or of a change that it has made, came with the history. */
  get isReported(): boolean {
    return this.noted.some((fact) => (fact.kind === 'answered' || fact.kind === 'ended') && fact.report);
  }

  /** What was not told yet, in order. When the run is over, steps of which no report has told are told, too. */
  news(isOver: boolean): FleetEvent[] {
    const entries = this.newEntries(isOver).map((entry) => ({ entry, about: this.about }));
    for (const place of this.places.values()) {
      // What launched there before this run began is no part of it.
      entries.push(...place.newEntries(isOver, this.beganAt).map((entry) => ({ entry, about: place.about })));
    }
    return entries
      .sort((a, b) => a.entry.at - b.entry.at || a.entry.since - b.entry.since)
      .map(({ entry: { at, happened }, about }) => ({
        schema: 1,
        at: new Date(at).toISOString(),
        ...about,
        ...happened,
      }));
  }

  private newEntries(isOver: boolean, since = 0): Entry[] {
    const all = [
      ...this.noted.flatMap((fact) => this.entryOf(fact) ?? []),
      ...[...this.goes.values()].flat().flatMap(entriesOf),
      ...this.untoldGoes(isOver).flatMap(entriesOf),
      ...[...this.calls.values()].flatMap(callEntries),
      ...[...this.decisions].map(([key, decision]) => decisionEntry(key, decision)),
      ...this.passing,
    ];
    const beganAt = Math.max(this.beganAt, since);
    const news = all.filter(({ key, at }) => at >= beganAt && !this.told.has(key));
    for (const { key } of news) this.told.add(key);
    return news;
  }

  /** The run that keeps a fleet has the report of the one that launched it: what is older is not its. */
  private get beganAt(): number {
    if (this.change === undefined) return this.noted.find(({ kind }) => kind === 'began')?.at ?? 0;
    const asked = this.noted.find((fact) => fact.kind === 'asked' && fact.update === this.change);
    return asked?.at ?? Number.POSITIVE_INFINITY;
  }

  private placeOf({ place, runId }: FleetReport): RunStory {
    const about = { ...this.about, runId, place };
    const known = this.places.get(place!);
    // What launches there may not have begun when it was seen first.
    if (known) known.about = about;
    const story = known ?? new RunStory(about);
    this.places.set(place!, story);
    return story;
  }

  private seeStep(step: StepReport, undo: boolean, report: FleetReport, now: number | undefined): void {
    const { name, at: where, startedAt } = step;
    if (startedAt === undefined || startedAt < this.beganAt) return;
    const ref = { name, undo, where };
    const known = this.goes.get(keyOf(ref)) ?? [];
    const go = known.find((one) => one.startedAt === startedAt);
    if (go) go.step = { ...step };
    else this.goes.set(keyOf(ref), [...known, { ...ref, startedAt, step: { ...step } }]);
    if (now === undefined || step.state !== 'running' || step.detail === undefined) return;
    // Refusals are told as what they are.
    if ((report.decisions ?? []).some((one) => decisionWords(one) === step.detail)) return;
    const waits: Happened = { type: 'step-waits', ...wordsOf(ref), detail: step.detail };
    this.pass(`${keyOf(ref)} ${startedAt} ${step.detail}`, now, waits);
  }

  private pass(key: string, at: number, happened: Happened): void {
    if (!this.passing.some((entry) => entry.key === key)) this.passing.push({ key, at, since: at, happened });
  }

  /**
   * Goes that no report tells of: those before the last one, and, when the run is over, those of one that could say
   * nothing any more.
   */
  private untoldGoes(isOver: boolean): Go[] {
    const groups: Call[][] = [];
    for (const call of this.calls.values()) {
      if (!call.step || this.isTold(call, call.step, isOver)) continue;
      const key = keyOf(call.step);
      const group = groups.findLast(([first]) => keyOf(first!.step!) === key);
      if (group && !this.isApart(group.at(-1)!, call)) group.push(call);
      else groups.push([call]);
    }
    return groups.map((calls) => this.goOf(calls));
  }

  private isTold({ at }: Call, step: StepRef, isOver: boolean): boolean {
    const first = this.goes.get(keyOf(step))?.[0];
    if (first ? at >= first.startedAt : !isOver) return true;
    // An undo may do what steps do.
    const undos = [...this.goes.values()].flat().filter(({ undo }) => undo);
    return !step.undo && undos.some((undo) => at >= undo.startedAt && at <= endOf(undo));
  }

  /** Whether something else was done between the two, or a person has decided. */
  private isApart({ step, returned }: Call, later: Call): boolean {
    if (!returned) return false;
    const isBetween = (at: number) => at >= returned.at && at <= later.at;
    const isOther = (call: Call) => call.step && keyOf(call.step) !== keyOf(step!) && isBetween(call.at);
    return (
      this.noted.some((fact) => isDecision(fact) && isBetween(fact.at)) ||
      [...this.calls.values()].some(isOther)
    );
  }

  private goOf(calls: readonly Call[]): Go {
    const [first] = calls;
    const { step: ref, at: startedAt } = first!;
    const { returned } = calls.at(-1)!;
    const { name, where: at } = ref!;
    if (!returned) return { ...ref!, startedAt, step: { name, at, state: 'running', startedAt } };
    const seconds = (returned.at - startedAt) / 1000;
    const state = this.wasDecided(returned.at) ? 'paused' : returned.how;
    const detail = returned.failure?.reason;
    return { ...ref!, startedAt, step: { name, at, state, startedAt, seconds, detail } };
  }

  /** Whether a person had to decide next. */
  private wasDecided(after: number): boolean {
    const decision = this.noted.find((fact) => isDecision(fact) && fact.at >= after);
    const next = [...this.calls.values()].find(({ at }) => at > after);
    return decision !== undefined && (next === undefined || next.at >= decision.at);
  }

  private entryOf(fact: Noted): Entry | undefined {
    const happened = this.happenedOf(fact);
    return (
      happened && {
        key: `${fact.kind} ${fact.id}`,
        at: fact.at,
        // What is over is told after what ended with it.
        since: fact.kind === 'ended' || fact.kind === 'answered' ? Number.POSITIVE_INFINITY : fact.at,
        happened,
      }
    );
  }

  private happenedOf(fact: Noted): Happened | undefined {
    switch (fact.kind) {
      case 'began': {
        const { by, continues } = fact;
        const action = actionOf(fact.type);
        return { type: 'run-began', action, ...(continues ? { continues } : { by }) };
      }
      case 'asked': {
        const { request, argument, by } = fact;
        return { type: 'asked', request, detail: askDetail(request, argument), by };
      }
      case 'answered': {
        const { report, reason } = fact;
        if (!report && reason === undefined) return undefined;
        const request = this.noted.find((one) => one.kind === 'asked' && one.update === fact.update) as
          | Extract<RunFact, { kind: 'asked' }>
          | undefined;
        const { state, error } = report ?? {};
        const why = reason ?? (error && `${error.code}: ${error.message}`);
        return { type: 'answered', request: request?.request ?? '', state, reason: why };
      }
      case 'ended': {
        const { how, by, next, report } = fact;
        const error = report?.error;
        const reason = fact.reason ?? (error && `${error.code}: ${error.message}`);
        return { type: 'run-ended', how, state: report?.state, reason, by, next };
      }
    }
  }
}

const isDecision = (fact: Noted): boolean => fact.kind === 'asked' && fact.request === DECIDE_UPDATE;

/** The step that a call is for, by the id that Temporal knows the call by. */
function stepOf(activity: string): StepRef | undefined {
  const [, undo, name = '', suffix] = /^(undo-)?([a-z-]+)(?::(.+))?$/.exec(activity) ?? [];
  if (!(name in STEP_TITLES)) return undefined;
  // One of several calls of the step has a number.
  const where = suffix !== undefined && /^\d{1,6}$/.test(suffix) ? undefined : suffix;
  return { name, undo: undo !== undefined, where };
}

function keyOf({ name, undo, where }: StepRef): string {
  return `${undo ? 'undo ' : ''}${name} ${where ?? ''}`;
}

function wordsOf({ name, undo, where }: StepRef) {
  return {
    step: name,
    title: stepTitle(name),
    ...(undo && { undo: true as const }),
    ...(where !== undefined && { where }),
  };
}

function endOf({ startedAt, step }: Go): number {
  if (step.state === 'running' || step.seconds === undefined) return Number.POSITIVE_INFINITY;
  return startedAt + Math.round(step.seconds * 1000);
}

function entriesOf(go: Go): Entry[] {
  const { startedAt: since } = go;
  const key = `${keyOf(go)} ${since}`;
  const begun: Entry = { key, at: since, since, happened: { type: 'step-began', ...wordsOf(go) } };
  const ended = endedAs(go);
  return ended ? [begun, { key: `${key} ended`, at: endOf(go), since, happened: ended }] : [begun];
}

function endedAs(go: Go): Happened | undefined {
  const { state, seconds = 0, detail, outcome } = go.step;
  const about = { ...wordsOf(go), seconds };
  switch (state) {
    case 'done':
      return { type: 'step-done', ...about, detail, ...(outcome && { outcome }) };
    case 'failed':
      return { type: 'step-failed', ...about, reason: detail };
    case 'paused':
      return { type: 'step-paused', ...about, reason: detail };
    case 'cancelled':
      return { type: 'step-cancelled', ...about };
    default:
      return undefined;
  }
}

function callEntries({ id, step, attempted, returned }: Call): Entry[] {
  const entries: Entry[] = [];
  if (step && attempted && attempted.attempt > 1) {
    const { at, attempt, failure } = attempted;
    entries.push({ key: retryKey(id, attempt), at, since: at, happened: retried(step, attempt, failure) });
  }
  if (returned?.launched) {
    const { at, launched: zones } = returned;
    const count = Object.values(zones).reduce((sum, one) => sum + one, 0);
    entries.push({ key: `launched ${id}`, at, since: 0, happened: { type: 'launched', count, zones } });
  }
  return entries;
}

const retryKey = (call: number, attempt: number): string => `retry ${call} ${attempt}`;

function retried(step: StepRef, attempt: number, failure: Partial<CallFailure> = {}): Happened {
  const { code, reason } = failure;
  return { type: 'step-retried', ...wordsOf(step), attempt, code, reason };
}

function decisionEntry(key: string, { what, at, ...decision }: Decision): Entry {
  return { key: `decision ${key}`, at, since: at, happened: { type: what, ...decision } };
}
