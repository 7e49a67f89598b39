/** The report of a run as a person reads it. */

import { denialLines } from '../fleet/denied.ts';
import { type Decision, decisionWords, poolName } from '../fleet/launch-plan.ts';
import {
  type ChangeAction,
  type FailureReport,
  type FleetReport,
  instanceCountOf,
  isChange,
  type Leftover,
  type LeftoverKind,
  type StepReport,
} from '../fleet/report.ts';
import type { Count } from '../fleet/spec.ts';
import { stepTitle, stepWords } from '../fleet/steps.ts';
import { changeLines } from './change-text.ts';
import { withFile } from './file-words.ts';
import { leaseWords } from './lease-words.ts';
import type { Colors } from './output.ts';
import { repairBlocks, repairHeadline } from './repair-text.ts';
import { rollHeadline, rollNext, rollRows } from './roll-text.ts';

export interface ReportTextOptions {
  readonly colors: Colors;
  /** Columns to wrap sentences at; ARNs, links and commands on lines of their own stay whole. Unwrapped without. */
  readonly width?: number;
  /** The run in Temporal's web UI. */
  readonly uiUrl?: string;
  /** The change that the fleet had last, in Temporal's web UI. */
  readonly changeUrl?: string;
  /** Of the spec, as it was typed. */
  readonly file?: string;
  /** For whoever asks how it is and has not watched it: also the steps with their times. */
  readonly steps?: boolean;
}

/** Names and values in two columns; a value's further lines stand below its first. */
type Rows = (readonly [name: string, ...values: string[]])[];

const MOST_INSTANCES = 20;
const MOST_DECISIONS = 10;
const NAME_WIDTH = 10;

