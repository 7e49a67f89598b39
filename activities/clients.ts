/** AWS clients, one set for a region and who calls there, configured as the AWS SDK is: environment, profiles, AWS_ENDPOINT_URL. */

import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { SSMClient } from '@aws-sdk/client-ssm';
import { STSClient } from '@aws-sdk/client-sts';
import type { Where } from '../fleet/places.ts';
import { assumedBy } from './assumed.ts';
import { Identity, onlyOf } from './identity.ts';

export interface AwsClients {
  readonly iam: IAMClient;
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
  readonly sts: STSClient;
  readonly events: EventBridgeClient;
}

/**
 * The clients for a region, made at the first use; with a role, those of who assumes it. Where it is said which account it
 * has to be, each call makes sure of that first: another's would show nothing of the fleet, which is not to be taken for
 * nothing being there.
 */
export type ClientsFor = (where: Where) => AwsClients;

/**
 * The SDK's own retries are off everywhere: they repeat a launch that has happened and take a quota for a throttle
 * (aws-sdk-js-v3 #5340; runs-on #29). Temporal retries instead, where it can be seen.
 */
export function awsClients(): ClientsFor {
  const sets = new Map<string, AwsClients>();
  return clientsFor;

  function clientsFor({ region, assume, account }: Where): AwsClients {
    const name = JSON.stringify([region, assume, account]);
    const known = sets.get(name);
    if (known) return known;
    const settings = {
      region,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: 3_000, requestTimeout: 60_000 },
      ...(assume && { credentials: assumedBy(clientsFor({ region }).sts, assume) }),
    };
    const made = {
      iam: new IAMClient(settings),
      ec2: new EC2Client(settings),
      ssm: new SSMClient(settings),
      sts: new STSClient(settings),
      events: new EventBridgeClient(settings),
    };
    if (account !== undefined) {
      const whose = new Identity(clientsFor({ region, assume }).sts);
      for (const client of [made.iam, made.ec2, made.ssm]) onlyOf(client, account, whose);
    }
    sets.set(name, made);
    return made;
  }
}
