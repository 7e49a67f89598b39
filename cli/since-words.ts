/** How long something has been so. */

import { durationWords } from '../fleet/duration.ts';
import { timeWords } from '../fleet/words.ts';

/** `2026-11-26T17:45:10Z (40 minutes)`. */
export function sinceWords(at: number, now: number): string {
  const passed = Math.max(0, (now - at) / 1000);
  // Seconds count in the first two minutes only, and minutes on the first day.
  const unit = passed <= 120 ? 1 : passed <= 86_400 ? 60 : 3_600;
  const time = timeWords(at);
  return `${time} (${durationWords(Math.floor(passed / unit) * unit)})`;
}
