/** Why a request came to nothing before a run had to do with it. Nothing was changed in AWS. */

import { leftoverWords } from '../fleet/leftovers.ts';
import { formatMistakes, type Mistake } from '../fleet/mistakes.ts';
import type { FleetReport, FleetState, Leftover } from '../fleet/report.ts';
import type { Steer } from '../fleet/roll.ts';
import type { SpecChange } from '../fleet/spec-change.ts';

/** What `code` an error has decides the exit code of the command line: see the table in the README. */
export type MusterErrorCode =
  /** The spec has mistakes. */
  | 'SpecMistakes'
  /** What a schedule, or a request about one, says has mistakes. */
  | 'ScheduleMistakes'
  /** A price list has mistakes. */
  | 'PriceMistakes'
  /** Temporal does not answer, or has no such namespace. */
  | 'TemporalUnreachable'
  /** No worker polls the task queue, or none answers. */
  | 'NoWorker'
  /** The worker could not ask AWS what is there. */
  | 'LookFailed'
  /** Another run has the fleet. */
  | 'FleetBusy'
  /** The fleet exists, or is being made, by another spec. */
  | 'FleetDiffers'
  /** The fleet was complete, and a part of it has ended. */
  | 'FleetDegraded'
  /** An earlier run left a part of the fleet. */
  | 'FleetLeftOver'
  /** No run of the fleet is known, nor anything with its tag. */
  | 'FleetNotFound'
  /** The run is in no state for what was asked of it. */
  | 'NotNow'
  /** No fleet can have that many instances. */
  | 'WrongCount'
  /** No roll can go like that. */
  | 'WrongRoll'
  /** Temporal has no history any more that says how the fleet was made. */
  | 'HistoryGone'
  /** It cannot be done with a fleet in several places. */
  | 'ManyPlaces'
  /** None of the fleet's places was named, or another. */
  | 'WrongPlace'
  /** No lease can be of that length. */
  | 'WrongLease'
  /** There is no schedule of the name. */
  | 'ScheduleNotFound'
  /** Another run of the schedule would be skipped: by its overlap policy, or as the fleet is there from elsewhere. */
  | 'ScheduleBusy'
  /** What was to be given up is nothing that the run left. */
  | 'UnknownLeftover';

/** A request that was refused, or that nobody has answered. `message` says what, in a sentence without a full stop. */
export class MusterError extends Error {
  override readonly name = 'MusterError';
  readonly code: MusterErrorCode;
  /** What to do about it, in a few words or a command. */
  readonly mend: string | undefined;

  constructor(code: MusterErrorCode, message: string, mend?: string) {
    super(message);
    this.code = code;
    this.mend = mend;
  }
}

/** A spec has mistakes: all of them, also one a line in `message`. */
export class SpecError extends MusterError {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[], file?: string) {
    super('SpecMistakes', formatMistakes(mistakes, file));
    this.mistakes = mistakes;
  }
}

export class PricesError extends MusterError {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super('PriceMistakes', formatMistakes(mistakes));
    this.mistakes = mistakes;
  }
}

/** Of a schedule, and of its fleet's spec if both were read at once: those of a file have their place in it. */
export class ScheduleError extends MusterError {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const lines = mistakes.map((mistake) => {
      const { file, path, message, mend } = mistake;
      return file === undefined ? `${path}: ${message}; ${mend}` : formatMistakes([mistake]);
    });
    super('ScheduleMistakes', lines.join('\n'));
    this.mistakes = mistakes;
  }
}

/** The fleet is complete, and the spec is another: what differs, and what each difference asks for. */
export class DiffersError extends MusterError {
  readonly fleet: string;
  readonly changes: readonly SpecChange[];

  constructor(fleet: string, changes: readonly SpecChange[]) {
    super(
      'FleetDiffers',
      `the fleet '${fleet}' is complete, and its spec is another`,
      differsMend(fleet, changes),
    );
    this.fleet = fleet;
    this.changes = changes;
  }

  /** Whether something of it can be changed in place, and nothing makes it another fleet. */
  get isInPlace(): boolean {
    const hows = this.changes.map(({ how }) => how);
    return hows.includes('in-place') && !hows.includes('new-fleet');
  }
}

function differsMend(fleet: string, changes: readonly SpecChange[]): string {
  const hows = changes.map(({ how }) => how);
  if (hows.includes('new-fleet'))
    return `'muster down ${fleet}' removes it; or give the new one another name`;
  const yes = "'muster up FILE --yes' changes in place what can be";
  const roll = "'muster roll FILE' has other machines take the place of its own";
  if (!hows.includes('in-place')) return roll;
  return hows.includes('roll') ? `${yes}; ${roll}` : yes;
}

export function scheduleNotFound(name: string): MusterError {
  return new MusterError(
    'ScheduleNotFound',
    `there is no schedule of a fleet '${name}'`,
    "'muster schedule list' shows all, 'muster schedule set FILE' makes one",
  );
}

export function checkScheduleNotFound(name: string): MusterError {
  return new MusterError(
    'ScheduleNotFound',
    `the fleet '${name}' is not checked on a schedule`,
    `'muster schedule check ${name} --every 1h' has it checked every hour`,
  );
}

