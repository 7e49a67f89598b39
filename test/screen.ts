/** What a terminal shows in the end of all that was written to it, as a picture. */

import xterm, { type IBufferCell, type IBufferLine } from '@xterm/headless';

/** Of a font of 14 px; a reader's own may be wider, and is fitted. */
const [WIDTH, HEIGHT, MARGIN, HEAD] = [8.4, 18, 16, 40];
const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace';
const [PAPER, INK] = ['#0d1117', '#d1d7e0'];
const BUTTONS = ['#ff5f57', '#febc2e', '#28c840'];
/** The sixteen colours of terminals. */
const COLORS = [
  ...['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'],
  ...['#6e7681', '#ffa198', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#f0f6fc'],
];

interface Screen {
  readonly title: string;
  /** As the terminal had when it was written to. */
  readonly columns: number;
  readonly rows: number;
}

/** SVG that fetches nothing. */
export async function screenPicture(written: string, { title, columns, rows }: Screen): Promise<string> {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(written, resolve));
  const { active } = terminal.buffer;
  const lines = Array.from({ length: active.length }, (_, at) => active.getLine(at)!);
  const last = lines.findLastIndex((line) => line.translateToString(true) !== '');
  const texts = lines
    .slice(0, last + 1)
    .flatMap((line, row) => spansOf(line).map((span) => textOf(span, HEAD + row * HEIGHT + 13)));
  terminal.dispose();

  const width = Math.ceil(columns * WIDTH + 2 * MARGIN);
  const height = HEAD + (last + 1) * HEIGHT + MARGIN;
  const buttons = BUTTONS.map((color, at) => `<circle cx="${22 + at * 20}" cy="20" r="6" fill="${color}"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="${FONT}" font-size="14">
<style>text { fill: ${INK}; white-space: pre } .bold { font-weight: bold } .dim { opacity: .6 }</style>
<rect width="${width}" height="${height}" rx="8" fill="${PAPER}"/>
${buttons.join('')}
<text x="${width / 2}" y="25" text-anchor="middle" class="dim">${escaped(title)}</text>
${texts.join('\n')}
</svg>
`;
}

/** Cells of one look that stand side by side. */
interface Span {
  readonly column: number;
  readonly cells: number;
  readonly text: string;
  readonly look: string;
}

function spansOf(line: IBufferLine): Span[] {
  const spans: Span[] = [];
  for (let column = 0; column < line.length; column++) {
    const cell = line.getCell(column)!;
    const look = lookOf(cell);
    const before = spans.at(-1);
    const text = cell.getChars() || ' ';
    if (before?.look === look) {
      spans[spans.length - 1] = { ...before, cells: before.cells + 1, text: before.text + text };
    } else spans.push({ column, cells: 1, text, look });
  }
  return spans.map(trimmed).filter(({ text }) => text !== '');
}

function trimmed(span: Span): Span {
  const text = span.text.trimEnd();
  return { ...span, text, cells: span.cells - (span.text.length - text.length) };
}

function lookOf(cell: IBufferCell): string {
  const classes = [...(cell.isBold() ? ['bold'] : []), ...(cell.isDim() ? ['dim'] : [])];
  const color = cell.isFgPalette() ? COLORS[cell.getFgColor()] : undefined;
  const parts = [
    ...(classes.length > 0 ? [`class="${classes.join(' ')}"`] : []),
    // A rule of the style sheet would win over an attribute.
    ...(color ? [`style="fill:${color}"`] : []),
  ];
  return parts.join(' ');
}

function textOf({ column, cells, text, look }: Span, y: number): string {
  const x = (MARGIN + column * WIDTH).toFixed(1);
  const length = (cells * WIDTH).toFixed(1);
  return `<text x="${x}" y="${y}" textLength="${length}" lengthAdjust="spacingAndGlyphs" ${look}>${escaped(text)}</text>`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
