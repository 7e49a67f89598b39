/** The file of the schema: where it is, and what belongs in it. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fleetSchema } from './fleet-schema.ts';
import { notesOf } from './notes.ts';

export const SCHEMA_FILE = fileURLToPath(new URL('fleet.schema.json', import.meta.url));
/** Together they have every field: a fleet has a region or places. */
const DESCRIBED = ['several-regions.yaml', 'full.yaml'];

export function schemaText(): string {
  const notes = new Map(DESCRIBED.flatMap((name) => [...notesOf(example(name))]));
  return `${JSON.stringify(fleetSchema(notes), null, 1)}\n`;
}

function example(name: string): string {
  return readFileSync(new URL(`../examples/${name}`, import.meta.url), 'utf8');
}
