/** Looks before and after a change in place: what there is, what stands in the way, and whether AWS shows the change. */

import type { EC2Client } from '@aws-sdk/client-ec2';
import { GetPolicyCommand, type IAMClient } from '@aws-sdk/client-iam';
import { ApplicationFailure } from '@temporalio/common';
import { type RoleState, type TagsOfMany, type Target, tagsOfMany, type Values } from '../fleet/change.ts';
import { DEGRADED, TAGS_GONE } from '../fleet/failures.ts';
import type { Where } from '../fleet/places.ts';
import { MOST_INLINE_CHARACTERS, policySize, samePolicy } from '../fleet/policy.ts';
import { type Owner, owns } from '../fleet/tags.ts';
import { AwsError, ask, isPassing, notYet } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import { Findings } from './findings.ts';
import { findInstances, findVolumes, isTerminated } from './fleet-instances.ts';
import { lookFor, pause } from './patience.ts';
import { attachedPolicies, inlineDocument, inlinePolicies } from './policy.ts';
import { type ProfileSeen, type RoleSeen, readProfile, readRole } from './reads.ts';
import { fromAwsTags } from './tags.ts';
import { isLasting } from './volumes.ts';

/** A role or a profile of the fleet's, by its name and its unique id. */
export interface Named {
  readonly name: string;
  readonly id: string;
}

export interface OfFleet extends Where {
  readonly fleet: string;
}

export interface ChangePlace extends OfFleet {
  readonly role?: Named;
  readonly profile?: Named;
  /** The runs that launched the fleet's instances. */
  readonly runs: readonly string[];
  readonly target: Target;
  /** Seconds for which AWS may not show yet what is new. */
  readonly patience: number;
}

export interface LookAtChangeRequest extends ChangePlace {
  /** The inline policy that the fleet has put. */
  readonly ownPolicy?: string;
}

/** What a change touches, as it is before it. */
export interface Former {
  readonly role?: RoleState;
  readonly profile?: Values;
  readonly instances: TagsOfMany;
}

export function changeLookSteps(clientsFor: ClientsFor) {
  return {
    /** Makes nothing. Fails with PreflightFailed and the list of all that is wrong. */
    async lookAtChange(request: LookAtChangeRequest): Promise<Former> {
      const { iam, ec2 } = clientsFor(request);
      const { target } = request;
      const findings = new Findings();
      const role = target.role && (await findings.of(lookAtRole(iam, request, target.role, findings)));
      const profile =
        target.profile && (await findings.of(lookAtProfile(iam, request, target.profile, findings)));
      const seen = await findings.of(tagged(ec2, request));
      if (findings.problems.length > 0 || !seen) throw findings.failure();
      return { role, profile, instances: tagsOfMany(seen, Object.keys(target.instances)) };
    },

    /** Waits until AWS shows all of it, and fails with what it shows otherwise. */
    async confirmChange(request: ChangePlace): Promise<void> {
      const { iam, ec2 } = clientsFor(request);
      const { target, role, profile } = request;
      let wrong: readonly string[] = [];
      const { found } = await lookFor(async () => {
        const all = await Promise.all([
          target.role && role ? wrongOfRole(iam, role, target.role) : [],
          target.profile && profile ? wrongOfProfile(iam, profile, target.profile) : [],
          wrongOfInstances(ec2, request),
        ]);
        wrong = all.flat();
        return wrong.length === 0 || undefined;
      }, request.patience);
      if (found) return;
      throw ApplicationFailure.nonRetryable(`AWS shows otherwise: ${wrong.join('; ')}`, DEGRADED);
    },
  };
}

