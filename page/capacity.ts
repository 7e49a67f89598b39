/** What EC2 refused where while the fleet was launched, and what was done about it. */

import { type Decision, decisionWords } from '../fleet/launch-plan.ts';
import type { FleetReport } from '../fleet/report.ts';
import { html, type Markup, numberWords } from './html.ts';

/** The last of them: they say how it came out. */
const MOST = 100;

export function capacity(report: FleetReport): Markup | undefined {
  const all = [report, ...(report.places ?? [])].flatMap(({ place, decisions = [] }) =>
    decisions.map((decision) => ({ place, decision })),
  );
  if (all.length === 0) return undefined;
  const shown = all.slice(-MOST);
  const more = all.length - shown.length;
  return html`${more > 0 && html`<p class="soft">${numberWords(more)} more before these.</p>\n`}<table class="folds">
<thead><tr><th>At</th><th>What became of it</th><th>In AWS's words</th></tr></thead>
<tbody>${shown.map(({ place, decision }) => row(decision, place))}</tbody></table>\n`;
}

function row(decision: Decision, place: string | undefined): Markup {
  const { at, code, reason } = decision;
  const time = new Date(at).toISOString().slice(11, 19);
  return html`<tr><td class="time" data-head="At">${time}</td><td>${place !== undefined && `${place}: `}${decisionWords(decision)}</td><td class="soft" data-head="AWS">${code}: ${reason}</td></tr>\n`;
}
