/** A workflow that does what Muster's does in Temporal and nothing else: as many activities, in the same order. */

import { proxyActivities } from '@temporalio/workflow';

/** Names of activities: those of one stage are under way at once. */
export type Stages = readonly (readonly string[])[];

type BareActivities = Record<string, (fleet: string) => Promise<void>>;

const activities = proxyActivities<BareActivities>({ startToCloseTimeout: '5m' });

export async function bare(fleet: string, stages: Stages): Promise<void> {
  for (const stage of stages) await Promise.all(stage.map((name) => activities[name]!(fleet)));
}
