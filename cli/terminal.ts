/** Questions to the person at the terminal. */

import { createInterface } from 'node:readline/promises';
import { Dismissed } from './exit.ts';

export type Ask = (question: string) => Promise<string>;

/** Whether there is somebody to ask. */
export const isTerminal = (): boolean => Boolean(process.stdin.isTTY);

/** Ctrl-C and the end of the input are an answer, too: throws Dismissed. */
export async function atTerminal<Answer>(talk: (ask: Ask) => Promise<Answer>): Promise<Answer> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const left = new Promise<never>((_, reject) => {
    terminal.once('SIGINT', () => terminal.close());
    terminal.once('close', () => reject(new Dismissed()));
  });
  left.catch(() => {});
  const dismissed = () => {
    throw new Dismissed();
  };
  try {
    return await talk((question) => Promise.race([terminal.question(question).catch(dismissed), left]));
  } finally {
    terminal.close();
  }
}

/** A person who was asked did not want it. */
export class Unwanted extends Error {}

/** Throws Unwanted. */
export async function assertWanted(question: string): Promise<void> {
  if (!(await isYes(question))) throw new Unwanted();
}

/** Of what a person did not want nothing has come. */
export function nothingIfUnwanted(error: unknown): undefined {
  if (!(error instanceof Unwanted)) throw error;
}

export async function isYes(question: string): Promise<boolean> {
  const answer = await atTerminal((ask) => ask(`${question} [y/N] `));
  return /^y(es)?$/i.test(answer.trim());
}
