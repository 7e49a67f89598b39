/** Specs as people write them: what they become, what is wrong with them and where. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { formatMistakes, type Mistake } from '../fleet/mistakes.ts';
import { isProfileArn, profileName, REGION, ZONE } from '../fleet/names.ts';
import { checkSpec, readSpec, type SpecContext } from '../fleet/read-spec.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import { specHash } from '../fleet/spec-hash.ts';

const MINIMAL = `name: web
region: us-east-1
policy: { allow: { actions: s3:Get*, resources: "*" } }
instances: { count: 3, image: ami-12c6146b, type: t3.micro }
`;

function context(files: Record<string, string> = {}, env: SpecContext['env'] = {}): SpecContext {
  return {
    env,
    readFile: (path) => {
      if (!Object.hasOwn(files, path)) throw new Error(`there is no ${path}`);
      return files[path]!;
    },
  };
}

function specOf(text: string, files: Record<string, string> = {}, env: SpecContext['env'] = {}): FleetSpec {
  const { spec, mistakes } = readSpec(text, context(files, env));
  assert.ok(spec, mistakes && formatMistakes(mistakes));
  return spec;
}

function mistakesOf(text: string, files: Record<string, string> = {}, env: SpecContext['env'] = {}) {
  const { mistakes } = readSpec(text, context(files, env));
  assert.ok(mistakes, 'no mistake was found');
  return mistakes;
}

/** The minimal spec with fields of its own, or without some; instances are merged. */
function written(changes: Record<string, unknown>, instances: Record<string, unknown> = {}): unknown {
  return {
    name: 'web',
    region: 'us-east-1',
    policy: { allow: { actions: 's3:Get*', resources: '*' } },
    ...changes,
    instances: { count: 3, image: 'ami-12c6146b', type: 't3.micro', ...instances },
  };
}

function checkedSpec(value: unknown): FleetSpec {
  const { spec, mistakes } = checkSpec(value, context());
  assert.ok(spec, mistakes && formatMistakes(mistakes));
  return spec;
}

function pathsOf(value: unknown): string[] {
  const { mistakes } = checkSpec(value, context());
  return (mistakes ?? []).map(({ path }) => path);
}

function pathsWithin(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, field]) => pathsWithin(field, [...path, key]))];
}

function changed(value: unknown, path: readonly string[], wrong: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return wrong;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  const fields = copy as Record<string, unknown>;
  fields[key] = changed(fields[key], rest, wrong);
  return copy;
}

function inWords({ path, message, mend }: Mistake): string {
  return `${path}: ${message}; ${mend}`;
}

