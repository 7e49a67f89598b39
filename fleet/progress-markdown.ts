/** A report as the Markdown of Temporal's current details, for those who look at the run in its UI. */

import type { FleetReport, StepReport } from './report.ts';
import { rollWords } from './roll-words.ts';
import { stepTitle, stepWords, undoWords } from './steps.ts';
import { timeWords } from './words.ts';

const MARKS: Record<StepReport['state'], string> = {
  pending: '·',
  running: '▶',
  done: '✓',
  failed: '✗',
  paused: '‖',
  cancelled: '–',
};

export function progressMarkdown(report: FleetReport): string {
  const lines = [`**${escaped(report.fleet)}**: ${report.state}`, ''];
  if (report.error) {
    lines.push(
      `Failed in *${stepTitle(report.error.step)}*: ${literal(`${report.error.code}: ${report.error.message}`)}`,
      '',
    );
  }
  if (report.action === 'roll' && report.roll) lines.push(rollWords(report.roll), '');
  // A list: its pane is narrow, and a table's columns would be a word wide.
  lines.push(...report.steps.map((step) => item(step)));
  lines.push(...report.undos.map((step) => item(step, undoWords)));
  if (report.places) {
    lines.push('', '| place | | |', '|---|---|---|', ...report.places.map((place) => placeRow(place)));
  }
  if (report.state === 'paused') {
    lines.push(
      '',
      `Waits for a person: ${literal(`muster retry ${report.fleet}`)} or ${literal(`muster rollback ${report.fleet}`)}.`,
    );
  }
  if (report.state === 'complete' && report.lease) {
    const { endsAt, warned } = report.lease;
    const until = timeWords(endsAt);
    lines.push(
      '',
      `${warned ? '**Soon over**: wanted' : 'Wanted'} until ${until}; then it is taken down. ${literal(`muster extend ${report.fleet} 2h`)} moves the end, ${literal(`muster release ${report.fleet}`)} takes it down now.`,
    );
  }
  if (report.leftovers.length > 0) {
    lines.push(
      '',
      'Left:',
      ...report.leftovers.map(({ kind, id, reason }) => `- ${kind} ${literal(id)}: ${escaped(reason)}`),
    );
  }
  return lines.join('\n');
}

function placeRow({ place, state, error, workflowId }: FleetReport): string {
  const why = error ? `${error.code}: ${error.message}` : literal(workflowId);
  return `| ${place} | ${state} | ${error ? escaped(why) : why} |`;
}

function item(step: StepReport, titleOf = stepWords): string {
  const time = step.seconds === undefined ? '' : ` (${step.seconds.toFixed(1)} s)`;
  const detail = step.detail ? `: ${escaped(step.detail)}` : '';
  return `- ${MARKS[step.state]} **${titleOf(step)}**${detail}${time}`;
}

/** Policies are full of stars, which Markdown would take for emphasis. */
function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#]/g, (character) => `\\${character}`).replace(/\s+/g, ' ');
}

function literal(text: string): string {
  return `\`${text.replaceAll('`', "'").replace(/\s+/g, ' ')}\``;
}
