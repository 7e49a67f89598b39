/** What the findings of a check have in common: how it is said that nothing is there, and what a person can type. */

import type { Finding } from './drift-report.ts';
import type { Tags } from './spec.ts';
import { FLEET_TAG, RUN_TAG } from './tags.ts';
import { type WantedTags, wrongTags } from './wanted.ts';

export const NONE = 'none';

/** For what comes back only with a new fleet. */
export const anew = (fleet: string): string => `muster down ${fleet}; muster up FILE`;

/** Without the tags that say whose a thing is nothing allows to change it: a person has to. */
export function tagFindings(
  resource: string,
  wanted: WantedTags,
  tags: Tags,
  command: (tags: string) => string,
): Finding[] {
  const wrong = wrongTags(wanted, tags);
  const isProven = !wrong.some(({ key }) => key === FLEET_TAG || key === RUN_TAG);
  return wrong.map(({ key, wanted = 'any', found }) => ({
    kind: 'tag',
    resource,
    wanted: `${key}=${wanted}`,
    found: found ?? NONE,
    safe: isProven && wanted !== 'any',
    command: command(shell(`Key=${key},Value=${wanted === 'any' ? 'VALUE' : wanted}`)),
  }));
}

/** As one word of a shell. */
export function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
