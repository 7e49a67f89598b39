/** What workers did for the fleet, by kind: Temporal's count of activities and their attempts. */

import { activityCounts, type HistoryReport } from '../fleet/history-report.ts';
import { counted } from '../fleet/words.ts';
import { html, type Markup, numberWords } from './html.ts';

export function workTable({ activities }: HistoryReport): Markup | undefined {
  if (activities.length === 0) return undefined;
  const counts = activityCounts(activities);
  const workers = [...new Set(activities.flatMap(({ worker }) => worker ?? []))];
  const sum = (of: 'count' | 'attempts' | 'failed') => counts.reduce((all, one) => all + one[of], 0);
  return html`<p class="soft">Counted are activities, as the history of the run has them: pieces of work that a worker does, most of them a
call of AWS or a few. An attempt is one try of such a piece; one that is under way is not counted.</p>
<table class="numbers"><thead><tr><th>Activity</th><th>Times</th><th>Attempts</th><th>Failed</th></tr></thead>
<tbody>${counts.map(
    ({ type, count, attempts, failed }) =>
      html`<tr><th scope="row">${type}</th><td>${numberWords(count)}</td><td>${numberWords(attempts)}</td><td${failed > 0 && html` class="bad"`}>${numberWords(failed)}</td></tr>\n`,
  )}</tbody>
<tfoot><tr><th scope="row">all</th><td>${numberWords(sum('count'))}</td><td>${numberWords(sum('attempts'))}</td><td>${numberWords(sum('failed'))}</td></tr></tfoot></table>
${workers.length > 0 && html`<p class="soft">Done by ${counted(workers.length, 'worker')}: ${workers.map((worker, at) => html`${at > 0 && ', '}<code>${worker}</code>`)}.</p>\n`}`;
}
