/** Specs as a client gets them: written by a program, or in a file. */

import { dirname, resolve } from 'node:path';
import { checkSpec, readSpec, type SpecReading } from '../fleet/read-spec.ts';
import { MOST_BYTES } from '../fleet/read-yaml.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { SpecError } from './errors.ts';
import type { SpecInput } from './spec-input.ts';
import { TooLongError, textIn } from './text-file.ts';

/** A spec without mistakes, and its hash, by which the same spec is known again. */
export interface CheckedSpec {
  readonly spec: FleetSpec;
  readonly hash: string;
}

/**
 * Checks a spec that a program wrote; files that it names are found from `folder`. With `false` it can name none: so check
 * what somebody else has sent, who would otherwise be handed any file that this program can read. Throws SpecError.
 */
export function specFrom(written: SpecInput, folder: string | false = process.cwd()): CheckedSpec {
  const readFile = folder === false ? undefined : readerIn(folder);
  return orThrow(checkSpec(written, { env: process.env, readFile }));
}

/** Reads a spec's file, YAML or JSON; files that it names are found from its folder. Throws SpecError. */
export function specFromFile(file: string): CheckedSpec {
  let text: string;
  try {
    text = textIn(file, MOST_BYTES);
  } catch (error) {
    throw new SpecError([{ file, path: '', ...whyUnread(error) }], file);
  }
  return orThrow(readSpec(text, { file, env: process.env, readFile: readerIn(dirname(file)) }), file);
}

function orThrow(reading: SpecReading, file?: string): CheckedSpec {
  if (reading.mistakes) throw new SpecError(reading.mistakes, file);
  return reading;
}

function whyUnread(error: unknown): { readonly message: string; readonly mend: string } {
  if (error instanceof TooLongError) return { message: error.has, mend: error.most };
  const { code = '', message } = error as NodeJS.ErrnoException;
  return { message: UNREADABLE[code] ?? message, mend: "name a spec; 'muster init' writes one" };
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
};

const readerIn = (folder: string) => (path: string) => textIn(resolve(folder, path), MOST_BYTES);
