/** Specs of fleets in several places: what they become in each, and every mistake at once. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { formatMistakes } from '../fleet/mistakes.ts';
import { fleetAt } from '../fleet/places.ts';
import { checkSpec, readSpec } from '../fleet/read-spec.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { specHash } from '../fleet/spec-hash.ts';

const context = { env: { AWS_REGION: 'us-west-2' }, readFile: () => '' };
const ROLE = 'arn:aws:iam::210987654321:role/muster';

function specOf(value: object): FleetSpec {
  const { spec, mistakes } = checkSpec(written(value), context);
  assert.ok(spec, mistakes && formatMistakes(mistakes));
  return spec;
}

function mistakesOf(value: object): string[] {
  const { mistakes } = checkSpec(written(value), context);
  assert.ok(mistakes, 'no mistake was found');
  return mistakes.map(({ path, message }) => `${path}: ${message}`);
}

function written(value: object): unknown {
  return {
    name: 'web',
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    instances: { count: 3, image: 'ami-12c6146b', type: 't3.micro' },
    ...value,
  };
}

/** The spec in each of its places. */
const each = (value: object) => {
  const spec = specOf(value);
  return spec.places!.map((place) => fleetAt(spec, place));
};

describe('a spec with places', () => {
  test('is one spec for each of them, with what the place has of its own', () => {
    const [home, abroad, other] = each({
      instances: { count: 3, image: 'ami-12c6146b', type: 't3.micro', key: 'ops', monitoring: true },
      places: [
        { region: 'us-east-1', securityGroups: 'sg-0123456789abcdef0' },
        {
          region: 'eu-west-1',
          image: 'ami-0123456789abcdef0',
          count: { want: 5, min: 4 },
          zone: 'eu-west-1a',
        },
        {
          region: 'us-east-1',
          assumeRole: ROLE,
          externalId: 'env:MUSTER_ID',
          placements: [{ type: 't3.small' }],
        },
      ],
    });
    assert.deepEqual(
      [home, abroad, other].map((spec) => [spec!.region, spec!.account, spec!.instances.count.want]),
      [
        ['us-east-1', undefined, 3],
        ['eu-west-1', undefined, 5],
        ['us-east-1', '210987654321', 3],
      ],
    );
    assert.deepEqual(home!.instances.securityGroups, ['sg-0123456789abcdef0']);
    assert.deepEqual(abroad!.instances.securityGroups, []);
    assert.deepEqual(abroad!.instances.placements, [{ type: 't3.micro', zone: 'eu-west-1a' }]);
    assert.equal(abroad!.instances.image, 'ami-0123456789abcdef0');
    assert.deepEqual(other!.instances.placements, [{ type: 't3.small' }]);
    assert.deepEqual(other!.assume, { role: ROLE, externalId: { env: 'MUSTER_ID' } });
    for (const spec of [home, abroad, other]) {
      assert.deepEqual([spec!.instances.key, spec!.instances.monitoring], ['ops', true]);
      assert.ok(!('places' in spec!) && !('minPlaces' in spec!));
    }
    assert.equal(home!.assume, undefined);
  });

  test('is in one place what a spec of that place is', () => {
    const [only] = each({ places: [{ region: 'us-east-1' }] });
    assert.equal(specHash(only!), specHash(specOf({ region: 'us-east-1' })));
  });

  test('needs no image beside those of its places', () => {
    const instances = { count: 1, type: 't3.micro' };
    const places = [
      { region: 'us-east-1', image: 'ami-12c6146b' },
      { region: 'eu-west-1', image: 'ami-0123456789abcdef0' },
    ];
    assert.deepEqual(
      each({ instances, places }).map((spec) => spec.instances.image),
      ['ami-12c6146b', 'ami-0123456789abcdef0'],
    );
    assert.deepEqual(mistakesOf({ instances, places: [...places, { region: 'eu-west-2' }] }), [
      'instances.image: missing',
    ]);
  });

  test('names places by region and, where it is said, by account; what is needed changes its hash', () => {
    const places = [{ region: 'us-east-1' }, { region: 'us-east-1', assumeRole: ROLE }];
    const all = specOf({ places });
    assert.deepEqual(
      all.places!.map(({ name }) => name),
      ['us-east-1', '210987654321:us-east-1'],
    );
    assert.equal(specHash(all), specHash(specOf({ places, need: 'all' })));
    const one = specOf({ places, need: { min: 1 } });
    assert.equal(one.minPlaces, 1);
    assert.notEqual(specHash(all), specHash(one));
  });

  test('gets all of its mistakes, each with its place', () => {
    const text = `name: web
region: us-east-1
onFailure: pause
policy: { allow: { actions: s3:Get*, resources: "*" } }
instances: { count: 3, type: t3.micro, cuont: 4 }
places:
  - { region: us-east-1, image: ami-1 }
  - { region: nowhere, count: 0 }
  - { regoin: eu-west-1 }
  - { region: us-east-1, account: 0123, assumeRole: foo }
  - { region: eu-west-1, zone: us-east-1a, externalId: x }
  - us-east-1
need: { min: 9 }
`;
    const { mistakes } = readSpec(text, context);
    assert.deepEqual(
      mistakes!.map(({ line, path, message }) => `${line} ${path}: ${message}`),
      [
        '2 region: given beside places',
        '3 onFailure: pause beside places',
        '5 instances.image: missing',
        '5 instances.cuont: unknown',
        '7 places[0].image: "ami-1" is not an image',
        '8 places[1].region: "nowhere" is not a region',
        '8 places[1].count: 0 is not a whole number from 1 to 10,000',
        '9 places[2].regoin: unknown',
        '10 places[3].account: "0123" is not an account',
        '10 places[3].assumeRole: "foo" is not a role\'s ARN',
        '11 places[4].zone: "us-east-1a" is not in eu-west-1',
        '11 places[4].externalId: given without assumeRole',
        '11 places[4].externalId: "x" is not an external id',
        '12 places[5]: "us-east-1" is not a place',
        '13 need.min: 9 is more than there are places',
      ],
    );
  });

  test('is refused for what only one place can have', () => {
    assert.deepEqual(mistakesOf({ places: [{ region: 'us-east-1' }, { region: 'us-east-1' }] }), [
      'places[1]: the same place again',
    ]);
    assert.deepEqual(
      mistakesOf({ places: [{ region: 'us-east-1', account: '123456789012', assumeRole: ROLE }] }),
      ['places[0].assumeRole: a role of account 210987654321'],
    );
    assert.deepEqual(mistakesOf({ places: [] }), ['places: empty']);
    assert.deepEqual(mistakesOf({ places: 'us-east-1' }), ['places: "us-east-1" is not a list of places']);
    assert.deepEqual(mistakesOf({ region: 'us-east-1', need: { min: 1 } }), ['need: given without places']);
    assert.deepEqual(mistakesOf({ region: 'us-east-1', assumeRole: ROLE }), ['assumeRole: unknown']);
    const many = Array.from({ length: 17 }, (_, at) => ({ region: `us-east-${at + 1}` }));
    assert.deepEqual(mistakesOf({ places: many }), ['places: 17 places']);
    // A profile is of one account.
    const profile = 'arn:aws:iam::123456789012:instance-profile/web';
    const { policy: _, ...rest } = written({}) as Record<string, unknown>;
    const { mistakes } = checkSpec(
      { ...rest, profile, places: [{ region: 'us-east-1', assumeRole: ROLE }] },
      context,
    );
    assert.deepEqual(
      mistakes!.map(({ path }) => path),
      ['profile'],
    );
  });

  test('examples/several-regions.yaml', () => {
    const file = new URL('../examples/several-regions.yaml', import.meta.url);
    const { spec, mistakes } = readSpec(readFileSync(file, 'utf8'), context);
    assert.ok(spec, mistakes && formatMistakes(mistakes));
    assert.deepEqual(
      spec.places!.map(({ name, instances }) => `${name} ${instances.count.want}`),
      ['us-east-1 2', 'eu-west-1 1'],
    );
  });
});
