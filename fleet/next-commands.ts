/** What can be done about a fleet after a report of it. */

import { type FleetReport, instanceCountOf, isChange } from './report.ts';
import { scaleCommand } from './scale.ts';

/** What a person can type next; behind a command, after spaces, what it does. */
export function nextCommands(report: FleetReport): string[] {
  const { state, fleet, error, action, scale, change, lease, places } = report;
  const isAsItWas = state === 'rolled-back' || state === 'cancelled';
  if (action === 'change') {
    if (isAsItWas) return ['muster up FILE, once the cause is gone'];
    if (state === 'complete' && change!.rest.length > 0) {
      return ['muster roll FILE   has other machines take the place of its own'];
    }
    if (state === 'degraded') {
      return [`muster check ${fleet}   shows what is not as it was, and what puts it right`];
    }
  }
  if (action === 'scale' && scale && isAsItWas) {
    return [`${scaleCommand(fleet, scale.to, scale.place)}, once the cause is gone`];
  }
  if (action === 'repair' && isAsItWas) {
    return [`muster check ${fleet} --repair, once the cause is gone`];
  }
  // What to do about each thing that differs still is told with it.
  if (action === 'repair' && state === 'degraded') return [];
  if (action === 'roll' && (isAsItWas || state === 'rolling')) return rollNext(report);
  if (isChange(action) && state === 'lost') {
    return [`muster retry ${fleet}   removes what it had launched`];
  }
  const ending = lease ? [`muster extend ${fleet} 2h`, `muster release ${fleet}`] : [`muster down ${fleet}`];
  switch (state) {
    case 'complete': {
      return [
        ...(places ?? [report]).flatMap(askForRest),
        ...(lease ? [] : [`muster status ${fleet}`]),
        `muster check ${fleet}`,
        ...ending,
      ];
    }
    case 'degraded':
      // No repair gives back a role or a profile.
      return [report, ...(places ?? [])].some(({ oddities }) => oddities?.length)
        ? [`muster check ${fleet}   tells each difference, and what puts it right`, ...ending]
        : [`muster check ${fleet} --repair   puts right what can be put right`, ...ending];
    case 'gone':
      return [];
    case 'rolled-back':
      return [
        error?.problems ? 'mend that, then muster up FILE again' : 'muster up FILE, once the cause is gone',
      ];
    case 'cancelled':
      return ['muster up FILE, to have it after all'];
    case 'lost':
      // What AWS does not show yet only its tags tell.
      return report.leftovers.length > 0
        ? [`muster retry ${fleet}   removes what it left`]
        : [`muster down ${fleet}   finds what it made by its tags, and removes it`];
    case 'left-over':
      return [
        `muster retry ${fleet}                  removes what is left, once the cause is gone`,
        `muster retry ${fleet} --skip KIND/ID   the same, and gives one thing up`,
      ];
    case 'paused':
      return [
        `muster retry ${fleet}      does the step again, once the cause is gone`,
        `muster rollback ${fleet}   takes back what was made`,
      ];
    case 'running':
    case 'scaling':
    case 'changing':
    case 'rolling':
    case 'repairing':
      return [`muster cancel ${fleet}   takes back what it has made so far`];
    case 'rolling-back':
    case 'removing':
      return [`muster status ${fleet}   shows how far it is`];
  }
}

/** Of a fleet, or of what it has in one of several places. */
function askForRest(report: FleetReport): string[] {
  const { fleet, state, place, wanted } = report;
  const isShort = state === 'complete' && wanted !== undefined && instanceCountOf(report) < wanted.want;
  return isShort ? [`${scaleCommand(fleet, wanted.want, place)}   asks for the rest once more`] : [];
}

/** What to type while it goes on, and when it came to nothing. */
function rollNext({ fleet, state, error, roll }: FleetReport): string[] {
  if (state === 'rolling') {
    const waits = roll?.pausedAt !== undefined;
    const other = waits
      ? `muster roll resume ${fleet}   goes on`
      : `muster roll pause ${fleet}   waits after this wave`;
    return [other, `muster roll abort ${fleet}   has it as it was`];
  }
  if (state === 'cancelled') return [];
  const mend = error?.problems
    ? 'mend that, then muster roll FILE again'
    : 'muster roll FILE, once the cause is gone';
  return [mend];
}
