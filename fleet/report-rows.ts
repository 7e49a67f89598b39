/** A report in rows of names and values: what there is, and how it ended. */

import { changeLines } from './change-lines.ts';
import { denialLines } from './denied.ts';
import { type Decision, decisionWords, poolName } from './launch-plan.ts';
import {
  type FailureReport,
  type FleetReport,
  instanceCountOf,
  isChange,
  isSettled,
  type LeaseReport,
  type Leftover,
  type LeftoverKind,
  type StepReport,
} from './report.ts';
import { rolledWords, rollWords } from './roll-words.ts';
import type { Count } from './spec.ts';
import { stepTitle, stepWords } from './steps.ts';
import { counted, inWords, timeWords } from './words.ts';

/** Names and values in two columns; a value's further lines stand below its first. */
export type Rows = (readonly [name: string, ...values: string[]])[];

const MOST_DECISIONS = 10;

/** The report names all that there was; of what is left over, only that still exists. */
export function withoutRemoved(report: FleetReport): FleetReport {
  const { state, leftovers, role, profile, instances } = report;
  if (isChange(report.action)) return report;
  if (state !== 'left-over' || (leftovers.length === 0 && !hasLooked(report))) return report;
  const isLeft = (kind: LeftoverKind, id: string | undefined) =>
    leftovers.some((leftover) => leftover.kind === kind && leftover.id === id);
  return {
    ...report,
    role: role && (role.reused || isLeft('role', role.name)) ? role : undefined,
    profile: profile && (profile.reused || isLeft('profile', profile.name)) ? profile : undefined,
    instances: instances.filter(({ id }) => isLeft('instance', id)),
  };
}

export interface FactOptions {
  /** The change that the fleet had last, in Temporal's web UI. */
  readonly changeUrl?: string;
  /** Its lease in words: only whoever shows it knows the time and the reader's zone. */
  readonly leaseWords?: (lease: LeaseReport) => string;
  /** Likewise since when it is complete. Without it that is not told. */
  readonly sinceWords?: (at: number) => string;
}

/** What there is, where, and how it came to be so. */
export function factRows(report: FleetReport, { changeUrl, leaseWords, sinceWords }: FactOptions = {}): Rows {
  const { state, action, account, region, role, profile, image, lease, propagation } = report;
  const isThere = isChange(action) || state === 'complete' || state === 'degraded';
  if (!isChange(action) && (state === 'gone' || state === 'rolled-back' || state === 'cancelled')) {
    const where: Rows = region
      ? [['where', [region, account && `account ${account}`].filter(Boolean).join(', ')]]
      : [];
    return [...where, ...refusals(report)];
  }
  const rows: Rows = [];
  if (state === 'complete' && sinceWords) rows.push(['has', hasWords(report, sinceWords)]);
  if (account) rows.push(['account', [account, region].filter(Boolean).join(', ')]);
  const isReused = (reused: boolean) => (reused ? ' (existed before, and stays)' : '');
  if (role) rows.push(['role', `${role.arn}${isReused(role.reused)}`]);
  if (profile) rows.push(['profile', `${profile.arn}${isReused(profile.reused)}`]);
  if (image) rows.push(['image', image]);
  rows.push(...whereFrom(report), ...refusals(report));
  rows.push(...lastScale(report, changeUrl), ...lastChange(report), ...rollRows(report));
  if (lease && isThere && leaseWords) rows.push(['wanted', leaseWords(lease)]);
  if (propagation) {
    const asked = propagation.attempts === 1 ? 'asked once' : `asked ${propagation.attempts} times`;
    rows.push(['waited', `${propagation.seconds.toFixed(1)} s until EC2 knew the profile, ${asked}`]);
  }
  return rows;
}

