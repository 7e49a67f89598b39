/**
 * A policy as people write it: the short form, or a document of IAM's. Grammar: IAM User Guide, "Grammar of the IAM JSON
 * policy language".
 */

import { z } from 'zod';
import { nearest, shown, wanted } from './mistakes.ts';
import { IAM_NAME } from './names.ts';
import { MOST_INLINE_CHARACTERS, type PolicyDocument, type PolicyStatement, policySize } from './policy.ts';
import { complain, fields, isMap, listOf, nested, oneOf, text, writtenAs } from './schema-parts.ts';

const action = text(
  /^(?:\*|[A-Za-z0-9.-]+:[\w*?-]+)$/,
  'an action',
  'a service, a colon and a name, for instance s3:Get*; or *',
);
const resource = text(
  /^(?:\*|arn:[\w*?-]+:.+)$/s,
  'a resource',
  'an ARN, for instance arn:aws:s3:::bucket/*; or *',
);
const sid = text(/^[A-Za-z0-9]*$/, 'a statement id', 'letters and digits only');

export const policyName = text(
  IAM_NAME,
  'a name of 1 to 128 characters',
  'letters, digits and + = , . @ _ -',
);

const conditionValue = z
  .union([z.string(), z.number(), z.boolean()], wanted('a text', 'or a list of texts'))
  .transform(String);
const conditions = z
  .record(
    z.string(),
    z.record(
      z.string(),
      listOf(conditionValue),
      wanted('a map of condition keys', 'for instance { aws:SourceVpc: vpc-1 }'),
    ),
    wanted('a map of conditions', 'for instance { StringEquals: { aws:SourceVpc: vpc-1 } }'),
  )
  .superRefine((value, context) => {
    for (const operator of Object.keys(value)) {
      const meant = operatorMeant(operator);
      if (meant) complain(context, [operator], 'unknown operator', `did you mean ${meant}?`, { at: 'key' });
    }
  });

const shortStatement = fields('a statement', {
  sid: sid.optional(),
  actions: listOf(action).optional(),
  notActions: listOf(action).optional().describe('All calls but these, instead of actions'),
  resources: listOf(resource).optional(),
  notResources: listOf(resource).optional(),
  conditions: conditions.optional(),
}).superRefine((value, context) => {
  exactlyOne(context, value, 'actions', 'notActions', '[s3:Get*]');
  exactlyOne(context, value, 'resources', 'notResources', '["*"]');
});

const shortForm = fields(
  'a policy',
  {
    name: policyName.optional(),
    allow: listOf(shortStatement).optional(),
    deny: listOf(shortStatement).optional(),
  },
  ['document', 'file'],
).superRefine(({ allow = [], deny = [] }, context) => {
  if (allow.length + deny.length > 0) return;
  complain(
    context,
    [],
    'allows nothing and denies nothing',
    'allow: [{ actions: [s3:Get*], resources: ["*"] }]',
  );
});

const documentStatement = fields('a statement', {
  Sid: sid.optional(),
  Effect: oneOf(['Allow', 'Deny']),
  Action: listOf(action).optional(),
  NotAction: listOf(action).optional(),
  Resource: listOf(resource).optional(),
  NotResource: listOf(resource).optional(),
  Condition: conditions.optional(),
}).superRefine((value, context) => {
  exactlyOne(context, value, 'Action', 'NotAction', '[s3:Get*]');
  exactlyOne(context, value, 'Resource', 'NotResource', '["*"]');
});

const document = fields('a policy document', {
  Version: oneOf(['2012-10-17', '2008-10-17']).optional(),
  Id: z.string(wanted('a text')).optional(),
  Statement: listOf(documentStatement),
}).superRefine(({ Version, Statement }, context) => {
  if (Statement.length === 0) complain(context, ['Statement'], 'an empty list', 'give a statement');
  if (Version !== '2012-10-17') refuseVariables(context, Statement, Version);
});

type ShortStatement = z.output<typeof shortStatement>;

export interface NamedDocument {
  readonly name?: string;
  readonly document: PolicyDocument;
}

/** Either form as the document that is sent. Version 2012-10-17 is written whatever was read. */
export const policyBody = writtenAs(
  z.unknown().transform((value, context) => {
    const body = looksLikeDocument(value) ? document.transform(written) : shortForm.transform(lengthened);
    return nested<NamedDocument>(body, value, context);
  }),
  shortForm,
  document,
).superRefine(({ document }, context) => {
  refuseForeignCharacters(context, document);
  refuseSameSids(context, document);
  const size = policySize(document);
  if (size <= MOST_INLINE_CHARACTERS) return;
  const most = MOST_INLINE_CHARACTERS.toLocaleString('en');
  const mend = `IAM takes at most ${most} in a role's inline policies; use role.managedPolicies for more`;
  complain(context, [], `${size.toLocaleString('en')} characters without white space`, mend);
});

const DOCUMENT_KEYS = ['Version', 'Statement', 'Id'];

