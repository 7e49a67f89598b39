/** Policies: short form and documents, what IAM would refuse, and what can be told from a document. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  decodePolicy,
  ec2TrustPolicy,
  letsEc2Assume,
  type PolicyDocument,
  policySize,
  samePolicy,
} from '../fleet/policy.ts';
import { checkSpec } from '../fleet/read-spec.ts';

function read(policy: unknown, files: Record<string, string> = {}) {
  const instances = { count: 1, image: 'ami-12c6146b', type: 't3.micro' };
  const readFile = (path: string) => {
    if (files[path] === undefined) throw new Error('no such file');
    return files[path];
  };
  return checkSpec({ name: 'web', region: 'us-east-1', policy, instances }, { env: {}, readFile });
}

function documentOf(policy: unknown, files?: Record<string, string>): PolicyDocument {
  const { spec, mistakes } = read(policy, files);
  assert.ok(spec, JSON.stringify(mistakes));
  return spec.policy!.document;
}

function mistakesOf(policy: unknown, files?: Record<string, string>): string[] {
  return (read(policy, files).mistakes ?? []).map(({ path, message }) => `${path}: ${message}`);
}

const allow = { actions: 's3:Get*', resources: '*' };
const statement = { Effect: 'Allow', Action: 's3:Get*', Resource: '*' };
const inDocument = (...changes: object[]) => ({
  Version: '2012-10-17',
  Statement: changes.map((change) => ({ ...statement, ...change })),
});

describe('the short form', () => {
  test('becomes a document of 2012-10-17', () => {
    const policy = {
      allow: [
        { sid: 'One', actions: ['s3:Get*', 's3:List*'], resources: ['*'] },
        { notActions: 'iam:*', notResources: 'arn:aws:s3:::secret/*' },
      ],
      deny: {
        actions: '*',
        resources: '*',
        conditions: { Bool: { 'aws:SecureTransport': false }, NumericLessThan: { 's3:max-keys': [1, '2'] } },
      },
    };
    assert.deepEqual(documentOf(policy), {
      Version: '2012-10-17',
      Statement: [
        { Sid: 'One', Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: ['*'] },
        { Effect: 'Allow', NotAction: ['iam:*'], NotResource: ['arn:aws:s3:::secret/*'] },
        {
          Effect: 'Deny',
          Action: ['*'],
          Resource: ['*'],
          Condition: {
            Bool: { 'aws:SecureTransport': ['false'] },
            NumericLessThan: { 's3:max-keys': ['1', '2'] },
          },
        },
      ],
    });
  });

  test('needs statements, each with what and where', () => {
    assert.deepEqual(mistakesOf({}), ['policy: allows nothing and denies nothing']);
    assert.deepEqual(mistakesOf({ allow: [] }), ['policy: allows nothing and denies nothing']);
    assert.deepEqual(mistakesOf({ allow: {} }), [
      'policy.allow.actions: missing',
      'policy.allow.resources: missing',
    ]);
    assert.deepEqual(mistakesOf({ allow: [{ ...allow, notActions: 's3:*' }] }), [
      'policy.allow[0].notActions: given beside actions',
    ]);
    assert.deepEqual(mistakesOf({ allow: { ...allow, actions: [] } }), [
      'policy.allow.actions: an empty list',
    ]);
    assert.deepEqual(mistakesOf({ Statement: [] }), ['policy.Statement: an empty list']);
    assert.match(read({ allow, flie: 'p.json' }).mistakes?.[0]?.mend ?? '', /did you mean file/);
    assert.deepEqual(mistakesOf({ allow: 's3:Get*' }), ['policy.allow: "s3:Get*" is not a statement']);
    assert.deepEqual(mistakesOf(5), [
      'policy: 5 is not a policy: { allow: ... }, a document or the path of a file',
    ]);
  });
});

describe('documents', () => {
  test('are taken as they are, inline, under a name, and from files of either form', () => {
    const document = inDocument({ Sid: 'A' });
    const expected = {
      Version: '2012-10-17',
      Statement: [{ Sid: 'A', Effect: 'Allow', Action: ['s3:Get*'], Resource: ['*'] }],
    };
    const files = {
      'p.json': JSON.stringify(document),
      'p.yaml': 'allow: { sid: A, actions: "s3:Get*", resources: "*" }',
    };
    assert.deepEqual(documentOf(document), expected);
    assert.deepEqual(documentOf({ name: 'x', document }), expected);
    assert.deepEqual(documentOf('p.json', files), expected);
    assert.deepEqual(documentOf('p.yaml', files), expected);
    assert.deepEqual(documentOf({ file: 'p.yaml' }, files), expected);
    assert.equal(read({ name: 'x', file: 'p.json' }, files).spec?.policy?.name, 'x');
    const named = { 'p.yaml': 'name: y\nallow: { actions: "s3:Get*", resources: "*" }' };
    assert.equal(read('p.yaml', named).spec?.policy?.name, 'y');
    assert.equal(documentOf({ ...document, Id: 'me' }).Id, 'me');
    assert.deepEqual(documentOf({ Statement: statement }).Version, '2012-10-17');
  });

  test('of 2008-10-17 are read, unless they would change their meaning', () => {
    const variable = { Resource: `arn:aws:s3:::home/\${aws:username}` };
    const old = (change: object) => ({ ...inDocument(change), Version: '2008-10-17' });
    assert.equal(documentOf(old({})).Version, '2012-10-17');
    assert.equal(documentOf(inDocument(variable)).Version, '2012-10-17');
    assert.match(
      mistakesOf(old(variable)).join(),
      /^policy\.Statement\[0\]\.Resource: "\$\{aws:username\}" is plain text/,
    );
    const undated = {
      Statement: [{ ...statement, Condition: { StringLike: { 's3:prefix': `\${aws:userid}/*` } } }],
    };
    assert.match(mistakesOf(undated).join(), /^policy\.Statement\[0\]\.Condition: .* without a Version/);
    assert.equal(mistakesOf({ ...inDocument({}), Version: '2020-01-01' }).length, 1);
  });

  test('have every mistake named', () => {
    const cases: [object, string][] = [
      [{ Effect: 'allow' }, 'Effect'],
      [{ Effect: undefined }, 'Effect'],
      [{ NotAction: 's3:*' }, 'NotAction'],
      [{ Resource: undefined }, 'Resource'],
      [{ Principal: '*' }, 'Principal'],
      [{ Action: 's3' }, 'Action'],
      [{ Action: 's*:Get' }, 'Action'],
      [{ Action: ['s3:Get*', 5] }, 'Action[1]'],
      [{ Resource: 'bucket' }, 'Resource'],
      [{ Sid: 'no spaces' }, 'Sid'],
      [{ Condition: 'x' }, 'Condition'],
      [{ Condition: { StringEquals: 'x' } }, 'Condition.StringEquals'],
      [{ Condition: { StringEqual: { a: 'b' } } }, 'Condition.StringEqual'],
      [{ Condition: { 'ForAnyValue:StringLik': { a: 'b' } } }, 'Condition.ForAnyValue:StringLik'],
    ];
    for (const [change, path] of cases) {
      const found = (read(inDocument(change)).mistakes ?? []).map((mistake) => mistake.path);
      assert.deepEqual(found, [`policy.Statement[0].${path}`]);
    }
    assert.deepEqual(mistakesOf(inDocument({ Sid: 'A' }, { Sid: 'A' })), [
      'policy: the statement id "A" twice',
    ]);
    const known = { 'ForAllValues:StringEqualsIfExists': { a: 'b' }, SomethingQuiteNew: { a: 'b' } };
    assert.deepEqual(mistakesOf(inDocument({ Condition: known })), []);
  });

  test('keep to the characters and the size that IAM takes', () => {
    const resource = (text: string) => inDocument({ Resource: `arn:aws:s3:::${text}` });
    assert.deepEqual(mistakesOf(resource('ÿ')), []);
    assert.deepEqual(mistakesOf(resource('中')), ['policy: the character U+4E2D']);
    assert.deepEqual(mistakesOf(resource('\u{1f600}')), ['policy: the character U+1F600']);
    assert.deepEqual(mistakesOf(resource('\0')), ['policy: the character U+0000']);
    const room = 10_240 - policySize(documentOf(resource('')));
    assert.equal(policySize(documentOf(resource('x'.repeat(room)))), 10_240);
    assert.deepEqual(mistakesOf(resource('x'.repeat(room + 1))), [
      'policy: 10,241 characters without white space',
    ]);
    assert.deepEqual(mistakesOf(resource(`${'x'.repeat(room)}   `)), []);
  });
});

describe('trust', () => {
  const trust = (...statements: object[]) => ({
    Version: '2012-10-17',
    Statement: statements.map((change) => ({ ...ec2TrustPolicy().Statement[0], ...change })),
  });
  const deny = { Effect: 'Deny' };

  test('of our own lets EC2 assume the role and is well under 2,048 characters', () => {
    assert.ok(letsEc2Assume(ec2TrustPolicy()));
    assert.ok(policySize(ec2TrustPolicy()) < 2048);
    assert.ok(letsEc2Assume(ec2TrustPolicy('cn-north-1')));
    assert.equal(ec2TrustPolicy('cn-north-1').Statement[0].Principal.Service, 'ec2.amazonaws.com.cn');
  });

  test('in all the forms that IAM takes', () => {
    const yes = [
      { Statement: trust({}).Statement[0] },
      trust({ Action: ['sts:TagSession', 'sts:AssumeRole'] }),
      trust({ Action: 'sts:*' }),
      trust({ Action: 'STS:assumerole' }),
      trust({ Action: 'sts:Assume????' }),
      trust({ Action: '*' }),
      trust({ Action: undefined, NotAction: 'sts:TagSession' }),
      trust({ Principal: { Service: ['lambda.amazonaws.com', 'ec2.amazonaws.com'] } }),
      trust({ Principal: { AWS: '*' } }, {}),
      trust({}, { ...deny, Principal: { Service: 'lambda.amazonaws.com' } }),
      trust({}, { ...deny, Action: 'sts:TagSession' }),
      trust({}, { ...deny, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    ];
    for (const document of yes) assert.ok(letsEc2Assume(document), JSON.stringify(document));
    const no = [
      undefined,
      null,
      'x',
      {},
      { Statement: [] },
      trust({ Effect: 'Deny' }),
      trust({ Action: 'sts:AssumeRoleWithSAML' }),
      trust({ Action: 'sts:Assume' }),
      trust({ Action: undefined, NotAction: 'sts:*' }),
      trust({ Principal: { Service: 'lambda.amazonaws.com' } }),
      trust({ Principal: { AWS: 'arn:aws:iam::123456789012:root' } }),
      trust({}, deny),
      trust({}, { ...deny, Principal: '*', Action: 'sts:*' }),
    ];
    for (const document of no) assert.ok(!letsEc2Assume(document), JSON.stringify(document));
  });
});

describe('comparing', () => {
  test('a document as IAM answers it', () => {
    const document = inDocument({ Resource: 'arn:aws:s3:::a+b/%41 é' });
    const encoded = encodeURIComponent(JSON.stringify(document, null, 2));
    assert.deepEqual(decodePolicy(encoded), document);
    assert.deepEqual(decodePolicy(JSON.stringify(document)), document);
    assert.throws(() => decodePolicy('%7B'), SyntaxError);
  });

  test('irrespective of order and of lists with one entry', () => {
    const one = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['a:B', 'a:C'], Resource: '*' }],
    };
    const other = {
      Statement: { Resource: ['*'], Action: ['a:C', 'a:B'], Effect: 'Allow' },
      Version: '2012-10-17',
    };
    assert.ok(samePolicy(one, other));
    assert.ok(!samePolicy(one, { ...one, Version: '2008-10-17' }));
    assert.ok(!samePolicy(one, inDocument({})));
    assert.ok(!samePolicy(inDocument({}), inDocument({ Sid: 'A' })));
    assert.ok(!samePolicy(inDocument({}), inDocument({}, {})));
  });
});
