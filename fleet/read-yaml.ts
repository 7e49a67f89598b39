/**
 * YAML (and so JSON) as plain values, with the place of each: the part of YAML that a spec needs, within limits that
 * no honest file meets. Tags, several documents and long chains of aliases are refused.
 */

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml';
import type { Finding, KeyPath } from './mistakes.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface YamlReading {
  /** Plain values. Unknown as long as there are `findings` of syntax. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
  /** The text could not be read to its end, so that nothing can be said about the value. */
  readonly broken: boolean;
  /** Where a path's value stands, or with `key` its key; for a path that is not there, what would hold it. */
  placeOf(path: KeyPath, at?: 'key' | 'value'): Place | undefined;
}

/** Of a spec, or of a policy in a file. */
export const MOST_BYTES = 256 * 1024;
const MOST_DEPTH = 20;
const MOST_ALIASES = 32;
const MOST_NODES = 20_000;
const MOST_SYNTAX_FINDINGS = 20;

type Words = Pick<Finding, 'message' | 'mend'>;
const TOO_DEEP: Words = { message: 'nested too deeply', mend: `at most ${MOST_DEPTH} levels are read` };
const TOO_MUCH: Words = { message: 'too much', mend: 'a spec has far fewer entries' };
/** It would set an object's prototype instead of a field. */
const UNUSABLE_KEY: Words = { message: 'no key that can be used', mend: 'leave it out' };

/** Where text is wanted, `1.10`, `0123` and `true` stay what was written instead of becoming numbers and the like. */
export type WantsText = (path: KeyPath) => boolean;

