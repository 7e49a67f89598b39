/**
 * Whether a user may do what a call asks. moto holds policies against the action alone, and refuses every statement that
 * names a resource or has a condition; so the calls of users are judged here, and done in the operator's name. The
 * operator's own, and those of the machines' roles, are left to moto.
 */

import { type Answer, type AwsFault, readXml, type Xml } from './answers.ts';
import type { Moto } from './moto.ts';
import { neededFor } from './needs.ts';
import { decide, type Statement, statementsOf } from './policies.ts';
import type { AwsRequest } from './request.ts';

export interface Authorization {
  /** AWS's refusal of a call, or the call as it is to be done. */
  judged(request: AwsRequest): Promise<AwsRequest | AwsFault>;
  /** Learns whose an access key is, from the answer that hands it out. */
  learn(request: AwsRequest, answer: Answer): void;
}

/** These are judged here; of what is not, S3 for instance, moto knows enough. */
const JUDGED = new Set(['iam', 'ec2', 'ssm', 'events']);

const CHANGES = /^(?:Put|Delete|Attach|Detach)UserPolicy$|PolicyVersion$/;

export function createAuthorization(moto: Moto): Authorization {
  /** Access key id to the user's name. */
  const users = new Map<string, string>();
  /** What each user's policies say, until one of them changes: reading them takes moto several calls. */
  const known = new Map<string, Promise<Statement[]>>();

  return {
    async judged(request) {
      const user = users.get(request.accessKeyId);
      if (user === undefined || !JUDGED.has(request.service)) return request;
      const principal = `arn:aws:iam::123456789012:user/${user}`;
      const [statements, needs] = await Promise.all([statementsNow(principal), neededFor(moto, request)]);
      for (const { action, resource, context } of needs) {
        const decision = decide(statements, action, resource, context);
        if (decision === 'allowed') continue;
        const why =
          decision === 'explicitDeny'
            ? 'with an explicit deny in an identity-based policy'
            : `because no identity-based policy allows the ${action} action`;
        const message = `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
        return request.service === 'ec2'
          ? {
              code: 'UnauthorizedOperation',
              message: `You are not authorized to perform this operation. ${message}`,
              status: 403,
            }
          : {
              code: request.service === 'iam' ? 'AccessDenied' : 'AccessDeniedException',
              message,
              status: 403,
            };
      }
      return { ...request, accessKeyId: moto.operator.accessKeyId, isChanged: true };
    },

    learn({ service, action }, { status, body }) {
      if (service === 'iam' && CHANGES.test(action)) known.clear();
      if (service !== 'iam' || action !== 'CreateAccessKey' || status >= 300) return;
      const result = (readXml(body).CreateAccessKeyResponse as Xml).CreateAccessKeyResult as Xml;
      const { AccessKeyId, UserName } = result.AccessKey as Xml;
      users.set(`${AccessKeyId}`, `${UserName}`);
    },
  };

  function statementsNow(principal: string): Promise<Statement[]> {
    const now = known.get(principal) ?? statementsOf(moto.iam, principal);
    known.set(principal, now);
    return now;
  }
}
