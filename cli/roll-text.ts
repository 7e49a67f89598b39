/** How a roll went, or goes: its line of a report, and its rows. */

import { type FleetReport, instanceCountOf, isSettled } from '../fleet/report.ts';
import { rollWords } from '../fleet/roll-words.ts';
import { counted } from '../fleet/words.ts';
import type { Colors } from './output.ts';

/** `took` is how long, as other reports tell it. */
export function rollHeadline(report: FleetReport, took: string, colors: Colors): string {
  const { state, undos, error } = report;
  const roll = report.roll!;
  const name = colors.bold(report.fleet);
  // What has ended does not come back: others like it do.
  const hasOthers = undos.some(({ outcome }) => outcome === 'replaced');
  const asBefore = hasOthers
    ? `it has ${instanceCountOf(report)} as before again, some of them launched anew`
    : 'it is as it was';
  switch (state) {
    case 'complete':
      return roll.waves === 0
        ? `${colors.green('✓')} nothing to roll in fleet ${name}: its image is ${roll.to} still`
        : `${colors.green('✓')} fleet ${name} is rolled: ${counted(roll.count, 'instance')} in ${counted(roll.waves, 'wave')}${took}`;
    case 'rolled-back':
      return `${colors.red('✗')} fleet ${name} was not rolled; ${asBefore}`;
    case 'cancelled':
      return error
        ? `${colors.yellow('–')} rolling fleet ${name} was left off`
        : `${colors.yellow('–')} rolling fleet ${name} was cancelled; ${asBefore}`;
    case 'degraded':
      return `${colors.red('✗')} fleet ${name} was not rolled, and has fewer now than it had`;
    case 'left-over':
      return `${colors.red('✗')} fleet ${name} was not rolled, and something is left of that`;
    case 'lost':
      return `${colors.red('✗')} the run that rolled fleet ${name} was ended from outside: ${rollWords(roll)}`;
    case 'rolling-back':
      return `${colors.yellow('…')} rolling fleet ${name} is being taken back`;
    default:
      return `… fleet ${name} is being rolled: ${rollWords(roll)}`;
  }
}

/** Of a fleet that has been rolled, or was to be; of the roll itself how far it came. */
export function rollRows({ action, roll, state }: FleetReport): (readonly [string, string])[] {
  if (!roll) return [];
  const { from, to, startedAt, failed } = roll;
  const images = from === to ? `of ${from}` : `from ${from} to ${to}`;
  if (action === 'roll') {
    if (state === 'complete') return [];
    const far = isSettled(state) ? `came to wave ${roll.wave} of ${roll.waves}` : rollWords(roll);
    return [['rolling', `${images}; ${far}`]];
  }
  const at = new Date(startedAt).toISOString().replace(/\.\d+Z$/, 'Z');
  return [['rolled', `${images}, ${at}${failed ? `, in vain: ${failed}` : ''}`]];
}

/** What to type while it goes on, and when it came to nothing. */
export function rollNext({ fleet, state, error, roll }: FleetReport): string[] {
  if (state === 'rolling') {
    const waits = roll?.pausedAt !== undefined;
    const other = waits
      ? `muster roll resume ${fleet}   goes on`
      : `muster roll pause ${fleet}   waits after this wave`;
    return [other, `muster roll abort ${fleet}   has it as it was`];
  }
  if (state === 'cancelled') return [];
  const mend = error?.problems
    ? 'mend that, then muster roll again'
    : 'muster roll again, once the cause is gone';
  return [mend];
}
