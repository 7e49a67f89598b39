/** Leftovers: what still exists, why, and the command that removes each. */

import { type Leftover, MOST_TOLD } from './report.ts';
import { FLEET_TAG, type Owner, RUN_TAG } from './tags.ts';
import { inWords } from './words.ts';

export function roleLeftover(role: string, reason: string): Leftover {
  return { kind: 'role', id: role, reason, command: `aws iam delete-role --role-name ${quoted(role)}` };
}

export function policyLeftover(role: string, policy: string, reason: string): Leftover {
  const command = `aws iam delete-role-policy --role-name ${quoted(role)} --policy-name ${quoted(policy)}`;
  return { kind: 'policy', id: policy, reason, command };
}

export function attachedPolicyLeftover(role: string, arn: string, reason: string): Leftover {
  const command = `aws iam detach-role-policy --role-name ${quoted(role)} --policy-arn ${quoted(arn)}`;
  return { kind: 'policy', id: arn, reason, command };
}

/** `role` may be inside: IAM deletes no profile that holds one. */
export function profileLeftover(profile: string, role: string | undefined, reason: string): Leftover {
  const name = `--instance-profile-name ${quoted(profile)}`;
  const empty = role && `aws iam remove-role-from-instance-profile ${name} --role-name ${quoted(role)}`;
  const remove = `aws iam delete-instance-profile ${name}`;
  return { kind: 'profile', id: profile, reason, command: empty ? `${empty}; ${remove}` : remove };
}

function instanceLeftover(region: string, id: string, reason: string): Leftover {
  const command = `aws ec2 terminate-instances --region ${region} --instance-ids ${id}`;
  return { kind: 'instance', id, reason, command };
}

function volumeLeftover(region: string, id: string, reason: string): Leftover {
  const command = `aws ec2 delete-volume --region ${region} --volume-id ${id}`;
  return { kind: 'volume', id, reason, command };
}

/** Instances of which nothing but their tag is known: the command shows them. */
export function unknownInstancesLeftover(region: string, owner: Owner, reason: string): Leftover {
  return taggedLeftover('instance', region, owner, reason);
}

function taggedLeftover(
  kind: 'instance' | 'volume',
  region: string,
  { fleet, run }: Owner,
  reason: string,
): Leftover {
  const [tag, value] = run === undefined ? [FLEET_TAG, fleet] : [RUN_TAG, run];
  const filter = `--filters Name=tag:${tag},Values=${quoted(value)}`;
  return {
    kind,
    id: `tag:${tag}=${value}`,
    reason,
    command: `aws ec2 describe-${kind}s --region ${region} ${filter}`,
  };
}

/** Whether it stands for whatever carries a tag, and not for one thing. */
export function isTagged({ id }: Pick<Leftover, 'id'>): boolean {
  return id.startsWith('tag:');
}

/** The owner's instances and volumes: the first by their ids, and what is beyond MOST_TOLD of a kind by their tag. */
export function resourceLeftovers(
  region: string,
  owner: Owner,
  ids: readonly string[],
  reason: string,
): Leftover[] {
  const kinds = [
    { kind: 'instance', one: instanceLeftover, of: ids.filter((id) => !isVolume(id)) },
    { kind: 'volume', one: volumeLeftover, of: ids.filter(isVolume) },
  ] as const;
  return kinds.flatMap(({ kind, one, of }) => {
    const named = of.slice(0, MOST_TOLD).map((id) => one(region, id, reason));
    const more = of.length - MOST_TOLD;
    return more > 0 ? [...named, taggedLeftover(kind, region, owner, `${more} more: ${reason}`)] : named;
  });
}

export function isVolume(id: string): boolean {
  return id.startsWith('vol-');
}

/** Names may hold `=`, `,`, `@` and `+`, which shells do not mind; quoted they read better. */
export function quoted(name: string): string {
  return /^[\w./:-]+$/.test(name) ? name : `'${name}'`;
}

/** What exists of a fleet. */
interface Existing {
  readonly region: string;
  readonly fleet: string;
  /** Of its instances. */
  readonly ids: readonly string[];
  readonly role?: { readonly name: string };
  /** Names of the role's inline policies, ARNs of its managed ones. */
  readonly policies?: readonly string[];
  readonly profile?: { readonly name: string };
}

/** Everything of a fleet that exists, as leftovers, in the order in which their commands can be typed. */
export function leftoversOf(found: Existing, reason: string, run?: string): Leftover[] {
  const { region, fleet, ids, profile, role, policies = [] } = found;
  const leftovers = resourceLeftovers(region, { fleet, run }, ids, reason);
  if (profile) leftovers.push(profileLeftover(profile.name, role?.name, reason));
  if (role) {
    leftovers.push(...policies.map((policy) => ofRole(role.name, policy, reason)));
    leftovers.push(roleLeftover(role.name, reason));
  }
  return leftovers;
}

function ofRole(role: string, policy: string, reason: string): Leftover {
  return policy.startsWith('arn:')
    ? attachedPolicyLeftover(role, policy, reason)
    : policyLeftover(role, policy, reason);
}

/** As a person names one thing to give it up. */
export function leftoverName({ kind, id }: Pick<Leftover, 'kind' | 'id'>): string {
  return `${kind}/${id}`;
}

/** `instance i-0123, role web`; of a fleet in several places each with where it is. */
export function leftoverWords(leftovers: readonly Leftover[]): string {
  return leftovers.map(({ kind, id, at }) => `${kind} ${id}${inWords(at)}`).join(', ');
}

/**
 * Takes out of what exists that which a person has given up; `skip` are its names (`leftoverName`). A role goes only
 * when it is empty, so that it stays with its policies and they with it.
 */
export function withoutSkipped<T extends Existing>(
  found: T,
  skip: readonly string[] = [],
): { readonly wanted: T; readonly skipped: Leftover[] } {
  const isSkipped = (leftover: Leftover) => skip.includes(leftoverName(leftover));
  const all = leftoversOf(found, GIVEN_UP);
  const isOfRole = ({ kind }: Leftover) => kind === 'role' || kind === 'policy';
  const roleStays = all.some((leftover) => isOfRole(leftover) && isSkipped(leftover));
  const skipped = all.filter((leftover) => isSkipped(leftover) || (roleStays && isOfRole(leftover)));
  const stays = (kind: Leftover['kind'], id: string) =>
    skipped.some((leftover) => leftover.kind === kind && leftover.id === id);
  const wanted = {
    ...found,
    ids: found.ids.filter((id) => !stays('instance', id)),
    role: found.role && !stays('role', found.role.name) ? found.role : undefined,
    profile: found.profile && !stays('profile', found.profile.name) ? found.profile : undefined,
  };
  return { wanted, skipped };
}

const GIVEN_UP = 'given up by a person (--skip)';
