/** The steps of a run, line by line: as a list that is drawn again and again, and as lines that are said once. */

import { stripVTControlCharacters } from 'node:util';
import { detailOf, type PendingStep, retryOf } from '../client/pending-step.ts';
import { decisionWords, zonesWords } from '../fleet/launch-plan.ts';
import { type FleetReport, isChange, isSettled, type StepReport } from '../fleet/report.ts';
import { rollWords } from '../fleet/roll-words.ts';
import { STEP_MARKS, STEP_TITLES, stepTitle, stepWords, undoTitle, undoWords } from '../fleet/steps.ts';
import type { Colors } from './output.ts';

export interface LiveOptions {
  readonly colors: Colors;
  /** Milliseconds since the epoch, for steps that are running. */
  readonly now: number;
  /** Counts the drawings: turns the spinner. */
  readonly frame: number;
  /** Columns; what is longer is cut. */
  readonly width: number;
  /** Calls that failed and are made again. */
  readonly pending: readonly PendingStep[];
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const TITLE_WIDTH = Math.max(...Object.values(STEP_TITLES).map((title) => title.length));
const SECONDS_WIDTH = 8;
const GAP = '  ';
const INDENT = '    ';
const PLACE_INDENT = '  ';
const STEPS_IN_A_PLACE: readonly string[] = ['scale-place', 'repair-place'];
/** Of what a step found less is not worth a look. */
const LEAST_ROOM = 8;
/** Below a step. */
const MOST_BELOW = 3;
const MOST_LIVE = 3;
/** At one look; more come when a launch goes through a long list of what is sold out. */
const MOST_PLAIN = 10;

/** The whole list as it is at this moment. */
export function liveLines(report: FleetReport, options: LiveOptions): string[] {
  const { colors, width } = options;
  const list = { ...options, titles: titlesWidth(report), titleOf: stepTitle };
  const lines = report.action === 'roll' && report.roll ? [cut(rollWords(report.roll), width), ''] : [];
  for (const step of report.steps) {
    lines.push(...stepLines(withoutDecision(step, report), list));
    if (step.name === 'launch') lines.push(...liveDecisions(report, options));
    for (const place of placesOf(step, report)) lines.push(...stepUnderWay(place, step, list));
  }
  if (report.undos.length > 0) {
    lines.push('', colors.yellow(cut('taking back what was made:', width)));
    const undone = { ...list, titleOf: undoTitle };
    for (const step of report.undos) lines.push(...stepLines(step, undone));
  }
  return lines;
}

interface ListOptions extends LiveOptions {
  /** Columns of the titles: the times of all lines stand below one another. */
  readonly titles: number;
  readonly titleOf: (name: string) => string;
}

function titlesWidth(report: FleetReport): number {
  const width = (step: StepRef) => stepWords(step).length;
  const inPlaces = report.steps.flatMap((step) =>
    placesOf(step, report).flatMap((place) =>
      [...place.steps, ...place.undos].map(
        ({ name }) => PLACE_INDENT.length + width(inPlace(name, place, step)),
      ),
    ),
  );
  return Math.max(TITLE_WIDTH, ...[...report.steps, ...report.undos].map(width), ...inPlaces);
}

type StepRef = Pick<StepReport, 'name' | 'at'>;

/** The places of which a step is about all that goes on there: each has steps of its own. */
function placesOf({ name, at }: StepRef, { places = [] }: FleetReport): readonly FleetReport[] {
  if (name === 'launch-places') return places;
  return STEPS_IN_A_PLACE.includes(name) ? places.filter(({ place }) => place === at) : [];
}

/** Where it goes on need not be said below a step that says it. */
function inPlace(name: string, { place }: FleetReport, { at }: StepRef): StepRef {
  return { name, at: at === undefined ? place : undefined };
}

/** What stands below it need not stand beside it: there is room for what came of it so far. */
function withoutDecision(step: StepReport, report: FleetReport): StepReport {
  if (step.state !== 'running' || !isDecision(step, report)) return step;
  // Of a change they are those of the whole fleet.
  if (isChange(report.action)) return { ...step, detail: undefined };
  const zones: Record<string, number> = {};
  for (const { zone, count } of report.sources ?? []) zones[zone!] = (zones[zone!] ?? 0) + count;
  return { ...step, detail: zonesWords(zones) };
}

/** What goes on in one of several places, while it does. */
function stepUnderWay(place: FleetReport, of: StepRef, options: ListOptions): string[] {
  const step = [...place.steps, ...place.undos].find(({ state }) => state === 'running');
  if (!step) return [];
  const indent = PLACE_INDENT.length;
  const narrower = { ...options, width: options.width - indent, titles: options.titles - indent };
  const lines = stepLines({ ...step, ...inPlace(step.name, place, of) }, narrower);
  return lines.map((line) => `${PLACE_INDENT}${line}`);
}

/** A line; and below it what a step waits for, or has failed of, where the line has no room for that. */
function stepLines(step: StepReport, options: ListOptions): string[] {
  const { colors, width, pending } = options;
  const titleRoom = Math.max(1, Math.min(options.titles, width - 3 - SECONDS_WIDTH));
  const title = placedTitle(options.titleOf(step.name), step, titleRoom).padEnd(titleRoom);
  const time = secondsOf(step, options).padStart(SECONDS_WIDTH);
  const line = `${mark(step, options)} ${step.state === 'pending' ? colors.dim(title) : title} ${time}`;
  const room = width - stripVTControlCharacters(line).length - GAP.length;
  if (room + GAP.length < 0) return [cut(stripVTControlCharacters(line).trimEnd(), width)];
  const detail = oneLine(detailOf(step, pending) ?? '');
  const fits = detail !== '' && detail.length <= room;
  if (fits || (detail !== '' && !isTelling(step) && room >= LEAST_ROOM)) {
    return [`${line}${GAP}${colors.dim(cut(detail, room))}`];
  }
  return [line.trimEnd(), ...(isTelling(step) ? linesBelow(detail, options) : [])];
}

/** Where there is little room, where it is done is worth more than the end of what is done. */
function placedTitle(title: string, { at }: StepRef, room: number): string {
  const where = at === undefined ? '' : ` (${at})`;
  const titleRoom = room - where.length;
  if (titleRoom < LEAST_ROOM) return cut(`${title}${where}`, room);
  return `${cut(title, titleRoom)}${where}`;
}

function secondsOf({ state, startedAt, seconds }: StepReport, { now }: LiveOptions): string {
  const isRunning = state === 'running' && startedAt !== undefined;
  const passed = isRunning ? Math.max(0, now - startedAt) / 1000 : seconds;
  return passed === undefined ? '' : `${passed.toFixed(1)} s`;
}

/** Whether its words are what one looks for: why it waits, or why it has failed. */
function isTelling({ state }: StepReport): boolean {
  return state === 'running' || state === 'failed' || state === 'paused';
}

/** Broken between words; a word that is longer than a line is cut. */
function linesBelow(text: string, { colors, width }: LiveOptions): string[] {
  const room = width - INDENT.length;
  if (room <= 0 || text === '') return [];
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const shown = lines.slice(0, MOST_BELOW);
  if (lines.length > MOST_BELOW) shown[MOST_BELOW - 1] += ` ${lines[MOST_BELOW]}`;
  return shown.map((line) => `${INDENT}${colors.dim(cut(line, room))}`);
}

/** What was refused where: the last of it, below the launch. */
function liveDecisions({ decisions = [], state }: FleetReport, { colors, width }: LiveOptions): string[] {
  // The report has them when the run has ended.
  if (isSettled(state)) return [];
  const more = decisions.length - MOST_LIVE;
  const before = more > 0 ? [`${more} refused before these`] : [];
  const lines = [...before, ...decisions.slice(-MOST_LIVE).map(decisionWords)];
  const room = width - INDENT.length;
  return lines.map((words) => colors.dim(room > 0 ? INDENT + cut(words, room) : cut(words, width)));
}

function mark({ state }: StepReport, { colors, frame }: LiveOptions): string {
  switch (state) {
    case 'running':
      return colors.cyan(SPINNER[frame % SPINNER.length]!);
    case 'done':
      return colors.green('✓');
    case 'failed':
      return colors.red('✗');
    case 'paused':
      return colors.yellow('‖');
    case 'cancelled':
      return colors.yellow('–');
    case 'pending':
      return colors.dim('·');
  }
}

/** AWS's words may hold line breaks. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function cut(text: string, width: number): string {
  const line = oneLine(text);
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** What a look saw: the report, and the calls that are made again. */
export interface Look {
  readonly report: FleetReport;
  readonly pending: readonly PendingStep[];
}

/** What is new since the look before: steps that began, wait for something else, or have ended. */
export function changedLines(before: Look | undefined, after: Look): string[] {
  const places = after.report.places ?? [];
  const inPlaces = places.flatMap((report, at) => {
    const earlier = before?.report.places?.[at];
    const named = (of: FleetReport): FleetReport => ({
      ...of,
      steps: of.steps.map((step) => ({ ...step, at: of.place })),
    });
    return changedLines(earlier && { report: named(earlier), pending: [] }, {
      report: named(report),
      pending: [],
    });
  });
  return [...changedSteps(before, after), ...inPlaces];
}

function changedSteps(before: Look | undefined, after: Look): string[] {
  const changed = (list: 'steps' | 'undos', titleOf: typeof stepWords) =>
    after.report[list].flatMap((step, at) => {
      const earlier = before?.report[list][at];
      const known = before && earlier ? newsOf(earlier, before.pending) : undefined;
      const news = newsOf(step, after.pending);
      // A step that no longer says why it waits is on its way as it was before.
      const goesOn = news === BEGUN && earlier?.state === 'running';
      if (step.state === 'running' && isDecision(step, after.report)) return [];
      return news === undefined || news === known || goesOn ? [] : [plainLine(step, after.pending, titleOf)];
    });
  return [...newDecisions(before, after), ...changed('steps', stepWords), ...changed('undos', undoWords)];
}

/** Each refusal is told, also those that came between two looks. */
function newDecisions(before: Look | undefined, { report: { decisions = [] } }: Look): string[] {
  const told = before?.report.decisions?.length ?? 0;
  const news = decisions.slice(told);
  const more = news.length - MOST_PLAIN;
  const lines = news.slice(0, MOST_PLAIN).map((one) => `  ${decisionWords(one)}`);
  return more > 0 ? [...lines, `  and ${more} more refusals; the report has all`] : lines;
}

/** What a step says that the refusals have said already. */
function isDecision({ detail }: StepReport, { decisions = [] }: FleetReport): boolean {
  return detail !== undefined && decisions.some((one) => decisionWords(one) === detail);
}

const BEGUN = 'begun';

function plainLine(step: StepReport, pending: readonly PendingStep[], titleOf = stepWords): string {
  const { state, seconds } = step;
  const time = seconds === undefined || state === 'running' ? '' : ` ${seconds.toFixed(1)} s`;
  const detail = detailOf(step, pending);
  const words = detail ? `: ${oneLine(detail)}` : '';
  return `${STEP_MARKS[state]} ${titleOf(step)}${time}${words}`;
}

/**
 * What of a step is news: how it ended; what it waits for, of a count of seconds only the tens; of a call that is made
 * again the code of its failure and each doubling of its attempts. So a long wait is told now and then, and not at every
 * look.
 */
function newsOf(step: StepReport, pending: readonly PendingStep[]): string | undefined {
  if (step.state === 'pending') return undefined;
  if (step.state !== 'running') return plainLine(step, pending);
  const again = retryOf(step, pending);
  if (again) return `${Math.floor(Math.log2(again.attempt))} ${again.code}`;
  return step.detail?.replace(/attempt \d+, (\d+) s/, (_, s) => `${Math.floor(Number(s) / 10)}`) ?? BEGUN;
}
