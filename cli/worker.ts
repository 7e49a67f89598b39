/** `muster worker`: does the work of fleets until it is told to end. */

import { MusterError } from '../client/errors.ts';
import { createFleetWorker, type FleetWorker, quietRuntime, temporalAddress } from '../worker/index.ts';
import { DONE } from './exit.ts';
import { say } from './output.ts';

export async function worker(): Promise<number> {
  quietRuntime();
  const fleetWorker = await started();
  say(`worker polls the task queue '${fleetWorker.taskQueue}' of Temporal at ${fleetWorker.address}`);
  say(`AWS at ${process.env.AWS_ENDPOINT_URL ?? 'its own endpoints'}; Ctrl-C or SIGTERM ends it`);
  await fleetWorker.run();
  say('worker has ended what it held');
  return DONE;
}

async function started(): Promise<FleetWorker> {
  try {
    return await createFleetWorker();
  } catch (error) {
    if ((error as Error).name !== 'TransportError') throw error;
    throw new MusterError(
      'TemporalUnreachable',
      `Temporal does not answer at ${temporalAddress()}`,
      "start one ('muster sandbox' has one), or say where yours is with TEMPORAL_ADDRESS",
    );
  }
}
