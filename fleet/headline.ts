/** How a run has ended, or how far it is, in one sentence. */

import { LEASE_OVER } from './failures.ts';
import { type ChangeAction, type FleetReport, instanceCountOf, isChange, type StepReport } from './report.ts';
import { rollWords } from './roll-words.ts';
import { counted, inWords } from './words.ts';

export interface Headline {
  readonly tone: 'good' | 'bad' | 'wary' | 'busy';
  readonly mark: string;
  readonly words: string;
}

const good = (words: string): Headline => ({ tone: 'good', mark: '✓', words });
const bad = (words: string): Headline => ({ tone: 'bad', mark: '✗', words });
const cancelled = (words: string): Headline => ({ tone: 'wary', mark: '–', words });
const paused = (words: string): Headline => ({ tone: 'wary', mark: '‖', words });
const goingBack = (words: string): Headline => ({ tone: 'wary', mark: '…', words });
const underWay = (words: string): Headline => ({ tone: 'busy', mark: '…', words });

/** `name` is the fleet's as it is to be shown. */
export function headlineOf(report: FleetReport, name = report.fleet): Headline {
  const { state, action, steps, error } = report;
  if (action === 'scale') return scaleHeadline(report, name);
  if (action === 'repair') return repairHeadline(report, name);
  if (action === 'roll' && report.roll) return rollHeadline(report, took(steps), name);
  if (isChange(action)) return changeHeadline(report, CHANGES[action], name);
  const asked = action === 'up' ? 'came up' : 'went down';
  switch (state) {
    case 'complete':
      return good(`fleet ${name} is complete${shortOf(report)}${report.scale ? '' : took(steps)}`);
    case 'degraded':
      return bad(`fleet ${name} is not what it was`);
    case 'gone':
      if (!removedAnything(report)) {
        return good(`nothing of a fleet ${name} is there: AWS shows nothing with its tag`);
      }
      return good(`fleet ${name} is gone${exceptFor(report)}`);
    case 'rolled-back':
      if (error?.problems) return bad(`fleet ${name} cannot come up; nothing was made`);
      return bad(`fleet ${name} failed; all that the run made is gone again`);
    case 'cancelled':
      return cancelled(`fleet ${name} was cancelled; all that the run made is gone again`);
    case 'left-over':
      if (action === 'down') {
        return bad(`the removal of fleet ${name} ${error ? 'failed' : 'was cancelled'}`);
      }
      return bad(`fleet ${name} ${error ? 'failed' : 'was cancelled'}, and something is left`);
    case 'lost':
      return bad(`the run of fleet ${name} was ended from outside before it ${asked}`);
    case 'paused':
      return paused(`fleet ${name} is paused for a person`);
    case 'rolling-back':
      return goingBack(`fleet ${name} is being rolled back`);
    case 'removing':
      return underWay(`fleet ${name} is being taken down`);
    case 'running':
    case 'scaling':
    case 'changing':
    case 'rolling':
    case 'repairing':
      return underWay(`fleet ${name} is being brought up`);
  }
}

/** Of a change of the count; or of what removes what such a change has left. */
function scaleHeadline(report: FleetReport, name: string): Headline {
  const { state, scale, steps, undos, error } = report;
  const fromTo = scale ? `from ${scale.from} to ${scale.to} instances${inWords(scale.place)}` : '';
  // What has ended does not come back: the count does.
  const hasOthers = undos.some(({ outcome }) => outcome === 'replaced');
  const asBefore = hasOthers
    ? `it has ${instanceCountOf(report)} again, some of them new`
    : 'it is as it was';
  switch (state) {
    case 'complete':
      return scale
        ? good(`fleet ${name} is scaled ${fromTo}${took(steps)}`)
        : good(`fleet ${name} is complete; what a change of it had left is gone`);
    case 'rolled-back':
      return bad(`fleet ${name} was not scaled ${fromTo}; ${asBefore}`);
    case 'cancelled':
      return cancelled(`scaling fleet ${name} ${fromTo} was cancelled; ${asBefore}`);
    case 'degraded':
      return scale
        ? bad(`fleet ${name} was not scaled ${fromTo}, and has fewer now than it had`)
        : bad(`what a change of fleet ${name} left is gone, and the fleet is not as its spec says`);
    case 'left-over':
      return scale
        ? bad(`fleet ${name} was not scaled ${fromTo}, and something is left of that`)
        : bad(`what a change of fleet ${name} left is not gone${error ? '' : ': cancelled'}`);
    case 'lost':
      return bad(`the run that scaled fleet ${name} ${fromTo} was ended from outside`);
    case 'rolling-back':
      return goingBack(`scaling fleet ${name} ${fromTo} is being taken back`);
    default:
      return scale
        ? underWay(`fleet ${name} is being scaled ${fromTo}`)
        : underWay(`what a change of fleet ${name} left is being removed`);
  }
}

interface ChangeWords {
  readonly done: string;
  readonly doing: string;
}

