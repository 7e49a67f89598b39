/** The JSON schema of specs: as the code has it, and held against what the reader takes and refuses. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { checkSpec } from '../fleet/read-spec.ts';
import { specSchema } from '../fleet/spec-schema.ts';
import { SCHEMA_FILE, schemaText } from '../schema/text.ts';

const EXAMPLES = fileURLToPath(new URL('../examples/', import.meta.url));
const schema = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'));
const ajv = new Ajv({ strict: true, allowUnionTypes: true, keywords: ['patternErrorMessage'] });
const accepts = ajv.compile(schema);

/** As an editor has it: YAML 1.2, no more known of it than its text says. */
const example = (name: string) => parse(readFileSync(resolve(EXAMPLES, name), 'utf8')) as object;
const examples = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));

const readFile = (path: string) => readFileSync(resolve(EXAMPLES, path), 'utf8');
const isSpec = (value: unknown): boolean => checkSpec(value, { env: {}, readFile }).spec !== undefined;
/** What fields ask of each other left out, as the JSON schema leaves it out. */
const shape = specSchema(readFile);
const isShaped = (value: unknown): boolean => shape.safeParse(value).success;

const MINIMAL = {
  name: 'web',
  region: 'us-east-1',
  policy: { allow: { actions: 's3:Get*', resources: '*' } },
  instances: { count: 3, image: 'ami-12c6146b', type: 't3.micro' },
};
const instances = (more: object) => ({ ...MINIMAL, instances: { ...MINIMAL.instances, ...more } });

const DOCUMENT = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 's3:*', Resource: ['*'] } };

const ROLE = 'arn:aws:iam::123456789012:role/muster';
const PLACED = { ...MINIMAL, region: undefined, places: [{ region: 'us-east-1' }, { region: 'eu-west-1' }] };
/** The first is read by what stands in `instances` alone. */
const SEVERAL = {
  ...PLACED,
  need: { min: 2 },
  places: [
    { region: 'eu-west-2' },
    { region: 'us-east-1', count: { want: 3, min: 2 }, image: 'ami-0123456789abcdef0', zone: 'us-east-1a' },
    { region: 'us-east-1', account: '123456789012', assumeRole: ROLE, externalId: 'env:ID', key: 'ops' },
    { region: 'eu-west-1', securityGroups: 'sg-0123456789abcdef0', type: 't3.small' },
    {
      region: 'eu-west-3',
      placements: [{ type: 't3.micro' }, { vcpu: '2..', memory: '..4GiB', arch: 'arm64' }],
    },
  ],
};
const place = (more: object) => ({ ...PLACED, places: [{ region: 'us-east-1', ...more }] });
const RIGHT: object[] = [
  MINIMAL,
  { ...MINIMAL, policy: DOCUMENT },
  { ...MINIMAL, policy: { name: 'own', document: DOCUMENT } },
  { ...MINIMAL, policy: { document: MINIMAL.policy } },
  { ...MINIMAL, policy: { name: 'own', file: 'policies/read-logs.json' } },
  { ...MINIMAL, policy: 'policies/read-logs.json' },
  { ...MINIMAL, policy: undefined, role: 'theirs' },
  { ...MINIMAL, policy: undefined, role: { managedPolicies: 'arn:aws:iam::aws:policy/ReadOnlyAccess' } },
  { ...MINIMAL, policy: undefined, profile: 'arn:aws:iam::123456789012:instance-profile/a/b' },
  { ...MINIMAL, policy: undefined, profile: { reuse: true } },
  { ...MINIMAL, profile: {} },
  { ...MINIMAL, account: 123456789012 },
  { ...MINIMAL, tags: { team: 'web', cost: 12, on: true } },
  { ...MINIMAL, deadlines: { step: 90, undo: '1h30m' } },
  { ...MINIMAL, notify: { webhook: 'https://example.com', secret: 'env:HOOK', on: 'failed' } },
  { ...MINIMAL, notify: [{ eventBridge: 'default' }] },
  instances({ image: '/aws/service/image' }),
  instances({ image: 'resolve:ssm:/aws/service/image:3' }),
  instances({ count: { want: 3 } }),
  instances({ type: undefined, vcpu: 2, memory: '..8 gib' }),
  instances({ type: undefined, vcpu: '2 .. 4', memory: '1.5GiB..2TiB' }),
  instances({ type: undefined, placements: [{ type: 't3.micro' }, { vcpu: '2..' }], spread: true }),
  instances({ securityGroups: 'sg-0123456789abcdef0', userData: { file: 'policies/read-logs.json' } }),
  instances({ volumes: { device: 'xvda', size: '1 TiB' } }),
  PLACED,
  { ...PLACED, need: 'all' },
  { ...PLACED, need: { min: 1 } },
  SEVERAL,
  { ...place({ count: 3, image: 'ami-0123456789abcdef0', type: 't3.micro' }), instances: {} },
];

