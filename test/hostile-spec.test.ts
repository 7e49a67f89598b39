/** Specs from outside, as bad as can be: the answer is a list of mistakes or a spec that AWS takes, never anything else. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatMistakes } from '../fleet/mistakes.ts';
import { EVENT_BUS, IAM_NAME, REGION, ROLE_NAME } from '../fleet/names.ts';
import { checkSpec, readSpec } from '../fleet/read-spec.ts';

const context = { env: {}, readFile: () => '' };

const valid = {
  name: 'web',
  region: 'us-east-1',
  account: '123456789012',
  policy: { allow: [{ actions: ['s3:Get*'], resources: ['*'] }] },
  role: { name: 'web', path: '/', managedPolicies: [], tags: {} },
  profile: { name: 'web', path: '/', tags: {} },
  instances: {
    count: 1,
    image: 'ami-12c6146b',
    type: 't3.micro',
    userData: '#!/bin/sh',
    volumes: [{ device: '/dev/sdf', size: 5 }],
    metadata: { hopLimit: 1 },
    tags: {},
  },
  tags: { team: 'blue' },
  deadlines: { undo: '1h' },
  onFailure: 'rollback',
  notify: [
    { webhook: 'https://example.com/hook', secret: 'env:HOOK_SECRET', on: ['complete'] },
    { eventBridge: 'default' },
  ],
};

/** What an attacker or a broken generator may put anywhere. */
const poison = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withSparseArray: true }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '../../etc/passwd',
    '$(rm -rf /)',
    '`id`',
    '{{ env }}',
    '$' + '{jndi:ldap://x}',
    'a\u0000b',
    'a\u001b[31m',
    'ｗｅｂ',
    'we\u0301b',
    '\u202egnp',
    'x'.repeat(100_000),
    -0,
    Number.NaN,
    Number.MAX_SAFE_INTEGER + 2,
  ),
);

/** Every place in the spec, by the keys that lead to it. */
function pathsIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [
    [],
    ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner).map((rest) => [key, ...rest])),
  ];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  Object.assign(copy, { [key]: replaced((value as Record<string, unknown>)[key], rest, by) });
  return copy;
}

function assertAnswered(reading: ReturnType<typeof checkSpec>): void {
  if (reading.mistakes) {
    assert.ok(reading.mistakes.length > 0);
    assert.equal(typeof formatMistakes(reading.mistakes), 'string');
    return;
  }
  const { name, region, role, profile, instances, notify = [] } = reading.spec;
  assert.match(name, ROLE_NAME);
  assert.match(region, REGION);
  if (role) assert.match(role.name, ROLE_NAME);
  if (!profile.reuse) assert.match(profile.name, IAM_NAME);
  const { want, min } = instances.count;
  assert.ok(Number.isInteger(want) && Number.isInteger(min) && min >= 1 && min <= want && want <= 10_000);
  assert.ok(instances.placements.length >= 1 && instances.placements.length <= 40);
  for (const target of notify) {
    if ('webhook' in target) {
      assert.match(new URL(target.webhook).protocol, /^https?:$/);
      assert.match(target.secret.env, /^\w+$/);
    } else {
      assert.match(target.eventBridge, EVENT_BUS);
    }
  }
}

describe('a hostile spec', () => {
  const runs = { numRuns: 1_000, seed: 20261124 };

  test('of which any part is anything gets mistakes, or is what AWS takes', () => {
    const place = fc.constantFrom(...pathsIn(valid));
    fc.assert(
      fc.property(place, poison, (path, by) => assertAnswered(checkSpec(replaced(valid, path, by), context))),
      runs,
    );
  });

  test('with keys that nobody knows gets mistakes', () => {
    const place = fc.constantFrom(...pathsIn(valid).filter((path) => !path.includes('tags')));
    const key = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom('__proto__', 'constructor', 'toString'),
    );
    fc.assert(
      fc.property(place, key, poison, (path, unknown, by) => {
        assertAnswered(checkSpec(replaced(valid, [...path, unknown], by), context));
      }),
      runs,
    );
  });

  test('of any text is answered', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 500 }),
      fc.json(),
      fc
        .array(
          fc.constantFrom(
            'a: &a',
            ' *a',
            '- [',
            '{',
            '}',
            '? ',
            ': ',
            '|',
            '>',
            '"',
            "'",
            '\n',
            '  ',
            '!!js/x ',
            '<<: ',
            '%YAML 9',
            '---',
            '\t',
          ),
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (written) => assertAnswered(readSpec(written, { ...context, file: 'x.yaml' }))),
      runs,
    );
  });
});
