/** What a fleet has, found by its tags: what `status` and `down` work from when no history says. */

import type { EC2Client, Instance } from '@aws-sdk/client-ec2';
import { type IAMClient, paginateListInstanceProfiles, paginateListRoles } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { Context } from '@temporalio/activity';
import type { Where } from '../fleet/places.ts';
import { type InstanceReport, MOST_TOLD, type ProfileReport, type RoleReport } from '../fleet/report.ts';
import type { Tags } from '../fleet/spec.ts';
import {
  COMPLETE,
  FLEET_TAG,
  isLaunchedAs,
  type Owner,
  owns,
  RUN_TAG,
  regionsOf,
  runOfToken,
  SPEC_TAG,
  STATE_TAG,
} from '../fleet/tags.ts';
import { ask } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';
import {
  collect,
  findByIds,
  findTagged,
  findUsers,
  instanceReport,
  isInstanceOf,
  isTerminated,
} from './fleet-instances.ts';
import { lookFor } from './patience.ts';
import { policiesOf } from './policy.ts';
import { type ProfileSeen, type RoleSeen, readProfile, readRole } from './reads.ts';
import { fromAwsTags } from './tags.ts';

export interface FindFleetRequest extends Partial<Where> {
  readonly fleet: string;
  /** Only what this run of it made, or one of these. */
  readonly run?: string;
  readonly runs?: readonly string[];
  /** Names that an earlier report gave. */
  readonly role?: string;
  readonly profile?: string;
  /** Ids of instances that an earlier report gave. */
  readonly instances?: readonly string[];
  /** How many instances an earlier report told of. */
  readonly count?: number;
  /** Seconds to look for what is named here, when it is so new that AWS may not show it yet. */
  readonly patience?: number;
  /** Look in that region alone, whatever the tags tell of others: each place of a fleet that has several is looked at. */
  readonly here?: boolean;
  /** Look by the names alone, and do not go through the whole account when they lead to nothing. */
  readonly byNameOnly?: boolean;
}

export interface FoundFleet {
  readonly account: string;
  /** Where its instances were looked for. */
  readonly region: string;
  /** All that it has in the account, as the tags of its role or profile tell; histories of before do not have it. */
  readonly regions?: readonly string[];
  /** The name as its tags spell it. */
  readonly fleet: string;
  readonly specHash?: string;
  /** It carries the mark of a complete fleet. */
  readonly marked: boolean;
  readonly role?: RoleReport;
  /** Names of the role's inline policies, ARNs of its managed ones. */
  readonly policies: readonly string[];
  readonly profile?: ProfileReport;
  /** What the instances were launched with, when the fleet's own profile is no more or never was. */
  readonly profileInUse?: string;
  /** Instances that run with the fleet's own profile and are not its own: `i-...`, with whose they are. */
  readonly borrowers: readonly string[];
  /** The commands that end each of these, or prove whose it is. */
  readonly freeing?: readonly string[];
  /** Ids of instances with the fleet's tags that none of its runs launched: at most MOST_TOLD. */
  readonly strangers?: readonly string[];
  /** Of all that are alive: terminated ones are left out. */
  readonly ids: readonly string[];
  /** The first of them, at most MOST_TOLD. */
  readonly instances: readonly InstanceReport[];
  /** Of those that an earlier report gave: alive, and without the tags that prove whose they are. */
  readonly untagged?: readonly InstanceReport[];
  /** Of what an earlier report gave: a role or profile that lost its tags, another role in the profile. */
  readonly oddities?: readonly string[];
}

