/**
 * `npm run transcripts [-- PAGE.md ...]`: runs the commands of the transcripts in docs/ and writes down what they say now,
 * where that is not what the page says but for times and ids. Look at the difference before it is committed.
 */

import { writeFileSync } from 'node:fs';
import { blocksOf, pagePath, pages, pageText, runBlock, timeless } from './transcripts.ts';
import { openWorld, untilPolled, type World } from './world.ts';

const wanted = process.argv.slice(2);
for (const page of wanted.length > 0 ? wanted : pages()) {
  const world = await openWorld({ propagationSeconds: 3 });
  try {
    await untilPolled(world.muster);
    await renew(world, page);
  } finally {
    await world.close();
  }
}

async function renew(world: World, name: string): Promise<void> {
  const text = pageText(name);
  let page = text;
  // Behind what is renewed already: a command may stand on the page twice.
  let from = 0;
  for (const block of blocksOf(text)) {
    for await (const { command, answer, said } of runBlock(world, block)) {
      const at = page.indexOf(`$ ${command}\n`, from);
      const [old, now] = [
        `$ ${command}\n${answer}`,
        `$ ${command}\n${shown(said)}${answer === '' ? '\n' : ''}`,
      ];
      const isSame = timeless(said) === timeless(answer);
      if (!isSame) page = page.slice(0, at) + now + page.slice(at + old.length);
      from = at + (isSame ? old : now).length;
      if (!isSame) console.log(`$ ${command}`);
    }
    writeFileSync(pagePath(name), page);
  }
}

/** As it would be on a machine whose ports are free. */
function shown(said: string): string {
  const { MUSTER_UI_URL = '', TEMPORAL_ADDRESS = '' } = process.env;
  const text = said.replaceAll(new URL(MUSTER_UI_URL).host, '127.0.0.1:8233');
  return text.replaceAll(TEMPORAL_ADDRESS, '127.0.0.1:7233').trimEnd();
}
