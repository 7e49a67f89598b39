/** How commands end: exit codes, and errors in words that tell what to do. */

import type { MusterErrorCode } from '../client/errors.ts';
import type { FleetListing } from '../client/listing.ts';
import type { HistoryReport } from '../fleet/history-report.ts';
import type { FleetReport } from '../fleet/report.ts';
import type { SpecChange } from '../fleet/spec-change.ts';
import { differenceText } from './change-text.ts';
import { withFile } from './file-words.ts';
import { knownText } from './known-text.ts';
import { jsonOf, say, stderrColors } from './output.ts';

export const DONE = 0;
export const WRONG_INPUT = 2;
export const UNREACHABLE = 4;
export const LEFT_OVER = 3;
/** As sysexits.h has it (EX_SOFTWARE): none of the codes that say what became of a fleet. */
const INTERNAL = 70;
export const INTERRUPTED = 130;

const CODES: Record<MusterErrorCode, number> = {
  SpecMistakes: WRONG_INPUT,
  ScheduleMistakes: WRONG_INPUT,
  PriceMistakes: WRONG_INPUT,
  FleetBusy: WRONG_INPUT,
  FleetDiffers: WRONG_INPUT,
  FleetDegraded: WRONG_INPUT,
  FleetLeftOver: WRONG_INPUT,
  FleetNotFound: WRONG_INPUT,
  NotNow: WRONG_INPUT,
  WrongCount: WRONG_INPUT,
  WrongRoll: WRONG_INPUT,
  HistoryGone: WRONG_INPUT,
  WrongLease: WRONG_INPUT,
  ManyPlaces: WRONG_INPUT,
  WrongPlace: WRONG_INPUT,
  ScheduleNotFound: WRONG_INPUT,
  ScheduleBusy: WRONG_INPUT,
  UnknownLeftover: WRONG_INPUT,
  TemporalUnreachable: UNREACHABLE,
  NoWorker: UNREACHABLE,
  LookFailed: UNREACHABLE,
};

/** Something that is wrong with how the command was called. */
export class UsageError extends Error {
  readonly mend: string | undefined;
  constructor(message: string, mend?: string) {
    super(message);
    this.mend = mend;
  }
}

/** A person who was asked something left without an answer. */
export class Dismissed extends Error {}

interface Told {
  readonly code?: string;
  readonly mend?: string;
  readonly mistakes?: readonly unknown[];
  readonly changes?: readonly SpecChange[];
  readonly fleet?: string;
  readonly known?: FleetListing;
}

/** An error as scripts read it. `file`: of the spec, as it was typed. */
export function errorAsJson(error: unknown, file?: string): { readonly error: object } {
  if (error instanceof Dismissed) return { error: { code: 'Interrupted', message: 'nothing was changed' } };
  const { code: own, message, mend, mistakes, changes, known } = error as Error & Told;
  const code = isKnown(error) ? (own ?? 'Usage') : 'Internal';
  return { error: { code, message, mend: mend && withFile(mend, file), mistakes, changes, known } };
}

function isKnown(error: unknown): boolean {
  const { code } = error as Told;
  return error instanceof UsageError || (code !== undefined && code in CODES);
}

/**
 * Says an error on stderr, and to `printJson` too where that was asked for, and answers the exit code. `file`: of the spec,
 * as it was typed.
 */
export function tellError(
  error: unknown,
  printJson?: (error: ReturnType<typeof errorAsJson>) => void,
  file?: string,
): number {
  printJson?.(errorAsJson(error, file));
  if (error instanceof Dismissed) {
    say('\nNothing was changed.');
    return INTERRUPTED;
  }
  const { code, message, mistakes, changes, fleet, known, ...told } = error as Error & Told;
  const mend = told.mend && withFile(told.mend, file);
  const colors = stderrColors();
  if (mistakes) {
    const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
    const where = code === 'SpecMistakes' ? ' in the spec' : '';
    say(`${colors.red('✗')} ${count}${where}; nothing was sent\n`);
    say(message);
  } else if (isKnown(error)) {
    if (changes && fleet) say(`${differenceText(fleet, changes, { file })}\n`);
    say(`${colors.red('✗')} ${message}`);
    if (mend) say(`  ${mend}`);
    if (known) say(`\n${knownText(known, colors)}`);
  } else {
    say(`${colors.red('✗')} ${(error as Error).stack ?? error}`);
    say("  an error of Muster's own: please report these lines; 'muster status NAME' tells how the fleet is");
  }
  if (error instanceof UsageError) return WRONG_INPUT;
  return CODES[code as MusterErrorCode] ?? INTERNAL;
}

/** A report as scripts read it: keys that may be without a value are there all the same. */
export function reportAsJson(report: FleetReport & { history?: HistoryReport }, uiUrl?: string): object {
  const { role = null, profile = null, error = null } = report;
  return { ...report, role, profile, error, uiUrl };
}

export const reportJson = (report: FleetReport & { history?: HistoryReport }, uiUrl?: string): string =>
  jsonOf(reportAsJson(report, uiUrl));
