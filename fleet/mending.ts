/** What the findings of a check have in common: how it is said that nothing is there, and what a person can type. */

import type { Finding } from './finding.ts';
import type { Tags } from './spec.ts';
import { FLEET_TAG, RUN_TAG } from './tags.ts';
import { type WantedTags, wrongTags } from './wanted.ts';

export const NONE = 'none';

/** For instances that are no more: others are launched, as long as there is all that they are launched with. */
export const refill = (fleet: string, canLaunch: boolean): string =>
  canLaunch ? `muster check ${fleet} --repair` : anew(fleet);

/** Of a thing without the tags that say whose it is nothing may be changed: a person has to say whose it is. */
export function unlessDisowned(findings: readonly Finding[], wanted: WantedTags, tags: Tags): Finding[] {
  return isProven(wanted, tags) ? [...findings] : findings.map((finding) => ({ ...finding, safe: false }));
}

function isProven(wanted: WantedTags, tags: Tags): boolean {
  return !wrongTags(wanted, tags).some(({ key }) => key === FLEET_TAG || key === RUN_TAG);
}

/** For what comes back only with a new fleet. */
export const anew = (fleet: string): string => `muster down ${fleet}; muster up FILE`;

export function tagFindings(
  resource: string,
  wanted: WantedTags,
  on: NonNullable<Finding['on']>,
  tags: Tags,
  command: (tags: string) => string,
): Finding[] {
  return wrongTags(wanted, tags).map(({ key, wanted = 'any', found }) => ({
    kind: 'tag',
    resource,
    on,
    wanted: `${key}=${wanted}`,
    found: found ?? NONE,
    safe: wanted !== 'any',
    command: command(shell(`Key=${key},Value=${wanted === 'any' ? 'VALUE' : wanted}`)),
  }));
}

/** As one word of a shell. */
export function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