export function readYaml(text: string, wantsText: WantsText = () => false): YamlReading {
  const bytes = Buffer.byteLength(text);
  if (bytes > MOST_BYTES) {
    const message = `${bytes.toLocaleString('en')} bytes`;
    return unreadable([{ path: [], message, mend: `at most ${MOST_BYTES.toLocaleString('en')} are read` }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    lineCounter: lines,
    prettyErrors: false,
    // Its own check takes a time that grows with the square of the number of keys; the walk below sees duplicates.
    uniqueKeys: false,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    const exhausted = document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
    const errors = exhausted ? [exhausted] : document.errors.slice(0, MOST_SYNTAX_FINDINGS);
    const findings = errors.map(({ code, message, pos }) => ({
      path: [],
      place: placeAt(pos[0]),
      message: SYNTAX_WORDS[code]?.message ?? message,
      mend: SYNTAX_WORDS[code]?.mend ?? 'this is not valid YAML',
    }));
    return unreadable(findings);
  }
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    const message = `%YAML ${document.directives.yaml.version}`;
    return unreadable([{ path: [], place: placeAt(0), message, mend: 'leave it out: YAML 1.2 is read' }]);
  }
  if (document.contents === null) {
    return unreadable([
      { path: [], message: 'nothing in it', mend: 'a spec has at least a name and instances' },
    ]);
  }
  const walk = new Walk(
    (alias) => (isAlias(alias) ? alias.resolve(document) : undefined),
    placeAt,
    wantsText,
  );
  const value = walk.valueOf(document.contents as Node, []);
  return {
    value,
    findings: walk.findings,
    broken: walk.overrun,
    placeOf: (path, at) => walk.placeOf(path, at),
  };
}

function unreadable(findings: readonly Finding[]): YamlReading {
  return { value: undefined, findings, broken: true, placeOf: () => undefined };
}

/** The parser's words where they would not help. */
const SYNTAX_WORDS: Record<string, { message?: string; mend: string } | undefined> = {
  MULTIPLE_DOCS: { message: 'a second document begins', mend: 'one file, one spec: leave the --- out' },
  RESOURCE_EXHAUSTION: TOO_DEEP,
  TAB_AS_INDENT: { mend: 'indent with spaces' },
  BLOCK_AS_IMPLICIT_KEY: { mend: 'put a text that contains ": " in quotes' },
  MISSING_CHAR: { mend: 'close what was opened' },
  BAD_INDENT: { mend: 'indent by spaces, what belongs together by as many; close what was opened' },
};

/** Turns nodes into values and remembers where they stood. */
class Walk {
  readonly findings: Finding[] = [];
  /** A limit was passed; the value is not whole. */
  overrun = false;
  private nodes = 0;
  private aliases = 0;
  private readonly places = new Map<string, { key?: number; value: number }>();
  private readonly resolve: (alias: unknown) => Node | undefined;
  private readonly placeAt: (offset: number) => Place;
  private readonly wantsText: WantsText;

  constructor(
    resolve: (alias: unknown) => Node | undefined,
    placeAt: (offset: number) => Place,
    wantsText: WantsText,
  ) {
    this.resolve = resolve;
    this.placeAt = placeAt;
    this.wantsText = wantsText;
  }

  placeOf(path: KeyPath, at: 'key' | 'value' = 'value'): Place | undefined {
    for (let length = path.length; length >= 0; length--) {
      const found = this.places.get(JSON.stringify(path.slice(0, length)));
      if (!found) continue;
      const offset = at === 'key' || length < path.length ? (found.key ?? found.value) : found.value;
      return this.placeAt(offset);
    }
    return undefined;
  }

  valueOf(node: Node | null, path: KeyPath, keyOffset?: number): unknown {
    const offset = node?.range?.[0] ?? keyOffset ?? 0;
    this.places.set(JSON.stringify(path), { key: keyOffset, value: offset });
    if (node === null || this.overrun) return null;
    if (++this.nodes > MOST_NODES) return this.stop(offset, TOO_MUCH);
    if (path.length > MOST_DEPTH) {
      return this.stop(offset, TOO_DEEP);
    }
    if (isAlias(node)) return this.aliased(node, offset, path, keyOffset);
    if (node.tag !== undefined) {
      this.find(path, offset, `the YAML tag ${node.tag}`, 'leave it out; quotes make a text');
    }
    if (isMap(node)) return this.mapOf(node.items as Pair<Node, Node | null>[], path);
    if (isSeq(node)) return node.items.map((item, index) => this.valueOf(item as Node, [...path, index]));
    if (!isScalar(node)) return null;
    if (this.wantsText(path) && isPlainWord(node.value) && node.source !== undefined) return node.source;
    return node.value;
  }

  private aliased(node: Node, offset: number, path: KeyPath, keyOffset?: number): unknown {
    if (++this.aliases > MOST_ALIASES) {
      return this.stop(offset, { message: 'too many aliases', mend: `at most ${MOST_ALIASES} are followed` });
    }
    const target = this.resolve(node);
    if (target) return this.valueOf(target, path, keyOffset);
    this.find(path, offset, 'an alias without an anchor', 'put a text that starts with * in quotes');
    return null;
  }

  private mapOf(pairs: readonly Pair<Node, Node | null>[], path: KeyPath): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const { key: keyNode, value } of pairs) {
      const offset = keyNode?.range?.[0] ?? 0;
      const key = isScalar(keyNode) ? keyText(keyNode) : undefined;
      if (key === undefined) {
        this.find(path, offset, 'a key that is not plain text', 'a word, and a colon after it');
      } else if (key === '__proto__') {
        this.find([...path, key], offset, UNUSABLE_KEY.message, UNUSABLE_KEY.mend);
      } else if (entries.has(key)) {
        this.find([...path, key], offset, 'given twice', 'keep one of them');
      } else {
        entries.set(key, this.valueOf(value, [...path, key], offset));
      }
    }
    return Object.fromEntries(entries);
  }

  private stop(offset: number, { message, mend }: Words): null {
    this.overrun = true;
    this.find([], offset, message, mend);
    return null;
  }

  private find(path: KeyPath, offset: number, message: string, mend: string): void {
    this.findings.push({ path, place: this.placeAt(offset), message, mend });
  }
}

function keyText({ value, source }: Scalar): string {
  return typeof value === 'string' ? value : (source ?? String(value));
}

function isPlainWord(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
}

/** What no YAML could have said: a program's value can be deeper or larger than any text, or contain itself. */
export function unlikeYaml(value: unknown): Finding[] {
  const findings: Finding[] = [];
  let level: { path: KeyPath; value: unknown }[] = [{ path: [], value }];
  let nodes = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) return [{ path: [], ...TOO_DEEP }];
    const next: typeof level = [];
    for (const { path, value } of level) {
      if (typeof value !== 'object' || value === null) continue;
      for (const [key, field] of Object.entries(value)) {
        // A list's own `constructor`, say, would be called by the first map over it.
        const isNoItem = Array.isArray(value) && !/^\d+$/.test(key);
        if (key === '__proto__' || isNoItem) findings.push({ path: [...path, key], ...UNUSABLE_KEY });
        next.push({ path: [...path, Array.isArray(value) && !isNoItem ? Number(key) : key], value: field });
      }
      if (nodes + next.length > MOST_NODES) return [{ path: [], ...TOO_MUCH }];
    }
    nodes += next.length;
    level = next;
  }
  return findings;
}
