/** Rows of text in columns, on a terminal no wider than it is. */

import type { Page } from './output.ts';

export interface TableOptions {
  /** Put before each line. */
  readonly indent?: string;
  /** Columns of the terminal; whatever is read by a program is whole. */
  readonly width?: number;
  /** Of the columns, for lines that are written before the last one is known. */
  readonly widths?: readonly number[];
  /** Heads of the columns that a reader can do without: the first of them goes first where there is no room. */
  readonly least?: readonly string[];
}

/** An id is what one copies. */
export const LEAST_OF_INSTANCES = ['PRIVATE IP', 'ZONE', 'TYPE'];

const GAP = '  ';
/** To so many signs a cell is cut before a column goes, and to so few when none is left that could go. */
const [AMPLE, FEW] = [24, 8];

/** With the first row as the heads of the columns. */
export function tableText(
  rows: readonly (readonly string[])[],
  { colors, width }: Page,
  options: Omit<TableOptions, 'width'> = {},
): string {
  const [head, ...body] = alignedLines(rows, { ...options, width });
  return [colors.dim(head!), ...body].join('\n');
}

/** Where there is no room the widest cells are cut; the first column, which says what a row is about, is cut last. */
export function alignedLines(
  rows: readonly (readonly string[])[],
  { indent = '', width = Number.POSITIVE_INFINITY, ...options }: TableOptions = {},
): string[] {
  const room = width - indent.length;
  const { columns, widths } = fitted(rows, room, options);
  return rows.map((row) => {
    const cells = columns.map((column, at) => {
      const cell = row[column]!;
      return (room < Number.POSITIVE_INFINITY ? cut(cell, widths[at]!) : cell).padEnd(widths[at]!);
    });
    return indent + cut(cells.join(GAP).trimEnd(), room);
  });
}

interface Fit {
  readonly columns: readonly number[];
  readonly widths: readonly number[];
}

function fitted(
  rows: readonly (readonly string[])[],
  room: number,
  { least = [], widths }: TableOptions,
): Fit {
  const widestIn = (column: number) => Math.max(...rows.map((row) => row[column]!.length));
  const all = widths ?? (rows[0] ?? []).map((_, column) => widestIn(column));
  const fit = (gone: number, floor: number): Fit => {
    const without = least.slice(0, gone);
    const columns = [...all.keys()].filter((column) => !without.includes(rows[0]![column]!));
    return {
      columns,
      widths: narrowed(
        columns.map((column) => all[column]!),
        room,
        floor,
      ),
    };
  };
  for (let gone = 0; gone < least.length; gone++) {
    const one = fit(gone, AMPLE);
    if (totalOf(one.widths) <= room) return one;
  }
  return fit(least.length, FEW);
}

/** Takes from the widest until all fit, or none is wider than the floor. */
function narrowed(wanted: readonly number[], room: number, floor: number): number[] {
  const widths = [...wanted];
  const [first = 0] = widths;
  while (totalOf(widths) > room) {
    const others = widths.slice(1);
    const widest = Math.max(0, ...others);
    if (widest > floor) widths[1 + others.lastIndexOf(widest)]! -= 1;
    else if (floor === FEW && widths[0]! > Math.min(first, floor)) widths[0]! -= 1;
    else break;
  }
  return widths;
}

const totalOf = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, GAP.length * Math.max(0, widths.length - 1));

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1)).trimEnd()}…`;
}
