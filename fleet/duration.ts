/** Times as people write them: `90s`, `3m`, `1h30m`, `2d`. */

const UNITS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const DURATION = /^(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;

/** Seconds; undefined when the text is no duration. */
export function secondsOf(text: string): number | undefined {
  const found = DURATION.exec(text);
  if (!found) return undefined;
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = found;
  return Number(days) * UNITS.d + Number(hours) * UNITS.h + Number(minutes) * UNITS.m + Number(seconds);
}

/** As it is written: `1h30m`; fractions of a second are dropped. */
export function durationWords(seconds: number): string {
  let rest = Math.floor(seconds);
  const parts = Object.entries(UNITS).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? `${count}${unit}` : '';
  });
  return parts.join('') || '0s';
}