export function reportText(told: FleetReport, options: ReportTextOptions): string {
  const report = withoutRemoved(told);
  const { colors } = options;
  const blocks = [[headline(report, colors)], columns(whatIs(report, options), options)];
  if (report.places) blocks.push(placeTable(report.places, colors));
  if (report.instances.length > 0) blocks.push(instanceTable(report, colors));
  if (options.steps) blocks.push(stepList(report, colors));
  if (options.uiUrl) blocks.push(columns([['run', options.uiUrl]], options));
  blocks.push(
    columns(cause(report), options),
    ...repairBlocks(report, colors),
    columns(whatNext(report, options), options),
  );
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** The report names all that there was; of what is left over, only that still exists. */
function withoutRemoved(report: FleetReport): FleetReport {
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

function headline(report: FleetReport, colors: Colors): string {
  const { state, fleet, action, steps, error } = report;
  const name = colors.bold(fleet);
  if (action === 'scale') return scaleHeadline(report, colors);
  if (action === 'repair') return repairHeadline(report, colors);
  if (action === 'roll' && report.roll) return rollHeadline(report, took(steps), colors);
  if (isChange(action)) return changeHeadline(report, CHANGES[action], colors);
  const asked = action === 'up' ? 'came up' : 'went down';
  switch (state) {
    case 'complete':
      return `${colors.green('✓')} fleet ${name} is complete${shortOf(report)}${report.scale ? '' : took(steps)}`;
    case 'degraded':
      return `${colors.red('✗')} fleet ${name} is not what it was`;
    case 'gone':
      if (!removedAnything(report)) {
        return `${colors.green('✓')} nothing of a fleet ${name} is there: AWS shows nothing with its tag`;
      }
      return `${colors.green('✓')} fleet ${name} is gone${exceptFor(report)}`;
    case 'rolled-back':
      if (error?.problems) return `${colors.red('✗')} fleet ${name} cannot come up; nothing was made`;
      return `${colors.red('✗')} fleet ${name} failed; all that the run made is gone again`;
    case 'cancelled':
      return `${colors.yellow('–')} fleet ${name} was cancelled; all that the run made is gone again`;
    case 'left-over':
      if (action === 'down') {
        return `${colors.red('✗')} the removal of fleet ${name} ${error ? 'failed' : 'was cancelled'}`;
      }
      return `${colors.red('✗')} fleet ${name} ${error ? 'failed' : 'was cancelled'}, and something is left`;
    case 'lost':
      return `${colors.red('✗')} the run of fleet ${name} was ended from outside before it ${asked}`;
    case 'paused':
      return `${colors.yellow('‖')} fleet ${name} is paused for a person`;
    case 'rolling-back':
      return `${colors.yellow('…')} fleet ${name} is being rolled back`;
    case 'removing':
      return `… fleet ${name} is being taken down`;
    case 'running':
    case 'scaling':
    case 'changing':
    case 'rolling':
    case 'repairing':
      return `… fleet ${name} is being brought up`;
  }
}

/** Of a change of the count; or of what removes what such a change has left. */
function scaleHeadline(report: FleetReport, colors: Colors): string {
  const { state, fleet, scale, steps, undos, error } = report;
  const name = colors.bold(fleet);
  const fromTo = scale ? `from ${scale.from} to ${scale.to} instances` : '';
  // What has ended does not come back: the count does.
  const hasOthers = undos.some(({ outcome }) => outcome === 'replaced');
  const asBefore = hasOthers
    ? `it has ${instanceCountOf(report)} again, some of them new`
    : 'it is as it was';
  switch (state) {
    case 'complete':
      return scale
        ? `${colors.green('✓')} fleet ${name} is scaled ${fromTo}${took(steps)}`
        : `${colors.green('✓')} fleet ${name} is complete; what a change of it had left is gone`;
    case 'rolled-back':
      return `${colors.red('✗')} fleet ${name} was not scaled ${fromTo}; ${asBefore}`;
    case 'cancelled':
      return `${colors.yellow('–')} scaling fleet ${name} ${fromTo} was cancelled; ${asBefore}`;
    case 'degraded':
      return `${colors.red('✗')} fleet ${name} was not scaled ${fromTo}, and has fewer now than it had`;
    case 'left-over':
      return scale
        ? `${colors.red('✗')} fleet ${name} was not scaled ${fromTo}, and something is left of that`
        : `${colors.red('✗')} what a change of fleet ${name} left is not gone${error ? '' : ': cancelled'}`;
    case 'lost':
      return `${colors.red('✗')} the run that scaled fleet ${name} ${fromTo} was ended from outside`;
    case 'rolling-back':
      return `${colors.yellow('…')} scaling fleet ${name} ${fromTo} is being taken back`;
    default:
      return scale
        ? `… fleet ${name} is being scaled ${fromTo}`
        : `… what a change of fleet ${name} left is being removed`;
  }
}

interface ChangeWords {
  readonly done: string;
  readonly doing: string;
}

const CHANGES: Readonly<Record<Exclude<ChangeAction, 'scale' | 'repair'>, ChangeWords>> = {
  change: { done: 'changed', doing: 'changing' },
  roll: { done: 'rolled', doing: 'rolling' },
};

/** Of a change that is told by its steps, and not by a count. */
function changeHeadline(report: FleetReport, { done, doing }: ChangeWords, colors: Colors): string {
  const { state, fleet, steps } = report;
  const name = colors.bold(fleet);
  switch (state) {
    case 'complete':
      return `${colors.green('✓')} fleet ${name} is ${done}${took(steps)}`;
    case 'rolled-back':
      return `${colors.red('✗')} fleet ${name} was not ${done}; it is as it was`;
    case 'cancelled':
      return `${colors.yellow('–')} ${doing} fleet ${name} was cancelled; it is as it was`;
    case 'degraded':
      return `${colors.red('✗')} fleet ${name} was not ${done}, and is not what it was`;
    case 'left-over':
      return `${colors.red('✗')} fleet ${name} was not ${done}, and something is left of that`;
    case 'lost':
      return `${colors.red('✗')} the run that was ${doing} fleet ${name} was ended from outside`;
    case 'rolling-back':
      return `${colors.yellow('…')} ${doing} fleet ${name} is being taken back`;
    default:
      return `… fleet ${name} is being ${done}`;
  }
}

/** A fleet that is content with less than it wanted. */
function shortOf(report: FleetReport): string {
  const { wanted } = report;
  const count = instanceCountOf(report);
  return wanted !== undefined && count < wanted.want ? ` with ${count} of ${wanted.want} instances` : '';
}

function removedAnything({ action, steps, volumesKept, skipped }: FleetReport): boolean {
  return (
    action === 'up' || Boolean(volumesKept ?? skipped) || steps.some((step) => step.outcome === 'removed')
  );
}

/** What of a fleet stays although it is gone, as somebody wished. */
function exceptFor({ volumesKept, skipped }: FleetReport): string {
  if (skipped) return ', but for what was given up';
  return volumesKept ? '; volumes that it had are kept' : ': nothing of it is left';
}

/** From the first step's begin to the last one's end. */
function took(steps: readonly StepReport[]): string {
  const ends = steps.flatMap(({ startedAt, seconds }) =>
    startedAt === undefined || seconds === undefined ? [] : [startedAt + seconds * 1000],
  );
  if (ends.length === 0) return '';
  const seconds = (Math.max(...ends) - Math.min(...steps.flatMap(({ startedAt }) => startedAt ?? []))) / 1000;
  return ` after ${seconds.toFixed(1)} s`;
}

function whatIs(report: FleetReport, { changeUrl }: ReportTextOptions): Rows {
  const { state, action, account, region, role, profile, image, lease, propagation } = report;
  const isThere = isChange(action) || state === 'complete' || state === 'degraded';
  if (!isChange(action) && (state === 'gone' || state === 'rolled-back' || state === 'cancelled')) {
    const where: Rows = region
      ? [['where', [region, account && `account ${account}`].filter(Boolean).join(', ')]]
      : [];
    return [...where, ...refusals(report)];
  }
  const rows: Rows = [];
  if (account) rows.push(['account', [account, region].filter(Boolean).join(', ')]);
  const isReused = (reused: boolean) => (reused ? ' (existed before, and stays)' : '');
  if (role) rows.push(['role', `${role.arn}${isReused(role.reused)}`]);
  if (profile) rows.push(['profile', `${profile.arn}${isReused(profile.reused)}`]);
  if (image) rows.push(['image', image]);
  rows.push(...whereFrom(report), ...refusals(report));
  rows.push(...lastScale(report, changeUrl), ...lastChange(report), ...rollRows(report));
  if (lease && isThere) rows.push(['wanted', leaseWords(lease, Date.now())]);
  if (propagation) {
    const asked = propagation.attempts === 1 ? 'asked once' : `asked ${propagation.attempts} times`;
    rows.push(['waited', `${propagation.seconds.toFixed(1)} s until EC2 knew the profile, ${asked}`]);
  }
  return rows;
}

/** Of a change in place what it changes; of a fleet that has been changed, or was to be, when. */
function lastChange({ action, change, state }: FleetReport): Rows {
  if (!change || (isChange(action) && action !== 'change')) return [];
  const { changes, rest, startedAt, failed } = change;
  if (action === 'change') {
    const rows: Rows = [[state === 'complete' ? 'changed' : 'change', ...changeLines(changes)]];
    return rest.length > 0 ? [...rows, ['not yet', ...changeLines(rest)]] : rows;
  }
  const at = new Date(startedAt).toISOString().replace(/\.\d+Z$/, 'Z');
  const fields = [...new Set(changes.map(({ field }) => field))].join(', ');
  return [['changed', `${fields}, ${at}${failed ? `, in vain: ${failed}` : ''}`]];
}

/** Of a fleet that has been scaled, or was to be; what a change says of itself is its headline. */
function lastScale({ action, scale }: FleetReport, url?: string): Rows {
  if (!scale || isChange(action)) return [];
  const { from, to, startedAt, failed } = scale;
  const at = new Date(startedAt).toISOString().replace(/\.\d+Z$/, 'Z');
  const words = `from ${from} to ${to}, ${at}${failed ? `, in vain: ${failed.split('\n')[0]}` : ''}`;
  return [['scaled', words, ...(url ? [url] : [])]];
}

/** Only what is not plain from the table of instances: that it may have come from several places, or is too few. */
function whereFrom(report: FleetReport): Rows {
  const { state, sources = [], placements = [], wanted, places } = report;
  // Each of several places tells its own.
  if (places) return [];
  const launched = sources.reduce((sum, { count }) => sum + count, 0);
  const isShort = wanted !== undefined && launched < wanted.want;
  const hasSpot = sources.some(({ market }) => market === 'spot');
  const isPlain = sources.length === 1 && placements.length <= 1 && !hasSpot && !isShort;
  const rows: Rows = [];
  if (sources.length > 0 && !isPlain) {
    rows.push(['from', ...sources.map((source) => `${source.count} × ${poolName(source, hasSpot)}`)]);
  }
  // A launch that goes on is not short yet.
  if (isShort && state !== 'running') rows.push(['short', shortWords(launched, wanted)]);
  return rows;
}

function shortWords(launched: number, { want, min }: Count): string {
  return `${launched} of the ${want} wanted${min < want ? `; at least ${min} were needed` : ''}`;
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

function instanceTable(report: FleetReport, colors: Colors): string[] {
  const { instances, fleet } = report;
  const rows = [
    ['INSTANCE', 'TYPE', 'ZONE', 'PRIVATE IP', 'STATE'],
    ...instances
      .slice(0, MOST_INSTANCES)
      .map(({ id, type, zone, privateIp, state }) => [id, type, zone, privateIp ?? '', state]),
  ];
  const lines = aligned(rows).map((line) => `  ${line}`);
  const more = instanceCountOf(report) - MOST_INSTANCES;
  return [
    colors.dim(lines[0]!),
    ...lines.slice(1),
    ...(more > 0 ? [colors.dim(`  and ${more} more; muster status ${fleet} --instances has all`)] : []),
  ];
}

/** A line for each place; below those that failed why, and what is left there although the fleet is complete. */
function placeTable(places: readonly FleetReport[], colors: Colors): string[] {
  const rows = [
    ['PLACE', 'STATE', 'INSTANCES', 'IMAGE'],
    ...places.map((report) => [
      report.place!,
      report.state,
      `${instanceCountOf(report)}${report.wanted ? ` of ${report.wanted.want}` : ''}`,
      report.image ?? '',
    ]),
  ];
  const [head, ...lines] = aligned(rows).map((line) => `  ${line}`);
  return [
    colors.dim(head!),
    ...lines.flatMap((line, at) => [line, ...whyNot(places[at]!).map((words) => `      ${words}`)]),
  ];
}

function whyNot({ error, leftovers }: FleetReport): string[] {
  const why = error ? (error.problems ?? [...causeLines(error)]) : [];
  return [...why, ...leftovers.flatMap(leftoverLines)];
}

/** Steps and undos in the same columns. */
function stepList({ steps, undos, scale, action }: FleetReport, colors: Colors): string[] {
  const all = [...steps, ...undos];
  const times = all.map(({ seconds }) => (seconds === undefined ? '' : `${seconds.toFixed(1)} s`));
  const widest = Math.max(0, ...times.map((time) => time.length));
  const lines = aligned(
    all.map(({ state, detail, ...step }, at) => [
      stepWords(step),
      state,
      times[at]!.padStart(widest),
      // AWS's words may hold line breaks.
      detail?.replace(/\s+/g, ' ') ?? '',
    ]),
  ).map((line) => `  ${line}`);
  if (undos.length > 0) lines.splice(steps.length, 0, colors.dim('  taking back:'));
  // They are those of the run that brought it up, and not of the change that is told above.
  if (scale && action === 'up') lines.unshift(colors.dim('  when it was brought up:'));
  return lines;
}

function cause(report: FleetReport): Rows {
  const { error, undos, leftovers, skipped, state, action, steps, unheard } = report;
  const rows: Rows = [];
  if (error) {
    rows.push(['cause', ...causeLines(error)]);
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

function leftoverLines({ kind, id, reason, command, at }: Leftover): string[] {
  return [`${kind} ${id}${at === undefined ? '' : ` in ${at}`}: ${reason}`, `  ${command}`];
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

/** Whoever reads the answer of `status` is not sent to it again. */
function whatNext(report: FleetReport, { steps, file }: ReportTextOptions): Rows {
  const commands = nextCommands(report)
    .filter((command) => !steps || !command.startsWith(`muster status ${report.fleet}`))
    .map((command) => withFile(command, file));
  return commands.length > 0 ? [['next', ...commands]] : [];
}

function nextCommands(report: FleetReport): string[] {
  const { state, fleet, error, action, scale, change, lease, wanted } = report;
  const isAsItWas = state === 'rolled-back' || state === 'cancelled';
  if (action === 'change') {
    if (isAsItWas) return ['muster up FILE, once the cause is gone'];
    if (state === 'complete' && change!.rest.length > 0) {
      return ['muster roll FILE   has other machines take the place of its own'];
    }
    if (state === 'degraded') {
      return [`muster check ${fleet}   shows what is not as it was, and what puts it right`];
    }
  }
  if (action === 'scale' && scale && isAsItWas) {
    return [`muster scale ${fleet} ${scale.to}, once the cause is gone`];
  }
  if (action === 'repair' && isAsItWas) {
    return [`muster check ${fleet} --repair, once the cause is gone`];
  }
  // What to do about each thing that differs still is told with it.
  if (action === 'repair' && state === 'degraded') return [];
  if (action === 'roll' && (isAsItWas || state === 'rolling')) return rollNext(report);
  if (isChange(action) && state === 'lost') {
    return [`muster retry ${fleet}   removes what it had launched`];
  }
  const ending = lease ? [`muster extend ${fleet} 2h`, `muster release ${fleet}`] : [`muster down ${fleet}`];
  switch (state) {
    case 'complete': {
      const isShort = wanted !== undefined && instanceCountOf(report) < wanted.want;
      return [
        ...(isShort ? [`muster scale ${fleet} ${wanted.want}   asks for the rest once more`] : []),
        ...(lease ? [] : [`muster status ${fleet}`]),
        ...ending,
      ];
    }
    case 'degraded':
      return [`muster check ${fleet} --repair   puts right what can be put right`, ...ending];
    case 'gone':
      return [];
    case 'rolled-back':
      return [
        error?.problems ? 'mend that, then muster up FILE again' : 'muster up FILE, once the cause is gone',
      ];
    case 'cancelled':
      return ['muster up FILE, to have it after all'];
    case 'lost':
      return [`muster down ${fleet}   finds what it made by its tags, and removes it`];
    case 'left-over':
      return [
        `muster retry ${fleet}                  removes what is left, once the cause is gone`,
        `muster retry ${fleet} --skip KIND/ID   the same, and gives one thing up`,
      ];
    case 'paused':
      return [
        `muster retry ${fleet}      does the step again, once the cause is gone`,
        `muster rollback ${fleet}   takes back what was made`,
      ];
    case 'running':
    case 'scaling':
    case 'changing':
    case 'rolling':
    case 'repairing':
      return [`muster cancel ${fleet}   takes back what it has made so far`];
    case 'rolling-back':
    case 'removing':
      return [`muster status ${fleet}   shows how far it is`];
  }
}

function columns(rows: Rows, { colors, width = Number.POSITIVE_INFINITY }: ReportTextOptions): string[] {
  return rows.flatMap(([name, ...values]) =>
    values
      .flatMap((value) => wrapped(value, width - NAME_WIDTH - 2))
      .map((value, at) => `  ${colors.dim((at === 0 ? name : '').padEnd(NAME_WIDTH))}${value}`),
  );
}

/** At spaces only, so that what is copied stays whole; an indented value is a command, and is left alone. */
function wrapped(value: string, width: number): string[] {
  if (value.length <= width || value.startsWith(' ')) return [value];
  const lines: string[] = [];
  for (const word of value.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