export function scheduleBusy(name: string, workflowId: string): MusterError {
  return new MusterError(
    'ScheduleBusy',
    `a run of the schedule of '${name}' is under way (${workflowId}), and another would be skipped`,
    `'muster status ${name}' shows the fleet; try again when it is gone`,
  );
}

/** It was brought up by hand, for instance. */
export function scheduledFleetThere(name: string, why: string): MusterError {
  return new MusterError(
    'ScheduleBusy',
    `the fleet '${name}' is there already (${why}), and a run of its schedule would be skipped`,
    `'muster status ${name}' shows it; try again when it is gone`,
  );
}

export function temporalUnreachable(address: string, error: unknown): MusterError {
  const why = error instanceof Error ? error.message : String(error);
  return new MusterError(
    'TemporalUnreachable',
    `Temporal does not answer at ${address}: ${why}`,
    "start one ('muster sandbox' has one), or say where yours is: TEMPORAL_ADDRESS, or a profile of Temporal's own configuration; what a sandbox that has ended had exported is of no use: take over what the new one prints",
  );
}

export function connectionClosed(address: string): MusterError {
  const what = `the connection to Temporal at ${address} was closed`;
  return new MusterError('TemporalUnreachable', what, 'ask before close(), or connect anew; runs go on');
}

export function namespaceUnknown(namespace: string, address: string): MusterError {
  return new MusterError(
    'TemporalUnreachable',
    `Temporal at ${address} has no namespace '${namespace}'`,
    'say which is yours with TEMPORAL_NAMESPACE',
  );
}

export function noWorker(taskQueue: string, address: string): MusterError {
  return new MusterError(
    'NoWorker',
    `no worker answers on the task queue '${taskQueue}' of Temporal at ${address}`,
    "start one with 'muster worker', where it finds AWS credentials",
  );
}

/** Whoever has forgotten to say which Temporal is meant asks another. `region`: where AWS was asked, too. */
export function fleetNotFound(
  { address, namespace }: { readonly address: string; readonly namespace: string },
  fleet: string,
  region?: string,
): MusterError {
  const unknown = `Temporal at ${address} (namespace '${namespace}') knows no run of the fleet '${fleet}'`;
  return new MusterError(
    'FleetNotFound',
    region === undefined ? unknown : `${unknown}, and AWS shows nothing with its tag in ${region}`,
    region === undefined
      ? "'muster list' shows all"
      : "'muster list' shows all; --region says where its instances are",
  );
}

/** `wasAskedAgain`: until there was no time left, as for what passes by itself. */
export function lookFailed(fleet: string, why: string, wasAskedAgain = false): MusterError {
  return new MusterError(
    'LookFailed',
    `AWS could not be asked what it has of the fleet '${fleet}': ${why}`,
    wasAskedAgain
      ? "nothing was changed; try it again, and if it lasts 'muster doctor' tells what the worker reaches"
      : 'see whether the worker finds AWS and its credentials',
  );
}

export function sweepFailed(why: string): MusterError {
  return new MusterError(
    'LookFailed',
    `AWS could not be asked what runs have left: ${why}`,
    'see whether the worker finds AWS, its credentials, and may list roles and profiles',
  );
}

export function fleetDegraded({ fleet, error, places = [], oddities = [] }: FleetReport): MusterError {
  const down = `'muster down ${fleet}' removes what there is`;
  const isOdd = [...places.flatMap((place) => place.oddities ?? []), ...oddities].length > 0;
  const check = isOdd
    ? `'muster check ${fleet}' tells what puts it right`
    : `'muster check ${fleet} --repair' puts right what can be`;
  return new MusterError(
    'FleetDegraded',
    `the fleet '${fleet}' is not what it was: ${error!.message}`,
    `${check}, ${down}`,
  );
}

export function fleetLeftOver(
  fleet: string,
  leftovers: readonly Leftover[],
  command: 'retry' | 'down',
): MusterError {
  return new MusterError(
    'FleetLeftOver',
    `an earlier run of the fleet '${fleet}' left ${leftoverWords(leftovers)}`,
    `'muster ${command} ${fleet}' removes it`,
  );
}

export function fleetBusy(fleet: string, action: 'up' | 'down', mend: string): MusterError {
  const doing = action === 'up' ? 'is being brought up' : 'is being taken down';
  return new MusterError('FleetBusy', `the fleet '${fleet}' ${doing} by another run`, mend);
}

export function leaseOver(fleet: string): MusterError {
  return new MusterError(
    'FleetBusy',
    `the lease of the fleet '${fleet}' is over, and it is being taken down`,
    `'muster status ${fleet}' shows it; 'muster up FILE' brings it up anew when it is gone`,
  );
}

/** `words` as the run that keeps the fleet has them: what is done, and since when. */
export function fleetChanging(fleet: string, words: string): MusterError {
  return new MusterError(
    'FleetBusy',
    `the fleet '${fleet}' is being changed: ${words}`,
    `'muster status ${fleet}' shows it, 'muster cancel ${fleet}' takes it back`,
  );
}

