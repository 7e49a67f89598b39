/** The two streams: results go to stdout and are all that goes there; everything else goes to stderr. */

import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

export const jsonOf = (value: unknown): string => JSON.stringify(value, null, 2);

/** NO_COLOR and FORCE_COLOR are heeded (no-color.org). */
function colorsOf(stream: NodeJS.WriteStream): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  return picocolors.createColors(!NO_COLOR && (Boolean(FORCE_COLOR) || (stream.isTTY && TERM !== 'dumb')));
}

export const stdoutColors = (): Colors => colorsOf(process.stdout);
export const stderrColors = (): Colors => colorsOf(process.stderr);

/** Columns of a stream; wide where there is no terminal to wrap at. */
export function widthOf(stream: NodeJS.WriteStream): number {
  return stream.columns ?? 120;
}
