/** What a policy allows in plain words, and what of it may not be what was meant: by the data set of IAM's actions itself. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actionDataFor } from '../client/action-data.ts';
import { fits } from '../fleet/arn-fit.ts';
import type { PolicyDocument, PolicyStatement } from '../fleet/policy.ts';
import { policyDoubts } from '../fleet/policy-mistakes.ts';
import { policyWords } from '../fleet/policy-words.ts';

const BUCKET = 'arn:aws:s3:::bucket';

function documentOf(...statements: Partial<PolicyStatement>[]): PolicyDocument {
  const whole = statements.map((one) => ({ Effect: 'Allow' as const, ...one }));
  return { Version: '2012-10-17', Statement: whole };
}

async function wordsOf(statement: Partial<PolicyStatement>) {
  const document = documentOf(statement);
  return policyWords(document, await actionDataFor(document))[0]!;
}

async function doubtsOf(statement: Partial<PolicyStatement>) {
  const document = documentOf(statement);
  return policyDoubts(document, await actionDataFor(document));
}

const allow = (Action: string | string[], Resource: string | string[] = '*') => ({ Action, Resource });

describe('in plain words', () => {
  test('patterns are told by what their actions do, and where', async () => {
    const words = await wordsOf(allow(['s3:Get*', 's3:List*']));
    assert.deepEqual(words.does, ['list and read in Amazon S3']);
    assert.equal(words.on, 'everything');
    assert.match(words.actions.join(' '), /^s3:Get\* \(\d\d\) s3:List\* \(\d\d\)$/);
  });

  test('a few actions by name are told by what each of them does', async () => {
    const words = await wordsOf(
      allow(['s3:GetObject', 'sqs:SendMessage'], [`${BUCKET}/*`, 'arn:aws:sqs:*:*:q']),
    );
    assert.deepEqual(words.does, [
      'retrieve objects from Amazon S3',
      'deliver a message to the specified queue',
    ]);
    assert.equal(words.on, `${BUCKET}/*, arn:aws:sqs:*:*:q`);
    assert.deepEqual(words.actions, ['s3:GetObject', 'sqs:SendMessage']);
  });

  test('everything is called so, of a service and of all', async () => {
    assert.deepEqual((await wordsOf(allow('s3:*'))).does, ['everything in Amazon S3']);
    assert.deepEqual((await wordsOf(allow('*'))).does, ['everything in every service']);
    const but = await wordsOf({ NotAction: ['iam:*'], Resource: '*' });
    assert.deepEqual(but.does, ['everything in every service but iam:*']);
  });

  test('with its conditions, its exceptions and its id', async () => {
    const words = await wordsOf({
      Sid: 'Mine',
      Effect: 'Deny',
      Action: 'ec2:Describe*',
      NotResource: 'arn:aws:ec2:*:*:instance/*',
      Condition: { StringEquals: { 'aws:SourceVpc': 'vpc-1' } },
    });
    assert.deepEqual([words.sid, words.effect], ['Mine', 'Deny']);
    assert.equal(words.when, 'StringEquals aws:SourceVpc is vpc-1');
    assert.equal(words.on, 'everything but arn:aws:ec2:*:*:instance/*');
  });

  test('what is not known is said to be so', async () => {
    assert.deepEqual((await wordsOf(allow('s3:Fetch'))).does, ['s3:Fetch (not known)']);
    assert.deepEqual((await wordsOf(allow('nowhere:Get'))).does, ['nowhere:Get (not known)']);
  });
});

describe('doubts', () => {
  test('are none of what is as it should be', async () => {
    for (const statement of [
      allow(['s3:GetObject', 's3:PutObject'], `${BUCKET}/*`),
      allow('s3:ListBucket', BUCKET),
      allow(['s3:GetObject', 's3:ListBucket'], [BUCKET, `${BUCKET}/*`]),
      allow(['s3:Get*', 's3:List*']),
      allow('s3:ListAllMyBuckets', 'arn:aws:s3:::*'),
      allow('s3:GetObject', `arn:aws:s3:::${'$'}{aws:username}/*`),
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], 'arn:aws:logs:*:*:log-group:/web/*'),
      allow('dynamodb:GetItem', 'arn:aws:dynamodb:eu-west-1:123456789012:table/orders'),
      allow('ssm:GetParameter', 'arn:aws:ssm:us-east-1:*:parameter/web/*'),
      allow('S3:getobject', `${BUCKET}/*`),
      {
        ...allow('iam:PassRole', 'arn:aws:iam::123456789012:role/fleets/*'),
        Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
      },
      { Effect: 'Deny' as const, Action: 's3:*', Resource: '*' },
    ]) {
      assert.deepEqual(await doubtsOf(statement), [], JSON.stringify(statement));
    }
  });

  test('name the nearest of an action, a pattern and a service that do not exist', async () => {
    for (const [written, kind, mend] of [
      ['s3:GetObjekt', 'unknown-action', 'did you mean s3:GetObject?'],
      ['s3:getobjects', 'unknown-action', 'did you mean s3:GetObject?'],
      ['s3:Lst*', 'unknown-action', 'did you mean s3:List*?'],
      ['dynamdb:GetItem', 'unknown-service', 'did you mean dynamodb:GetItem?'],
      ['s3:Xyzzyplugh', 'unknown-action', undefined],
    ] as const) {
      for (const Effect of ['Allow', 'Deny'] as const) {
        const doubts = await doubtsOf({ Effect, Action: written, Resource: '*' });
        assert.deepEqual(
          doubts.map((doubt) => [doubt.kind, doubt.action, doubt.mend]),
          [[kind, written, mend]],
        );
      }
    }
    const excluded = await doubtsOf({ Effect: 'Deny', NotAction: ['s3:GetObjekt'], Resource: '*' });
    assert.deepEqual(
      excluded.map(({ kind }) => kind),
      ['unknown-action'],
    );
  });

  test('tell wildcards that cover what changes permissions or hands over roles', async () => {
    for (const [written, kinds, message] of [
      ['*', ['wide'], /whoever is on a machine has the account/],
      ['s3:*', ['wide'], /covers what changes permissions: s3:\w+ and \d+ more/],
      ['s3:Put*', ['wide'], /covers what changes permissions/],
      ['iam:Pass*', ['hands-over'], /covers iam:PassRole: lets a machine hand over any role/],
      ['iam:PassRole', ['hands-over'], /^lets a machine hand over any role/],
      ['sts:Assume*', ['hands-over'], /covers sts:AssumeRole: lets a machine become any role/],
      ['iam:*', ['hands-over', 'wide'], /covers iam:PassRole/],
    ] as const) {
      const doubts = await doubtsOf(allow(written));
      assert.deepEqual(
        doubts.map(({ kind }) => kind),
        kinds,
        written,
      );
      assert.match(doubts[0]!.message, message);
      assert.ok(doubts.every(({ mend }) => mend));
    }
    const but = await doubtsOf({ NotAction: 'iam:*', Resource: '*' });
    assert.deepEqual(
      but.map(({ kind, action }) => [kind, action]),
      [['wide', 'iam:*']],
    );
  });

  test('tell a resource that the action does not take, and the one that was likely meant', async () => {
    for (const [action, resource, mend] of [
      ['s3:GetObject', BUCKET, `did you mean ${BUCKET}/*?`],
      ['s3:ListBucket', `${BUCKET}/*`, `did you mean ${BUCKET}?`],
      ['s3:*', BUCKET, `did you mean ${BUCKET}/*?`],
      ['s3:GetObject*', BUCKET, `did you mean ${BUCKET}/*?`],
      ['s3:ListAllMyBuckets', BUCKET, 'resources: ["*"]'],
      ['dynamodb:GetItem', 'arn:aws:s3:::orders', undefined],
      ['dynamodb:GetItem', 'arn:aws:dynamodb:::table/orders', undefined],
    ] as const) {
      const doubts = await doubtsOf(allow(action, resource));
      const wrong = doubts.filter(({ kind }) => kind === 'wrong-resource');
      assert.deepEqual(
        wrong.map((doubt) => [doubt.action, doubt.mend]),
        [[action, mend]],
        action,
      );
      assert.match(wrong[0]!.message, /^allows nothing/);
    }
  });

  test('say in which statement they are', async () => {
    const document = documentOf(allow('s3:GetObject'), { Sid: 'Second', ...allow('s3:GetObjekt') });
    const [doubt, ...others] = policyDoubts(document, await actionDataFor(document));
    assert.deepEqual([doubt!.statement, doubt!.sid, others], [2, 'Second', []]);
  });

  test('know the date of what they know', async () => {
    const { date, services } = await actionDataFor(documentOf(allow('s3:GetObject')));
    assert.match(date, /^20\d\d-\d\d-\d\d$/);
    assert.ok(services.includes('iam'));
  });
});

describe('a resource', () => {
  const OBJECT = 'arn:{Partition}:s3:::{BucketName}/{ObjectName}';
  const ROLE = 'arn:{Partition}:iam::{Account}:role/{RoleNameWithPath}';
  for (const [resource, format, expected] of [
    ['arn:aws:s3:::b/k', OBJECT, true],
    ['arn:aws:s3:::b/k/more', OBJECT, true],
    ['arn:aws:s3:::b', OBJECT, false],
    ['arn:aws:s3:::b/', OBJECT, false],
    ['arn:aws:s3:::b*', OBJECT, true],
    ['arn:aws:s3:::*', OBJECT, true],
    ['arn:aws:s3:::?', OBJECT, false],
    ['*/', 'arn:{Partition}:s3:::{BucketName}', false],
    ['arn:*:bucket', 'arn:{Partition}:s3:::{BucketName}', true],
    ['arn:aws-cn:s3:::b/k', OBJECT, true],
    ['arn:aws:s3:::b/*', 'arn:{Partition}:s3:::{BucketName}', false],
    ['*', ROLE, true],
    ['arn:aws:iam::123456789012:role/a/b', ROLE, true],
    ['arn:aws:iam::*:role/*', ROLE, true],
    ['arn:aws:iam:::role/a', ROLE, false],
    ['arn:aws:iam::123456789012:user/a', ROLE, false],
    ['arn:aws:dms:us-east-1:1:cert:x', 'arn:{Partition}:dms:{Region}:{Account}:cert:*', true],
  ] as const) {
    test(`${resource} ${expected ? 'is' : 'is not'} such as ${format}`, () => {
      assert.equal(fits(resource, format), expected);
    });
  }

  test('with many wildcards is soon known', () => {
    assert.equal(fits(`arn:aws:s3:::${'*a'.repeat(200)}`, ROLE), false);
  });
});
