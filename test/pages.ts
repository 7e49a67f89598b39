/** What pages of docs/ show, as it can be run. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The `ts` blocks of a page, which go on from each other: one program. */
export function programOf(page: string): string {
  const text = readFileSync(fileURLToPath(new URL(`../docs/${page}`, import.meta.url)), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block]) => block).join('\n');
}
