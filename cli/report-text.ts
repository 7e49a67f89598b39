/** The report of a run as a person reads it. */

import { type Headline, headlineOf } from '../fleet/headline.ts';
import { nextCommands } from '../fleet/next-commands.ts';
import { type FleetReport, instanceCountOf } from '../fleet/report.ts';
import {
  endRows,
  factRows,
  leftoverLines,
  type Rows,
  whyLines,
  withoutRemoved,
} from '../fleet/report-rows.ts';
import { stepWords, undoTitle } from '../fleet/steps.ts';
import { withFile } from './file-words.ts';
import { leaseWords } from './lease-words.ts';
import type { Colors, Page } from './output.ts';
import { repairBlocks } from './repair-text.ts';
import { sinceWords } from './since-words.ts';
import { alignedLines, LEAST_OF_INSTANCES, tableText } from './table.ts';
import { wrapped } from './wrapped.ts';

/** Sentences are wrapped at the page's width; ARNs, links and commands on lines of their own stay whole. */
export interface ReportTextOptions extends Page {
  /** The run in Temporal's web UI. */
  readonly uiUrl?: string;
  /** The change that the fleet had last, in Temporal's web UI. */
  readonly changeUrl?: string;
  /** Of the spec, as it was typed. */
  readonly file?: string;
  /** For whoever asks how it is and has not watched it: also the steps with their times. */
  readonly steps?: boolean;
  /** It goes well, and on by itself: nobody need type anything next. */
  readonly isPassing?: boolean;
}

const MOST_INSTANCES = 20;
const NAME_WIDTH = 10;
const WHY_INDENT = '      ';

export function reportText(told: FleetReport, options: ReportTextOptions): string {
  const report = withoutRemoved(told);
  const { colors } = options;
  const facts = factRows(report, {
    changeUrl: options.changeUrl,
    leaseWords: (lease) => leaseWords(lease, Date.now()),
    sinceWords: options.steps ? (at) => sinceWords(at, Date.now()) : undefined,
  });
  const blocks = [[headline(report, colors)], columns(facts, options)];
  if (report.places) blocks.push(placeTable(report.places, options));
  if (report.instances.length > 0) blocks.push(instanceTable(report, options));
  if (options.steps) blocks.push(stepList(report, options));
  if (options.uiUrl) blocks.push(columns([['run', options.uiUrl]], options));
  blocks.push(
    columns(endRows(report), options),
    ...repairBlocks(report, options),
    columns(whatNext(report, options), options),
  );
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function headline(report: FleetReport, colors: Colors): string {
  const { tone, mark, words } = headlineOf(report, colors.bold(report.fleet));
  return `${COLORED[tone](mark, colors)} ${words}`;
}

const COLORED: Readonly<Record<Headline['tone'], (mark: string, colors: Colors) => string>> = {
  good: (mark, { green }) => green(mark),
  bad: (mark, { red }) => red(mark),
  wary: (mark, { yellow }) => yellow(mark),
  busy: (mark) => mark,
};

function instanceTable(report: FleetReport, page: Page): string[] {
  const { instances, fleet } = report;
  const rows = [
    ['INSTANCE', 'TYPE', 'ZONE', 'PRIVATE IP', 'STATE'],
    ...instances
      .slice(0, MOST_INSTANCES)
      .map(({ id, type, zone, privateIp, state }) => [id, type, zone, privateIp ?? '', state]),
  ];
  const more = instanceCountOf(report) - MOST_INSTANCES;
  return [
    tableText(rows, page, { indent: '  ', least: LEAST_OF_INSTANCES }),
    ...(more > 0 ? [page.colors.dim(`  and ${more} more; muster status ${fleet} --instances has all`)] : []),
  ];
}

/** A line for each place; below those that failed why, and what is left there although the fleet is complete. */
function placeTable(places: readonly FleetReport[], page: Page): string[] {
  const rows = [
    ['PLACE', 'STATE', 'INSTANCES', 'IMAGE'],
    ...places.map((report) => [
      report.place!,
      report.state,
      `${instanceCountOf(report)}${report.wanted ? ` of ${report.wanted.want}` : ''}`,
      report.image ?? '',
    ]),
  ];
  const [head, ...lines] = tableText(rows, page, { indent: '  ', least: ['IMAGE'] }).split('\n');
  const { width = Number.POSITIVE_INFINITY } = page;
  const below = (words: string) => wrapped(words, width - WHY_INDENT.length).map((line) => WHY_INDENT + line);
  return [head!, ...lines.flatMap((line, at) => [line, ...whyNot(places[at]!).flatMap(below)])];
}

function whyNot(report: FleetReport): string[] {
  const { error, leftovers } = report;
  const why = error ? (error.problems ?? whyLines(report, error)) : [];
  return [...why, ...leftovers.flatMap(leftoverLines)];
}

/** Steps and undos in the same columns. */
function stepList({ steps, undos, scale, action }: FleetReport, { colors, width }: Page): string[] {
  const all = [...steps, ...undos];
  const times = all.map(({ seconds }) => (seconds === undefined ? '' : `${seconds.toFixed(1)} s`));
  const widest = Math.max(0, ...times.map((time) => time.length));
  const lines = alignedLines(
    all.map(({ state, detail, ...step }, at) => [
      at < steps.length ? stepWords(step) : stepWords(step, undoTitle),
      state,
      times[at]!.padStart(widest),
      // AWS's words may hold line breaks.
      detail?.replace(/\s+/g, ' ') ?? '',
    ]),
    { indent: '  ', width },
  );
  if (undos.length > 0) lines.splice(steps.length, 0, colors.dim('  taking back:'));
  // They are those of the run that brought it up, and not of the change that is told above.
  if (scale && action === 'up') lines.unshift(colors.dim('  when it was brought up:'));
  return lines;
}

/** Whoever reads the answer of `status` is not sent to it again; whoever has just seen the run verify the fleet need not check it. */
function whatNext(report: FleetReport, { steps, file, isPassing }: ReportTextOptions): Rows {
  if (isPassing && report.state === 'complete') return [];
  const idle = `muster ${steps ? 'status' : 'check'} ${report.fleet}`;
  const commands = nextCommands(report)
    .filter((command) => command !== idle && !(steps && command.startsWith(`${idle} `)))
    .map((command) => withFile(command, file));
  return commands.length > 0 ? [['next', ...commands]] : [];
}

function columns(rows: Rows, { colors, width = Number.POSITIVE_INFINITY }: ReportTextOptions): string[] {
  return rows.flatMap(([name, ...values]) =>
    values
      .flatMap((value) => wrapped(value, width - NAME_WIDTH - 2))
      .map((value, at) => `  ${colors.dim((at === 0 ? name : '').padEnd(NAME_WIDTH))}${value}`),
  );
}
