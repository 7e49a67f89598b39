/** Who does not answer while a run is watched, and when that is to be said anew. */

import { type Progress, SILENT_SECONDS } from '../client/progress.ts';

const SAID_EVERY_SECONDS = 60;

type Silence = Pick<Progress, 'silence'>;

/** Undefined while it is none to speak of. */
export function silenceWords({ silence }: Silence): string | undefined {
  if (!silence || silence.seconds < SILENT_SECONDS) return undefined;
  return silence.of === 'worker'
    ? `no worker answers (${silence.seconds} s): the run waits until one does ('muster worker')`
    : `Temporal does not answer (${silence.seconds} s): the run goes on where it is`;
}

/** What is said of it line by line: when it is known first, and again each minute. */
export function silenceNews(before: Silence | undefined, now: Silence): string | undefined {
  const words = silenceWords(now);
  if (words === undefined || before?.silence === undefined || silenceWords(before) === undefined)
    return words;
  const minutes = ({ silence }: Silence) => Math.floor(silence!.seconds / SAID_EVERY_SECONDS);
  return minutes(now) > minutes(before) || before.silence.of !== now.silence!.of ? words : undefined;
}
