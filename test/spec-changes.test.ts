/** What differs between two specs of one fleet: each field, in words, and what it asks for. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inOrder } from '../fleet/in-order.ts';
import { checkSpec, readSpec } from '../fleet/read-spec.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { inPlaceOf, specChanges } from '../fleet/spec-changes.ts';

function specOf(more: Record<string, unknown> = {}, instances: Record<string, unknown> = {}): FleetSpec {
  const placed = instances.placements ? {} : { type: 't3.micro' };
  const { spec, mistakes } = checkSpec(
    {
      name: 'web',
      region: 'us-east-1',
      ...(more.role === undefined && more.profile === undefined
        ? { policy: { allow: { actions: 's3:Get*', resources: '*' } } }
        : {}),
      ...more,
      instances: { count: 3, image: 'ami-12c6146b', ...placed, ...instances },
    },
    { env: {}, readFile: () => 'from a file' },
  );
  assert.ok(spec, JSON.stringify(mistakes));
  return spec;
}

const full = (): FleetSpec => {
  const file = fileURLToPath(new URL('../examples/full.yaml', import.meta.url));
  const { spec } = readSpec(readFileSync(file, 'utf8'), { env: {}, readFile: () => '' });
  return spec!;
};

const told = (from: FleetSpec, to: FleetSpec) =>
  specChanges(from, to).map(({ field, from, to, how }) => [field, from, to, how]);

const READ = { actions: 's3:Get*', resources: '*' };
const WRITE = { actions: ['s3:Put*', 's3:Delete*'], resources: 'arn:aws:s3:::logs/*' };

describe('the differences of two specs', () => {
  test('are none of the same spec, whatever the order of its keys', () => {
    assert.deepEqual(told(full(), full()), []);
    const { instances, name, ...rest } = full();
    assert.deepEqual(told({ ...rest, instances, name }, full()), []);
  });

  test('are told of each field that there is', () => {
    const from = full();
    // There is one version of a policy's language.
    const leaves = leavesOf(from).filter((path) => path.at(-1) !== 'Version');
    assert.ok(leaves.length > 70, `${leaves.length} leaves`);
    for (const path of leaves) {
      const to = structuredClone(from);
      mutate(to, path);
      const changes = specChanges(from, to);
      assert.ok(changes.length > 0, path.join('.'));
      for (const change of changes) assert.notEqual(change.from, change.to, path.join('.'));
    }
  });

  test('of a policy are its statements', () => {
    const from = specOf({ policy: { allow: [READ] } });
    assert.deepEqual(told(from, specOf({ policy: { allow: [READ, WRITE] } })), [
      [
        'policy.document',
        'nothing beyond that',
        'Allow s3:Put*, s3:Delete* on arn:aws:s3:::logs/*',
        'in-place',
      ],
    ]);
    assert.deepEqual(told(from, specOf({ policy: { allow: [WRITE], deny: [READ] } })), [
      [
        'policy.document',
        'Allow s3:Get* on *',
        'Allow s3:Put*, s3:Delete* on arn:aws:s3:::logs/*\nDeny s3:Get* on *',
        'in-place',
      ],
    ]);
    const reordered = specOf({ policy: { allow: [WRITE, READ] } });
    assert.deepEqual(told(specOf({ policy: { allow: [READ, WRITE] } }), reordered).length, 1);
    const named = specOf({ policy: { name: 'other', allow: [READ] } });
    assert.deepEqual(told(from, named), [['policy.name', 'web', 'other', 'in-place']]);
    const managed = { managedPolicies: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] };
    assert.deepEqual(told(specOf({ policy: { allow: READ }, role: managed }), specOf({ role: managed })), [
      ['policy.document', 'Allow s3:Get* on *', 'none', 'in-place'],
    ]);
  });

  test('of a role and a profile that are made', () => {
    const arn = (name: string) => `arn:aws:iam::aws:policy/${name}`;
    const from = specOf({ role: { managedPolicies: [arn('A'), arn('B')], tags: { a: '1', b: '2' } } });
    const to = specOf({
      role: { managedPolicies: [arn('B'), arn('C')], tags: { b: '3' }, description: 'x' },
    });
    assert.deepEqual(told(from, to), [
      ['role.description', 'none', 'x', 'in-place'],
      ['role.managedPolicies', arn('A'), 'none', 'in-place'],
      ['role.managedPolicies', 'none', arn('C'), 'in-place'],
      ['role.tags.a', '1', 'none', 'in-place'],
      ['role.tags.b', '2', '3', 'in-place'],
    ]);
  });

  test('of names, paths and what is borrowed ask for another fleet', () => {
    const from = specOf();
    const hows = (to: FleetSpec) => specChanges(from, to).map(({ field, how }) => [field, how]);
    assert.deepEqual(hows({ ...from, region: 'us-west-2' }), [['region', 'new-fleet']]);
    assert.deepEqual(hows(specOf({ profile: 'theirs' })), [
      ['policy.document', 'in-place'],
      ['role', 'new-fleet'],
      ['profile', 'new-fleet'],
    ]);
    assert.deepEqual(hows(specOf({ profile: { path: '/teams/' }, policy: { allow: READ } })), [
      ['profile.path', 'new-fleet'],
    ]);
    const ref = 'arn:aws:iam::123456789012:instance-profile/theirs';
    assert.deepEqual(told(specOf({ profile: 'theirs' }), specOf({ profile: ref })), [
      ['profile', 'theirs, which exists', `${ref}, which exists`, 'in-place'],
    ]);
    const [one, other] = ['123456789012', '210987654321'];
    assert.deepEqual(told(specOf({ account: one }), specOf({ account: other }))[0]![3], 'new-fleet');
    assert.deepEqual(told(specOf(), specOf({ account: one }))[0]![3], 'in-place');
  });

  test('of instances are in place where a launch alone uses them', () => {
    const here = { type: 't3.micro', zone: 'us-east-1a' };
    const there = { type: 't3.micro', zone: 'us-east-1b' };
    const small = { type: 't3.small' };
    const how = (from: object[], to: object[]) =>
      told(specOf({}, { placements: from }), specOf({}, { placements: to }))[0]![3];
    assert.equal(how([here], [there, here]), 'in-place');
    assert.equal(how([here], [{ type: 't3.micro' }]), 'in-place');
    assert.equal(how([here], [here, small]), 'in-place');
    assert.equal(how([here, there], [here]), 'roll');
    assert.equal(how([here], [small]), 'roll');
    assert.equal(how([{ vcpu: '2..4' }], [{ vcpu: '2..8' }]), 'roll');
    assert.deepEqual(told(specOf(), specOf({}, { count: { want: 9, min: 4 }, market: 'spot' })), [
      ['instances.count', '3', '9, at least 4', 'in-place'],
      ['instances.market', 'on-demand', 'spot', 'in-place'],
    ]);
  });

  test('do not show user data', () => {
    assert.deepEqual(told(specOf({}, { userData: 'secret' }), specOf({}, { userData: 'hidden' })), [
      ['instances.userData', '6 characters', '6 characters, other ones', 'roll'],
    ]);
  });

  test('of receivers and deadlines are in words', () => {
    const notify = { webhook: 'https://example.com/hook?token=abc', secret: 'env:HOOK', on: 'failed' };
    assert.deepEqual(told(specOf(), specOf({ notify, deadlines: { step: '90s' }, onFailure: 'keep' })), [
      ['onFailure', 'rollback', 'keep', 'in-place'],
      ['notify', 'none', 'https://example.com/hook (signed with HOOK, failed)', 'in-place'],
      ['deadlines.step', '5 minutes', '1 minute 30 seconds', 'in-place'],
    ]);
  });
});

describe('the spec of a fleet that is changed in place', () => {
  test('has all but what needs other machines', () => {
    const from = specOf();
    const to = specOf(
      { tags: { team: 'blue' } },
      { count: 5, image: 'ami-04681a1dbd79675a5', type: 't3.small', key: 'ops', market: 'spot' },
    );
    const changed = inPlaceOf(from, to);
    assert.deepEqual(
      specChanges(from, changed).map(({ field }) => field),
      ['instances.count', 'instances.market', 'tags.team'],
    );
    const left = specChanges(changed, to);
    assert.deepEqual([...new Set(left.map(({ how }) => how))], ['roll']);
    assert.deepEqual(
      left.map(({ field }) => field),
      ['instances.image', 'instances.placements', 'instances.key'],
    );
  });

  test('is the wanted one when nothing needs other machines', () => {
    const to = specOf(
      { tags: { team: 'blue' } },
      { count: 5, type: undefined, placements: [{ type: 't3.micro' }, { type: 't3.small' }] },
    );
    assert.equal(inOrder(inPlaceOf(specOf(), to)), inOrder(to));
  });
});

type Path = readonly string[];
type Map = Record<string, unknown>;

function leavesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, field]) => leavesOf(field, [...path, key]));
}

function mutate(value: object, path: Path): void {
  const parent = path.slice(0, -1).reduce((at, key) => at[key] as Map, value as Map);
  const last = path.at(-1)!;
  const old = parent[last];
  if (typeof old === 'boolean') parent[last] = !old;
  else if (typeof old === 'number') parent[last] = old + 1;
  else parent[last] = `${old}x`;
}
