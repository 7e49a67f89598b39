/** IAM policies: the document that IAM takes, and what can be told from one. `readPolicy` reads what people write. */

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Id?: string;
  readonly Statement: readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** The sum over a role's inline policies, as `policySize` counts (IAM User Guide, "IAM and AWS STS quotas"). */
export const MOST_INLINE_CHARACTERS = 10_240;

const EC2 = 'ec2.amazonaws.com';
/** In China's regions (Karpenter's PassedToService condition has both). */
const EC2_IN_CHINA = 'ec2.amazonaws.com.cn';
const ASSUME_ROLE = 'sts:AssumeRole';

/** The trust policy of a role that EC2 hands to instances of a region. */
export function ec2TrustPolicy(region = '') {
  const Service = region.startsWith('cn-') ? EC2_IN_CHINA : EC2;
  return {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service }, Action: ASSUME_ROLE }],
  } as const;
}

/**
 * Whether a decoded trust policy lets EC2 assume the role. Conditions are not evaluated: an Allow under conditions
 * counts, a Deny under conditions does not, so that no role that works is refused.
 */
export function letsEc2Assume(document: unknown): boolean {
  const statements = listed(fieldOf(document, 'Statement'));
  const covering = (effect: string) =>
    statements.filter((statement) => fieldOf(statement, 'Effect') === effect && coversAssumeRole(statement));
  const denied = covering('Deny').some(
    (statement) =>
      fieldOf(statement, 'Condition') === undefined && (isForEc2(statement) || isForAll(statement)),
  );
  return !denied && covering('Allow').some(isForEc2);
}

function coversAssumeRole(statement: unknown): boolean {
  const excluded = fieldOf(statement, 'NotAction');
  if (excluded !== undefined) return !listed(excluded).some(matchesAssumeRole);
  return listed(fieldOf(statement, 'Action')).some(matchesAssumeRole);
}

function matchesAssumeRole(pattern: unknown): boolean {
  if (typeof pattern !== 'string') return false;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(ASSUME_ROLE);
}

function isForEc2(statement: unknown): boolean {
  const services = listed(fieldOf(fieldOf(statement, 'Principal'), 'Service'));
  return services.includes(EC2) || services.includes(EC2_IN_CHINA);
}

/** `*` stands for accounts and not for services in an Allow; in a Deny it is not worth the risk to assume so. */
function isForAll(statement: unknown): boolean {
  return fieldOf(statement, 'Principal') === '*';
}

/** The length that IAM counts against its quotas: white space does not count. */
export function policySize(document: unknown): number {
  return JSON.stringify(document).replace(/\s/g, '').length;
}

/**
 * Reads a policy as IAM answers it: JSON, percent-encoded by RFC 3986. Some emulators answer it plain.
 *
 * @throws SyntaxError or URIError when it is neither.
 */
export function decodePolicy(text: string): unknown {
  return JSON.parse(/^\s*[{[]/.test(text) ? text : decodeURIComponent(text));
}

/** Whether two documents say the same: the order of keys and of lists, and one entry bare or in a list, are no matter. */
export function samePolicy(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 1 ? canonical(value[0]) : `[${value.map(canonical).sort().join()}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(String(value));
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields
    .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`)
    .sort()
    .join()}}`;
}

/** What a document says, each of its statements in words. */
export function policyStatements(document: unknown): string[] {
  return listed(fieldOf(document, 'Statement')).map(statementWords);
}

/** The statements of a document that another does not have, each in words. */
export function onlyIn(document: unknown, other: unknown): string[] {
  const statementsOf = (of: unknown) => listed(fieldOf(of, 'Statement'));
  const said = new Set(statementsOf(other).map(canonical));
  return statementsOf(document)
    .filter((statement) => !said.has(canonical(statement)))
    .map(statementWords);
}

/** `Allow s3:Get*, s3:List* on *`, `ReadLogs: Allow logs:Get* on *`, `Allow ec2.amazonaws.com sts:AssumeRole`. */
function statementWords(statement: unknown): string {
  const of = (key: string) =>
    listed(fieldOf(statement, key))
      .map((entry) =>
        typeof entry === 'object'
          ? Object.values(entry ?? {})
              .flat()
              .join(', ')
          : `${entry}`,
      )
      .join(', ');
  const parts = [
    of('Effect'),
    of('Principal'),
    of('NotPrincipal') && `all but ${of('NotPrincipal')}`,
    of('Action'),
    of('NotAction') && `all but ${of('NotAction')}`,
    of('Resource') && `on ${of('Resource')}`,
    of('NotResource') && `on all but ${of('NotResource')}`,
    ...conditionWords(fieldOf(statement, 'Condition')),
  ];
  const sid = fieldOf(statement, 'Sid');
  return `${sid === undefined ? '' : `${sid}: `}${parts.filter(Boolean).join(' ')}`;
}

/** `if StringEquals aws:ResourceTag/team is web`. */
export function conditionWords(conditions: unknown): string[] {
  if (typeof conditions !== 'object' || conditions === null) return [];
  const all = Object.entries(conditions).flatMap(([operator, keys]) =>
    Object.entries(keys ?? {}).map(([key, values]) => `${operator} ${key} is ${listed(values).join(' or ')}`),
  );
  return all.length > 0 ? [`if ${all.join(' and ')}`] : [];
}

/** Where IAM takes a list it takes its one entry too. */
export function listed(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
