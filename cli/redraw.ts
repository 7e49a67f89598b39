/** Lines at the end of a terminal that are drawn over themselves again and again. */

/** Rows of a terminal that does not tell its size. */
const USUAL_ROWS = 24;

/** Terminals that know it show all of a drawing at once. */
const [TOGETHER, SHOWN] = ['\x1b[?2026h', '\x1b[?2026l'];
/** A line is a row, however wide the terminal takes its signs to be. */
const [CUT, WRAP] = ['\x1b[?7l', '\x1b[?7h'];
const [ERASE_REST, ERASE_BELOW] = ['\x1b[K', '\x1b[J'];

export type Terminal = Pick<NodeJS.WriteStream, 'columns' | 'rows' | 'write'>;

/**
 * Answers what draws: the lines take the place of those before them, and the cursor stands below. Of more lines than the
 * terminal has rows the last are shown. What stays as it is, in its row, is not written again.
 */
export function redrawing(terminal: Terminal): (lines: readonly string[]) => void {
  let drawn: readonly string[] = [];
  let size = '';
  return (lines) => {
    const { columns, rows } = terminal;
    const shown = lines.slice(-Math.max(1, (rows || USUAL_ROWS) - 1));
    const isSameSize = size === `${columns} ${rows}`;
    const isDrawn = (line: string, row: number) => isSameSize && line === drawn[row];
    if (shown.length === drawn.length && shown.every(isDrawn)) return;
    const up = drawn.length > 0 ? `\x1b[${drawn.length}F` : '';
    const text = shown.map((line, row) => (isDrawn(line, row) ? '\n' : `${line}${ERASE_REST}\n`)).join('');
    terminal.write(`${TOGETHER}${CUT}${up}${text}${ERASE_BELOW}${WRAP}${SHOWN}`);
    drawn = shown;
    size = `${columns} ${rows}`;
  };
}
