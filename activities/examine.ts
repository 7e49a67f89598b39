/** A worker's account of itself: who it is to AWS, what it may do there, how its clock stands. Changes nothing. */

import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { Context } from '@temporalio/activity';
import type { Examination, ExamineRequest } from '../fleet/doctor.ts';
import { NO_ANSWER } from '../fleet/failures.ts';
import { permissionsFor } from '../fleet/permissions.ts';
import { asksFor } from '../fleet/permissions-asks.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import packageJson from '../package.json' with { type: 'json' };
import { type AwsError, ask } from './aws-errors.ts';
import type { AwsClients, ClientsFor } from './clients.ts';
import { unheardOf } from './notify.ts';
import { type Identity, simulated } from './permissions.ts';

/** Whoever asks waits: what has no answer by then is told so. */
const PATIENCE_MS = 5_000;

export function examineSteps(clientsFor: ClientsFor) {
  return {
    async examine({ spec }: ExamineRequest<FleetSpec>): Promise<Examination> {
      const { currentAttemptScheduledTimestampMs: scheduledAt } = Context.current().info;
      const sinceScheduled = (Date.now() - scheduledAt) / 1000;
      const region = process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined;
      const aws = clientsFor({ region: spec?.region ?? region ?? 'us-east-1' });
      const who = await whoAmI(aws);
      return {
        muster: packageJson.version,
        node: process.versions.node,
        startedAt: Math.round(Date.now() - process.uptime() * 1000),
        region,
        endpoint: process.env.AWS_ENDPOINT_URL,
        sinceScheduled,
        ...who,
        ...(spec && who.identity && (await mayWhat(aws, who.identity, spec))),
        unheard: unheardOf(spec?.notify),
      };
    },
  };
}

async function whoAmI({
  sts,
}: AwsClients): Promise<Pick<Examination, 'identity' | 'refused' | 'aheadOfAws'>> {
  const command = new GetCallerIdentityCommand({});
  let date: string | undefined;
  // A refusal has a date, too.
  command.middlewareStack.add(
    (next) => async (args) => {
      const answered = await next(args);
      date = (answered.response as { headers?: Record<string, string> }).headers?.date;
      return answered;
    },
    { step: 'deserialize', priority: 'low' },
  );
  const asked = Date.now();
  const seen = await ask('sts:GetCallerIdentity', sts.send(command, { abortSignal: timeLimit() })).then(
    ({ Account, Arn }) => ({ identity: { account: Account!, caller: Arn! } }),
    ({ code, message }: AwsError) => ({ refused: { code, message, unanswered: code === NO_ANSWER } }),
  );
  const middle = (asked + Date.now()) / 2;
  return { ...seen, ...(date && { aheadOfAws: (middle - Date.parse(date)) / 1000 }) };
}

async function mayWhat(
  { iam }: AwsClients,
  identity: Identity,
  spec: FleetSpec,
): Promise<Pick<Examination, 'denied' | 'unsimulated'>> {
  const asks = asksFor(permissionsFor({ ...spec, account: identity.account }), spec.region);
  try {
    const denied = await Promise.race([simulated(iam, identity, asks), late(timeLimit())]);
    return denied ? { denied } : { unsimulated: `${identity.caller} cannot be` };
  } catch (error) {
    return { unsimulated: (error as Error).message };
  }
}

const timeLimit = () => AbortSignal.timeout(PATIENCE_MS);

function late(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
  });
}
