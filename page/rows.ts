/** Rows of names and values, and commands. */

import type { Rows } from '../fleet/report-rows.ts';
import { html, link, type Markup } from './html.ts';

export function rowList(rows: Rows): Markup | undefined {
  if (rows.length === 0) return undefined;
  return html`<dl>${rows.map(
    ([name, ...values]) =>
      html`<dt>${name}</dt><dd>${values.map((value) => html`<div>${worded(value)}</div>`)}</dd>\n`,
  )}</dl>\n`;
}

/** An indented value is a command. */
function worded(value: string): Markup {
  if (/^https?:\/\/\S+$/.test(value)) return link(value, value);
  return value.startsWith('  ') ? html`<code class="command">${value.trim()}</code>` : html`${value}`;
}

/** Behind a command, after spaces, stands what it does. */
export function commandList(commands: readonly string[]): Markup | undefined {
  if (commands.length === 0) return undefined;
  return html`<ul class="commands">${commands.map((line) => {
    const [, command = line, why] = /^(muster .*?)(?: {3,}|, (?=once |to ))(.*)$/.exec(line) ?? [];
    const isCommand = command.startsWith('muster ');
    return html`<li>${isCommand ? html`<code class="command">${command}</code>` : command}${why && html` <span>${why}</span>`}</li>`;
  })}</ul>\n`;
}
