/** Verifying: the right number runs, on the right image and type, with the profile's unique id. */

import type { Instance } from '@aws-sdk/client-ec2';
import { fingerprintOf } from '../fleet/fingerprint.ts';
import type { Where } from '../fleet/places.ts';
import { type InstanceReport, MOST_TOLD, type ProfileReport, type RoleReport } from '../fleet/report.ts';
import type { Owner } from '../fleet/tags.ts';
import { tieTo } from './associations.ts';
import type { ClientsFor } from './clients.ts';
import { findInstances, instanceReport } from './fleet-instances.ts';
import { nextPause, pause } from './patience.ts';
import { readProfile } from './reads.ts';

export interface VerifyRequest extends Where {
  readonly owner: Owner;
  /** How many the launch answered, and the fingerprint of their ids (fleet/fingerprint.ts). */
  readonly count: number;
  readonly fingerprint: number;
  /** Ids of those that have ended, and that others have taken the place of. */
  readonly replaced: readonly string[];
  readonly image: string;
  readonly types: readonly string[];
  readonly profile: Pick<ProfileReport, 'name' | 'id'>;
  readonly role: Pick<RoleReport, 'name' | 'id'>;
  /** Milliseconds waited before this look. */
  readonly waited: number;
  /** Milliseconds that this look may take before it says 'pending'. */
  readonly patience: number;
}

export type VerifyOutcome =
  /** With the first of the instances, at most MOST_TOLD. */
  | { readonly state: 'verified'; readonly instances: readonly InstanceReport[] }
  | { readonly state: 'pending'; readonly running: number; readonly reason: string }
  /** Up, but EC2 tied them to an older profile of the same name (terraform #2037). */
  | { readonly state: 'stale-profile'; readonly ids: readonly string[] }
  /** Some have ended by themselves: the reasons are EC2's. */
  | { readonly state: 'died'; readonly ended: readonly EndedInstance[] }
  /** What no waiting mends. */
  | { readonly state: 'wrong'; readonly problems: readonly string[] };

export interface EndedInstance {
  readonly id: string;
  /** As EC2 names it. */
  readonly state: string;
  /** Of its StateReason. */
  readonly code: string;
  readonly message: string;
}

export interface ReplaceProfileRequest extends Where {
  readonly owner: Owner;
  readonly ids: readonly string[];
  readonly profileArn: string;
}

export function verifySteps(clientsFor: ClientsFor) {
  return {
    /** Looks at the whole fleet at growing intervals until it is as wanted, is known to be wrong, or `patience` is over. */
    async verify(request: VerifyRequest): Promise<VerifyOutcome> {
      const started = Date.now();
      for (;;) {
        const outcome = await look(clientsFor, request);
        if (outcome.state !== 'pending') return outcome;
        const waited = Date.now() - started;
        const wait = nextPause(request.waited + waited, 250, 5_000);
        if (waited + wait > request.patience) return outcome;
        await pause(wait);
      }
    },

    /** Ties running instances to the profile that they should have had. */
    async replaceProfile({ owner, ids, profileArn, ...where }: ReplaceProfileRequest): Promise<void> {
      const { ec2 } = clientsFor(where);
      const ours = new Set((await findInstances(ec2, owner)).map((instance) => instance.InstanceId));
      for (const id of ids.filter((id) => ours.has(id))) await tieTo(ec2, id, { Arn: profileArn });
    },
  };
}

async function look(clientsFor: ClientsFor, request: VerifyRequest): Promise<VerifyOutcome> {
  const { ec2, iam } = clientsFor(request);
  const [seen, profile] = await Promise.all([
    findInstances(ec2, request.owner),
    readProfile(iam, request.profile.name),
  ]);
  const replaced = new Set(request.replaced);
  const instances = seen.filter((instance) => !replaced.has(instance.InstanceId!));

  const ended = instances.filter((instance) => hasEnded(instance));
  if (ended.length > 0) return { state: 'died', ended: ended.map(endedInstance) };

  const problems = [
    ...instances.flatMap((instance) => problemsOf(instance, request)),
    ...numberProblems(instances, request),
    ...profileProblems(profile, request),
  ];
  if (problems.length > 0) return { state: 'wrong', problems };

  const running = instances.filter((instance) => instance.State?.Name === 'running');
  if (running.length < request.count) {
    const reason = `${running.length} of ${request.count} are running`;
    return { state: 'pending', running: running.length, reason };
  }

  const stale = running.filter((instance) => instance.IamInstanceProfile?.Id !== request.profile.id);
  if (stale.length > 0) return { state: 'stale-profile', ids: stale.map((instance) => instance.InstanceId!) };
  // IAM shows a profile with a delay; EC2 has just proven that it exists.
  if (!profile?.role)
    return { state: 'pending', running: running.length, reason: 'IAM does not show the profile yet' };
  return { state: 'verified', instances: running.slice(0, MOST_TOLD).map(instanceReport) };
}

/** Or is ending, or stopped: it does not come back by itself. */
export function hasEnded(instance: Instance): boolean {
  const state = instance.State?.Name;
  return state === 'terminated' || state === 'shutting-down' || state === 'stopped' || state === 'stopping';
}

function endedInstance({ InstanceId, State, StateReason }: Instance): EndedInstance {
  const { Code = '', Message = '' } = StateReason ?? {};
  return { id: InstanceId!, state: State?.Name ?? 'unknown', code: Code, message: Message };
}

/** Too few are perhaps only not shown yet; too many, or as many others, are not what the launch answered. */
function numberProblems(instances: readonly Instance[], { count, fingerprint }: VerifyRequest): string[] {
  const ids = instances.map(({ InstanceId }) => InstanceId!);
  if (ids.length > count) {
    return [
      `${ids.length} instances are of this run, and ${count} were launched by what it knows: ${ids.slice(0, MOST_TOLD).join(', ')}`,
    ];
  }
  if (ids.length === count && fingerprintOf(ids) !== fingerprint) {
    return [`others are of this run than those that it launched: ${ids.slice(0, MOST_TOLD).join(', ')}`];
  }
  return [];
}

function problemsOf(instance: Instance, request: VerifyRequest): string[] {
  const problems: string[] = [];
  const id = instance.InstanceId;
  if (instance.ImageId !== request.image) {
    problems.push(`${id} runs the image ${instance.ImageId}, not ${request.image}`);
  }
  if (!request.types.includes(instance.InstanceType ?? '')) {
    problems.push(`${id} is a ${instance.InstanceType}, not a ${request.types.join(' or ')}`);
  }
  return problems;
}

/** The names fit by construction; the unique ids tell whether somebody put something else in their place. */
function profileProblems(
  profile: Awaited<ReturnType<typeof readProfile>>,
  { profile: wanted, role }: VerifyRequest,
): string[] {
  if (!profile) return [];
  const problems: string[] = [];
  if (profile.id !== wanted.id) {
    problems.push(`the instance profile ${wanted.name} is now ${profile.id}, not ${wanted.id}`);
  }
  if (profile.role && profile.role.id !== role.id) {
    problems.push(
      `the instance profile ${wanted.name} holds ${profile.role.name} (${profile.role.id}), not ${role.name} (${role.id})`,
    );
  }
  if (profile.role && !profile.role.trustsEc2) {
    problems.push(
      `the trust policy of the role ${profile.role.name} does not let ec2.amazonaws.com assume it`,
    );
  }
  return problems;
}
