/** Whose the worker's credentials are. Several workers of one task queue may have those of different accounts. */

import type { EC2Client } from '@aws-sdk/client-ec2';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { OTHER_ACCOUNT } from '../fleet/failures.ts';
import { AwsError, ask } from './aws-errors.ts';

/** The account of some credentials: it is asked for once, as none ever change theirs. */
export class Identity {
  private readonly sts: STSClient;
  private asked: Promise<string> | undefined;

  constructor(sts: STSClient) {
    this.sts = sts;
  }

  account(): Promise<string> {
    this.asked ??= this.ask();
    // A refusal is nobody's but theirs who asked.
    this.asked.catch(() => {
      this.asked = undefined;
    });
    return this.asked;
  }

  private async ask(): Promise<string> {
    const { Account } = await ask(CALL, this.sts.send(new GetCallerIdentityCommand({})));
    return Account!;
  }
}

const CALL = 'sts:GetCallerIdentity';

/** No call of this client is made as another account. */
export function onlyOf(client: IAMClient | EC2Client | SSMClient, account: string, whose: Identity): void {
  // Of a stack of one client or another the types are not one; what is added is the same.
  (client as IAMClient).middlewareStack.add(
    (next) => async (args) => {
      const own = await whose.account();
      if (own !== account) {
        const message = `the worker's credentials are of account ${own}, and what it has to look at is in ${account}`;
        throw new AwsError(CALL, OTHER_ACCOUNT, message, 403);
      }
      return next(args);
    },
    { step: 'initialize', name: 'onlyOfItsAccount' },
  );
}
