/** A fleet's places: how it is in each. */

import { headlineOf } from '../fleet/headline.ts';
import { type FleetReport, instanceCountOf } from '../fleet/report.ts';
import { leftoverLines, whyLines } from '../fleet/report-rows.ts';
import { html, type Markup, numberWords } from './html.ts';

export function placesTable(places: readonly FleetReport[] | undefined): Markup | undefined {
  if (!places || places.length === 0) return undefined;
  return html`<table class="folds"><thead><tr><th>Place</th><th>State</th><th>Instances</th><th>Image</th></tr></thead>
<tbody>${places.map(placeRow)}</tbody></table>\n`;
}

function placeRow(report: FleetReport): Markup {
  const { place, state, wanted, image } = report;
  const { tone, mark } = headlineOf(report);
  const count = numberWords(instanceCountOf(report));
  const why = whyNot(report);
  return html`<tr><th scope="row">${place}</th><td data-head="State"><span class="state ${tone}">${mark} ${state}</span></td><td data-head="Instances">${count}${wanted && ` of ${numberWords(wanted.want)}`}</td><td data-head="Image">${image}</td></tr>
${why.length > 0 && html`<tr class="why"><td colspan="4">${why.map((line) => html`<div>${line.startsWith('  ') ? html`<code class="command">${line.trim()}</code>` : line}</div>`)}</td></tr>\n`}`;
}

function whyNot(place: FleetReport): string[] {
  const { error, leftovers } = place;
  const why = error ? (error.problems ?? whyLines(place, error)) : [];
  return [...why, ...leftovers.flatMap(leftoverLines)];
}
