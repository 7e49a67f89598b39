/** Rows of text in columns, the first of them as their heads. */

import type { Colors } from './output.ts';

/** `indent` is put before each line. */
export function tableText(rows: readonly (readonly string[])[], colors: Colors, indent = ''): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const [head, ...body] = rows.map(line);
  return [colors.dim(head!), ...body].map((text) => indent + text).join('\n');
}
