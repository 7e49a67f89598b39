/** What a repair has put right, and what differs still. */

import type { Finding } from '../fleet/finding.ts';
import type { FleetReport } from '../fleet/report.ts';
import { html, type Markup, numberWords } from './html.ts';

export function repairTables({ action, repair }: FleetReport): Markup | undefined {
  if (action !== 'repair' || !repair) return undefined;
  const { mended, mendedCount, remaining, remainingCount } = repair;
  if (mended.length + remaining.length === 0) return undefined;
  return html`${findings('Put right', mended, mendedCount)}${findings('Differs still', remaining, remainingCount)}`;
}

function findings(title: string, all: readonly Finding[], count: number): Markup | undefined {
  if (all.length === 0) return undefined;
  const more = count - all.length;
  const isOpen = title !== 'Put right';
  return html`<h3>${title}</h3>
<table class="folds"><thead><tr><th>What</th><th>Of</th><th>Wanted</th><th>Found</th></tr></thead>
<tbody>${all.map((finding) => row(finding, isOpen))}</tbody></table>
${more > 0 && html`<p class="soft">and ${numberWords(more)} more</p>\n`}`;
}

function row({ kind, resource, wanted, found, command }: Finding, isOpen: boolean): Markup {
  return html`<tr><td data-head="What">${kind}</td><td data-head="Of">${resource}</td><td data-head="Wanted">${wanted}</td><td data-head="Found">${found}</td></tr>
${isOpen && html`<tr class="why"><td colspan="4"><code class="command">${command}</code></td></tr>\n`}`;
}