describe('a spec without mistakes', () => {
  test('is whole: everything left out has its default', () => {
    assert.deepEqual(specOf(MINIMAL), {
      name: 'web',
      region: 'us-east-1',
      policy: {
        name: 'web',
        document: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: ['s3:Get*'], Resource: ['*'] }],
        },
      },
      role: { reuse: false, name: 'web', path: '/', managedPolicies: [], tags: {} },
      profile: { reuse: false, name: 'web', path: '/', tags: {} },
      instances: {
        count: { want: 3, min: 3 },
        image: 'ami-12c6146b',
        placements: [{ type: 't3.micro' }],
        spread: false,
        market: 'on-demand',
        securityGroups: [],
        volumes: [],
        monitoring: false,
        metadata: { hopLimit: 1, tags: false },
        tags: {},
      },
      onFailure: 'rollback',
      deadlines: { propagation: 180, launch: 300, step: 300, running: 600, undo: 900, consistency: 60 },
      tags: {},
    });
  });

  test('is the same as text, as JSON and as a value', () => {
    const value = checkedSpec(written({}));
    assert.deepEqual(value, specOf(MINIMAL));
    assert.deepEqual(value, specOf(JSON.stringify(written({}), null, 2)));
  });

  test('takes its region from the environment as the AWS SDK does', () => {
    const text = MINIMAL.replace('region: us-east-1\n', '');
    const both = { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' };
    assert.equal(specOf(text, {}, both).region, 'eu-west-1');
    assert.equal(specOf(text, {}, { AWS_DEFAULT_REGION: 'eu-west-2' }).region, 'eu-west-2');
    assert.equal(specOf(MINIMAL, {}, both).region, 'us-east-1');
    assert.match(inWords(mistakesOf(text)[0]!), /^region: missing; .*AWS_REGION/);
    assert.match(inWords(mistakesOf(text, {}, { AWS_REGION: 'mars' })[0]!), /^region: AWS_REGION is "mars"/);
  });

  test('keeps what is written where text is meant', () => {
    const spec = specOf(
      `${MINIMAL}account: 012345678901\ntags: { version: 1.10, live: true, code: 0x1F, "n": "1" }\n`,
    );
    assert.equal(spec.account, '012345678901');
    assert.deepEqual(spec.tags, { version: '1.10', live: 'true', code: '0x1F', n: '1' });
  });

  test('has names of its own for policy, role and profile', () => {
    const policy = { name: 'access', allow: { actions: 's3:Get*', resources: '*' } };
    const spec = checkedSpec(written({ policy, role: { name: 'r' }, profile: { name: 'p' } }));
    assert.deepEqual([spec.policy?.name, spec.role?.name], ['access', 'r']);
    assert.deepEqual(spec.profile, { reuse: false, name: 'p', path: '/', tags: {} });
    assert.equal(checkedSpec(written({ role: { name: 'r' } })).policy?.name, 'r');
  });

  test('reads counts, placements and needs', () => {
    const { instances } = checkedSpec(
      written(
        {},
        {
          type: undefined,
          count: { want: 100, min: 80 },
          market: 'spot-then-on-demand',
          placements: [
            { type: 't3.micro', zone: 'us-east-1a' },
            { type: 't3.small', subnet: 'subnet-12345678' },
            { vcpu: '2..4', memory: '4GiB..', arch: 'arm64', zone: 'us-east-1b' },
            { vcpu: 2, memory: '0.5GiB .. 512MiB' },
            { vcpu: '..8' },
          ],
        },
      ),
    );
    assert.deepEqual(instances.count, { want: 100, min: 80 });
    assert.deepEqual(instances.placements, [
      { type: 't3.micro', zone: 'us-east-1a' },
      { type: 't3.small', subnet: 'subnet-12345678' },
      { need: { vcpu: { least: 2, most: 4 }, memory: { least: 4096 }, arch: 'arm64' }, zone: 'us-east-1b' },
      { need: { vcpu: { least: 2, most: 2 }, memory: { least: 512, most: 512 } } },
      { need: { vcpu: { most: 8 } } },
    ]);
    const single = checkedSpec(written({}, { type: undefined, vcpu: '2..' })).instances;
    assert.deepEqual(single.placements, [{ need: { vcpu: { least: 2 } } }]);
    assert.equal(checkedSpec(written({}, { count: 10_000 })).deadlines.launch, 300 + 6750);
  });

  test('reads times', () => {
    const { deadlines } = checkedSpec(
      written({
        deadlines: {
          ...{ propagation: '90s', launch: '2h', step: '1h30m', running: '2d', undo: 7, consistency: '1m1s' },
        },
      }),
    );
    assert.deepEqual(deadlines, {
      ...{ propagation: 90, launch: 7200, step: 5400, running: 172_800, undo: 7, consistency: 61 },
    });
    for (const step of ['', '3', '3 m', '3m2h', '-1s', '0s', 0, 1.5, '8d', 604_801, '9999999d', null, true]) {
      assert.deepEqual(pathsOf(written({ deadlines: { step } })), ['deadlines.step'], String(step));
    }
  });

  test('reads images, and a plain parameter as what it means', () => {
    const imageOf = (image: string) => checkedSpec(written({}, { image })).instances.image;
    assert.equal(imageOf('/aws/service/x/y'), 'resolve:ssm:/aws/service/x/y');
    assert.equal(imageOf('resolve:ssm:/aws/service/x:3'), 'resolve:ssm:/aws/service/x:3');
    assert.equal(imageOf('ami-0123456789abcdef0'), 'ami-0123456789abcdef0');
    for (const image of ['ami-', 'ami-XYZ', 'ubuntu', 'resolve:ssm:', 'resolve:ssm:$(id)', 3]) {
      assert.deepEqual(pathsOf(written({}, { image })), ['instances.image'], String(image));
    }
  });

  test('reads volumes', () => {
    const { volumes } = checkedSpec(
      written(
        {},
        { volumes: { device: '/dev/xvda', size: '20GiB', type: 'gp3', iops: 3000, throughput: 125 } },
      ),
    ).instances;
    assert.deepEqual(volumes, [
      { device: '/dev/xvda', size: 20, type: 'gp3', iops: 3000, throughput: 125, deleteOnTermination: true },
    ]);
    const sizes = ['1TiB', '20 gib', 8].map(
      (size) => checkedSpec(written({}, { volumes: [{ device: 'xvdb', size }] })).instances.volumes[0]?.size,
    );
    assert.deepEqual(sizes, [1024, 20, 8]);
    const cases: [Record<string, unknown>, string][] = [
      [{ size: '20GB' }, 'size'],
      [{ size: 0 }, 'size'],
      [{ size: '65TiB' }, 'size'],
      [{ device: 'C:' }, 'device'],
      [{ type: 'io2' }, 'iops'],
      [{ type: 'gp2', iops: 3000 }, 'iops'],
      [{ type: 'io1', iops: 3000, throughput: 125 }, 'throughput'],
      [{ kmsKey: 'alias/x' }, 'kmsKey'],
      [{ deleteOnTermination: 'no' }, 'deleteOnTermination'],
    ];
    for (const [volume, path] of cases) {
      const given = written({}, { volumes: [{ device: '/dev/xvda', ...volume }] });
      assert.deepEqual(pathsOf(given), [`instances.volumes[0].${path}`]);
    }
  });

  test('reads user data, as text or from a file', () => {
    const file = `${MINIMAL.replace(' }\n', ' }\n').trimEnd().replace(/ \}$/, ', userData: { file: start.sh } }')}\n`;
    assert.equal(specOf(file, { 'start.sh': '#!/bin/sh\n' }).instances.userData, '#!/bin/sh\n');
    assert.equal(checkedSpec(written({}, { userData: 'x' })).instances.userData, 'x');
    const [unread] = mistakesOf(file);
    assert.match(inWords(unread!), /^instances\.userData\.file: cannot be read: there is no start\.sh; /);
    const most = 'é'.repeat(8192);
    assert.equal(checkedSpec(written({}, { userData: most })).instances.userData, most);
    const [long] = mistakesOf(file, { 'start.sh': `${most}SECRET` });
    assert.match(inWords(long!), /^instances\.userData\.file: 16,390 bytes; /);
    assert.doesNotMatch(inWords(long!), /SECRET/);
  });
});

