/** The live list on a terminal: after each drawing the screen shows what was drawn, and what stood above it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import xterm from '@xterm/headless';
import picocolors from 'picocolors';
import { redrawing, type Terminal } from '../cli/redraw.ts';
import { liveLines } from '../cli/step-lines.ts';
import type { FleetReport, StepReport } from '../fleet/report.ts';

const BEGAN = Date.UTC(2026, 10, 24);
const colors = picocolors.createColors(true);
const ABOVE = ['fleet     web', 'workflow  f:web', ''];

class Screen implements Terminal {
  private readonly emulator: InstanceType<typeof xterm.Terminal>;
  columns: number;
  rows: number;
  private written = '';

  constructor(columns: number, rows = 30) {
    [this.columns, this.rows] = [columns, rows];
    // As a terminal's driver does.
    this.emulator = new xterm.Terminal({ cols: columns, rows, convertEol: true, allowProposedApi: true });
  }

  write(text: string | Uint8Array): boolean {
    this.written += text;
    return true;
  }

  resize(columns: number, rows: number): void {
    [this.columns, this.rows] = [columns, rows];
    this.emulator.resize(columns, rows);
  }

  /** All of it, what has scrolled out of sight too, without what is empty below. */
  async lines(): Promise<string[]> {
    await new Promise<void>((resolve) => this.emulator.write(this.written, resolve));
    this.written = '';
    const { active } = this.emulator.buffer;
    const lines = Array.from({ length: active.length }, (_, at) =>
      active.getLine(at)!.translateToString(true).trimEnd(),
    );
    return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
  }
}

async function assertShows(screen: Screen, drawn: readonly string[], above = ABOVE): Promise<void> {
  const plain = drawn.map((line) => line.replace(/\x1b\[\d*m/g, '').trimEnd());
  assert.deepEqual(await screen.lines(), [...above, ...plain.slice(0, plain.findLastIndex(Boolean) + 1)]);
}

function opened(columns: number, rows?: number) {
  const screen = new Screen(columns, rows);
  screen.write(ABOVE.map((line) => `${line}\n`).join(''));
  return { screen, draw: redrawing(screen) };
}

/** A bootstrap as it goes on: a wait has words below it, and has none any more. */
function* frames(width: number): Generator<string[]> {
  const names = ['preflight', 'create-role', 'create-profile', 'await-profile', 'launch', 'verify', 'mark'];
  const reasons = [
    undefined,
    'EC2 does not know the profile yet (attempt 7, 12 s of 180)',
    `Throttling: ${'Rate exceeded. '.repeat(12)}`,
  ];
  let frame = 0;
  for (const [now] of names.entries()) {
    for (const detail of [...reasons, undefined]) {
      const steps = names.map((name, at): StepReport => {
        const startedAt = BEGAN + at * 1_000;
        if (at < now)
          return { name, state: 'done', startedAt, seconds: 1, detail: 'arn:aws:iam::123456789012:role/web' };
        return at > now ? { name, state: 'pending' } : { name, state: 'running', startedAt, detail };
      });
      const report = {
        fleet: 'web',
        action: 'up',
        state: 'running',
        steps,
        undos: [],
        leftovers: [],
        instances: [],
      };
      const told = report as unknown as FleetReport;
      yield liveLines(told, { colors, width, now: BEGAN + 60_000, frame: frame++, pending: [] });
    }
  }
}

for (const columns of [120, 100, 80, 60, 40, 20]) {
  test(`shows each frame of a run in ${columns} columns`, async () => {
    const { screen, draw } = opened(columns);
    for (const lines of frames(columns)) {
      draw(lines);
      await assertShows(screen, lines);
    }
  });
}

test('shows lines that come and go at the top, in the middle and at the end', async () => {
  const { screen, draw } = opened(40);
  const all = ['one', 'two', 'three', '', 'four', 'five'];
  // Each choice of the lines after each other one.
  for (let before = 1; before < 2 ** all.length; before += 5) {
    for (let after = 1; after < 2 ** all.length; after += 3) {
      for (const choice of [before, after]) {
        const lines = all.filter((_, at) => choice & (1 << at));
        draw(lines);
        await assertShows(screen, lines);
      }
    }
  }
});

test('shows the last lines where there are more than rows, and all of them again', async () => {
  const { screen, draw } = opened(40, 8);
  const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at} of ${count}`);
  for (const count of [3, 12, 13, 7, 9, 2]) {
    draw(lines(count));
    const shown = await screen.lines();
    const drawn = lines(count).slice(-7);
    assert.deepEqual(shown.slice(-drawn.length), drawn, `${count}`);
    assert.equal(shown.filter((line) => line.startsWith('line')).length, drawn.length);
  }
});

test('a line that is wider than it seems is one row still', async () => {
  const { screen, draw } = opened(20);
  for (const tail of ['a', 'b']) {
    draw(['above', '幅'.repeat(15), tail]);
    const shown = await screen.lines();
    assert.equal(shown.length, ABOVE.length + 3);
    assert.equal(shown.at(-1), tail);
  }
});

test('writes all anew in a terminal that has become wider', async () => {
  const { screen, draw } = opened(40);
  draw(['one', 'two']);
  await assertShows(screen, ['one', 'two']);
  screen.resize(60, 30);
  draw(['one', 'two']);
  await assertShows(screen, ['one', 'two']);
});

test('writes nothing when nothing has changed, and of a changed line that line alone', () => {
  const written: string[] = [];
  const write = (text: string | Uint8Array) => written.push(String(text)) > 0;
  const draw = redrawing({ columns: 40, rows: 20, write });
  draw(['one', 'two', 'three']);
  draw(['one', 'two', 'three']);
  assert.equal(written.length, 1);
  draw(['one', 'TWO', 'three']);
  assert.equal(written.length, 2);
  assert.doesNotMatch(written[1]!, /one|three/);
});
