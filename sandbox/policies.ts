/**
 * IAM policies, held against an action, a resource and what is known of the call. Of conditions those on strings and
 * ARNs are understood; a statement with any other is taken for one that does not apply.
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

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

type Decision = 'allowed' | 'explicitDeny' | 'implicitDeny';

/** Values of condition keys, by the key in lower case. */
export type Context = ReadonlyMap<string, readonly string[]>;

/** The inline and managed policies of a user or a role. */
export async function statementsOf(iam: IAMClient, principal: string): Promise<Statement[]> {
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

export function decide(
  statements: readonly Statement[],
  action: string,
  resource: string,
  context: Context,
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

/** How each operator takes what a policy has for what the call has; ARNs have wildcards under either name. */
const OPERATORS: Readonly<Record<string, (wanted: string, value: string) => boolean>> = {
  StringEquals: (wanted, value) => wanted === value,
  StringLike: matches,
  ArnEquals: matches,
  ArnLike: matches,
};

function holds(condition: Statement['Condition'], context: Context): boolean {
  return Object.entries(condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const compare = OPERATORS[operator];
      const values = context.get(key.toLowerCase()) ?? [];
      return (
        compare !== undefined && values.some((value) => [wanted].flat().some((each) => compare(each, value)))
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
