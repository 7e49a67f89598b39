/** The transcripts of docs/: their commands are run, and say what the page says they say. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blocksOf, pages, pageText, runBlock, timeless } from './transcripts.ts';
import { openWorld, untilPolled } from './world.ts';

describe('the transcripts', () => {
  for (const page of pages()) {
    it(`of docs/${page} are true`, async () => {
      // What a page leaves running is nothing that the next one knows of.
      const world = await openWorld();
      try {
        await untilPolled(world.muster);
        for (const block of blocksOf(pageText(page))) {
          for await (const { command, answer, said } of runBlock(world, block)) {
            assert.equal(timeless(said), timeless(answer), `$ ${command}`);
          }
        }
      } finally {
        await world.close();
      }
    });
  }
});
