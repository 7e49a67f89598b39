/** A fleet's report as one page, to be sent to somebody or kept: HTML and CSS that fetch nothing and need no script. */

import { headlineOf } from '../fleet/headline.ts';
import type { HistoryReport } from '../fleet/history-report.ts';
import { nextCommands } from '../fleet/next-commands.ts';
import type { StatementWords } from '../fleet/policy-words.ts';
import { type FleetReport, type InstanceReport, isSettled } from '../fleet/report.ts';
import { endRows, factRows, type Rows, withoutRemoved } from '../fleet/report-rows.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { asksTable } from './asks.ts';
import { capacity } from './capacity.ts';
import { grid } from './grid.ts';
import { type Content, html, link, type Markup, section, timeWords } from './html.ts';
import { placesTable } from './places.ts';
import { policyList } from './policy.ts';
import { repairTables } from './repair.ts';
import { commandList, rowList } from './rows.ts';
import { STYLE } from './style.ts';
import { timeline } from './timeline.ts';
import { workTable } from './work.ts';

/** What a page can show beside the report. What is absent is not shown. */
export interface PageOptions {
  /** When the report was made: milliseconds since the epoch. */
  readonly at: number;
  /** All instances, when the report tells only the first of them. */
  readonly instances?: readonly InstanceReport[];
  readonly spec?: FleetSpec;
  /** What the spec's policy says in plain words; otherwise its statements are shown as they are written. */
  readonly policy?: readonly StatementWords[];
  readonly history?: HistoryReport;
  /** The run in Temporal's web UI. */
  readonly uiUrl?: string;
  /** The change that the fleet had last, in Temporal's web UI. */
  readonly changeUrl?: string;
}

/** Refusals have a table of their own. */
const TOLD_ELSEWHERE = ['refused', 'died'];

export function reportPage(told: FleetReport, options: PageOptions): string {
  const report = withoutRemoved(told);
  const { history, spec, policy, at } = options;
  const next = commandList(nextCommands(report));
  const isOver = isSettled(report.state);
  const isGood = headlineOf(report).tone === 'good';
  const sections: Content[] = [
    !isOver && underWay(at, next),
    ending(report, isOver && !isGood ? next : undefined),
    section('The fleet', rowList(facts(report, options))),
    section('Places', placesTable(report.places)),
    section('Put right, and not', repairTables(report)),
    section('Instances', grid(report, options.instances)),
    section('Steps', timeline(report, at, history)),
    (report.places ?? []).map((place) => section(`Steps in ${place.place}`, timeline(place, at, history))),
    section('Where there was no room', capacity(report)),
    section('What its machines may do', spec && policyList(spec, policy)),
    section('Who asked for what', history && asksTable(history)),
    section('What was done, by kind', history && workTable(history)),
    section('Next', isGood ? next : undefined),
  ];
  return `<!doctype html>\n${document(report, options, sections).text}`;
}

/** The policy of the page itself forbids scripts and all that would be fetched, should anything ever slip through. */
function document(report: FleetReport, options: PageOptions, sections: Content): Markup {
  return html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${report.fleet}: ${report.state}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${header(report, options)}
${sections}</main>
<footer>As it was at ${timeWords(options.at)}. Times are in UTC. Made by <code>muster report ${report.fleet} --html</code>.</footer>
</body>
</html>
`;
}

function header(report: FleetReport, { uiUrl }: PageOptions): Markup {
  const { tone, mark, words } = headlineOf(report);
  return html`<header>
<p class="kind">fleet report</p>
<h1>${report.fleet} <span class="state ${tone}">${mark} ${report.state}</span></h1>
<p class="headline">${words}</p>
${uiUrl !== undefined && html`<p class="run">${link(uiUrl, 'See the run in Temporal')}</p>`}
</header>`;
}

function underWay(at: number, next: Markup | undefined): Markup {
  return html`<section class="note busy"><p><strong>This run is under way.</strong> The page shows how far it was at ${timeWords(at)}.</p>
${next}</section>\n`;
}

/** Of one that went well there is mostly nothing to say here. */
function ending(report: FleetReport, next: Markup | undefined): Markup | undefined {
  const rows = rowList(endRows(report));
  if (!rows && !next) return undefined;
  const { tone } = headlineOf(report);
  return html`<section class="note ${tone}"><h2>How it ended</h2>
${rows}${next && html`<h3>Next</h3>${next}`}</section>\n`;
}

function facts(report: FleetReport, { changeUrl }: PageOptions): Rows {
  const leaseWords = ({ endsAt }: { readonly endsAt: number }) => `until ${timeWords(endsAt)}`;
  return factRows(report, { changeUrl, leaseWords, sinceWords: timeWords }).filter(
    ([name]) => !TOLD_ELSEWHERE.includes(name),
  );
}