function looksLikeDocument(value: unknown): boolean {
  return isMap(value) && DOCUMENT_KEYS.some((key) => Object.hasOwn(value, key));
}

function lengthened({ name, allow = [], deny = [] }: z.output<typeof shortForm>): NamedDocument {
  const statement = (effect: 'Allow' | 'Deny') => (short: ShortStatement) =>
    withoutBlanks({
      Sid: short.sid,
      Effect: effect,
      Action: short.actions,
      NotAction: short.notActions,
      Resource: short.resources,
      NotResource: short.notResources,
      Condition: short.conditions,
    });
  const statements = [...allow.map(statement('Allow')), ...deny.map(statement('Deny'))];
  return { name, document: { Version: '2012-10-17', Statement: statements } };
}

function written({ Id, Statement }: z.output<typeof document>): NamedDocument {
  return {
    document: {
      Version: '2012-10-17',
      ...(Id !== undefined && { Id }),
      Statement: Statement.map(withoutBlanks),
    },
  };
}

/** Without the fields that were not given. */
function withoutBlanks(statement: PolicyStatement): PolicyStatement {
  return Object.fromEntries(
    Object.entries(statement).filter(([, value]) => value !== undefined),
  ) as unknown as PolicyStatement;
}

function exactlyOne(
  context: z.core.$RefinementCtx,
  value: Record<string, unknown>,
  key: string,
  opposite: string,
  example: string,
): void {
  const given = [key, opposite].filter((name) => value[name] !== undefined);
  if (given.length === 0) complain(context, [key], 'missing', `for instance ${key}: ${example}`);
  if (given.length === 2)
    complain(context, [opposite], `given beside ${key}`, 'keep one of the two', { at: 'key' });
  for (const name of given) {
    if ((value[name] as unknown[]).length === 0)
      complain(context, [name], 'an empty list', `${name}: ${example}`);
  }
}

/**
 * To IAM `${aws:username}` is a variable in a document of 2012-10-17 and plain text in one of 2008-10-17, which a
 * document without a Version is (IAM User Guide, "Policy elements: Variables and tags").
 */
function refuseVariables(
  context: z.core.$RefinementCtx,
  statements: readonly Pick<PolicyStatement, 'Resource' | 'NotResource' | 'Condition'>[],
  version: string | undefined,
): void {
  const written = version === undefined ? 'without a Version' : `of Version ${version}`;
  const mend = 'add Version: "2012-10-17" if a variable is meant; if not, write $'.concat('{$} for the $');
  for (const [index, { Resource, NotResource, Condition }] of statements.entries()) {
    const places = { Resource, NotResource, Condition };
    for (const [key, value] of Object.entries(places)) {
      const found = /\$\{[^}]*\}?/.exec(JSON.stringify(value) ?? '');
      if (!found) continue;
      const message = `${shown(found[0])} is plain text in a document ${written}`;
      complain(context, ['Statement', index, key], message, mend);
    }
  }
}

/** IAM API, `policyDocumentType`. */
function refuseForeignCharacters(context: z.core.$RefinementCtx, value: PolicyDocument): void {
  const found = /[^\t\n\r\x20-\xff]/u.exec(everyText(value).join('\n'));
  if (!found) return;
  const code = found[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  complain(
    context,
    [],
    `the character U+${code}`,
    'IAM takes U+0020 to U+00FF, tabs and line ends in policies',
  );
}

function everyText(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(everyText);
  return isMap(value) ? Object.entries(value).flatMap(([key, field]) => [key, ...everyText(field)]) : [];
}

function refuseSameSids(context: z.core.$RefinementCtx, { Statement }: PolicyDocument): void {
  const seen = new Set<string>();
  for (const { Sid } of Statement) {
    if (!Sid) continue;
    if (seen.has(Sid))
      complain(context, [], `the statement id ${shown(Sid)} twice`, 'each statement its own, or none');
    seen.add(Sid);
  }
}

const COMPARISONS = ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'];
const OPERATORS = [
  ...['Equals', 'NotEquals', 'EqualsIgnoreCase', 'NotEqualsIgnoreCase', 'Like', 'NotLike'].map(
    (word) => `String${word}`,
  ),
  ...['Equals', 'NotEquals', 'Like', 'NotLike'].map((word) => `Arn${word}`),
  ...COMPARISONS.map((word) => `Numeric${word}`),
  ...COMPARISONS.map((word) => `Date${word}`),
  'Bool',
  'BinaryEquals',
  'IpAddress',
  'NotIpAddress',
  'Null',
];

/** The operator of which this one is a misspelling. One that is like no other may be newer than this list. */
function operatorMeant(operator: string): string | undefined {
  const [, prefix = '', word = '', suffix = ''] =
    /^(ForAllValues:|ForAnyValue:)?(.*?)(IfExists)?$/s.exec(operator) ?? [];
  if (OPERATORS.some((known) => known.toLowerCase() === word.toLowerCase())) return undefined;
  const near = nearest(word, OPERATORS);
  return near && `${prefix}${near}${suffix}`;
}
