/** What AWS's words about a refusal tell: which permission is missing, and what gives it. */

import type { FailureReport } from './report.ts';

const REFUSALS = ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation'];

/**
 * `... is not authorized to perform: A on resource: R because no identity-based policy allows the A action`, or `... with
 * an explicit deny in a service control policy` (IAM User Guide, "Troubleshoot access denied error messages").
 */
const WORDS =
  /is not authorized to perform: (?<action>[\w-]+:\w+)(?: on resource: (?<resource>[^\s"']+))?(?: with an explicit deny in an? (?<denying>[\w-]+(?: [\w-]+)*)| because no (?<lacking>[\w -]+?) allows)?/;
/** EC2's, for whoever may open it (`sts:DecodeAuthorizationMessage`). */
const ENCODED = /Encoded authorization failure message: (\S+)/;

/** Lines for a person: why AWS refused a call, as far as its words tell, and what to allow or to type. */
export function denialLines({ code, call, message }: FailureReport): string[] {
  if (!REFUSALS.includes(code)) return [];
  const { action = call, resource, denying, lacking } = WORDS.exec(message)?.groups ?? {};
  if (denying !== undefined) {
    return [`${article(denying)} denies ${action}: no other policy can allow it, so that one has to change`];
  }
  if (lacking !== undefined && lacking !== 'identity-based policy') {
    return [`no ${lacking} allows ${action}: an identity-based policy alone does not do`];
  }
  const encoded = ENCODED.exec(message)?.[1];
  if (encoded !== undefined && resource === undefined) {
    return [
      `aws sts decode-authorization-message --encoded-message ${encoded} --query DecodedMessage --output text`,
      'tells which permission it was about, where that is itself allowed',
    ];
  }
  if (action === undefined || resource === undefined) return [];
  return [JSON.stringify(statement(action, resource))];
}

/** A role is handed to EC2 and to nobody else. */
function statement(action: string, resource: string) {
  const allow = { Effect: 'Allow', Action: action, Resource: resource };
  if (action !== 'iam:PassRole') return allow;
  const service = resource.startsWith('arn:aws-cn:') ? 'ec2.amazonaws.com.cn' : 'ec2.amazonaws.com';
  return { ...allow, Condition: { StringEquals: { 'iam:PassedToService': service } } };
}

function article(what: string): string {
  return `${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`;
}