/** What whoever asks how it is wants to know first. */
function hasWords(report: FleetReport, sinceWords: (at: number) => string): string {
  const { instances, places = [], steps } = report;
  const told = [...instances, ...places.flatMap((place) => place.instances)];
  const types = [...new Set(told.map(({ type }) => type))];
  const count = instanceCountOf(report);
  const what =
    told.length === count
      ? types.map((type) => `${told.filter((one) => one.type === type).length} × ${type}`).join(', ')
      : counted(count, 'instance');
  const ends = steps.flatMap(({ startedAt, seconds }) =>
    startedAt === undefined || seconds === undefined ? [] : startedAt + seconds * 1000,
  );
  // What AWS alone tells of has no steps.
  return ends.length > 0 ? `${what}, complete since ${sinceWords(Math.max(...ends))}` : what;
}

/** Of a change in place what it changes; of a fleet that has been changed, or was to be, when. */
function lastChange({ action, change, state }: FleetReport): Rows {
  if (!change || (isChange(action) && action !== 'change')) return [];
  const { changes, rest, startedAt, failed } = change;
  if (action === 'change') {
    const rows: Rows = [[state === 'complete' ? 'changed' : 'change', ...changeLines(changes)]];
    return rest.length > 0 ? [...rows, ['not yet', ...changeLines(rest)]] : rows;
  }
  const at = timeWords(startedAt);
  const fields = [...new Set(changes.map(({ field }) => field))].join(', ');
  return [['changed', `${fields}, ${at}${failed ? `, in vain: ${failed}` : ''}`]];
}

/** Of a fleet that has been scaled, or was to be; what a change says of itself is its headline. */
function lastScale({ action, scale }: FleetReport, url?: string): Rows {
  if (!scale || isChange(action)) return [];
  const { from, to, place, startedAt, failed } = scale;
  const at = timeWords(startedAt);
  const words = `from ${from} to ${to}${inWords(place)}, ${at}${failed ? `, in vain: ${failed.split('\n')[0]}` : ''}`;
  return [['scaled', words, ...(url ? [url] : [])]];
}

/** Only what is not plain from the table of instances: that it may have come from several places, or is too few. */
function whereFrom(report: FleetReport): Rows {
  const { state, sources = [], placements = [], wanted, places } = report;
  // Each of several places tells its own.
  if (places) return [];
  // A change that launches nothing does not tell where from.
  const has =
    sources.length > 0 ? sources.reduce((sum, { count }) => sum + count, 0) : instanceCountOf(report);
  const isShort = wanted !== undefined && has < wanted.want;
  const hasSpot = sources.some(({ market }) => market === 'spot');
  const isPlain = sources.length === 1 && placements.length <= 1 && !hasSpot && !isShort;
  const rows: Rows = [];
  if (sources.length > 0 && !isPlain) {
    rows.push(['from', ...sources.map((source) => `${source.count} × ${poolName(source, hasSpot)}`)]);
  }
  // A launch that goes on is not short yet.
  if (isShort && state !== 'running') rows.push(['short', shortWords(has, wanted)]);
  return rows;
}

function shortWords(has: number, { want, min }: Count): string {
  return `${has} of the ${want} wanted${min < want ? `; at least ${min} were needed` : ''}`;
}

function refusals({ decisions = [] }: FleetReport): Rows {
  return [...decisionRows('refused', decisions), ...decisionRows('died', decisions)];
}

function decisionRows(what: Decision['what'], all: readonly Decision[]): Rows {
  const decisions = all.filter((decision) => decision.what === what);
  if (decisions.length === 0) return [];
  const more = decisions.length - MOST_DECISIONS;
  const before = more > 0 ? [`${more} more before these; --json has all`] : [];
  return [[what, ...before, ...decisions.slice(-MOST_DECISIONS).map(decisionWords)]];
}

