/** A lease in words. */

import { durationWords } from '../fleet/duration.ts';
import type { LeaseReport } from '../fleet/report.ts';

/** `until 2026-11-25 18:00 UTC+1, for 7h58m more`, in the reader's own time; of one that is over that it is. */
export function leaseWords({ endsAt }: LeaseReport, now: number): string {
  const local = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'short',
  }).format(endsAt);
  const zone = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
    .formatToParts(endsAt)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const until = `until ${local} ${zone ?? ''}`;
  const left = (endsAt - now) / 1000;
  if (left <= 0) return `${until}, which is over`;
  // Seconds count in the last two minutes only.
  const rounded = left > 120 ? Math.round(left / 60) * 60 : left;
  return `${until}, for ${durationWords(rounded)} more`;
}
