/** The servers of the sandbox as child processes that cannot outlive it. */

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const LEASH = fileURLToPath(new URL('../sandbox/leash.py', import.meta.url));
const KEPT_OUTPUT = 4000;

export interface Leashed {
  /** Rejects when the process ends before `stop` was called. */
  readonly died: Promise<never>;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
  /** The same by SIGKILL: it has no time for anything. */
  kill(): Promise<void>;
}

/** Starts a command in a process group of its own, so that a terminal's Ctrl-C does not reach it first. */
export function startLeashed(
  python: string,
  name: string,
  command: string,
  args: string[],
  env = {},
): Leashed {
  const child = spawn(python, [LEASH, command, ...args], {
    detached: process.platform !== 'win32',
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONWARNINGS: 'ignore', ...env },
    windowsHide: true,
  });
  let said = '';
  const keep = (text: Buffer) => {
    said = (said + text).slice(-KEPT_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  // Nobody writes into it; that it breaks when the process dies is told by `died`.
  child.stdin.on('error', () => {});

  let stopping = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
  });
  const died = ended.then((how): never => {
    if (stopping) return new Promise<never>(() => {}) as never;
    throw new Error(`${name} ${how}.\n${said.trim()}`);
  });
  died.catch(() => {});
  return {
    died,
    stop: async () => {
      stopping = true;
      child.stdin.end();
      await ended;
    },
    kill: async () => {
      stopping = true;
      // The group is that of the leash and the command alone; where there are no groups, the leash ends the command.
      if (child.pid !== undefined && process.platform !== 'win32') process.kill(-child.pid, 'SIGKILL');
      else child.kill();
      await ended;
    },
  };
}

/**
 * Where free ports are looked for: below those that Linux (32768), macOS and Windows (49152) hand out by themselves, to
 * outgoing connections too. Between the answer and its use nobody gets the same one, but for a guess in ten thousand.
 */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
const given = new Set<number>();

/** The wanted port if nothing listens there, else a free one, which is not given to anybody else in this process. */
export async function freePort(wanted?: number): Promise<number> {
  if (wanted !== undefined && (await isFree(wanted))) return wanted;
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is free on 127.0.0.1`);
}

/** Whether nothing listens there. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Asks until the answer is no error. Rejects with the last one after `seconds`, or when `died` does. */
export async function untilReady<T>(
  seconds: number,
  died: Promise<never>,
  ask: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await Promise.race([ask(), died]);
    } catch (error) {
      await Promise.race([died, new Promise((resolve) => setTimeout(resolve, 50))]);
      if (Date.now() > deadline) throw error;
    }
  }
}
