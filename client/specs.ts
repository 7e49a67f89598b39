/** Specs as a client gets them: written by a program, or in a file. */

import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkSpec, readSpec, type SpecReading } from '../fleet/read-spec.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { SpecError } from './errors.ts';
import type { SpecInput } from './spec-input.ts';

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
    text = textOf(readFileSync(file));
  } catch (error) {
    const { code = '', message: said } = error as NodeJS.ErrnoException;
    const message = UNREADABLE[code] ?? said;
    throw new SpecError([{ file, path: '', message, mend: "name a spec; 'muster init' writes one" }], file);
  }
  return orThrow(readSpec(text, { file, env: process.env, readFile: readerIn(dirname(file)) }), file);
}

function orThrow(reading: SpecReading, file?: string): CheckedSpec {
  if (reading.mistakes) throw new SpecError(reading.mistakes, file);
  return reading;
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
};

const readerIn = (folder: string) => (path: string) => textOf(readFileSync(resolve(folder, path)));

/** Of a file that is no text, gzipped user data for instance, no part is guessed. */
function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error('it is no text (UTF-8)');
  return bytes.toString();
}