describe('identities that exist', () => {
  const bare = { policy: undefined };

  test('a profile, by name or by ARN, makes no IAM', () => {
    for (const ref of ['worker', 'arn:aws:iam::123456789012:instance-profile/a/b/worker']) {
      for (const profile of [ref, { name: ref, reuse: true }]) {
        const spec = checkedSpec(written({ ...bare, profile }));
        assert.deepEqual(
          [spec.profile, spec.role, spec.policy],
          [{ reuse: true, ref }, undefined, undefined],
        );
      }
    }
    assert.deepEqual(checkedSpec(written({ ...bare, profile: { reuse: true } })).profile, {
      reuse: true,
      ref: 'web',
    });
  });

  test('a role is used as it is, in a profile that is made', () => {
    for (const role of ['ops', { name: 'ops', reuse: true }]) {
      const spec = checkedSpec(written({ ...bare, role }));
      assert.deepEqual(spec.role, { reuse: true, name: 'ops' });
      assert.deepEqual(spec.profile, { reuse: false, name: 'web', path: '/', tags: {} });
    }
  });

  test('nothing about them can be changed', () => {
    assert.deepEqual(pathsOf(written({ profile: 'worker', role: 'ops' })), ['policy', 'role']);
    assert.deepEqual(pathsOf(written({ role: 'ops' })), ['policy']);
    assert.deepEqual(pathsOf(written({ ...bare, role: { reuse: true, path: '/x/', tags: {} } })), [
      'role.path',
      'role.tags',
    ]);
    assert.deepEqual(pathsOf(written({ ...bare, profile: { reuse: true, path: '/x/' } })), ['profile.path']);
  });

  test('a profile of another account is a mistake', () => {
    const profile = 'arn:aws:iam::123456789012:instance-profile/x';
    assert.deepEqual(pathsOf(written({ ...bare, profile, account: '210987654321' })), ['profile']);
    assert.deepEqual(pathsOf(written({ ...bare, profile, account: '123456789012' })), []);
  });

  test('a fleet needs a policy, a managed policy or an identity that exists', () => {
    assert.deepEqual(pathsOf(written(bare)), ['policy']);
    assert.deepEqual(pathsOf(written({ ...bare, role: { managedPolicies: [] } })), ['policy']);
    const managed = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
    const spec = checkedSpec(written({ ...bare, role: { managedPolicies: managed } }));
    assert.equal(spec.policy, undefined);
    assert.deepEqual(spec.role?.reuse === false && spec.role.managedPolicies, [managed]);
  });
});

