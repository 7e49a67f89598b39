/**
 * iam:SimulatePrincipalPolicy, which moto does not know: the inline and managed policies of a user or a role, held
 * against actions and resources.
 */

import type { IAMClient } from '@aws-sdk/client-iam';
import { type Answer, textAnswer } from './answers.ts';
import { decide, statementsOf } from './policies.ts';

export async function simulatePrincipalPolicy(iam: IAMClient, params: URLSearchParams): Promise<Answer> {
  const statements = await statementsOf(iam, params.get('PolicySourceArn') ?? '');
  const resources = listOf(params, 'ResourceArns.member');
  const context = contextOf(params);
  const results = listOf(params, 'ActionNames.member').flatMap((action) =>
    (resources.length > 0 ? resources : ['*']).map((resource) => ({
      EvalActionName: action,
      EvalResourceName: resource,
      EvalDecision: decide(statements, action, resource, context),
    })),
  );
  return textAnswer({
    SimulatePrincipalPolicyResponse: {
      SimulatePrincipalPolicyResult: { IsTruncated: 'false', EvaluationResults: { member: results } },
    },
  });
}

function listOf(params: URLSearchParams, prefix: string): string[] {
  return [...params].filter(([key]) => new RegExp(`^${prefix}\\.\\d+$`).test(key)).map(([, value]) => value);
}

function contextOf(params: URLSearchParams): Map<string, string[]> {
  const context = new Map<string, string[]>();
  for (let at = 1; params.has(`ContextEntries.member.${at}.ContextKeyName`); at++) {
    const prefix = `ContextEntries.member.${at}`;
    const name = params.get(`${prefix}.ContextKeyName`)!.toLowerCase();
    context.set(name, listOf(params, `${prefix}.ContextKeyValues.member`));
  }
  return context;
}
