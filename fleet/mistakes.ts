/** Mistakes in what people write: how they are found, worded and shown. */

import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';

export interface Mistake {
  /** The file it is in: the spec's, where it is known, or one that the spec names. */
  readonly file?: string;
  /** Both from 1; absent where there is no text, as in the library. */
  readonly line?: number;
  readonly column?: number;
  /** For instance `instances.volumes[0].size`; empty for the whole. */
  readonly path: string;
  /** What is wrong, in the words of the input. */
  readonly message: string;
  /** What would be right. */
  readonly mend: string;
}

export type KeyPath = readonly (string | number)[];

/** A mistake before its place in a text is known. */
export interface Finding {
  readonly path: KeyPath;
  /** Whether the key itself is wrong, and not its value. */
  readonly at?: 'key' | 'value';
  readonly message: string;
  readonly mend: string;
  /** The path that an unknown key stands for. */
  readonly meant?: string;
  /** Another file than the spec, and the path within it; `path` is then where the spec names the file. */
  readonly file?: string;
  readonly within?: KeyPath;
  readonly place?: { readonly line: number; readonly column: number };
}

export function finding(path: KeyPath, message: string, mend: string, at: Finding['at'] = 'value'): Finding {
  return { path, message, mend, at };
}

/**
 * What a field wants, as the error text of its schema: a noun ('a whole number') and a hint ('for instance 3').
 * `findingsOf` puts it together with the value that was given.
 */
export function wanted(noun: string, hint = ''): string {
  return `${noun}${SEPARATOR}${hint}`;
}
const SEPARATOR = '\n';

/** The rest of a finding that a schema's own check makes: an issue's `params`. */
export type FindingParams = Omit<Finding, 'path' | 'message'>;

/** What a schema found, in words. `elsewhere` knows keys that stand in another place or have another name. */
export function findingsOf(error: z.core.$ZodError, input: unknown, elsewhere: Elsewhere): Finding[] {
  const findings = error.issues.flatMap((issue): Finding[] => {
    const path = writtenPath(issue.path as KeyPath, input);
    if (issue.code === 'unrecognized_keys') {
      const known = issue.message.split(SEPARATOR);
      return issue.keys.map((key) => ({
        path: [...path, key],
        at: 'key',
        message: 'unknown',
        ...mendOfKey(key, path, known, elsewhere),
      }));
    }
    if (issue.code === 'custom' && issue.params) {
      return [{ path, message: issue.message, ...(issue.params as FindingParams) }];
    }
    return [{ path, ...valueWords(valueAt(path, input), issue.message) }];
  });
  return withoutEchoes(findings);
}

/** A key that is unknown and means another is one mistake: that the other is missing goes without saying. */
export function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const meant = new Set(findings.map((finding) => finding.meant));
  return findings.filter(({ path, message }) => message !== 'missing' || !meant.has(pathText(path)));
}

/** What is said of a key, in small letters without `-` and `_`, that is right somewhere else. */
export type Elsewhere = (key: string, path: KeyPath) => Pick<Finding, 'mend' | 'meant'> | undefined;

function mendOfKey(
  key: string,
  path: KeyPath,
  known: readonly string[],
  elsewhere: Elsewhere,
): Pick<Finding, 'mend' | 'meant'> {
  const plain = (text: string) => text.toLowerCase().replace(/[-_]/g, '');
  const respelled = known.find((name) => plain(name) === plain(key));
  const moved = elsewhere(plain(key), path);
  if (moved && !respelled) return moved;
  const near = respelled ?? nearest(key, known);
  if (!near) return { mend: `known here: ${known.join(', ')}` };
  return { mend: `did you mean ${near}?`, meant: pathText([...path, near]) };
}

/** The known word that is a slip of the pen away, if there is one. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || word.length > 64) return undefined;
  const found = closest(word, [...known]);
  const slips = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  return distance(word, found) <= slips ? found : undefined;
}

function valueWords(value: unknown, text: string): Pick<Finding, 'message' | 'mend'> {
  const [noun = '', hint = ''] = text.split(SEPARATOR);
  if (value === undefined) return { message: 'missing', mend: `give ${noun}${hint && `, ${hint}`}` };
  const wrong = value === null || value === '' ? 'empty' : shown(value);
  return { message: `${wrong} is not ${noun}`, mend: hint || 'give one that is' };
}

/** A value as it can be shown on one line: cut short, with nothing in it that a terminal obeys. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value !== 'string') return String(value);
  const characters = [...value];
  return printable(JSON.stringify(characters.length > 60 ? `${characters.slice(0, 57).join('')}...` : value));
}

/** Control characters and those that reorder or hide text, as escapes. */
function printable(text: string): string {
  return text.replace(
    /[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A list's schema counts the one entry that stands bare; the path in the input has no number there. */
function writtenPath(path: KeyPath, input: unknown): KeyPath {
  const written: (string | number)[] = [];
  let value = input;
  for (const step of path) {
    if (typeof step === 'number' && !Array.isArray(value)) continue;
    written.push(step);
    value = valueAt([step], value);
  }
  return written;
}

function valueAt(path: KeyPath, input: unknown): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    return (value as Record<string | number, unknown>)[step];
  }, input);
}

function pathText(path: KeyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w:-]{1,64}$/.test(step)) return `${text}[${shown(step)}]`;
    return text ? `${text}.${step}` : step;
  }, '');
}

/** The finding as a mistake, at a place of its own or else at `place`. */
export function mistakeOf(finding: Finding, file?: string, place?: Finding['place']): Mistake {
  const { line, column } = finding.place ?? (finding.file === undefined ? place : undefined) ?? {};
  return {
    ...((finding.file ?? file) !== undefined && { file: finding.file ?? file }),
    ...(line !== undefined && { line, column }),
    path: pathText(finding.within ?? finding.path),
    message: printable(finding.message),
    mend: printable(finding.mend),
  };
}

/** One line for each mistake, as compilers write them: `fleet.yaml:4:3 instances.cuont: unknown; did you mean count?` */
export function formatMistakes(mistakes: readonly Mistake[], file = 'spec'): string {
  return mistakes
    .map(({ file: own, line, column, path, message, mend }) => {
      const place = [printable(own ?? file), line, column].filter((part) => part !== undefined).join(':');
      return `${place}${path && ` ${path}`}: ${message}; ${mend}`;
    })
    .join('\n');
}
