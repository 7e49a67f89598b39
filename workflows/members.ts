/** All instances of a fleet, for whoever asks the run by pages. */

import { defineQuery, setHandler } from '@temporalio/workflow';
import { type Members, pageOf } from '../fleet/members.ts';
import type { InstanceReport } from '../fleet/report.ts';
import { INSTANCES_QUERY, type InstancesPage } from '../fleet/run.ts';

const instancesQuery = defineQuery<InstanceReport[], [InstancesPage]>(INSTANCES_QUERY);

const PAGE = 1_000;

export function tellMembers(members: Members): void {
  setHandler(instancesQuery, ({ from, most }) => pageOf(members, from, Math.min(most, PAGE)));
}