async function lookAtRole(
  iam: IAMClient,
  { fleet, role, ownPolicy, patience }: LookAtChangeRequest,
  target: RoleState,
  findings: Findings,
): Promise<RoleState> {
  const seen = await ownOf(fleet, role!, () => readRole(iam, role!.name), patience);
  const { name } = seen;
  const [inline, attached] = await Promise.all([
    answered(() => inlinePolicies(iam, name)),
    answered(() => attachedPolicies(iam, name)),
  ]);
  const now = new Map<string, unknown>();
  for (const policy of inline) {
    now.set(policy, await answered(() => inlineDocument(iam, name, policy)));
  }
  for (const policy of Object.keys(target.documents)) {
    if (policy === ownPolicy || target.documents[policy] === null || !now.has(policy)) continue;
    findings.add(
      `The role ${name} has an inline policy ${policy} that is not the fleet's: name yours otherwise.`,
    );
  }
  const then = new Map([...now, ...Object.entries(target.documents)]);
  const size = [...then.values()].reduce<number>((sum, one) => sum + (one ? policySize(one) : 0), 0);
  if (size > MOST_INLINE_CHARACTERS) {
    const most = MOST_INLINE_CHARACTERS.toLocaleString('en');
    findings.add(
      `The inline policies of ${name} would have ${size.toLocaleString('en')} characters, and IAM takes ${most}.`,
    );
  }
  const added = Object.keys(target.managed).filter((arn) => target.managed[arn] && !attached.includes(arn));
  const left = attached.filter((arn) => target.managed[arn] !== false);
  if (left.length + added.length > MOST_ATTACHED) {
    findings.add(
      `${name} would have ${left.length + added.length} managed policies, and IAM takes ${MOST_ATTACHED}.`,
    );
  }
  const boundary = typeof target.boundary === 'string' ? [target.boundary] : [];
  for (const PolicyArn of [...added, ...boundary]) {
    const get = () => ask(`iam:GetPolicy ${PolicyArn}`, iam.send(new GetPolicyCommand({ PolicyArn })));
    await findings.of(answered(get));
  }
  checkTagCount('role', seen, target.tags, findings);
  return roleState(seen, target, now, attached);
}

/** IAM takes ten of an account whose quota was not raised, and never more than this. */
const MOST_ATTACHED = 20;
/** On a role, a profile and an instance (IAM and EC2 User Guides). */
const MOST_TAGS_EACH = 50;

/** What there is of what the target names. */
function roleState(
  seen: RoleSeen,
  target: RoleState,
  documents: ReadonlyMap<string, unknown>,
  attached: readonly string[],
): RoleState {
  return {
    documents: mapped(target.documents, (name) => documents.get(name) ?? null),
    managed: mapped(target.managed, (arn) => attached.includes(arn)),
    tags: mapped(target.tags, (key) => seen.tags[key] ?? null),
    ...(target.boundary !== undefined && { boundary: seen.boundary ?? null }),
    ...(target.description !== undefined && { description: seen.description ?? null }),
  };
}

async function lookAtProfile(
  iam: IAMClient,
  { fleet, profile, patience }: LookAtChangeRequest,
  target: Values,
  findings: Findings,
): Promise<Values> {
  const seen = await ownOf(fleet, profile!, () => readProfile(iam, profile!.name), patience);
  checkTagCount('instance profile', seen, target, findings);
  return mapped(target, (key) => seen.tags[key] ?? null);
}

function checkTagCount(
  kind: string,
  { name, tags }: RoleSeen | ProfileSeen,
  target: Values,
  findings: Findings,
): void {
  const count = Object.values({ ...tags, ...target }).filter((value) => value !== null).length;
  if (count <= MOST_TAGS_EACH) return;
  findings.add(`The ${kind} ${name} would have ${count} tags, and IAM takes ${MOST_TAGS_EACH}.`);
}

