/** Instances by zone and type: each a square; of very many a bar for all that have one state. */

import { type FleetReport, type InstanceReport, instanceCountOf } from '../fleet/report.ts';
import { html, type Markup, numberWords } from './html.ts';

/** More squares than these tell nothing that their number does not. */
const MOST_SQUARES = 300;
/** So many are listed openly, more behind a line that opens. */
const MOST_OPEN = 12;
/** More lines than these nobody reads on a page. */
const MOST_LISTED = 100;

export function grid(report: FleetReport, all?: readonly InstanceReport[]): Markup | undefined {
  const instances =
    all ?? (report.places ? report.places.flatMap((place) => place.instances) : report.instances);
  if (instances.length === 0) return undefined;
  const count = Math.max(instances.length, instanceCountOf(report));
  const types = sorted(instances.map(({ type }) => type));
  const zones = sorted(instances.map(({ zone }) => zone));
  const cells = cellsOf(instances);
  const most = Math.max(...[...cells.values()].map(({ length }) => length));
  const cell = (zone: string, type: string) => {
    const there = cells.get(keyOf(zone, type)) ?? [];
    const shown = instances.length > MOST_SQUARES ? bars(there, most) : squares(there);
    return html`<td data-head="${type}"${there.length === 0 && html` class="none"`}>${there.length > 0 && html`<b>${numberWords(there.length)}</b> ${shown}`}</td>`;
  };
  return html`<p class="soft">${legend(instances, count)}</p>
<div class="wide" tabindex="0" role="region" aria-label="instances by zone and type"><table class="grid"><thead><tr><th>Zone</th>${types.map((type) => html`<th>${type}</th>`)}</tr></thead>
<tbody>${zones.map((zone) => html`<tr><th scope="row">${zone || 'no zone'}</th>${types.map((type) => cell(zone, type))}</tr>\n`)}</tbody></table></div>
${list(instances)}`;
}

function sorted(words: readonly string[]): string[] {
  return [...new Set(words)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

const keyOf = (zone: string, type: string): string => `${zone} ${type}`;

function cellsOf(instances: readonly InstanceReport[]): Map<string, InstanceReport[]> {
  const cells = new Map<string, InstanceReport[]>();
  for (const instance of instances) {
    const key = keyOf(instance.zone, instance.type);
    const there = cells.get(key);
    if (there) there.push(instance);
    else cells.set(key, [instance]);
  }
  return cells;
}

function squares(instances: readonly InstanceReport[]): Markup {
  return html`<span class="squares">${instances.map(
    ({ id, privateIp, state }) =>
      html`<i class="${toneOf(state)}" title="${[id, privateIp, state].filter(Boolean).join(' ')}"></i>`,
  )}</span>`;
}

/** As long as there are many, beside the fullest cell of the grid. */
function bars(instances: readonly InstanceReport[], most: number): Markup {
  return html`<span class="bars">${statesOf(instances).map(
    ([state, count]) =>
      html`<i class="${toneOf(state)}" style="width:${((100 * count) / most).toFixed(2)}%" title="${numberWords(count)} ${state}"></i>`,
  )}</span>`;
}

function statesOf(instances: readonly InstanceReport[]): [state: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { state } of instances) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** EC2 has more states than there are colours that one can tell apart. */
function toneOf(state: string): string {
  if (state === 'running') return 'good';
  return state === 'pending' ? 'busy' : 'bad';
}

function legend(instances: readonly InstanceReport[], count: number): Markup {
  const states = statesOf(instances);
  const beyond = count - instances.length;
  return html`${states.map(
    ([state, some]) =>
      html`<span class="legend"><i class="${toneOf(state)}"></i> ${numberWords(some)} ${state}</span> `,
  )}${beyond > 0 && `These are ${numberWords(instances.length)} of ${numberWords(count)}.`}`;
}

function list(instances: readonly InstanceReport[]): Markup {
  const shown = instances.slice(0, MOST_LISTED);
  const words =
    shown.length < instances.length
      ? `the first ${MOST_LISTED} of ${numberWords(instances.length)}, one by one`
      : 'one by one';
  return html`<details${instances.length <= MOST_OPEN && html` open`}><summary>${words}</summary>
<table class="folds"><thead><tr><th>Instance</th><th>Type</th><th>Zone</th><th>Private IP</th><th>State</th></tr></thead>
<tbody>${shown.map(
    ({ id, type, zone, privateIp, state }) =>
      html`<tr><th scope="row">${id}</th><td data-head="Type">${type}</td><td data-head="Zone">${zone}</td><td data-head="Private IP">${privateIp}</td><td data-head="State">${state}</td></tr>\n`,
  )}</tbody></table></details>\n`;
}
