/** Options that are times: `--for 8h`. */

import { secondsOf } from '../fleet/duration.ts';
import { UsageError } from './exit.ts';

/** Seconds. Throws a UsageError in the words of the command line; `or` is what may be said instead of a time. */
export function secondsOption(option: string, text: string, or?: string): number;
export function secondsOption(option: string, text: string | undefined): number | undefined;
export function secondsOption(option: string, text: string | undefined, or?: string): number | undefined {
  if (text === undefined) return undefined;
  const seconds = secondsOf(text);
  if (seconds !== undefined) return seconds;
  const instead = or === undefined ? '' : `; or ${or}`;
  throw new UsageError(`${option} ${text}: a time such as 90m, 8h, 1h30m or 2d${instead}`);
}
