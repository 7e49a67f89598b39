/** The two streams: results go to stdout and are all that goes there; everything else goes to stderr. */

import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

// Whoever reads only the first lines, or has a full disk, changes nothing of what became of a fleet.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** Why results are missing on stdout. Whoever reads only the first lines misses none. */
let unwritten: Error | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') unwritten ??= error;
});

/** Resolves when all that was said so far is out, or will never be: with why results are missing on stdout, if they are. */
export async function flushed(): Promise<Error | undefined> {
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))),
  );
  // A stream tells of its error after that.
  await new Promise(setImmediate);
  return unwritten;
}

/** A result as it is: JSON, or what the shell is to take. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A result for people to read. */
export function printText(text: string): void {
  print(harmless(asTyped(text)));
}

export function say(text: string): void {
  process.stderr.write(`${harmless(asTyped(text))}\n`);
}

/**
 * What a terminal would obey, and what turns the direction of writing, but for line breaks and the colours that are set
 * here: names, tags, policies and AWS's words are other people's.
 */
const OBEYED =
  /\x1b(?!\[[\d;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function harmless(text: string): string {
  return text.replace(OBEYED, '\ufffd');
}

/** In a clone it is npm that finds the command: what is to be typed next is said so that it can be. */
function asTyped(text: string): string {
  if (process.env.npm_command === undefined) return text;
  return text.replace(
    /(?<!npx)(^|[\s'(]|\x1b\[\d+m)muster (?=--help\b|(?:init|plan|up|down|extend|release|scale|roll|status|watch|logs|report|check|list|cancel|retry|rollback|sweep|schedule|worker|sandbox|permissions|doctor|demo|completion)\b)/g,
    '$1npx muster ',
  );
}

export const jsonOf = (value: unknown): string => escaped(JSON.stringify(value, null, 2));
export const jsonLine = (value: unknown): string => escaped(JSON.stringify(value));

/** What a terminal would obey is written as an escape: JSON's own rules leave some of it as it is. */
function escaped(json: string): string {
  return json.replace(
    /[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** NO_COLOR and FORCE_COLOR are heeded (no-color.org). */
function colorsOf(stream: NodeJS.WriteStream): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  return picocolors.createColors(!NO_COLOR && (Boolean(FORCE_COLOR) || (stream.isTTY && TERM !== 'dumb')));
}

export const stdoutColors = (): Colors => colorsOf(process.stdout);
export const stderrColors = (): Colors => colorsOf(process.stderr);

/** What a text is written on. */
export interface Page {
  readonly colors: Colors;
  /** Columns of a terminal. What is read by a program, or kept in a file, is neither broken into lines nor cut. */
  readonly width?: number;
}

export const stdoutPage = (): Page => ({
  colors: stdoutColors(),
  width: process.stdout.isTTY ? widthOf(process.stdout) : undefined,
});

/** Columns of a stream; wide where there is no terminal to wrap at, or one that does not tell its size. */
export function widthOf(stream: NodeJS.WriteStream): number {
  return stream.columns || 120;
}
