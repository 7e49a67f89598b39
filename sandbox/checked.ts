/** Checks what a person or a program tells the sandbox, and tells every mistake at once, each with its path. */

import { z } from 'zod';

export class WrongValue extends Error {
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
  }
}

export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const mistakes = result.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  throw new WrongValue(mistakes);
}

/** A map of these fields and no others: a misspelt one would otherwise be believed. */
export function exactly<Shape extends z.ZodRawShape>(what: string, shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')} is no ${what}; there are ${Object.keys(shape).join(', ')}`
        : `a map of ${Object.keys(shape).join(', ')}`,
  });
}

export const text = (wanted: string) => z.string(wanted).min(1, wanted);
export const seconds = number(0, Number.MAX_VALUE, 'a number of seconds, 0 or more');
export const chance = number(0, 1, 'a chance, from 0 to 1');
export const count = (least: number) => {
  const wanted = `a whole number, ${least} or more`;
  return z.int(wanted).min(least, wanted);
};

export function number(least: number, most: number, wanted: string) {
  return z.number(wanted).min(least, wanted).max(most, wanted);
}
