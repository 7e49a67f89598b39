/** `muster worker`: does the work of fleets until it is told to end. */

import { MusterError } from '../client/errors.ts';
import { createFleetWorker, type FleetWorker, quietRuntime, UnreachableError } from '../worker/index.ts';
import { DONE, UsageError } from './exit.ts';
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
    return await createFleetWorker({ onTemporal: tellChanges() });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    if (!(error instanceof UnreachableError)) throw error;
    throw new MusterError(
      'TemporalUnreachable',
      error.message,
      "start one ('muster sandbox' has one), or say where yours is with TEMPORAL_ADDRESS",
    );
  }
}

/** Says when Temporal falls silent, and when it answers again. */
function tellChanges(): (answers: boolean) => void {
  let answered = true;
  return (answers) => {
    if (answers !== answered) {
      say(
        answers ? 'Temporal answers again' : 'Temporal does not answer; the worker goes on asking for work',
      );
    }
    answered = answers;
  };
}