describe('mistakes', () => {
  test('ten mistakes are ten lines, each with its place and what would be right', () => {
    const text = `# a fleet
name: my fleet
regin: us-east-1
account: "1234"
policy:
  allow:
    - action: s3:Get*
      resources: my-bucket
instances:
  cuont: 3
  ImageId: ami-12c6146b
  type: t3micro
  securityGroups: [web]
  tags: { "aws:team": web }
onFailure: rolback
`;
    const { mistakes } = readSpec(text, { ...context(), file: 'fleets/web.yaml' });
    const lines = formatMistakes(mistakes ?? []).split('\n');
    assert.deepEqual(
      lines,
      [
        '2:7 name: "my fleet" is not a name of 1 to 64 characters; letters, digits and + = , . @ _ -',
        '3:1 regin: unknown; did you mean region?',
        '4:10 account: "1234" is not an account; twelve digits in quotes: a number loses its leading zeros',
        '7:7 policy.allow[0].action: unknown; did you mean actions?',
        '8:18 policy.allow[0].resources: "my-bucket" is not a resource; an ARN, for instance arn:aws:s3:::bucket/*; or *',
        '10:3 instances.cuont: unknown; did you mean count?',
        '11:3 instances.ImageId: unknown; did you mean image?',
        '12:9 instances.type: "t3micro" is not an instance type; for instance t3.micro',
        '13:20 instances.securityGroups[0]: "web" is not a security group; its id, for instance sg-0123456789abcdef0',
        '14:11 instances.tags.aws:team: a reserved prefix; aws: is for AWS, muster: for this program',
        '15:12 onFailure: "rolback" is not one of rollback, keep, pause; did you mean rollback?',
      ].map((line) => `fleets/web.yaml:${line}`),
    );
  });

  test('a key of AWS or of another place is recognised', () => {
    const mendOf = (value: unknown) => {
      const { mistakes = [] } = checkSpec(value, context());
      return mistakes.map(({ path, mend }) => `${path} ${mend}`);
    };
    assert.deepEqual(
      mendOf(written({ InstanceType: 't3.micro', subnet_id: 'x', type: 't3.micro', Fleet: 1 })),
      [
        'InstanceType did you mean instances.type?',
        'subnet_id did you mean instances.subnet?',
        'type did you mean instances.type?',
        'Fleet did you mean name?',
      ],
    );
    assert.deepEqual(
      mendOf(written({}, { KeyName: 'k', ami: 'x', minCount: 1, user_data: 'x', HttpTokens: 1 })),
      [
        'instances.KeyName did you mean key?',
        'instances.ami did you mean image?',
        'instances.minCount did you mean count?',
        'instances.user_data did you mean userData?',
        'instances.HttpTokens leave it out: IMDSv2 is always required',
      ],
    );
    assert.match(mendOf(written({ zzzzzz: 1 }))[0]!, /^zzzzzz known here: name, region, /);
  });

  test('a missing field is shown where it should be', () => {
    const [count, type] = mistakesOf(MINIMAL.replace('count: 3, ', '').replace(', type: t3.micro', ''));
    assert.deepEqual([count?.line, count?.column, count?.path], [4, 1, 'instances.count']);
    assert.equal(count?.message, 'missing');
    assert.equal(type?.path, 'instances.type');
  });

  test('a field without a value is empty', () => {
    assert.deepEqual(mistakesOf(MINIMAL.replace('name: web', 'name:')).map(inWords), [
      'name: empty is not a name of 1 to 64 characters; letters, digits and + = , . @ _ -',
    ]);
  });

  test('wrong types, each by its path', () => {
    const cases: [unknown, string][] = [
      [written({ name: 5 }), 'name'],
      [written({ name: 'a'.repeat(65) }), 'name'],
      [written({ region: 'us-east' }), 'region'],
      [written({ account: 12345678901 }), 'account'],
      [written({ tags: [] }), 'tags'],
      [written({ tags: { a: { b: 1 } } }), 'tags.a'],
      [written({ tags: { a: null } }), 'tags.a'],
      [written({ role: { path: 'x' } }), 'role.path'],
      [written({ role: { description: '\u4e2d' } }), 'role.description'],
      [written({ role: { permissionsBoundary: 'x' } }), 'role.permissionsBoundary'],
      [written({ role: { managedPolicies: ['x'] } }), 'role.managedPolicies[0]'],
      [
        written({ role: { managedPolicies: Array(21).fill('arn:aws:iam::aws:policy/A') } }),
        'role.managedPolicies',
      ],
      [written({ role: 5 }), 'role'],
      [written({ role: { reuse: 'yes' } }), 'role.reuse'],
      [written({ profile: { name: 'a b' } }), 'profile.name'],
      [written({ profile: [] }), 'profile'],
      [written({ onFailure: true }), 'onFailure'],
      [written({ deadlines: { lunch: 1 } }), 'deadlines.lunch'],
      [written({}, { count: 0 }), 'instances.count'],
      [written({}, { count: 10_001 }), 'instances.count'],
      [written({}, { count: '3' }), 'instances.count'],
      [written({}, { count: 2.5 }), 'instances.count'],
      [written({}, { count: { min: 3 } }), 'instances.count.want'],
      [written({}, { count: { want: 3, min: 4 } }), 'instances.count.min'],
      [written({}, { count: { want: 3, max: 4 } }), 'instances.count.max'],
      [written({}, { market: 'spot-only' }), 'instances.market'],
      [written({}, { spread: true }), 'instances.spread'],
      [written({}, { placements: [{ type: 't3.micro' }] }), 'instances.type'],
      [written({}, { type: undefined, placements: [] }), 'instances.placements'],
      [
        written({}, { type: undefined, placements: [{ zone: 'us-east-1a' }] }),
        'instances.placements[0].type',
      ],
      [
        written({}, { type: undefined, placements: [{ type: 't3.micro' }, { type: 't3.micro' }] }),
        'instances.placements[1]',
      ],
      [
        written({}, { type: undefined, placements: [{ type: 't3.micro', zone: 'us-west-2a' }] }),
        'instances.placements[0].zone',
      ],
      [written({}, { vcpu: 2 }), 'instances.vcpu'],
      [written({}, { type: undefined, arch: 'arm64' }), 'instances.type'],
      [written({}, { type: undefined, vcpu: '4..2' }), 'instances.vcpu'],
      [written({}, { type: undefined, vcpu: '..' }), 'instances.vcpu'],
      [written({}, { type: undefined, memory: 4 }), 'instances.memory'],
      [written({}, { type: undefined, memory: '4GB..' }), 'instances.memory'],
      [written({}, { type: undefined, vcpu: 2, arch: 'arm' }), 'instances.arch'],
      [written({}, { zone: 'use1-az1' }), 'instances.zone'],
      [written({}, { zone: 'us-west-2a' }), 'instances.zone'],
      [written({}, { zone: 'us-east-1a', subnet: 'subnet-12345678' }), 'instances.zone'],
      [written({}, { subnet: 'x' }), 'instances.subnet'],
      [written({}, { key: ' x' }), 'instances.key'],
      [written({}, { monitoring: 'true' }), 'instances.monitoring'],
      [written({}, { metadata: { hopLimit: 65 } }), 'instances.metadata.hopLimit'],
      [written({}, { userData: 5 }), 'instances.userData'],
      [written({}, { volumes: [{ device: 'xvda' }, { device: 'xvda' }] }), 'instances.volumes[1].device'],
    ];
    for (const [value, path] of cases) assert.deepEqual(pathsOf(value), [path]);
    for (const value of [undefined, null, 5, 'x', [], [[]]]) assert.deepEqual(pathsOf(value), ['']);
  });

  test('any field with any wrong value is explained in words of our own', () => {
    const whole = parse(readFileSync(new URL('../examples/full.yaml', import.meta.url), 'utf8')) as object;
    const reused = {
      ...whole,
      policy: undefined,
      role: { name: 'x', reuse: true },
      profile: { name: 'x', reuse: true },
    };
    const document = {
      ...whole,
      policy: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } },
    };
    for (const value of [whole, reused, document]) {
      for (const path of pathsWithin(value)) {
        for (const wrong of [null, 5.5, 'no such \u0007', true, [], [[]], {}, { x: 1 }]) {
          const { mistakes = [] } = checkSpec(changed(value, path, wrong), context());
          for (const mistake of mistakes) {
            assert.ok(mistake.message && mistake.mend);
            assert.doesNotMatch(
              inWords(mistake),
              /Invalid|expected|undefined|\n/,
              `${path.join('.')} ${inWords(mistake)}`,
            );
          }
        }
      }
    }
  });

  test('tags keep within what AWS takes', () => {
    const many = (prefix: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, 'x']));
    assert.deepEqual(pathsOf(written({ tags: many('t', 43) })), []);
    assert.deepEqual(pathsOf(written({ tags: many('t', 44) })), ['tags']);
    assert.deepEqual(pathsOf(written({ tags: many('t', 40), role: { tags: many('r', 5) } })), ['role.tags']);
    assert.deepEqual(pathsOf(written({ tags: many('t', 43), role: { tags: many('t', 43) } })), []);
    assert.deepEqual(pathsOf(written({ tags: { 'muster:fleet': 'x' } })), ['tags.muster:fleet']);
    assert.deepEqual(pathsOf(written({ tags: { 'AWS:x': 'x' } })), ['tags.AWS:x']);
    assert.deepEqual(pathsOf(written({ tags: { ['k'.repeat(129)]: 'x' } })).length, 1);
    assert.deepEqual(pathsOf(written({ tags: { k: 'x'.repeat(257) } })), ['tags.k']);
    assert.deepEqual(pathsOf(written({ tags: { größe: 'très', k: '' } })), []);
    assert.deepEqual(pathsOf(written({ tags: { Team: 'a' }, role: { tags: { team: 'b' } } })), [
      'role.tags.team',
    ]);
    const metadata = { tags: true };
    assert.deepEqual(pathsOf(written({ tags: { 'a b': '' } }, { metadata, tags: { _index: '' } })), [
      'tags["a b"]',
      'instances.tags._index',
    ]);
  });

  test('syntax is explained with its place', () => {
    const cases: [string, number, RegExp][] = [
      ['name: web\n\tregion: x', 2, /Tabs/],
      ['name: web\nregion: a: b', 2, /quotes/],
      ['name: "web', 1, /quote/],
      ['name: web\n---\nname: web', 2, /second document/],
      ['name: !!str web', 1, /tag/],
      ['name: !fleet web', 1, /tag/],
      ['name: *web', 1, /alias/],
      ['? [a]\n: 1', 1, /key/],
      ['%YAML 1.1\n---\nname: x', 1, /YAML 1\.2/],
    ];
    for (const [text, line, words] of cases) {
      const mistake = mistakesOf(text).find((found) => words.test(inWords(found)));
      assert.equal(mistake?.line, line, text);
    }
    assert.match(inWords(mistakesOf('')[0]!), /nothing in it/);
    assert.match(inWords(mistakesOf('# only a comment')[0]!), /nothing in it/);
  });

  test('a key given twice is one mistake, and the rest is checked all the same', () => {
    const mistakes = mistakesOf(`${MINIMAL}name: other\nonFailure: explode\n`);
    assert.deepEqual(
      mistakes.map(({ line, path }) => [line, path]),
      [
        [5, 'name'],
        [6, 'onFailure'],
      ],
    );
  });

  test('a policy in a file has its mistakes in that file', () => {
    const text = MINIMAL.replace(/policy: .*/, 'policy: p.yaml');
    const mistakes = mistakesOf(text, { 'p.yaml': 'allow:\n  - actions: s3:Get*\n    resource: "*"\n' });
    assert.equal(
      formatMistakes(mistakes, 'web.yaml'),
      'p.yaml:3:5 allow[0].resource: unknown; did you mean resources?',
    );
    const broken = mistakesOf(text, { 'p.yaml': 'allow: [' });
    assert.equal(broken[0]?.file, 'p.yaml');
    assert.match(formatMistakes(mistakesOf(text), 'web.yaml'), /^web\.yaml:3:9 policy: cannot be read: /);
  });
});

