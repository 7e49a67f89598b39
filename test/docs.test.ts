/** The transcripts of docs/: their commands are run, and say what the page says they say. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MUSTER } from './command.ts';
import { openWorld, untilPolled } from './world.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
interface Exchange {
  readonly command: string;
  readonly answer: string;
}

/** The `console` blocks of a page: a line with `$ ` is a command, the lines up to the next one are its answer. */
function exchangesOf(page: string): Exchange[] {
  const blocks = [...page.matchAll(/^```console\n(.*?)^```$/gms)].map(([, text]) => text!);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command, ...answer] = part.split('\n');
        return { command: command!, answer: answer.join('\n').trim() };
      }),
  );
}

/** What differs from run to run, in letters that stand for it. */
function timeless(text: string): string {
  return (
    text
      .replace(/\bi-[0-9a-f]{17}\b/g, 'ID')
      .replace(/(?:\b|(?<=%3A))[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'RUN')
      .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d \S+,/g, 'TIME,')
      .replace(/[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d/g, 'WHEN')
      .replace(/\b10(\.\d+){3}\b/g, 'IP')
      .replace(/127\.0\.0\.1:\d+/g, 'HERE')
      .replace(/\d+\.\d+ s\b/g, 'SOME s')
      .replace(/\b\d+@\S+ on '/g, "WHO on '")
      .replace(/\b(muster|SDK|Node|server) \d+\.\d+\.\d+/g, '$1 VERSION')
      .replace(/up for \d+ (s|min)\b/g, 'up for SOME s')
      .replace(/asked (once|\d+ times)/g, 'asked OFTEN')
      // Columns are as wide as what stands in them.
      .replace(/ {2,}/g, '  ')
      .trim()
  );
}

/** As a shell takes it apart: quotes hold together. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
}

/** What it says on stdout, or when there is nothing, on stderr. */
function run(command: string): Promise<string> {
  const [npx, muster, ...args] = wordsOf(command);
  assert.deepEqual([npx, muster], ['npx', 'muster'], `a command that the tests do not run: ${command}`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MUSTER, ...args], {
      cwd: ROOT,
      env: { ...process.env, NO_COLOR: '1', TZ: 'UTC', npm_command: 'exec' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, said] = ['', ''];
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.once('error', reject);
    child.once('close', () => resolve(out || said));
  });
}

describe('the transcripts', () => {
  const pages = readdirSync(`${ROOT}/docs`).filter((name) => name.endsWith('.md'));
  for (const page of pages) {
    const exchanges = exchangesOf(readFileSync(`${ROOT}/docs/${page}`, 'utf8'));
    if (exchanges.length === 0) continue;
    it(`of docs/${page} are true`, async () => {
      // What a page leaves running is nothing that the next one knows of.
      const world = await openWorld();
      try {
        await untilPolled(world.muster);
        for (const { command, answer } of exchanges) {
          assert.equal(timeless(await run(command)), timeless(answer), `$ ${command}`);
        }
      } finally {
        await world.close();
      }
    });
  }
});
