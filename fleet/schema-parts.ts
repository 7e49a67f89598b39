/** The pieces that the schemas of specs and policies are made of. Their error texts are `wanted` (fleet/mistakes.ts). */

import { z } from 'zod';
import { DURATION, durationWords, secondsOf } from './duration.ts';
import { type FindingParams, nearest, wanted } from './mistakes.ts';

/**
 * What may be written where a schema decides by itself how to read it. The JSON schema of specs (schema/) has it from
 * here, as it cannot look into code.
 */
const FORMS = z.registry<{ forms: () => unknown }>();

export function writtenAs<Schema extends z.ZodType>(schema: Schema, ...forms: z.ZodType[]): Schema {
  FORMS.add(schema, { forms: () => forms });
  return schema;
}

export function formsOf(schema: z.core.$ZodType): readonly z.ZodType[] | undefined {
  return FORMS.get(schema)?.forms() as readonly z.ZodType[] | undefined;
}

/** A map with these keys and no other; `others` are keys of another form of the same, which may have been meant. */
export function fields<Shape extends z.ZodRawShape>(
  noun: string,
  shape: Shape,
  others: readonly string[] = [],
) {
  const known = [...Object.keys(shape), ...others].join('\n');
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? known : wanted(noun, `with ${known.split('\n').join(', ')}`),
  });
}

export function text(pattern: RegExp, noun: string, hint?: string) {
  const error = wanted(noun, hint);
  return z.string(error).regex(pattern, error);
}

export function whole(least: number, most: number, hint?: string) {
  const error = wanted(`a whole number from ${least} to ${most.toLocaleString('en')}`, hint);
  return z.int(error).min(least, error).max(most, error);
}

/** Seconds: as a number, or as a text such as `1h30m`. */
export function duration(least: number, most: number, hint: string) {
  const error = wanted(`a time of ${durationWords(least)} to ${durationWords(most)}`, hint);
  const seconds = z.int(error).min(least, error).max(most, error);
  return writtenAs(
    z.preprocess((value) => (typeof value === 'string' ? (secondsOf(value) ?? value) : value), seconds),
    seconds,
    z.string(error).regex(DURATION, error),
  );
}

export function flag() {
  return z.boolean(wanted('true or false', 'without quotes'));
}

export function oneOf<const Word extends string>(words: readonly Word[]) {
  return z.enum(words, {
    error: ({ input }) => {
      const near = typeof input === 'string' ? nearest(input, words) : undefined;
      return wanted(`one of ${words.join(', ')}`, near && `did you mean ${near}?`);
    },
  });
}

/** A list, or its one entry bare. */
export function listOf<Entry extends z.ZodType>(entry: Entry) {
  const list = z.array(entry);
  return writtenAs(
    z.preprocess((value) => (Array.isArray(value) ? value : [value]), list),
    entry,
    list,
  );
}

/** A text or a map: the mistakes are those of the form that was begun. */
export function textOrMap<Text, Whole>(noun: string, bare: z.ZodType<Text>, whole: z.ZodType<Whole>) {
  const either = z.unknown().transform((value, context): Text | Whole => {
    if (typeof value === 'string') return nested(bare, value, context);
    if (isMap(value)) return nested(whole, value, context);
    context.addIssue({ code: 'custom', message: wanted(noun) });
    return z.NEVER;
  });
  return writtenAs(either, bare, whole);
}

/** Parses with a schema that is chosen by the value; what that finds is found here. */
export function nested<Output>(
  schema: z.ZodType<Output>,
  value: unknown,
  context: z.core.$RefinementCtx,
): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
  }
  return z.NEVER;
}

/** An issue with its own words. */
export function complain(
  context: { addIssue(issue: z.core.$ZodRawIssue | string): void },
  path: (string | number)[],
  message: string,
  mend: string,
  more: Partial<FindingParams> = {},
): void {
  context.addIssue({ code: 'custom', path, message, params: { ...more, mend }, input: undefined });
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
