/** Price lists as a client gets them: in a file. */

import { type PriceList, readPrices } from '../fleet/prices.ts';
import { PricesError } from './errors.ts';
import { textIn } from './text-file.ts';

/** All types in all regions are about a tenth of that. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Reads a price list, JSON. Throws PricesError. */
export function pricesFromFile(file: string): PriceList {
  let text: string;
  try {
    text = textIn(file, MOST_BYTES);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : message;
    throw new PricesError([
      { file, path: '', message: why, mend: 'name a price list; docs/plan.md has one' },
    ]);
  }
  const { prices, mistakes } = readPrices(text, file);
  if (mistakes) throw new PricesError(mistakes);
  return prices;
}
