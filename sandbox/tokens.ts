/** Client tokens: EC2 launches once for each, where moto launches every time. */

import { type Answer, errorAnswer, errorCode, items, readXml, type Xml } from './answers.ts';
import { NO_CAPACITY } from './capacity.ts';
import type { Instances } from './instances.ts';
import type { Moto } from './moto.ts';
import type { AwsRequest } from './request.ts';
import { namedZone } from './zones.ts';

/** One use of a client token, in its scope. */
interface TokenUse {
  /** The parameters of the call, in an order of their own. */
  readonly asked: string;
  readonly answer: Promise<Answer>;
  /** The token stays bound to the parameters, and the same call is tried for real again. */
  isFailed?: true;
}

/** RunInstances with what its client token promises around it. */
export function launchesOnce(
  moto: Moto,
  instances: Instances,
  launch: (request: AwsRequest) => Promise<Answer>,
): (request: AwsRequest) => Promise<Answer> {
  const uses = new Map<string, TokenUse>();
  return runInstances;

  async function runInstances(request: AwsRequest): Promise<Answer> {
    const token = request.params.get('ClientToken');
    const isDryRun = request.params.get('DryRun') === 'true';
    if (!token || isDryRun) return launch(request);
    // With a zone, named or implied, a token is unique there; else in the region (EC2 Developer Guide).
    const scope = `${(await namedZone(moto, request)) ?? request.region} ${token}`;
    const asked = [...request.params]
      .map((pair) => pair.join('='))
      .sort()
      .join('&');
    const use = uses.get(scope);
    if (use && (!use.isFailed || use.asked !== asked)) return again(request, use, asked);
    const next: TokenUse = { asked, answer: launch(request) };
    uses.set(scope, next);
    // Of a call that failed nothing is remembered, unless it failed for want of capacity (ubicloud #5898).
    const forget = () => uses.delete(scope);
    next.answer.then((answer) => {
      if (answer.status < 300) return;
      if (use || errorCode(answer) === NO_CAPACITY) next.isFailed = true;
      else forget();
    }, forget);
    return next.answer;
  }

  async function again(request: AwsRequest, use: TokenUse, asked: string): Promise<Answer> {
    const answer = await use.answer;
    if (use.asked !== asked) return errorAnswer(request, MISMATCH);
    if (answer.status >= 300) return runInstances(request);
    const reservation = readXml(answer.body).RunInstancesResponse as Xml;
    const launched = items(reservation.instancesSet).map((item) => instances.get(`${item.instanceId}`));
    const isSpent = launched.every((instance) => instance?.terminatedAt !== undefined);
    return isSpent ? errorAnswer(request, SPENT) : answer;
  }
}

const MISMATCH = {
  code: 'IdempotentParameterMismatch',
  message:
    'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
};

/** boto3 #4406 */
const SPENT = {
  code: 'IdempotentInstanceTerminated',
  message:
    'The client token you have provided is associated with a terminated instance. Please use a different client token.',
};
