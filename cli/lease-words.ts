/** A lease in words. */

import { durationWords } from '../fleet/duration.ts';
import type { LeaseReport } from '../fleet/report.ts';

/** `until 2026-11-25 18:00 UTC+1, for 7h58m more`, in the reader's own time. */
export function leaseWords({ endsAt }: LeaseReport, now: number): string {
  const local = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'short',
  }).format(endsAt);
  const zone = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
    .formatToParts(endsAt)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const left = Math.max(0, (endsAt - now) / 1000);
  // Seconds count in the last two minutes only.
  const rounded = left > 120 ? Math.round(left / 60) * 60 : left;
  return `until ${local} ${zone ?? ''}, for ${durationWords(rounded)} more`;
}
