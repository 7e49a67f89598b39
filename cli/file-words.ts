/** Commands that are told about a spec, with its file as it was typed. */

import { quoted } from '../fleet/leftovers.ts';

/** `muster up FILE` of a text as `muster up web.yaml`; as it is, where no file was typed. */
export function withFile(text: string, file: string | undefined): string {
  return file === undefined ? text : text.replace(/\bFILE\b/g, () => quoted(file));
}
