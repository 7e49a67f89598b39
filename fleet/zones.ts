/** Time zones by their names, and times in them, as the platform's own tables have them (Intl). */

/** The zone's name as it is spelled (`europe/paris` is `Europe/Paris`); undefined when there is none. */
export function zoneNamed(text: string): string | undefined {
  // An offset such as +02:00 is a zone to Intl and none to Temporal.
  if (!/^[A-Za-z][\w+/-]*$/.test(text)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions();
    // Of a zone with several names Intl answers another one: what was written is as good.
    return timeZone.toLowerCase() === text.toLowerCase() ? timeZone : text;
  } catch {
    return undefined;
  }
}

/** The zones that have a name, for whoever mistyped one. */
export function zoneNames(): readonly string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone')];
}

/** `Thu 26 Nov 2026, 08:00`, by the clocks of the zone. */
export function timeWords(instant: Date, zone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  });
  const part = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  return `${part.weekday} ${part.day} ${part.month} ${part.year}, ${part.hour}:${part.minute}`;
}

const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d:\d\d)?)?$/;

/** `2026-11-26`, `2026-11-26T08:00` by the clocks of the zone, or with an offset or Z of its own; else undefined. */
export function instantOf(text: string, zone: string): Date | undefined {
  const found = WRITTEN.exec(text.trim());
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
  const local = Date.UTC(year!, month! - 1, day, hour, minute, second);
  const read = new Date(local);
  // Date takes the 31st of a month that has thirty for the first of the next.
  if (read.getUTCMonth() !== month! - 1 || read.getUTCDate() !== day || read.getUTCHours() !== hour)
    return undefined;
  if (minute! > 59 || second! > 59) return undefined;
  const offset = found[7];
  if (offset === 'Z') return read;
  if (offset !== undefined) {
    const [hours, minutes] = offset.slice(1).split(':').map(Number);
    return new Date(local - (offset[0] === '-' ? -1 : 1) * (hours! * 60 + minutes!) * 60_000);
  }
  // The offset at the instant itself is wanted, and that is known only when it is: the second look is right.
  const near = local - offsetAt(local, zone);
  return new Date(local - offsetAt(near, zone));
}

/** Milliseconds by which the zone's clocks are before UTC. */
function offsetAt(instant: number, zone: string): number {
  const format = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const part = Object.fromEntries(
    format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
  );
  const clock = Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second);
  return clock - Math.floor(instant / 1000) * 1000;
}
