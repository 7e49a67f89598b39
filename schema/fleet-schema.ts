/**
 * The JSON schema of a spec, by which editors complete and check what is typed. It is made of the shape that specs are
 * read with, and described by the comments of examples/full.yaml. What fields ask of each other it leaves to the reader,
 * who has better words for it: what is a spec to `readSpec` is one to this schema.
 */

import { z } from 'zod';
import { formsOf } from '../fleet/schema-parts.ts';
import { specSchema } from '../fleet/spec-schema.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** `notes` are descriptions by the path of a field, without the numbers of list entries. */
export function fleetSchema(notes: ReadonlyMap<string, string>): JsonSchema {
  const { $schema, ...body } = shapeOf(specSchema(() => ''));
  describe(body, [], notes);
  return { $schema, title: 'A fleet of Muster', ...body };
}

function shapeOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    // What yaml-language-server and VS Code know whole.
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const forms = formsOf(zodSchema);
      if (forms)
        putForms(
          jsonSchema,
          forms.map(formOf).flatMap(({ anyOf, ...form }) => anyOf ?? [form]),
        );
      const words = jsonSchema.pattern && wantedOf(zodSchema);
      if (words) jsonSchema.patternErrorMessage = words;
    },
  }) as JsonSchema;
}

function formOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...form } = shapeOf(schema);
  return form;
}

function putForms(target: JsonSchema, forms: JsonSchema[]): void {
  const { default: byDefault, description } = target;
  for (const key of Object.keys(target)) delete target[key];
  Object.assign(target, forms.length === 1 ? forms[0] : { anyOf: forms });
  if (byDefault !== undefined) target.default = byDefault;
  if (description !== undefined) target.description = description;
}

/** The words of the reader's own mistake, `wanted` (fleet/mistakes.ts). */
function wantedOf(schema: z.core.$ZodType): string | undefined {
  const words = schema._zod.def.error?.({ code: 'custom', input: undefined, path: [] } as never);
  return typeof words === 'string' ? words.replace('\n', ': ') : undefined;
}

function describe(schema: JsonSchema, path: readonly string[], notes: ReadonlyMap<string, string>): void {
  for (const [key, field] of Object.entries(schema.properties ?? {}) as [string, JsonSchema][]) {
    const at = [...path, key];
    field.description ??= noteOf(at.join('.'), notes);
    describe(field, at, notes);
  }
  const nested = [schema.anyOf, schema.oneOf, schema.items].flat() as (JsonSchema | undefined)[];
  for (const form of nested) if (form) describe(form, path, notes);
}

/** The same fields stand in several places: those of a statement, of a policy in `document`, of a single placement. */
function noteOf(path: string, notes: ReadonlyMap<string, string>): string | undefined {
  const written = path.replace('policy.document.', 'policy.');
  return [
    written,
    written.replace('policy.deny.', 'policy.allow.'),
    written.replace('policy.allow.', 'policy.deny.'),
    written.replace('instances.', 'instances.placements.'),
  ]
    .map((at) => notes.get(at))
    .find((note) => note !== undefined);
}
