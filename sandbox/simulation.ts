/**
 * iam:SimulatePrincipalPolicy, which moto does not know: the inline and managed policies of a user or a role, held
 * against actions and resources. Of conditions only those on strings are understood; a statement with any other is taken
 * for one that does not apply.
 */

import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRolePolicyCommand,
  GetUserPolicyCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListRolePoliciesCommand,
  ListUserPoliciesCommand,
} from '@aws-sdk/client-iam';
import { type Answer, textAnswer } from './answers.ts';

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

type Decision = 'allowed' | 'explicitDeny' | 'implicitDeny';

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

async function statementsOf(iam: IAMClient, principal: string): Promise<Statement[]> {
  const [kind, name] = [principal.split(':').at(-1)!.split('/')[0], principal.split('/').at(-1)!];
  const documents = await (kind === 'role' ? roleDocuments(iam, name) : userDocuments(iam, name));
  return documents.flatMap((document) => [JSON.parse(decodeURIComponent(document)).Statement].flat());
}

async function roleDocuments(iam: IAMClient, RoleName: string): Promise<string[]> {
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  return Promise.all([
    ...PolicyNames.map(async (PolicyName) => {
      const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      return PolicyDocument!;
    }),
    ...AttachedPolicies.map(({ PolicyArn }) => managed(iam, PolicyArn!)),
  ]);
}

async function userDocuments(iam: IAMClient, UserName: string): Promise<string[]> {
  const { PolicyNames = [] } = await iam.send(new ListUserPoliciesCommand({ UserName }));
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedUserPoliciesCommand({ UserName }));
  return Promise.all([
    ...PolicyNames.map(async (PolicyName) => {
      const { PolicyDocument } = await iam.send(new GetUserPolicyCommand({ UserName, PolicyName }));
      return PolicyDocument!;
    }),
    ...AttachedPolicies.map(({ PolicyArn }) => managed(iam, PolicyArn!)),
  ]);
}

async function managed(iam: IAMClient, PolicyArn: string): Promise<string> {
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
  const VersionId = Policy!.DefaultVersionId!;
  const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
  return PolicyVersion!.Document!;
}

function decide(
  statements: readonly Statement[],
  action: string,
  resource: string,
  context: ReadonlyMap<string, readonly string[]>,
): Decision {
  const met = statements.filter(
    (statement) =>
      covers(statement.Action, statement.NotAction, action) &&
      covers(statement.Resource, statement.NotResource, resource) &&
      holds(statement.Condition, context),
  );
  if (met.some(({ Effect }) => Effect === 'Deny')) return 'explicitDeny';
  return met.length > 0 ? 'allowed' : 'implicitDeny';
}

function covers(
  named: string | readonly string[] | undefined,
  excluded: string | readonly string[] | undefined,
  what: string,
): boolean {
  if (excluded !== undefined) return ![excluded].flat().some((pattern) => matches(pattern, what));
  return [named ?? []].flat().some((pattern) => matches(pattern, what));
}

function holds(condition: Statement['Condition'], context: ReadonlyMap<string, readonly string[]>): boolean {
  return Object.entries(condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const values = context.get(key.toLowerCase()) ?? [];
      if (!['StringEquals', 'StringLike'].includes(operator)) return false;
      return values.some((value) =>
        [wanted].flat().some((each) => (operator === 'StringLike' ? matches(each, value) : each === value)),
      );
    }),
  );
}

function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(text);
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
