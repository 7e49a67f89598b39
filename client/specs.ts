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
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = missing ? 'there is no such file' : (error as Error).message;
    throw new SpecError(
      [{ file, path: '', message, mend: 'name a spec, for instance examples/s3-read-only.yaml' }],
      file,
    );
  }
  return orThrow(readSpec(text, { file, env: process.env, readFile: readerIn(dirname(file)) }), file);
}

function orThrow(reading: SpecReading, file?: string): CheckedSpec {
  if (reading.mistakes) throw new SpecError(reading.mistakes, file);
  return reading;
}

/** Of a file that is no text, gzipped user data for instance, no part is guessed. */
const readerIn = (folder: string) => (path: string) => {
  const bytes = readFileSync(resolve(folder, path));
  if (!isUtf8(bytes)) throw new Error('it is no text (UTF-8)');
  return bytes.toString();
};