export function fleetDiffers(fleet: string, state: 'running' | 'complete'): MusterError {
  return state === 'running'
    ? new MusterError(
        'FleetDiffers',
        `the fleet '${fleet}' is being brought up from another spec`,
        `'muster status ${fleet}' shows it, 'muster cancel ${fleet}' takes it back`,
      )
    : new MusterError(
        'FleetDiffers',
        `the fleet '${fleet}' is complete, and its spec was another; Temporal has no history that tells which`,
        `'muster down ${fleet}' removes it; or give the new one another name`,
      );
}

export function notNow(fleet: string, state: FleetState, asked: string): MusterError {
  return new MusterError(
    'NotNow',
    `the fleet '${fleet}' is ${state}: there is nothing to ${asked === 'rollback' ? 'roll back' : asked}`,
    `'muster status ${fleet}' shows it`,
  );
}

export function noLease(fleet: string, state: FleetState, asked: string): MusterError {
  return new MusterError(
    'NotNow',
    `the fleet '${fleet}' is ${state}, and has no lease to ${asked}`,
    state === 'complete' ? `'muster down ${fleet}' takes it down` : `'muster status ${fleet}' shows it`,
  );
}

export function wrongCount(why: string): MusterError {
  return new MusterError('WrongCount', why);
}

export function wrongRoll(why: string): MusterError {
  return new MusterError('WrongRoll', why);
}

/** What a roll cannot change, and what does. */
export function notByRoll(fleet: string, { what, mend }: { what: string; mend: string }): MusterError {
  return new MusterError('FleetDiffers', `a roll cannot give the fleet '${fleet}' this spec; ${what}`, mend);
}

/** `words` say what else is done with it, and since when. */
export function notRolling(fleet: string, steer: Steer, words: string | undefined): MusterError {
  const instead = words === undefined ? '' : `; it is ${words}`;
  return new MusterError(
    'NotNow',
    `no roll of the fleet '${fleet}' is under way${instead}: there is nothing to ${steer}`,
    `'muster status ${fleet}' shows it`,
  );
}

/** In the roll's own words. */
export function notSteered(fleet: string, why: string): MusterError {
  return new MusterError('NotNow', `the fleet '${fleet}': ${why}`, `'muster status ${fleet}' shows it`);
}

export function historyGone(fleet: string): MusterError {
  return new MusterError(
    'HistoryGone',
    `the fleet '${fleet}' is there, but Temporal has no history of its runs any more: by what it was made is not known`,
    `'muster down ${fleet}', then 'muster up' with the spec that is wanted`,
  );
}

export function specUnknown(fleet: string): MusterError {
  return new MusterError(
    'HistoryGone',
    `the fleet '${fleet}' is there, but Temporal has no history of its runs any more: what it should be is not known`,
    `'muster check ${fleet} --file FILE' holds it against its spec`,
  );
}

export function otherSpec(fleet: string, name: string): MusterError {
  return new MusterError(
    'FleetDiffers',
    `the spec is of a fleet '${name}', not of '${fleet}'`,
    `name the spec of '${fleet}', or check '${name}'`,
  );
}

export function wrongPlace(
  { fleet, region }: FleetReport,
  place: string | undefined,
  known: readonly string[],
): MusterError {
  const [first] = known;
  if (first === undefined) {
    return new MusterError(
      'WrongPlace',
      `the fleet '${fleet}' is in ${region} alone, and not in '${place}'`,
      'leave the place out',
    );
  }
  return new MusterError(
    'WrongPlace',
    place === undefined
      ? `the fleet '${fleet}' is in several places: ${known.join(', ')}`
      : `the fleet '${fleet}' is not in '${place}': it is in ${known.join(', ')}`,
    `say in which of them, for instance --place ${first}`,
  );
}

export function otherPlaces(fleet: string, has: string, says: string): MusterError {
  return new MusterError(
    'FleetDiffers',
    `the fleet '${fleet}' is in ${has}, and the spec is for ${says}`,
    `a fleet keeps its places: 'muster down ${fleet}' removes it, and then it can come up by another spec`,
  );
}

export function manyPlaces(fleet: string, asked: string, mend: string): MusterError {
  return new MusterError(
    'ManyPlaces',
    `the fleet '${fleet}' is in several places, and such a fleet cannot be ${asked} yet`,
    mend,
  );
}

export function forgottenPlaces(fleet: string): MusterError {
  return new MusterError(
    'ManyPlaces',
    `the fleet '${fleet}' is in several places, and Temporal has no history of its runs any more: what it should be in each is not known`,
    `'muster status ${fleet}' shows what is there`,
  );
}

export function wrongLease(why: string): MusterError {
  return new MusterError('WrongLease', why, 'say how long, for instance 90m, 8h or 2d');
}

export function unknownLeftovers(
  fleet: string,
  unknown: readonly string[],
  left: readonly string[],
): MusterError {
  return new MusterError(
    'UnknownLeftover',
    `${unknown.join(', ')}: nothing that the last run of '${fleet}' left`,
    `it left ${left.join(', ')}`,
  );
}
