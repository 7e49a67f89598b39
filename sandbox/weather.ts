/** Weather: how AWS is on a day, good or bad. A file in YAML or a value says it, and its seed repeats it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type Behaviour, behaviourSchema } from './behaviour.ts';
import { checked, count, exactly, WrongValue } from './checked.ts';
import { type Fault, faultSchema } from './faults.ts';

export interface Weather {
  /** All chance follows from it; by default 0. */
  readonly seed?: number;
  /** What differs from a quiet day. */
  readonly behaviour?: Partial<Behaviour>;
  readonly faults?: readonly Fault[];
}

const weatherSchema: z.ZodType<Weather> = exactly('part of a weather', {
  seed: count(0).optional(),
  behaviour: behaviourSchema.optional(),
  faults: z.array(faultSchema, 'a list of faults').optional(),
});

const WEATHERS = fileURLToPath(new URL('../sandbox/weathers/', import.meta.url));

export function checkedWeather(value: unknown): Weather {
  return checked(weatherSchema, value);
}

/** One of those that come with the sandbox, by its name, or a file. Throws a WrongValue with all its mistakes. */
export function readWeather(nameOrFile: string): Weather {
  const names = readdirSync(WEATHERS).map((file) => file.replace(/\.yaml$/, ''));
  const path = names.includes(nameOrFile) ? `${WEATHERS}${nameOrFile}.yaml` : nameOrFile;
  if (!existsSync(path)) {
    throw new WrongValue([`${nameOrFile} is no file, and no weather; there are ${names.sort().join(', ')}`]);
  }
  const document = parseDocument(readFileSync(path, 'utf8'));
  if (document.errors.length > 0) throw new WrongValue(document.errors.map(firstLine));
  return checkedWeather(document.toJS() ?? {});
}

/** What follows shows the place again. */
function firstLine({ message }: Error): string {
  return message.split('\n')[0]!.replace(/:$/, '');
}
