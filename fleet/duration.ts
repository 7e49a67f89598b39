/** Lengths of time as people write and read them. */

const UNITS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;
/** What `secondsOf` reads. */
export const DURATION = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;
const NAMES = { d: 'day', h: 'hour', m: 'minute', s: 'second' } as const;

/** Seconds of `90s`, `3m`, `8h30m`, `2d`; undefined when the text is none of that form. */
export function secondsOf(text: string): number | undefined {
  const found = DURATION.exec(text.trim());
  if (!found) return undefined;
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = found;
  return Number(days) * UNITS.d + Number(hours) * UNITS.h + Number(minutes) * UNITS.m + Number(seconds);
}

/** `10 hours`, `1 hour 30 minutes`, `7 days`: of whole seconds. */
export function durationWords(seconds: number): string {
  let rest = Math.round(seconds);
  const words: string[] = [];
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const count = Math.floor(rest / UNITS[unit]);
    rest -= count * UNITS[unit];
    if (count > 0) words.push(`${count} ${NAMES[unit]}${count === 1 ? '' : 's'}`);
  }
  return words.join(' ') || '0 seconds';
}
