/** What AWS's words about a refusal tell, by the messages of IAM's user guide and EC2's. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { denialLines } from '../fleet/denied.ts';

const WHO = 'User: arn:aws:iam::123456789012:user/deployer is not authorized to perform:';
const ROLE = 'arn:aws:iam::123456789012:role/web';

const of = (message: string, code = 'AccessDenied') =>
  denialLines({ step: 'create-role', call: 'iam:CreateRole', code, message });

describe('the lines about a refusal', () => {
  it('have the statement that is missing', () => {
    const words = `${WHO} iam:CreateRole on resource: ${ROLE} because no identity-based policy allows the iam:CreateRole action`;
    const allow = { Effect: 'Allow', Action: 'iam:CreateRole', Resource: ROLE };
    assert.deepEqual(
      of(words).map((line) => JSON.parse(line)),
      [allow],
    );
    assert.deepEqual(
      of(`${WHO} iam:CreateRole on resource: ${ROLE}`).map((line) => JSON.parse(line)),
      [allow],
    );
  });

  it('let a role be handed to EC2 alone', () => {
    const words = (arn: string) =>
      `You are not authorized to perform this operation. ${WHO} iam:PassRole on resource: ${arn} because no identity-based policy allows the iam:PassRole action. Encoded authorization failure message: 1abc`;
    const conditionOf = (arn: string) => JSON.parse(of(words(arn), 'UnauthorizedOperation')[0]!).Condition;
    assert.deepEqual(conditionOf(ROLE), { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } });
    assert.deepEqual(conditionOf(ROLE.replace('aws', 'aws-cn')), {
      StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com.cn' },
    });
  });

  it('say that no statement helps against a denial, or for want of another policy', () => {
    assert.match(
      of(`${WHO} iam:CreateRole with an explicit deny in a service control policy`)[0]!,
      /^a service control policy denies iam:CreateRole/,
    );
    assert.match(
      of(`${WHO} iam:CreateRole on resource: ${ROLE} with an explicit deny in an identity-based policy`)[0]!,
      /^an identity-based policy denies iam:CreateRole/,
    );
    assert.match(
      of(`${WHO} iam:CreateRole because no permissions boundary allows the iam:CreateRole action`)[0]!,
      /^no permissions boundary allows iam:CreateRole/,
    );
  });

  it('have the command that opens an encoded message', () => {
    const words =
      'You are not authorized to perform this operation. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcdefghijklmn';
    assert.match(
      of(words, 'UnauthorizedOperation')[0]!,
      /^aws sts decode-authorization-message --encoded-message 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcdefghijklmn /,
    );
  });

  it('are none where nothing is told, and for other errors', () => {
    assert.deepEqual(of('You may not'), []);
    assert.deepEqual(of(`${WHO} iam:CreateRole on resource: ${ROLE}`, 'LimitExceeded'), []);
  });
});
