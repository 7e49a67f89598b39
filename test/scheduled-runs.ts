/** The runs of schedules, as tests wait for them. */

import type { Muster, ScheduledRun, ScheduleStanding } from '../client/index.ts';
import { scheduleId } from '../fleet/schedule.ts';
import type { World } from './world.ts';

/** Looks until the schedule stands as wanted. */
export async function untilStands(
  muster: Muster,
  fleet: string,
  isWanted: (standing: ScheduleStanding) => boolean,
): Promise<ScheduleStanding> {
  for (let tries = 0; tries < 1200; tries++) {
    const standing = await muster.schedules.get(fleet);
    if (isWanted(standing)) return standing;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not as wanted: ${JSON.stringify(await muster.schedules.get(fleet))}`);
}

/** The run when it has ended. */
export async function endOfRun(
  muster: Muster,
  fleet: string,
  run: ScheduledRun | undefined,
): Promise<ScheduledRun> {
  const ofIt = ({ runs }: ScheduleStanding) => runs.find(({ runId }) => runId === run!.runId);
  return ofIt(await untilStands(muster, fleet, (standing) => ofIt(standing)!.state !== 'running'))!;
}

/** A time of the schedule that comes now, and its end: Temporal's own trigger looks at no fleet. */
export async function cameNow({ client, muster }: World, fleet: string): Promise<ScheduledRun> {
  const { started: before } = await muster.schedules.get(fleet);
  await client.schedule.getHandle(scheduleId(fleet)).trigger();
  const { runs } = await untilStands(muster, fleet, ({ started }) => started > before);
  return endOfRun(muster, fleet, runs[0]);
}