const CHANGES: Readonly<Record<Exclude<ChangeAction, 'scale' | 'repair'>, ChangeWords>> = {
  change: { done: 'changed', doing: 'changing' },
  roll: { done: 'rolled', doing: 'rolling' },
};

/** Of a change that is told by its steps, and not by a count. */
function changeHeadline(report: FleetReport, { done, doing }: ChangeWords, name: string): Headline {
  const { state, steps } = report;
  switch (state) {
    case 'complete':
      return good(`fleet ${name} is ${done}${took(steps)}`);
    case 'rolled-back':
      return bad(`fleet ${name} was not ${done}; it is as it was`);
    case 'cancelled':
      return cancelled(`${doing} fleet ${name} was cancelled; it is as it was`);
    case 'degraded':
      return bad(`fleet ${name} was not ${done}, and is not what it was`);
    case 'left-over':
      return bad(`fleet ${name} was not ${done}, and something is left of that`);
    case 'lost':
      return bad(`the run that was ${doing} fleet ${name} was ended from outside`);
    case 'rolling-back':
      return goingBack(`${doing} fleet ${name} is being taken back`);
    default:
      return underWay(`fleet ${name} is being ${done}`);
  }
}

/** A fleet that is content with less than it wanted. */
function shortOf(report: FleetReport): string {
  const { wanted } = report;
  const count = instanceCountOf(report);
  return wanted !== undefined && count < wanted.want ? ` with ${count} of ${wanted.want} instances` : '';
}

function removedAnything({ action, steps, volumesKept, skipped }: FleetReport): boolean {
  return (
    action === 'up' || Boolean(volumesKept ?? skipped) || steps.some((step) => step.outcome === 'removed')
  );
}

/** What of a fleet stays although it is gone, as somebody wished. */
function exceptFor({ volumesKept, skipped }: FleetReport): string {
  if (skipped) return ', but for what was given up';
  return volumesKept ? '; volumes that it had are kept' : ': nothing of it is left';
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

/** `took` is how long, as other reports tell it. */
function rollHeadline(report: FleetReport, took: string, name: string): Headline {
  const { state, undos, error } = report;
  const roll = report.roll!;
  // What has ended does not come back: others like it do.
  const hasOthers = undos.some(({ outcome }) => outcome === 'replaced');
  const asBefore = hasOthers
    ? `it has ${instanceCountOf(report)} as before again, some of them launched anew`
    : 'it is as it was';
  switch (state) {
    case 'complete':
      return roll.waves === 0
        ? good(`nothing to roll in fleet ${name}: its image is ${roll.to} still`)
        : good(
            `fleet ${name} is rolled: ${counted(roll.count, 'instance')} in ${counted(roll.waves, 'wave')}${took}`,
          );
    case 'rolled-back':
      return bad(`fleet ${name} was not rolled; ${asBefore}`);
    case 'cancelled':
      return error?.code === LEASE_OVER
        ? cancelled(`rolling fleet ${name} was left off: its lease is over, and it is taken down`)
        : cancelled(`rolling fleet ${name} was cancelled; ${asBefore}`);
    case 'degraded':
      return bad(`fleet ${name} was not rolled, and has fewer now than it had`);
    case 'left-over':
      return error?.code === LEASE_OVER
        ? bad(`rolling fleet ${name} was left off: its lease is over, and something of it is left`)
        : bad(`fleet ${name} was not rolled, and something is left of that`);
    case 'lost':
      return bad(`the run that rolled fleet ${name} was ended from outside: ${rollWords(roll)}`);
    case 'rolling-back':
      return goingBack(`rolling fleet ${name} is being taken back`);
    default:
      return underWay(`fleet ${name} is being rolled: ${rollWords(roll)}`);
  }
}

function repairHeadline({ state, repair }: FleetReport, name: string): Headline {
  const { mendedCount = 0, remainingCount = 0 } = repair ?? {};
  const mended = `${counted(mendedCount, 'thing')} put right`;
  const still =
    remainingCount === 1 ? '1 thing differs still' : `${counted(remainingCount, 'thing')} differ still`;
  switch (state) {
    case 'complete':
      return mendedCount > 0
        ? good(`fleet ${name} is as its spec says again: ${mended}`)
        : good(`fleet ${name} is as its spec says: nothing to put right`);
    case 'degraded':
      return bad(`fleet ${name} is not as its spec says: ${mended}, ${still}`);
    case 'rolled-back':
      return bad(`fleet ${name} was not repaired${repair ? `: ${still}` : ''}`);
    case 'cancelled':
      return cancelled(`repairing fleet ${name} was cancelled${repair ? `: ${mended}, ${still}` : ''}`);
    case 'left-over':
      return bad(`fleet ${name} was not repaired, and something that was launched for that is left`);
    case 'lost':
      return bad(`the run that was repairing fleet ${name} was ended from outside`);
    case 'rolling-back':
      return goingBack(`what was launched to repair fleet ${name} is being taken back`);
    default:
      return underWay(`fleet ${name} is being repaired`);
  }
}