const WRONG: object[] = [
  {},
  { ...MINIMAL, name: undefined },
  { ...MINIMAL, name: 'two words' },
  { ...MINIMAL, nmae: 'web' },
  { ...MINIMAL, region: 'Virginia' },
  { ...MINIMAL, account: '123' },
  { ...MINIMAL, policy: 5 },
  { ...MINIMAL, policy: { allow: { action: 's3:Get*', resources: '*' } } },
  { ...MINIMAL, policy: { allow: { actions: 'read', resources: '*' } } },
  { ...MINIMAL, policy: { Statement: { Effect: 'Maybe', Action: '*', Resource: '*' } } },
  { ...MINIMAL, policy: undefined, role: { managedPolicies: ['ReadOnlyAccess'] } },
  { ...MINIMAL, role: { path: 'teams' } },
  { ...MINIMAL, onFailure: 'explode' },
  { ...MINIMAL, tags: ['web'] },
  { ...MINIMAL, deadlines: { step: 'soon' } },
  { ...MINIMAL, deadlines: { step: 0 } },
  { ...MINIMAL, notify: { webhook: 'https://example.com', secret: 'hunter2' } },
  { ...MINIMAL, notify: { eventBridge: 'default', on: 'lunch' } },
  { ...MINIMAL, instances: undefined },
  instances({ count: 0 }),
  instances({ count: undefined }),
  instances({ image: undefined }),
  instances({ count: '3' }),
  instances({ count: { want: 3, max: 4 } }),
  instances({ image: 'latest' }),
  instances({ type: 'big' }),
  instances({ type: undefined, memory: '4GB..' }),
  instances({ type: undefined, vcpu: 'many' }),
  instances({ market: 'cheap' }),
  instances({ monitoring: 'yes' }),
  instances({ volumes: [{ device: '/dev/xvda', size: '20GB' }] }),
  instances({ volumes: [{ size: 20 }] }),
  instances({ metadata: { hopLimit: 65 } }),
  { ...PLACED, places: 'us-east-1' },
  { ...PLACED, places: ['us-east-1'] },
  { ...PLACED, places: [{ count: 1 }] },
  { ...PLACED, need: 'some' },
  { ...PLACED, need: { min: 0 } },
  place({ region: 'Virginia' }),
  place({ count: 0 }),
  place({ image: 'latest' }),
  place({ userData: 'x' }),
  place({ externalId: 'two words', assumeRole: ROLE }),
];

/** As JSON: a field that is undefined is not there. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const shown = (value: unknown) => `${JSON.stringify(value)}: ${ajv.errorsText(accepts.errors)}`;

describe('the JSON schema of specs', () => {
  it('is what the code has; npm run schema writes it', () => {
    assert.equal(readFileSync(SCHEMA_FILE, 'utf8'), schemaText());
  });

  for (const name of examples) {
    it(`takes examples/${name}, which names it`, () => {
      const [first] = readFileSync(resolve(EXAMPLES, name), 'utf8').split('\n');
      assert.equal(first, '# yaml-language-server: $schema=../schema/fleet.schema.json');
      const value = example(name);
      assert.ok(accepts(value), shown(value));
    });
  }

  it('takes what the reader takes, in each of its forms', () => {
    for (const value of RIGHT) {
      assert.ok(isSpec(value), `no spec: ${JSON.stringify(value)}`);
      assert.ok(accepts(asJson(value)), shown(value));
    }
  });

  it('refuses what is no spec', () => {
    for (const value of WRONG) {
      assert.ok(!isSpec(value), `a spec: ${JSON.stringify(value)}`);
      assert.ok(!accepts(asJson(value)), JSON.stringify(value));
    }
  });

  it('refuses nothing that the reader takes, whatever stands in a field', () => {
    const values = [
      'x',
      '/x',
      '3',
      '90s',
      '4GiB',
      '2..4',
      3,
      100,
      1.5,
      true,
      null,
      [],
      ['x'],
      {},
      { x: 'y' },
    ];
    let taken = 0;
    for (const whole of [example('full.yaml'), { ...MINIMAL, policy: DOCUMENT }, SEVERAL]) {
      const takes = whole === SEVERAL ? isSpec : isShaped;
      for (const path of pathsWithin(asJson(whole))) {
        for (const value of values) {
          const changed = asJson(withValue(whole, path, value));
          if (!takes(changed)) continue;
          taken += 1;
          assert.ok(accepts(changed), `${path.join('.')} ${shown(changed)}`);
        }
      }
    }
    assert.ok(taken > 100, `only ${taken} were taken`);
  });

  it('describes every field in one place, but for those of IAM’s own documents', () => {
    for (const [path, description] of described(schema)) {
      const ofIam = /\.[A-Z]\w+$/.test(path);
      assert.equal(description !== undefined, !ofIam, path);
    }
  });
});

function pathsWithin(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const within = Object.entries(value).flatMap(([key, field]) => pathsWithin(field, [...path, key]));
  return path.length === 0 ? within : [path, ...within];
}

function withValue(whole: unknown, [key, ...rest]: string[], value: unknown): unknown {
  if (key === undefined) return value;
  const changed = structuredClone(whole) as Record<string, unknown>;
  changed[key] = withValue(changed[key], rest, value);
  return changed;
}

interface Described {
  readonly description?: string;
  readonly properties?: Record<string, Described>;
  readonly [form: string]: unknown;
}

function described(schema: Described, path = ''): [string, string | undefined][] {
  const forms = [schema.anyOf, schema.oneOf, schema.items].flat() as (Described | undefined)[];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, field]): [string, string | undefined][] => [
      [`${path}.${key}`, field.description],
      ...described(field, `${path}.${key}`),
    ]),
    ...forms.flatMap((form) => (form ? described(form, path) : [])),
  ];
}
