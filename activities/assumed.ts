/** Credentials of a role that the worker assumes: got anew in time, by as few calls as will do. */

import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import type { Assume } from '../fleet/spec.ts';
import { AwsError, ask } from './aws-errors.ts';

/** The longest session of a role that is assumed from another one (IAM User Guide, "Role chaining"). */
const SESSION_SECONDS = 3_600;
/** As the AWS SDK does with its own. */
const AHEAD_MS = 5 * 60_000;
/** In CloudTrail, who it was. */
const SESSION_NAME = 'muster';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** What an AWS client takes as its credentials: it asks for them before each call. */
export function assumedBy(sts: STSClient, assume: Assume): () => Promise<Credentials> {
  let asked: Promise<Credentials> | undefined;
  let freshUntil = 0;
  return () => {
    if (asked && Date.now() < freshUntil) return asked;
    asked = askFor(sts, assume);
    // Whoever asks meanwhile gets this answer, too; a refusal is nobody's but theirs who asked.
    freshUntil = Number.POSITIVE_INFINITY;
    asked.then(
      ({ expiration }) => {
        freshUntil = expiration.getTime() - AHEAD_MS;
      },
      () => {
        freshUntil = 0;
      },
    );
    return asked;
  };
}

async function askFor(sts: STSClient, { role, externalId }: Assume): Promise<Credentials> {
  const call = `sts:AssumeRole ${role}`;
  const command = new AssumeRoleCommand({
    RoleArn: role,
    RoleSessionName: SESSION_NAME,
    DurationSeconds: SESSION_SECONDS,
    ExternalId: typeof externalId === 'object' ? fromEnvironment(call, externalId.env) : externalId,
  });
  const { Credentials: got } = await ask(call, sts.send(command));
  return {
    accessKeyId: got!.AccessKeyId!,
    secretAccessKey: got!.SecretAccessKey!,
    sessionToken: got!.SessionToken!,
    expiration: got!.Expiration!,
  };
}

/** Read at each use: the next deployment of the worker may have it. */
function fromEnvironment(call: string, name: string): string {
  const value = process.env[name]?.trim();
  if (value) return value;
  throw new AwsError(call, 'NoExternalId', `the worker has no ${name} in its environment`, 403);
}