/** Why it failed, what was undone and what is left. */
export function endRows(report: FleetReport): Rows {
  const { error, undos, leftovers, skipped, state, action, steps, unheard } = report;
  const rows: Rows = [];
  if (error) {
    rows.push(['cause', ...whyLines(report, error)]);
    // Indented: what is copied is not wrapped.
    const allow = denialLines(error).map((line) => (/^(\{|aws )/.test(line) ? `  ${line}` : line));
    if (allow.length > 0) rows.push(['to allow', ...allow]);
  }
  const removals =
    action === 'down' || (isChange(action) && action !== 'roll' && undos.length === 0)
      ? steps.filter(({ name }) => name !== 'find')
      : undos;
  const ended = removals.filter(({ state }) => state === 'done');
  const undone = ended.filter(({ outcome }) => WAS_UNDONE.includes(outcome));
  if (undone.length > 0) rows.push([removals === undos ? 'undone' : 'removed', ...undone.map(undoneLine)]);
  const spared = ended.filter(({ outcome }) => outcome === 'not-ours');
  if (spared.length > 0) rows.push(['untouched', ...spared.map(undoneLine)]);
  if (skipped) rows.push(['given up', ...skipped.flatMap(leftoverLines)]);
  if (leftovers.length > 0) {
    rows.push(['left', ...leftovers.flatMap(leftoverLines)]);
  } else if (isChange(action)) {
    rows.push(...failedUndos(undos));
  } else if (state === 'rolled-back' || state === 'cancelled') {
    rows.push(['left', 'nothing']);
  } else if (state === 'left-over' || state === 'lost') {
    rows.push(['left', unknownRest(report)]);
  }
  if (unheard) rows.push(['not told', ...unheard]);
  return rows;
}

/** Why a fleet has fewer instances now than before a change that failed. */
function failedUndos(undos: readonly StepReport[]): Rows {
  const failed = undos.filter(({ state }) => state === 'failed');
  return failed.length > 0 ? [['also', ...failed.map(undoneLine)]] : [];
}

const WAS_UNDONE: readonly StepReport['outcome'][] = ['removed', 'replaced', 'restored'];

/** An indented line is a command. */
export function leftoverLines({ kind, id, reason, command, at }: Leftover): string[] {
  return [`${kind} ${id}${inWords(at)}: ${reason}`, `  ${command}`];
}

/** What is left when no leftover is named: a teardown may not have looked, a lost run could not. */
function unknownRest(report: FleetReport): string {
  const { state, role, profile, instances } = report;
  if (state === 'left-over') {
    return hasLooked(report)
      ? 'nothing that a last look showed'
      : 'not known: what the fleet has could not be looked up';
  }
  const known = role || profile || instances.length > 0;
  return known ? 'what is named above, and perhaps more' : 'nothing that is known here';
}

/** A teardown that failed looks again at what it had found. */
function hasLooked({ steps }: FleetReport): boolean {
  return steps.some(({ name, state }) => name === 'find' && state === 'done');
}

/** Of a look at AWS no step has failed: what it shows is told as that. */
export function whyLines({ state, action }: FleetReport, error: FailureReport): string[] {
  if (state !== 'degraded' || isChange(action)) return causeLines(error);
  return ['what AWS shows of it now is not what its run left:', ...error.message.split('\n')];
}

function causeLines({ step, call, code, message, requestId, problems }: FailureReport): string[] {
  const where = `in '${stepTitle(step)}'`;
  if (problems) return [`${where}:`, ...problems.map((problem) => `- ${problem}`)];
  const request = requestId ? ` (request ${requestId})` : '';
  return [`${where}: ${call ? `${call}: ` : ''}${code}${request}`, ...message.split('\n')];
}

function undoneLine(step: StepReport): string {
  const { detail } = step;
  return `${stepWords(step)}${detail && detail !== 'removed' ? `: ${detail}` : ''}`;
}

/** Of a fleet that has been rolled, or was to be; of the roll itself how far it came. */
function rollRows({ action, roll, state }: FleetReport): (readonly [string, string])[] {
  if (!roll) return [];
  const { startedAt, failed } = roll;
  const what = rolledWords(roll);
  if (action === 'roll') {
    if (state === 'complete') return [];
    const far = isSettled(state) ? `came to wave ${roll.wave} of ${roll.waves}` : rollWords(roll);
    return [['rolling', `${what}; ${far}`]];
  }
  const at = timeWords(startedAt);
  return [['rolled', `${what}, ${at}${failed ? `, in vain: ${failed}` : ''}`]];
}