export function inventorySteps(clientsFor: ClientsFor) {
  return {
    /**
     * Looks for everything that carries the fleet's tag. Names are tried first (those of an earlier report, the fleet's
     * own, those of its instances' profile); only when nothing is found so, all roles and profiles of the account are
     * gone through.
     */
    async findFleet(request: FindFleetRequest): Promise<FoundFleet> {
      const owner: Owner = { fleet: request.fleet, run: request.run, runs: request.runs };
      const somewhere = request.region ?? process.env.AWS_REGION ?? 'us-east-1';
      const { assume, account } = request;
      const ec2In = (region: string) => clientsFor({ region, assume, account }).ec2;
      const { iam, sts } = clientsFor({ region: somewhere, assume, account });
      const [{ Account }, byName] = await Promise.all([
        ask('sts:GetCallerIdentity', sts.send(new GetCallerIdentityCommand({}))),
        identityAsNamed(iam, owner, request),
      ]);
      // The tags know better than whoever asks: elsewhere the machines would be overlooked.
      const place = regionOf(byName, request) ?? somewhere;
      const spelled = { ...owner, fleet: tagsOf(byName)?.[FLEET_TAG] ?? request.fleet };
      const { alive: there, untagged, strangers } = await aliveInstances(ec2In(place), spelled, request);
      const identity =
        (isFound(byName) && byName) ||
        (await identityOfInstances(iam, owner, there)) ||
        (there.length === 0 && !request.byNameOnly && (await identityByScan(iam, owner))) ||
        {};
      const region = regionOf(identity, request) ?? place;
      const instances =
        region === place ? there : (await aliveInstances(ec2In(region), spelled, request)).alive;
      const instanceTags = fromAwsTags(instances[0]?.Tags);
      const tags = tagsOf(identity) ?? instanceTags;
      const mark = identity.profile?.tags[STATE_TAG] ?? instanceTags[STATE_TAG];
      const { role, profile } = identity;
      const [policies, borrowers] = await Promise.all([
        role ? policiesOf(iam, role.name) : [],
        profile ? borrowersOf(ec2In(region), spelled, request, { region, profileArn: profile.arn }) : [],
      ]);
      return {
        account: Account!,
        region,
        regions: regionsOf(tags),
        fleet: tags[FLEET_TAG] ?? request.fleet,
        specHash: tags[SPEC_TAG],
        marked: mark === COMPLETE,
        role: role && made(role),
        policies,
        profile: profile && made(profile),
        profileInUse: instances[0]?.IamInstanceProfile?.Arn,
        borrowers: borrowers.map(({ words }) => words),
        freeing: [...new Set(borrowers.map(({ command }) => command))],
        ids: instances.map(({ InstanceId }) => InstanceId!),
        instances: instances.slice(0, MOST_TOLD).map(instanceReport),
        untagged: untagged.map(instanceReport),
        strangers: strangers.slice(0, MOST_TOLD).map(({ InstanceId }) => InstanceId!),
        oddities: odditiesOf(request, byName),
      };
    },
  };
}

interface Identity {
  role?: RoleSeen;
  profile?: ProfileSeen;
  /** What has the names, but not the tags. */
  readonly bare?: { readonly role?: RoleSeen; readonly profile?: ProfileSeen };
}

function odditiesOf(wanted: FindFleetRequest, { role, profile, bare = {} }: Identity): string[] {
  const noTags = "is there, and does not carry the fleet's tags any more";
  const odd: string[] = [];
  if (wanted.role && bare.role) odd.push(`the role ${bare.role.name} ${noTags}`);
  if (wanted.profile && bare.profile) odd.push(`the instance profile ${bare.profile.name} ${noTags}`);
  if (wanted.role && wanted.profile && role && profile && profile.role?.id !== role.id) {
    const holds = profile.role ? `the role ${profile.role.name}` : 'no role';
    odd.push(`the instance profile ${profile.name} holds ${holds}, and not the fleet's own ${role.name}`);
  }
  return odd;
}

interface Borrower {
  readonly words: string;
  readonly command: string;
}

/** IAM deletes a profile under running machines without a word; their credentials then end with the next rotation. */
async function borrowersOf(
  ec2: EC2Client,
  owner: Owner,
  { instances = [] }: FindFleetRequest,
  { region, profileArn }: { readonly region: string; readonly profileArn: string },
): Promise<Borrower[]> {
  const seen = await findUsers(ec2, profileArn);
  const isOwn = (instance: Instance) => isInstanceOf({ fleet: owner.fleet }, instance);
  return seen
    .filter((instance) => !isTerminated(instance) && !isOwn(instance))
    .map(({ InstanceId, Tags, ClientToken }) => {
      const id = InstanceId!;
      const tags = fromAwsTags(Tags);
      const end = `aws ec2 terminate-instances --region ${region} --instance-ids ${id}`;
      const run = runOfToken(ClientToken);
      if (instances.includes(id) && run) {
        const own = `Key=${FLEET_TAG},Value=${owner.fleet} Key=${RUN_TAG},Value=${run}`;
        const command = `aws ec2 create-tags --region ${region} --resources ${id} --tags ${own}`;
        return { words: `${id} (its own, without the tags that say so)`, command };
      }
      if (owns({ fleet: owner.fleet }, tags))
        return { words: `${id} (with its tags, and launched by no run of it)`, command: end };
      const fleet = isLaunchedAs(tags, ClientToken) ? tags[FLEET_TAG] : undefined;
      return fleet === undefined
        ? { words: id, command: end }
        : { words: `${id} (fleet ${fleet})`, command: `muster down ${fleet}` };
    });
}

