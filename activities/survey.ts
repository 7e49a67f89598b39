/** The survey: which instances of a complete fleet run, and which of them go when there are to be fewer. */

import type { Instance } from '@aws-sdk/client-ec2';
import { type Member, type Members, membersOf } from '../fleet/members.ts';
import type { Where } from '../fleet/places.ts';
import { type InstanceReport, MOST_TOLD } from '../fleet/report.ts';
import { type Candidate, chosenToGo, type ScaleChoice } from '../fleet/scale.ts';
import { type Owner, RUN_TAG } from '../fleet/tags.ts';
import { askingRun } from './asking-run.ts';
import type { ClientsFor } from './clients.ts';
import { findByIds, findInstances, instanceReport, isTerminated } from './fleet-instances.ts';
import { lookFor } from './patience.ts';
import { fromAwsTags } from './tags.ts';

export interface SurveyRequest extends Where {
  readonly owner: Owner;
  /** Ids that an earlier report gave: they count, although their tags may not tell any more whose they are. */
  readonly told?: readonly string[];
  /** How many should run. */
  readonly count: number;
  /** Seconds to look for as many: what is new may not be shown yet. */
  readonly patience: number;
  /** How many are to go, and which. */
  readonly choose?: { readonly count: number; readonly by: ScaleChoice };
}

export interface Survey {
  /** All that run. */
  readonly members: Members;
  /** The first of them, at most MOST_TOLD. */
  readonly instances: readonly InstanceReport[];
  /** The runs that launched them. */
  readonly runs: readonly string[];
  /** Of those that are neither running nor terminated: `i-... is stopped`, at most MOST_TOLD. */
  readonly others: readonly string[];
  /** Ids of those that go. */
  readonly chosen: readonly string[];
  /** The run that asked, as AWS is told of it: a reset gives the run another id, and has this one in its history still. */
  readonly run?: string;
}

export function surveySteps(clientsFor: ClientsFor) {
  return {
    /** What EC2 shows once as many run as should, or else when the patience is over. Changes nothing. */
    async survey({ owner, told = [], count, patience, choose, ...where }: SurveyRequest): Promise<Survey> {
      const { ec2 } = clientsFor(where);
      let alive: Instance[] = [];
      await lookFor(async () => {
        const proven = await findInstances(ec2, owner);
        const ids = new Set(proven.map(({ InstanceId }) => InstanceId));
        const others = told.filter((id) => !ids.has(id));
        const bare = others.length > 0 ? await findByIds(ec2, others) : [];
        alive = [...proven, ...bare].filter((instance) => !isTerminated(instance));
        return alive.length === count && alive.every(isRunning) ? alive : undefined;
      }, patience);
      const running = alive.filter(isRunning);
      return {
        members: membersOf(running.map(memberOf)),
        instances: running.slice(0, MOST_TOLD).map(instanceReport),
        runs: [...new Set(running.flatMap(({ Tags }) => fromAwsTags(Tags)[RUN_TAG] ?? []))],
        others: alive
          .filter((instance) => !isRunning(instance))
          .slice(0, MOST_TOLD)
          .map(({ InstanceId, State }) => `${InstanceId} is ${State?.Name}`),
        chosen: choose ? chosenToGo(running.map(candidateOf), choose.count, choose.by) : [],
        run: askingRun(),
      };
    },
  };
}

function isRunning({ State }: Instance): boolean {
  return State?.Name === 'running';
}

function memberOf(instance: Instance): Member {
  const { id, type, zone } = instanceReport(instance);
  return { id, type, zone, market: instance.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand' };
}

function candidateOf({ InstanceId, Placement, LaunchTime }: Instance): Candidate {
  return {
    id: InstanceId!,
    zone: Placement?.AvailabilityZone ?? '',
    launchedAt: LaunchTime?.getTime() ?? 0,
  };
}
