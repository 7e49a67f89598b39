/** The report of a run as a person reads it. */

import type { FailureReport, FleetReport, InstanceReport, StepReport } from '../fleet/report.ts';
import { stepTitle } from '../fleet/steps.ts';
import type { Colors } from './output.ts';

export interface ReportTextOptions {
  readonly colors: Colors;
  /** The run in Temporal's web UI. */
  readonly uiUrl?: string;
  /** Also the steps with their times, for whoever has not watched them. */
  readonly steps?: boolean;
}

/** Names and values in two columns; a value's further lines stand below its first. */
type Rows = (readonly [name: string, ...values: string[]])[];

const MOST_INSTANCES = 20;
const NAME_WIDTH = 10;

export function reportText(report: FleetReport, options: ReportTextOptions): string {
  const { colors } = options;
  const blocks = [[headline(report, colors)], columns(whatIs(report), colors)];
  if (report.instances.length > 0) blocks.push(instanceTable(report.instances, colors));
  if (options.steps) blocks.push(stepList(report, colors));
  if (options.uiUrl) blocks.push(columns([['run', options.uiUrl]], colors));
  blocks.push(columns(cause(report), colors), columns(whatNext(report), colors));
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function headline({ state, fleet, action, steps, error }: FleetReport, colors: Colors): string {
  const name = colors.bold(fleet);
  const asked = action === 'up' ? 'came up' : 'went down';
  switch (state) {
    case 'complete':
      return `${colors.green('✓')} fleet ${name} is complete${took(steps)}`;
    case 'gone':
      return `${colors.green('✓')} fleet ${name} is gone: nothing of it is left`;
    case 'rolled-back':
      return `${colors.red('✗')} fleet ${name} failed; all that the run made is gone again`;
    case 'cancelled':
      return `${colors.yellow('–')} fleet ${name} was cancelled; all that the run made is gone again`;
    case 'left-over':
      return `${colors.red('✗')} fleet ${name} ${error ? 'failed' : 'was cancelled'}, and something is left`;
    case 'lost':
      return `${colors.red('✗')} the run of fleet ${name} was ended from outside before it ${asked}`;
    case 'paused':
      return `${colors.yellow('‖')} fleet ${name} is paused for a person`;
    case 'rolling-back':
      return `${colors.yellow('…')} fleet ${name} is being rolled back`;
    case 'removing':
      return `… fleet ${name} is being taken down`;
    case 'running':
      return `… fleet ${name} is being brought up`;
  }
}

/** From the first step's begin to the last one's end. */
function took(steps: readonly StepReport[]): string {
  const ends = steps.flatMap(({ startedAt, seconds }) =>
    startedAt === undefined || seconds === undefined ? [] : [startedAt + seconds * 1000],
  );
  if (ends.length === 0) return '';
  const seconds = (Math.max(...ends) - Math.min(...steps.flatMap(({ startedAt }) => startedAt ?? []))) / 1000;
  return ` after ${seconds.toFixed(1)} s`;
}

function whatIs(report: FleetReport): Rows {
  const { state, account, region, role, profile, image, propagation } = report;
  if (state === 'gone' || state === 'rolled-back' || state === 'cancelled') {
    return region ? [['where', [region, account && `account ${account}`].filter(Boolean).join(', ')]] : [];
  }
  const rows: Rows = [];
  if (account) rows.push(['account', `${account}, ${region}`]);
  const isReused = (reused: boolean) => (reused ? ' (existed before, and stays)' : '');
  if (role) rows.push(['role', `${role.arn}${isReused(role.reused)}`]);
  if (profile) rows.push(['profile', `${profile.arn}${isReused(profile.reused)}`]);
  if (image) rows.push(['image', image]);
  if (propagation) {
    const asked = propagation.attempts === 1 ? 'asked once' : `asked ${propagation.attempts} times`;
    rows.push(['waited', `${propagation.seconds.toFixed(1)} s until EC2 knew the profile, ${asked}`]);
  }
  return rows;
}

function instanceTable(instances: readonly InstanceReport[], colors: Colors): string[] {
  const rows = [
    ['INSTANCE', 'TYPE', 'ZONE', 'PRIVATE IP', 'STATE'],
    ...instances
      .slice(0, MOST_INSTANCES)
      .map(({ id, type, zone, privateIp, state }) => [id, type, zone, privateIp ?? '', state]),
  ];
  const lines = aligned(rows).map((line) => `  ${line}`);
  const more = instances.length - MOST_INSTANCES;
  return [
    colors.dim(lines[0]!),
    ...lines.slice(1),
    ...(more > 0 ? [colors.dim(`  and ${more} more; --json has all`)] : []),
  ];
}

function stepList({ steps, undos }: FleetReport, colors: Colors): string[] {
  const rows = (list: readonly StepReport[]) =>
    aligned(
      list.map(({ name, state, seconds, detail }) => [
        stepTitle(name),
        state,
        seconds === undefined ? '' : `${seconds.toFixed(1)} s`,
        detail ?? '',
      ]),
    ).map((line) => `  ${line}`);
  return [...rows(steps), ...(undos.length > 0 ? [colors.dim('  taking back:'), ...rows(undos)] : [])];
}

function cause({ error, undos, leftovers, state }: FleetReport): Rows {
  const rows: Rows = [];
  if (error) rows.push(['cause', ...causeLines(error)]);
  const undone = undos.filter(({ state, detail }) => state === 'done' && detail !== 'absent');
  if (undone.length > 0) rows.push(['undone', ...undone.map(undoneLine)]);
  if (leftovers.length > 0) {
    rows.push([
      'left',
      ...leftovers.flatMap(({ kind, id, reason, command }) => [`${kind} ${id}: ${reason}`, `  ${command}`]),
    ]);
  } else if (state === 'rolled-back' || state === 'cancelled') {
    rows.push(['left', 'nothing']);
  }
  return rows;
}

function causeLines({ step, call, code, message, requestId, problems }: FailureReport): string[] {
  const where = `in '${stepTitle(step)}'`;
  if (problems) return [`${where}; nothing was made:`, ...problems.map((problem) => `- ${problem}`)];
  const request = requestId ? ` (request ${requestId})` : '';
  return [`${where}: ${call ? `${call}: ` : ''}${code}${request}`, ...message.split('\n')];
}

function undoneLine({ name, detail }: StepReport): string {
  return `${stepTitle(name)}${detail && detail !== 'removed' ? `: ${detail}` : ''}`;
}

function whatNext({ state, fleet, action, error }: FleetReport): Rows {
  switch (state) {
    case 'complete':
      return [['next', `muster status ${fleet}`, `muster down ${fleet}`]];
    case 'gone':
      return [];
    case 'rolled-back':
      return [
        [
          'next',
          error?.problems ? 'mend that, then muster up FILE again' : 'muster up FILE, once the cause is gone',
        ],
      ];
    case 'cancelled':
      return [['next', 'muster up FILE, to have it after all']];
    case 'left-over':
    case 'lost':
      return [
        [
          'next',
          `muster down ${fleet}, once the cause is gone${action === 'up' ? '; then muster up FILE' : ''}`,
        ],
      ];
    case 'paused':
      return [
        [
          'next',
          `muster retry ${fleet}      does the step again, once the cause is gone`,
          `muster rollback ${fleet}   takes back what was made`,
        ],
      ];
    case 'running':
      return [['next', `muster cancel ${fleet}   takes back what it has made so far`]];
    case 'rolling-back':
    case 'removing':
      return [['next', `muster status ${fleet}   shows how far it is`]];
  }
}

function columns(rows: Rows, colors: Colors): string[] {
  return rows.flatMap(([name, ...values]) =>
    values.map((value, at) => `  ${colors.dim((at === 0 ? name : '').padEnd(NAME_WIDTH))}${value}`),
  );
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