/** Those that an earlier report gave are looked for while they may be too new to be shown. */
async function aliveInstances(
  ec2: EC2Client,
  owner: Owner,
  { instances = [], count = instances.length, patience = 0 }: FindFleetRequest,
): Promise<Record<'alive' | 'untagged' | 'strangers', Instance[]>> {
  let seen: Instance[] = [];
  let untagged: Instance[] = [];
  let strangers: Instance[] = [];
  const isOwned = (instance: Instance) => isInstanceOf(owner, instance);
  await lookFor(async () => {
    const tagged = await findTagged(ec2, owner);
    seen = tagged.filter(isOwned);
    strangers = tagged.filter((one) => !isOwned(one) && !instances.includes(one.InstanceId!));
    const ids = new Set(seen.map(({ InstanceId }) => InstanceId));
    const missing = instances.filter((id) => !ids.has(id));
    const shown = missing.length > 0 ? await findByIds(ec2, missing) : [];
    untagged = shown.filter((instance) => !isOwned(instance));
    seen.push(...shown.filter(isOwned));
    return seen.length + untagged.length >= count && shown.length === missing.length ? seen : undefined;
  }, patience);
  const isAlive = (instance: Instance) => !isTerminated(instance);
  return {
    alive: seen.filter(isAlive),
    untagged: untagged.filter(isAlive),
    strangers: strangers.filter(isAlive),
  };
}

/** What was made a moment ago is looked for until it shows, if it is named. */
async function identityAsNamed(iam: IAMClient, owner: Owner, request: FindFleetRequest): Promise<Identity> {
  const { fleet, role, profile, patience = 0 } = request;
  const look = () => identityByName(iam, owner, role ?? fleet, profile ?? fleet);
  const { found } = await lookFor(async () => {
    const seen = await look();
    const isThere = (seen.role || !role) && (seen.profile || !profile);
    // A new profile's role may be shown later than the profile.
    const isEmpty = role !== undefined && seen.profile !== undefined && !seen.profile.role;
    return isThere && !isEmpty ? seen : undefined;
  }, patience);
  return found ?? look();
}

async function identityByName(
  iam: IAMClient,
  owner: Owner,
  role: string,
  profile: string,
): Promise<Identity> {
  const [roleSeen, profileSeen] = await Promise.all([readRole(iam, role), readProfile(iam, profile)]);
  const isOwned = <T extends { readonly tags: Tags }>(seen: T | undefined) => seen && owns(owner, seen.tags);
  const [isOurRole, isOurProfile] = [isOwned(roleSeen), isOwned(profileSeen)];
  const identity: Identity = {
    role: isOurRole ? roleSeen : undefined,
    profile: isOurProfile ? profileSeen : undefined,
    bare: { role: isOurRole ? undefined : roleSeen, profile: isOurProfile ? undefined : profileSeen },
  };
  // A profile's answer names its role without the role's tags.
  const other = identity.profile?.role?.name;
  if (!identity.role && other) {
    const inside = await readRole(iam, other);
    if (inside && owns(owner, inside.tags)) identity.role = inside;
  }
  return identity;
}

async function identityOfInstances(
  iam: IAMClient,
  owner: Owner,
  instances: readonly Instance[],
): Promise<Identity | undefined> {
  const arn = instances[0]?.IamInstanceProfile?.Arn;
  const name = arn?.split('/').at(-1);
  if (name === undefined) return undefined;
  const identity = await identityByName(iam, owner, name, name);
  return isFound(identity) ? identity : undefined;
}

/** Lists carry no tags, so that each name is read by itself: slow in a large account, and the last resort. */
async function identityByScan(iam: IAMClient, owner: Owner): Promise<Identity> {
  const [profiles, roles] = await Promise.all([
    ask('iam:ListInstanceProfiles', collect(paginateListInstanceProfiles({ client: iam }, {}))),
    ask('iam:ListRoles', collect(paginateListRoles({ client: iam }, {}))),
  ]);
  const profileNames = profiles
    .flatMap((page) => page.InstanceProfiles ?? [])
    .map((p) => p.InstanceProfileName!);
  const roleNames = roles.flatMap((page) => page.Roles ?? []).map((role) => role.RoleName!);
  return {
    profile: await firstOwned(owner, profileNames, (name) => readProfile(iam, name)),
    role: await firstOwned(owner, roleNames, (name) => readRole(iam, name)),
  };
}

async function firstOwned<T extends { readonly tags: Tags }>(
  owner: Owner,
  names: readonly string[],
  read: (name: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (const name of names) {
    Context.current().heartbeat();
    const seen = await read(name);
    if (seen && owns(owner, seen.tags)) return seen;
  }
  return undefined;
}

function isFound(identity: Identity): boolean {
  return identity.role !== undefined || identity.profile !== undefined;
}

function tagsOf({ role, profile }: Identity): Tags | undefined {
  return role?.tags ?? profile?.tags;
}

/** Where its tags say that its instances are: in the region that was asked for, if that is one of several. */
function regionOf(identity: Identity, { region: asked, here }: FindFleetRequest): string | undefined {
  if (here) return asked;
  const regions = regionsOf(tagsOf(identity) ?? {});
  return regions.find((region) => region === asked) ?? regions[0];
}

function made({ name, arn, id }: RoleSeen | ProfileSeen): RoleReport & ProfileReport {
  return { name, arn, id, reused: false };
}
