/** Files that are read as text, and no further than they are of use: what is named may be a device that never ends. */

import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** There is more in it than is read. */
export class TooLongError extends Error {
  /** In a few words: how much there is, and how much is read. */
  readonly has: string;
  readonly most: string;

  constructor(has: string, most: number) {
    const allowed = `at most ${most.toLocaleString('en')} are read`;
    super(`it has ${has}, and ${allowed}`);
    this.has = has;
    this.most = allowed;
  }
}

/** Throws TooLongError when there are more than `most` bytes, and what the system says of a file that cannot be read. */
export function textIn(path: string, most: number): string {
  const file = openSync(path, 'r');
  try {
    const bytes = bytesIn(file, most + 1);
    if (bytes.length > most) throw new TooLongError(sizeOf(file, most), most);
    // Of a file that is no text, gzipped user data for instance, no part is guessed.
    if (!isUtf8(bytes)) throw new Error('it is no text (UTF-8)');
    return bytes.toString();
  } finally {
    closeSync(file);
  }
}

const CHUNK = 64 * 1024;

/** As many as there are, up to `most`. */
function bytesIn(file: number, most: number): Buffer {
  const chunks: Buffer[] = [];
  for (let left = most; left > 0; ) {
    const chunk = Buffer.alloc(Math.min(CHUNK, left));
    const count = readSync(file, chunk);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    left -= count;
  }
  return Buffer.concat(chunks);
}

/** A device or a pipe does not tell how much there is. */
function sizeOf(file: number, most: number): string {
  const { size } = fstatSync(file);
  return size > most ? `${size.toLocaleString('en')} bytes` : `more than ${most.toLocaleString('en')} bytes`;
}
