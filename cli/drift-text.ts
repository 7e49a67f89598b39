/** What a check has found, as a person reads it. */

import { type DriftReport, findingCount } from '../fleet/drift-report.ts';
import type { Finding, FindingKind } from '../fleet/finding.ts';
import { counted } from '../fleet/words.ts';
import { withFile } from './file-words.ts';
import type { Colors, Page } from './output.ts';
import { tableText } from './table.ts';

export interface DriftTextOptions extends Page {
  /** The file of the spec, if it is not the fleet's own. */
  readonly file?: string;
  /** The run in Temporal's web UI. */
  readonly uiUrl?: string;
}

/** Of each kind; --json has more. */
const MOST_ROWS = 20;
const MOST_COMMANDS = 10;

export function driftText(report: DriftReport, { colors, width, file, uiUrl }: DriftTextOptions): string {
  const { findings, fleet } = report;
  const name = colors.bold(fleet);
  const count = findingCount(report);
  const about = [
    ...whereRows(report, colors),
    row('spec', file ?? 'its own, as its last run has it', colors),
    ...(uiUrl ? [row('looked', uiUrl, colors)] : []),
  ].join('\n');
  if (count === 0) return `${colors.green('✓')} fleet ${name} is as its spec says\n\n${about}`;
  return [
    `${colors.red('✗')} fleet ${name} differs from its spec in ${counted(count, 'thing')}`,
    about,
    [findingTable(findings, { colors, width }), ...beyondLines(report, colors)].join('\n'),
    ...findings.flatMap((finding) => statementLines(finding, colors)),
    withFile(
      commandLines(report, file === undefined ? `muster check ${fleet} --repair` : undefined, colors),
      file,
    ),
  ].join('\n\n');
}

/** Of several places each with what it has; the accounts only where they are several. */
function whereRows({ account, region, places, instanceCount }: DriftReport, colors: Colors): string[] {
  const all = counted(instanceCount, 'instance');
  if (!places) return [row('account', `${account}, ${region}`, colors), row('has', all, colors)];
  const each = places.map(({ place, instanceCount }) => `${instanceCount} in ${place}`).join(', ');
  return [
    ...(account === undefined ? [] : [row('account', account, colors)]),
    row('has', `${all}: ${each}`, colors),
  ];
}

/** What a person can type: a repair for all that one puts right, if there is one, and a command for each other thing. */
export function commandLines(
  { findings }: Pick<DriftReport, 'findings'>,
  repair: string | undefined,
  colors: Colors,
): string {
  const isMended = ({ safe }: Finding) => safe && repair !== undefined;
  const others = findings.filter((finding) => !isMended(finding)).map(({ command }) => command);
  const commands = [...new Set([...(findings.some(isMended) ? [repair!] : []), ...others])];
  const beyond = commands.length - MOST_COMMANDS;
  return [
    ...commands.slice(0, MOST_COMMANDS).map((command, at) => row(at === 0 ? 'to mend' : '', command, colors)),
    ...(beyond > 0 ? [row('', colors.dim(`and ${beyond} more; --json has them`), colors)] : []),
  ].join('\n');
}

function row(head: string, text: string, colors: Colors): string {
  return `  ${colors.dim(head.padEnd(10))}${text}`;
}

export function findingTable(findings: readonly Finding[], page: Page): string {
  const isOfPlaces = findings.some(({ at }) => at !== undefined);
  const shown = findings.filter((finding) => placeOf(findings, finding) < MOST_ROWS);
  const rows = shown.map((finding) => [
    titleOf(finding.kind),
    resourceWords(finding),
    ...(isOfPlaces ? [finding.at ?? ''] : []),
    finding.wanted,
    finding.found,
  ]);
  const head = ['WHAT', 'OF', ...(isOfPlaces ? ['IN'] : []), 'WANTED', 'FOUND'];
  return tableText([head, ...rows], page, { indent: '  ' });
}

/** A role and a profile may have one name. */
function resourceWords({ on, resource }: Finding): string {
  return on === undefined || on === 'instance' ? resource : `${on} ${resource}`;
}

/** The statements of a policy that differ, where the table has only their beginning. */
function statementLines({ kind, resource, statements }: Finding, colors: Colors): string[] {
  if (!statements) return [];
  const { wanted, found } = statements;
  return [
    [
      `  ${titleOf(kind)} ${resource}`,
      ...wanted.map((statement) => `    ${colors.dim('wanted')}  ${statement}`),
      ...found.map((statement) => `    ${colors.dim('found')}   ${statement}`),
    ].join('\n'),
  ];
}

function placeOf(findings: readonly Finding[], finding: Finding): number {
  return findings.filter(({ kind }) => kind === finding.kind).indexOf(finding);
}

/** How many are not in the table, by kind. */
function beyondLines({ findings, more }: DriftReport, colors: Colors): string[] {
  return [...new Set(findings.map(({ kind }) => kind))].flatMap((kind) => {
    const told = findings.filter((finding) => finding.kind === kind).length;
    const hidden = Math.max(0, told - MOST_ROWS) + (more[kind] ?? 0);
    return hidden > 0 ? [colors.dim(`  and ${hidden.toLocaleString('en')} more: ${titleOf(kind)}`)] : [];
  });
}

const titleOf = (kind: FindingKind): string => kind.replaceAll('-', ' ');
