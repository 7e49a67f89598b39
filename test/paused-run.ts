/** A run that waits for a person, and where Temporal's web UI has it. */

import { specFrom } from '../client/index.ts';
import type { World } from './world.ts';

export interface PausedRun {
  /** Of its timeline. */
  readonly url: string;
  /** Of all runs that wait for a person. */
  readonly listUrl: string;
  /** Of its summary and its current details. */
  readonly detailsUrl: string;
}

export async function pausedRun(world: World): Promise<PausedRun> {
  world.aws.fault({
    action: 'RunInstances',
    match: 'TagSpecification',
    error: {
      code: 'OptInRequired',
      message:
        'In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit https://aws.amazon.com/marketplace',
      status: 401,
    },
  });
  const run = await world.muster.up(
    specFrom({
      name: 'web',
      region: 'us-east-1',
      policy: { allow: { actions: 's3:Get*', resources: '*' } },
      instances: { count: 3, image: 'ami-12c6146b', type: 't3.micro' },
      onFailure: 'pause',
    }),
  );
  for await (const { report } of run.watch()) if (report.state === 'paused') break;
  const list = `${world.sandbox.temporal.uiUrl}/namespaces/default/workflows`;
  return {
    url: run.uiUrl!,
    listUrl: `${list}?query=${encodeURIComponent('MusterAttention="person"')}`,
    detailsUrl: `${run.uiUrl}/user-metadata`,
  };
}
