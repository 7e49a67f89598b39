/** Files that a spec is read from: no more of them is read than a spec can have. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PricesError, SpecError, specFrom, specFromFile } from '../client/index.ts';
import { pricesFromFile } from '../client/prices.ts';
import { written } from './specs.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-text-'));
});
after(() => rmSync(folder, { recursive: true }));

const mistakesOf = (read: () => unknown): string[] => {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof SpecError || error instanceof PricesError, String(error));
    return error.mistakes.map(({ path, message, mend }) => `${path}: ${message}; ${mend}`);
  }
  return assert.fail('there are no mistakes');
};

describe('a file that never ends', () => {
  it('is refused as a spec, and as what a spec or a plan names', () => {
    assert.deepEqual(
      mistakesOf(() => specFromFile('/dev/zero')),
      [': more than 262,144 bytes; at most 262,144 are read'],
    );
    const named = { ...written('endless'), policy: { file: '/dev/zero' } };
    const { instances } = named;
    assert.deepEqual(
      mistakesOf(() => specFrom({ ...named, instances: { ...instances, userData: { file: '/dev/zero' } } })),
      ['policy.file', 'instances.userData.file'].map(
        (path) =>
          `${path}: cannot be read: it has more than 262,144 bytes, and at most 262,144 are read; give a path relative to the spec's folder`,
      ),
    );
    assert.match(
      mistakesOf(() => pricesFromFile('/dev/zero'))[0]!,
      /^: it has more than 16,777,216 bytes, and at most 16,777,216 are read; /,
    );
  });
});

describe('a file that is too long', () => {
  it('is told with its size', () => {
    const file = join(folder, 'long.yaml');
    writeFileSync(file, 'x'.repeat(300_000));
    assert.deepEqual(
      mistakesOf(() => specFromFile(file)),
      [': 300,000 bytes; at most 262,144 are read'],
    );
    writeFileSync(file, '# '.padEnd(262_143, 'é').concat('\n'));
    assert.match(mistakesOf(() => specFromFile(file))[0]!, /bytes; at most 262,144 are read$/);
  });
});
