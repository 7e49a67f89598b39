/** The comments of a YAML file, by the field that each stands at: at the end of its line, or in the lines above it. */

import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';

/** By the field's path, without the numbers of list entries; of several entries the first that has one. */
export function notesOf(text: string): Map<string, string> {
  const lineCounter = new LineCounter();
  const lines = text.split('\n');
  const notes = new Map<string, string>();
  walk(parseDocument(text, { lineCounter }).contents, []);
  return notes;

  function walk(node: Node | null, path: readonly string[]): void {
    if (isSeq(node)) for (const item of node.items) walk(item as Node, path);
    if (!isMap(node)) return;
    for (const { key, value } of node.items as Pair<Node, Node | null>[]) {
      if (!isScalar(key)) continue;
      const at = [...path, String(key.value)];
      const { line, col } = lineCounter.linePos(key.range![0]);
      const note = noteAt(line - 1, col - 1);
      if (note && !notes.has(at.join('.'))) notes.set(at.join('.'), note);
      walk(value, at);
    }
  }

  function noteAt(line: number, column: number): string | undefined {
    const [before, after] = [lines[line]!.slice(0, column), lines[line]!.slice(column)];
    // What follows another field on its line has none of its own.
    if (!/^[\s-]*$/.test(before)) return undefined;
    const beside = / # (.*)$/.exec(after)?.[1];
    return beside === undefined ? above(line) : inWords(beside);
  }

  function above(line: number): string | undefined {
    const comment = /^\s*# ?/;
    let from = line;
    while (from > 0 && comment.test(lines[from - 1]!)) from -= 1;
    const words = lines.slice(from, line).map((each) => each.replace(comment, ''));
    return words.length > 0 ? inWords(words.join(' ')) : undefined;
  }
}

/** `[what is taken]` at its end says what a field is when it is left out. */
function inWords(comment: string): string {
  return comment
    .trim()
    .replace(/^\[(.*)\]$/, 'Unless given: $1.')
    .replace(/[.:]? \[(.*)\]$/, '. Unless given: $1.')
    .replace(/^./, (letter) => letter.toUpperCase());
}