describe('hostile input', () => {
  const briefly = (text: string) => {
    const mistakes = mistakesOf(text);
    assert.ok(mistakes.length <= 200, `${mistakes.length} mistakes`);
    return mistakes;
  };

  // One that went off would take hours.
  test('bombs are refused', { timeout: 120_000 }, () => {
    const levels = 'bcdefghijk'.split('').map((name, index) => {
      const before = `*${'abcdefghij'[index]}`;
      return `${name}: &${name} [${Array(9).fill(before).join(', ')}]`;
    });
    assert.match(
      briefly(['a: &a [x]', ...levels].join('\n'))
        .map(inWords)
        .join(),
      /too many aliases/,
    );
    assert.match(briefly('a: &a [*a]').map(inWords).join(), /nested too deeply/);
    assert.match(briefly('['.repeat(200_000)).map(inWords).join(), /nested too deeply/);
    assert.match(briefly('- '.repeat(100_000)).map(inWords).join(), /nested too deeply/);
    assert.match(
      briefly(`a: ${'['.repeat(30)}${']'.repeat(30)}`)
        .map(inWords)
        .join(),
      /nested too deeply/,
    );
    assert.match(briefly('x'.repeat(300_000)).map(inWords).join(), /300,000 bytes/);
    assert.match(
      briefly(`a: [${'1,'.repeat(30_000)}]`)
        .map(inWords)
        .join(),
      /too much/,
    );
    assert.match(
      briefly(Array.from({ length: 25_000 }, (_, i) => `k${i}: 1`).join('\n'))
        .map(inWords)
        .join(),
      /too much/,
    );
    briefly('"'.repeat(200_000));
    briefly('&a '.repeat(80_000));
  });

  test('a few aliases are followed', () => {
    const spec = specOf(`${MINIMAL}tags: &t { team: web }\nprofile: { tags: *t }\n`);
    assert.deepEqual(spec.profile, { reuse: false, name: 'web', path: '/', tags: { team: 'web' } });
  });

  test('values of a program that contain themselves, or too much, are refused', () => {
    const circle: Record<string, unknown> = {};
    circle.tags = circle;
    assert.deepEqual(pathsOf(circle), ['']);
    let bomb: unknown = 'x';
    for (let level = 0; level < 15; level++) bomb = Array(10).fill(bomb);
    assert.deepEqual(pathsOf(written({ tags: bomb })), ['']);
  });

  test('keys of the language are keys like others', () => {
    const found = mistakesOf(`${MINIMAL}__proto__: { polluted: 1 }\nconstructor: 1\ntoString: 2\n`);
    assert.deepEqual(
      found.map(({ path }) => path),
      ['__proto__', 'constructor', 'toString'],
    );
    assert.deepEqual(specOf(`${MINIMAL}tags: { constructor: a, toString: b }\n`).tags, {
      constructor: 'a',
      toString: 'b',
    });
    const parsed = JSON.parse(`{ "tags": { "__proto__": "x" }, "__proto__": { "name": "x" } }`) as object;
    assert.deepEqual(pathsOf(parsed), ['__proto__', 'tags.__proto__']);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });

  test("names are of AWS's characters and no others", () => {
    const names = [
      'a b',
      'a;rm -rf /',
      '$(id)',
      '`id`',
      "a'b",
      'a"b',
      'a/b',
      '../a',
      'a\nb',
      'a\n',
      'é',
      'ａ',
      '\u202eab',
      'a\0b',
      '',
    ];
    for (const name of names) assert.deepEqual(pathsOf(written({ name })), ['name'], JSON.stringify(name));
    for (const name of ['a', 'A_b+c=d,e.f@g-h', '-x', '1'.repeat(64)]) {
      assert.deepEqual(pathsOf(written({ name })), [], name);
    }
  });

  test('nothing in a message moves a terminal', () => {
    const text = `name: "\\e[2J\\x9b\\u202e"\n"\\e[31mred": 1\nregion: "\\x07"\ninstances: { "a\\nb": 1, userData: { file: "\\e]0;x" } }`;
    const { mistakes = [] } = readSpec(text, { ...context(), file: 'a\u001b[2J.yaml' });
    const shown = formatMistakes(mistakes);
    assert.doesNotMatch(shown, /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    assert.equal(shown.split('\n').length, mistakes.length);
    assert.match(shown, /\\u001b\[2J/);
  });
});

describe('the hash', () => {
  test('does not depend on the order or the form in which a spec is written', () => {
    const text = `instances: { type: t3.micro, image: ami-12c6146b, count: 3 }
policy: { allow: [{ resources: ["*"], actions: ["s3:Get*"] }] }
region: us-east-1
name: web
onFailure: rollback
`;
    const { hash } = readSpec(text, context()) as { hash: string };
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.equal(hash, specHash(specOf(MINIMAL)));
    assert.equal(hash, specHash(JSON.parse(JSON.stringify(specOf(MINIMAL)))));
    assert.equal(hash, 'ec9b559477532764');
  });

  test('differs when anything differs', () => {
    const hashes = [
      written({}),
      written({}, { count: 4 }),
      written({ tags: { a: '1' } }),
      written({ tags: { a: '2' } }),
      written({ name: 'Web' }),
      written({}, { userData: 'x' }),
      written({}, { securityGroups: ['sg-12345678', 'sg-87654321'] }),
      written({}, { securityGroups: ['sg-87654321', 'sg-12345678'] }),
    ].map((value) => specHash(checkedSpec(value)));
    assert.equal(new Set(hashes).size, hashes.length);
  });
});

describe('names', () => {
  test('an instance profile by its name or ARN', () => {
    assert.equal(profileName('web'), 'web');
    assert.equal(profileName('arn:aws-us-gov:iam::123456789012:instance-profile/a/b/web'), 'web');
    assert.ok(!isProfileArn('arn:aws:iam::123456789012:role/web'));
    assert.deepEqual(pathsOf(written({ policy: undefined, profile: 'arn:aws:iam::123456789012:role/web' })), [
      'profile',
    ]);
  });

  test('regions and zones of every kind', () => {
    for (const region of [
      'us-east-1',
      'us-gov-west-1',
      'us-iso-east-1',
      'ap-southeast-7',
      'eusc-de-east-1',
    ]) {
      assert.match(region, REGION);
    }
    for (const zone of ['us-east-1a', 'us-west-2-lax-1a', 'us-east-1-wl1-bos-wlz-1'])
      assert.match(zone, ZONE);
    for (const type of ['t3.micro', 'u-6tb1.metal', 'g6.xlarge', 'mac2-m2pro.metal', 'u7in-16tb.224xlarge']) {
      assert.deepEqual(checkedSpec(written({}, { type })).instances.placements, [{ type }]);
    }
  });
});

describe('the examples', () => {
  const folder = fileURLToPath(new URL('../examples/', import.meta.url));
  const example = (name: string): FleetSpec => {
    const file = resolve(folder, name);
    const readFile = (path: string) => readFileSync(resolve(dirname(file), path), 'utf8');
    const { spec, mistakes } = readSpec(readFileSync(file, 'utf8'), { file: name, env: {}, readFile });
    assert.ok(spec, mistakes && formatMistakes(mistakes));
    return spec;
  };

  test('s3-read-only', () => {
    const { name, region, policy, instances } = example('s3-read-only.yaml');
    assert.deepEqual([name, region], ['s3-read-only', 'us-east-1']);
    assert.deepEqual(policy?.document.Statement, [
      { Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: ['*'] },
    ]);
    assert.deepEqual(
      [instances.count.want, instances.image, instances.placements],
      [3, 'ami-12c6146b', [{ type: 't3.micro' }]],
    );
  });

  test('existing-profile', () => {
    const { role, policy, profile } = example('existing-profile.yaml');
    assert.deepEqual([role, policy, profile], [undefined, undefined, { reuse: true, ref: 'batch-worker' }]);
  });

  test('raw-policy', () => {
    assert.equal(example('raw-policy.yaml').policy?.document.Statement[0]?.Sid, 'FindLogs');
  });

  test('full names every field of a spec but the parts of a single placement', () => {
    const spec = example('full.yaml');
    const keys = (value: object) => Object.keys(value).sort();
    assert.deepEqual(keys(spec), [
      ...[
        'account',
        'deadlines',
        'instances',
        'name',
        'notify',
        'onFailure',
        'policy',
        'profile',
        'region',
        'role',
        'tags',
      ],
    ]);
    assert.deepEqual(keys(spec.role!), [
      ...['description', 'managedPolicies', 'name', 'path', 'permissionsBoundary', 'reuse', 'tags'],
    ]);
    assert.deepEqual(keys(spec.instances), [
      ...['count', 'image', 'key', 'market', 'metadata', 'monitoring', 'placements', 'securityGroups'],
      ...['spread', 'tags', 'userData', 'volumes'],
    ]);
    assert.equal(spec.deadlines.undo, 3600);
  });
});
