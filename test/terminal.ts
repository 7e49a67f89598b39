/** A command on a terminal of its own, as for a person. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const MUSTER = fileURLToPath(new URL('../bin/muster.js', import.meta.url));

/** Python's pseudo-terminal: Node has none of its own. It ends with the command's exit code. */
const TERMINAL = `
import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
`;

export interface Conversation {
  readonly code: number | null;
  /** All that was on the screen, what was typed among it. */
  readonly screen: string;
  /** The same as it was written, with colours and redrawings. */
  readonly written: string;
}

interface Terminal {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly columns?: number;
  readonly rows?: number;
}

/** Types each answer when the screen ends with what it is an answer to; one that is a function does first what it has to. */
export function converse(
  args: readonly string[],
  answers: readonly (readonly [to: RegExp, typed: string | (() => Promise<string>)])[],
  { cwd, env = {}, columns, rows = 50 }: Terminal = {},
): Promise<Conversation> {
  const sized =
    columns === undefined ? [] : ['sh', '-c', `stty cols ${columns} rows ${rows}; exec "$@"`, 'sh'];
  const child = spawn('python3', ['-c', TERMINAL, ...sized, process.execPath, MUSTER, ...args], {
    cwd,
    env: { ...process.env, npm_command: undefined, NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const left = [...answers];
  let screen = '';
  let seen = 0;
  child.stdout.on('data', (text) => {
    screen += text;
    const [next] = left;
    if (!next?.[0].test(stripVTControlCharacters(screen.slice(seen)))) return;
    left.shift();
    seen = screen.length;
    const [, answer] = next;
    if (typeof answer === 'string') child.stdin.write(answer);
    else answer().then((typed) => child.stdin.write(typed));
  });
  // A question that the test does not know would be asked for ever.
  const unanswered = setTimeout(() => child.kill('SIGKILL'), 180_000);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(unanswered);
      const plain = stripVTControlCharacters(screen).replaceAll('\r\n', '\n');
      resolve({ code, screen: plain, written: screen });
    });
  });
}
