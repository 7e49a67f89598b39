/**
 * The JSON schema of a spec, by which editors complete and check what is typed. It is made of the shape that specs are
 * read with, and described by the comments of examples/full.yaml and several-regions.yaml. What fields ask of each other it leaves to the reader,
 * who has better words for it: what is a spec to `readSpec` is one to this schema.
 */

import { z } from 'zod';
import { SEVERAL_PLACES } from '../fleet/read-places.ts';
import { formsOf } from '../fleet/schema-parts.ts';
import { specSchema } from '../fleet/spec-schema.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** `notes` are descriptions by the path of a field, without the numbers of list entries. */
export function fleetSchema(notes: ReadonlyMap<string, string>): JsonSchema {
  const { $schema, ...body } = shapeOf(specSchema(() => '').extend(SEVERAL_PLACES));
  describe(body, [], notes);
  return { $schema, title: 'A fleet of Muster', ...body, ...unlessOfPlaces(body) };
}

/** What the instances have to say each place may say instead, if there are places. */
function unlessOfPlaces({ properties }: JsonSchema): JsonSchema {
  const instances = properties!.instances as JsonSchema;
  const { required } = instances;
  delete instances.required;
  return { if: withAll(['places']), else: { properties: { instances: withAll(required!) } } };
}

function withAll(required: string[]): JsonSchema {
  return { type: 'object', properties: Object.fromEntries(required.map((key) => [key, true])), required };
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

/** The same fields stand in several places: those of a statement, of a policy in `document`, of a placement, of a place. */
function noteOf(path: string, notes: ReadonlyMap<string, string>): string | undefined {
  const written = path.replace('policy.document.', 'policy.');
  const ofAll = written.replace(/^places\./, 'instances.');
  return [
    written,
    written.replace('policy.deny.', 'policy.allow.'),
    written.replace('policy.allow.', 'policy.deny.'),
    written.replace(/^places\./, ''),
    ofAll,
    ofAll.replace('instances.', 'instances.placements.'),
  ]
    .map((at) => notes.get(at))
    .find((note) => note !== undefined);
}
