/** The file of the schema: where it is, and what belongs in it. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fleetSchema } from './fleet-schema.ts';
import { notesOf } from './notes.ts';

export const SCHEMA_FILE = fileURLToPath(new URL('fleet.schema.json', import.meta.url));
const DESCRIBED = new URL('../examples/full.yaml', import.meta.url);

export function schemaText(): string {
  return `${JSON.stringify(fleetSchema(notesOf(readFileSync(DESCRIBED, 'utf8'))), null, 1)}\n`;
}
