/** Who started the fleet's runs, and who asked what of them. */

import type { HistoryReport } from '../fleet/history-report.ts';
import { html, type Markup, timeWords } from './html.ts';

export function asksTable({ asks }: HistoryReport): Markup | undefined {
  if (asks.length === 0) return undefined;
  return html`<table class="folds"><thead><tr><th>When</th><th>What</th><th>Who</th></tr></thead>
<tbody>${asks.map(
    ({ at, what, by }) =>
      html`<tr><td class="time" data-head="When">${timeWords(at)}</td><td data-head="What">${what}</td><td data-head="Who"><code>${by}</code></td></tr>\n`,
  )}</tbody></table>\n`;
}
