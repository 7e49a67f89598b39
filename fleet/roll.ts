/** A roll: the instances of a complete fleet are replaced by ones of another spec, in waves. What may be asked for. */

import { durationWords } from './duration.ts';
import type { FleetSpec } from './spec.ts';
import type { SpecChange } from './spec-change.ts';

/** How many instances are replaced at once: so many, or a part of the fleet. */
export type WaveSize = { readonly count: number } | { readonly percent: number };

/** A fleet of a few goes in waves of one; the room for a quarter more is to be had in most accounts. */
export const DEFAULT_WAVE: WaveSize = { percent: 25 };
/** Seconds. EC2's status checks take a few minutes. */
export const DEFAULT_HEALTHY_WITHIN = 600;

/** How a roll goes. */
export interface RollPace {
  readonly wave: WaveSize;
  /** Seconds between the end of a wave and the next. */
  readonly pause: number;
  /** Seconds in which a wave has to be healthy, once its instances run. */
  readonly healthyWithin: number;
  /** Asked of each new instance by the worker: `http://{privateIp}:8080/health`. */
  readonly healthyUrl?: string;
}

/** What the Update asks for. */
export interface RollRequest extends RollPace {
  /** The fleet's from then on. */
  readonly spec: FleetSpec;
  readonly specHash: string;
}

/** What a person wants of a roll that is under way. */
export const STEERS = ['pause', 'resume', 'abort'] as const;
export type Steer = (typeof STEERS)[number];

/** The history of a roll grows with its waves. */
const MOST_WAVES = 100;
const LONGEST_PAUSE = 7 * 86_400;
const LONGEST_HEALTHY = 86_400;

/** All that is wrong with it; `count` instances are to be replaced. */
export function rollMistakes(pace: RollPace, count: number): string[] {
  const { wave, pause, healthyWithin, healthyUrl } = pace;
  const mistakes: string[] = [];
  if (!isSize(wave)) {
    const size = 'percent' in wave ? `${wave.percent}%` : `${wave.count}`;
    mistakes.push(`${size} is no size of a wave: a number of instances, or 1% to 100%`);
  } else if (Math.ceil(count / waveOf(wave, count)) > MOST_WAVES) {
    const least = Math.ceil(count / MOST_WAVES);
    mistakes.push(`waves of ${waveOf(wave, count)} are too small for ${count} instances: ${least} or more`);
  }
  if (!isWithin(pause, 0, LONGEST_PAUSE)) {
    mistakes.push(`${pause} s is no pause: ${durationWords(0)} to ${durationWords(LONGEST_PAUSE)}`);
  }
  if (!isWithin(healthyWithin, 1, LONGEST_HEALTHY)) {
    mistakes.push(
      `${healthyWithin} s is no time to become healthy in: ${durationWords(1)} to ${durationWords(LONGEST_HEALTHY)}`,
    );
  }
  if (healthyUrl !== undefined && !isHealthUrl(healthyUrl)) {
    mistakes.push(
      `${JSON.stringify(healthyUrl.slice(0, 200))} is no URL to ask for health: http://{privateIp}:8080/health or the like; the host is {privateIp}, so that nobody but the fleet is asked`,
    );
  }
  return mistakes;
}

/** Why a roll cannot give a fleet another spec, and what does; undefined when it can. */
export function rollObstacle(
  changes: readonly SpecChange[],
): { readonly what: string; readonly mend: string } | undefined {
  const fieldsOf = (how: SpecChange['how']) =>
    changes.filter((change) => change.how === how).map(({ field }) => field);
  const others = fieldsOf('new-fleet');
  if (others.length > 0) {
    const what = `it would be another fleet: ${others.join(', ')}`;
    return { what, mend: 'give it another name and bring it up; then take this one down' };
  }
  const inPlace = fieldsOf('in-place');
  if (inPlace.length === 0) return undefined;
  const what = `not all that differs needs other machines: ${inPlace.join(', ')}`;
  return { what, mend: "'muster up FILE' applies them first" };
}

/** `10`, `25%`; undefined when it is none. */
export function waveSizeOf(text: string): WaveSize | undefined {
  const [, number, percent] = /^(\d{1,9})(%?)$/.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  return percent ? { percent: Number(number) } : { count: Number(number) };
}

/** How many of `count` instances a wave has, at most. */
export function waveOf(wave: WaveSize, count: number): number {
  const size = 'percent' in wave ? Math.ceil((count * wave.percent) / 100) : wave.count;
  return Math.min(count, size);
}

/** The waves, each with what it replaces; only the last may have less than the others. */
export function wavesOf<T>(all: readonly T[], size: number): T[][] {
  const waves: T[][] = [];
  for (let from = 0; from < all.length; from += size) waves.push(all.slice(from, from + size));
  return waves;
}

/** What is asked of the instance at this address. */
export function healthUrl(template: string, privateIp: string): string {
  return template.replaceAll(PLACE, privateIp);
}

const PLACE = '{privateIp}';
const HEALTH_URL = /^https?:\/\/\{privateIp\}(?::\d{1,5})?(?:[/?][\x21-\x7e]*)?$/;
const MOST_URL = 2048;

function isHealthUrl(url: string): boolean {
  return url.length <= MOST_URL && HEALTH_URL.test(url) && URL.canParse(healthUrl(url, '10.0.0.1'));
}

function isSize(wave: WaveSize): boolean {
  return 'percent' in wave ? isWithin(wave.percent, 1, 100) : Number.isInteger(wave.count) && wave.count >= 1;
}

function isWithin(number: number, least: number, most: number): boolean {
  return Number.isInteger(number) && number >= least && number <= most;
}
