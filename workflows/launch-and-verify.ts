/** Launching instances with a profile and waiting until they are as wanted: what a bootstrap and a scale have in common. */

import { ApplicationFailure, sleep, workflowInfo } from '@temporalio/workflow';
import type { Plan } from '../activities/preflight.ts';
import type { EndedInstance } from '../activities/verify.ts';
import { INSTANCES_DIED, WRONG_INSTANCES } from '../fleet/failures.ts';
import type { Having } from '../fleet/members.ts';
import { whereOf } from '../fleet/places.ts';
import type { ProfileReport, RoleReport } from '../fleet/report.ts';
import { type FleetSpec, hasLastingVolumes, type Tags } from '../fleet/spec.ts';
import { type Owner, ownershipTags, PROFILE_TAG, type RunOwner } from '../fleet/tags.ts';
import { counted } from '../fleet/words.ts';
import { as, looking, quick } from './activities.ts';
import { Launch } from './launch.ts';
import { nextSlice, tooLate } from './patience.ts';
import type { Run } from './run.ts';

/** The role and the profile that the machines get, made by a run or found by it. */
export interface Identity {
  readonly role: RoleReport;
  readonly profile: ProfileReport;
}

/** Where, from which image and in whose name is launched. */
export type LaunchPlace = Pick<Plan, 'account' | 'image' | 'placements'>;

/** The tags by which all that a run makes is known as its own. */
export function ownershipOf(spec: FleetSpec, owner: RunOwner, specHash: string): Tags {
  const { namespace } = workflowInfo();
  return ownershipTags({ ...owner, namespace, region: spec.region, specHash });
}

/** A launch of as many as the spec counts, beside what the fleet has already; nothing is asked of AWS yet. */
export function launchOf(
  run: Run,
  spec: FleetSpec,
  owner: Owner,
  ownership: Tags,
  plan: LaunchPlace,
  profile: ProfileReport,
  beside?: () => Having,
): Launch {
  const {
    count: _,
    image: __,
    placements: ___,
    spread: ____,
    market: _____,
    tags,
    ...instances
  } = spec.instances;
  return new Launch(run, {
    account: plan.account,
    spec,
    placements: plan.placements,
    beside,
    request: {
      ...whereOf(spec),
      owner,
      image: plan.image,
      profileArn: profile.arn,
      instances,
      tags: { ...spec.tags, ...tags, ...ownership, [PROFILE_TAG]: profile.name },
    },
  });
}

/**
 * Waits until all that was launched runs, on the right image and a wanted type, with the profile's unique id and not
 * just its name. Those that die meanwhile are replaced, as far as the launch may.
 */
export async function untilVerified(
  run: Run,
  spec: FleetSpec,
  owner: Owner,
  plan: LaunchPlace,
  { role, profile }: Identity,
  launch: Launch,
): Promise<void> {
  const { running: deadline } = spec.deadlines;
  const started = Date.now();
  for (;;) {
    const waited = Date.now() - started;
    const outcome = await looking.verify.executeWithOptions(
      as('verify', counted(launch.ids.length, 'instance'), deadline),
      [
        {
          ...whereOf(spec),
          owner,
          ...launch.expected,
          image: plan.image,
          profile: { name: profile.name, id: profile.id },
          role: { name: role.name, id: role.id },
          waited,
          patience: Math.min(nextSlice(waited), deadline * 1000 - waited),
        },
      ],
    );
    switch (outcome.state) {
      case 'verified':
        launch.tellRunning(outcome.instances);
        await clearAfterTheDead(spec, owner, launch);
        return;
      case 'died':
        if (!launch.canReplace(outcome.ended)) throw failed(INSTANCES_DIED, endedWords(outcome.ended));
        run.waits('verify', `${endedWords(outcome.ended)}: others take their place`);
        await launch.replace(outcome.ended);
        break;
      case 'wrong':
        throw failed(WRONG_INSTANCES, outcome.problems.join('; '));
      case 'stale-profile':
        run.waits('verify', `EC2 tied ${outcome.ids.length} to an older ${profile.name}: tying them anew`);
        await tieAnew(spec, owner, outcome.ids, profile);
        break;
      case 'pending':
        run.waits('verify', outcome.reason);
    }
    const seconds = (Date.now() - started) / 1000;
    if (seconds >= deadline) throw tooLate(`the fleet was not as wanted within ${deadline} s`);
  }
}

/** What was to outlive its instance has no use when another took its place. */
async function clearAfterTheDead(spec: FleetSpec, owner: Owner, { expected }: Launch): Promise<void> {
  if (!hasLastingVolumes(spec) || expected.replaced.length === 0) return;
  await quick.clearLooseVolumes.executeWithOptions(
    as('verify', 'volumes of those that died', spec.deadlines.step),
    [{ ...whereOf(spec), owner, patience: 0 }],
  );
}

async function tieAnew(
  spec: FleetSpec,
  owner: Owner,
  ids: readonly string[],
  profile: ProfileReport,
): Promise<void> {
  await quick.replaceProfile.executeWithOptions(
    as('verify', `profile ${profile.id} on ${counted(ids.length, 'instance')}`, spec.deadlines.step),
    [{ ...whereOf(spec), owner, ids, profileArn: profile.arn }],
  );
  // EC2 may go on resolving the name to its old self for a while.
  await sleep('2s');
}

function endedWords(ended: readonly EndedInstance[]): string {
  const [first] = ended;
  const { id, state, code, message } = first!;
  const more = ended.length > 1 ? ` (and ${ended.length - 1} more)` : '';
  return `${id}${more} is ${state}: ${code || 'no reason given'}${message ? ` (${message})` : ''}`;
}

function failed(code: string, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
