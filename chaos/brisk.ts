/** A worker that was killed is missed sooner than in earnest, like every other wait of the campaign. */

import type { WorkflowInterceptors } from '@temporalio/workflow';

/** Longer than an activity's own beat (activities/patience.ts), with room for a machine that is busy. */
const HEARTBEAT_TIMEOUT = '7s';

export const interceptors = (): WorkflowInterceptors => ({
  outbound: [
    {
      scheduleActivity: (input, next) =>
        next({ ...input, options: { ...input.options, heartbeatTimeout: HEARTBEAT_TIMEOUT } }),
    },
  ],
});
