/** The way to Temporal, as every command goes it. */

import { Muster } from '../client/muster.ts';
import { say } from './output.ts';

/** Says when it waits for a worker, or for AWS. Throws TemporalUnreachable. */
export function connect(): Promise<Muster> {
  return Muster.connect({
    onWorkerAwaited: (taskQueue, seconds) =>
      say(
        `no worker answers on the task queue '${taskQueue}' yet: waiting ${seconds} s for one ('muster worker')`,
      ),
    onLookRetried: (reason) => say(`AWS is asked again: ${reason}`),
  });
}