async function wrongOfRole(iam: IAMClient, { name }: Named, target: RoleState): Promise<string[]> {
  const seen = await answered(() => readRole(iam, name));
  if (!seen) return [`no role ${name}`];
  const attached = await answered(() => attachedPolicies(iam, name));
  const wrong: string[] = [];
  for (const [policy, document] of Object.entries(target.documents)) {
    const found = (await answered(() => inlineDocument(iam, name, policy))) ?? null;
    if (document === null ? found !== null : !samePolicy(document, found))
      wrong.push(`another policy ${policy}`);
  }
  for (const [arn, isAttached] of Object.entries(target.managed)) {
    if (attached.includes(arn) !== isAttached) wrong.push(`${arn} ${isAttached ? 'detached' : 'attached'}`);
  }
  if (target.boundary !== undefined && (seen.boundary ?? null) !== target.boundary)
    wrong.push('another boundary');
  if (target.description !== undefined && (seen.description ?? null) !== target.description)
    wrong.push('another description');
  return [...wrong, ...wrongTagsOf(name, seen.tags, target.tags)];
}

async function wrongOfProfile(iam: IAMClient, { name }: Named, target: Values): Promise<string[]> {
  const seen = await answered(() => readProfile(iam, name));
  return seen ? wrongTagsOf(name, seen.tags, target) : [`no instance profile ${name}`];
}

/** What is to be taken away may be somebody else's there: it was taken away where it was the fleet's. */
async function wrongOfInstances(ec2: EC2Client, { target, ...place }: ChangePlace): Promise<string[]> {
  const set = Object.fromEntries(Object.entries(target.instances).filter(([, value]) => value !== null));
  const wrong = (await tagged(ec2, place)).flatMap(({ id, tags }) => wrongTagsOf(id, tags, set));
  return wrong.length > MOST_NAMED ? [...wrong.slice(0, MOST_NAMED), `${wrong.length} in all`] : wrong;
}

const MOST_NAMED = 5;

function wrongTagsOf(name: string, tags: Readonly<Record<string, string>>, target: Values): string[] {
  return Object.entries(target).flatMap(([key, value]) =>
    (tags[key] ?? null) === value ? [] : `${key}=${tags[key] ?? ''} on ${name}`,
  );
}

/** What answers with the id and the tags of the fleet's own. One read is not believed: a replica can lag. */
export async function ownOf<T extends RoleSeen | ProfileSeen>(
  fleet: string,
  { name, id }: Named,
  read: () => Promise<T | undefined>,
  patience = READ_AGAIN_SECONDS,
): Promise<T> {
  let other: T | undefined;
  const { found } = await lookFor(async () => {
    const seen = await answered(read);
    if (seen && seen.id === id && owns({ fleet }, seen.tags)) return seen;
    other = seen;
    return undefined;
  }, patience);
  if (found) return found;
  if (!other) throw notYet(new AwsError('', 'NoSuchEntity', `${name} (${id}) is not there`, 404));
  throw new AwsError(
    '',
    TAGS_GONE,
    `${name} is ${other.id} now, and not, or not by its tags, the fleet's ${id}`,
    409,
  );
}

const READ_AGAIN_SECONDS = 2;

/** The fleet's instances and volumes, with their tags. */
export async function tagged(
  ec2: EC2Client,
  { fleet, runs }: { readonly fleet: string; readonly runs: readonly string[] },
) {
  const owner: Owner = { fleet, runs };
  const [instances, volumes] = await Promise.all([
    answered(() => findInstances(ec2, owner)),
    answered(() => findVolumes(ec2, owner)),
  ]);
  return [
    ...instances
      .filter((instance) => !isTerminated(instance))
      .map(({ InstanceId, Tags }) => ({ id: InstanceId!, tags: fromAwsTags(Tags) })),
    ...volumes.filter(isLasting).map(({ VolumeId, Tags }) => ({ id: VolumeId!, tags: fromAwsTags(Tags) })),
  ];
}

/** On a bad day few looks of many calls would have all of them answered: what passes is asked again by itself. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof AwsError && isPassing(error)) || tries >= MOST_TRIES) throw error;
      await pause(200 * tries);
    }
  }
}

const MOST_TRIES = 5;

function mapped<T>(keys: object, of: (key: string) => T): Record<string, T> {
  return Object.fromEntries(Object.keys(keys).map((key) => [key, of(key)]));
}
