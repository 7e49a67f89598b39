/** Looking before touching anything: all that is wrong, at once, and what the run needs to know of the account. */

import {
  DescribeImagesCommand,
  DescribeKeyPairsCommand,
  DescribeSecurityGroupsCommand,
} from '@aws-sdk/client-ec2';
import { GetPolicyCommand } from '@aws-sdk/client-iam';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { profileName } from '../fleet/names.ts';
import type { ProfileReport, RoleReport } from '../fleet/report.ts';
import type { FleetSpec, InstancesSpec, ResolvedPlacement, RoleSpec, Tags } from '../fleet/spec.ts';
import { owns } from '../fleet/tags.ts';
import { ask } from './aws-errors.ts';
import type { AwsClients, ClientsFor } from './clients.ts';
import { Findings } from './findings.ts';
import { unheardOf } from './notify.ts';
import { takenWords } from './ownership.ts';
import { lookFor } from './patience.ts';
import { deniedRemovals } from './permissions.ts';
import { findPlacements, findSubnets, type Subnets } from './placements.ts';
import { type ProfileSeen, type RoleSeen, readProfile, readRole } from './reads.ts';

export interface PreflightRequest {
  /** The spec without what preflight does not look at: user data may be large. */
  readonly spec: FleetSpec;
}

export interface Plan {
  readonly account: string;
  /** Who makes the fleet, as AWS names the caller. */
  readonly caller: string;
  /** `ami-...`, resolved once: every launch of the run uses this one. */
  readonly image: string;
  /** Where to launch, in order of preference; each need is resolved to the types that meet it. */
  readonly placements: readonly ResolvedPlacement[];
  /** The role that exists and is used, for a fleet that makes none. */
  readonly role?: RoleReport;
  /** The profile that exists and is used, for a fleet that makes none. */
  readonly profile?: ProfileReport;
  /** Whom of `notify` this worker cannot tell, and why: nothing that stops a fleet. */
  readonly unheard?: readonly string[];
}

/** What the process that hosts the activities does for them. */
export interface Host {
  /** Has the task queue of the account's launches in the region polled (fleet/run.ts, `launchQueue`). */
  openLaunches(place: LaunchPlace): Promise<void>;
}

export interface LaunchPlace {
  readonly account: string;
  readonly region: string;
}

export function preflightSteps(clientsFor: ClientsFor, host: Host) {
  return {
    /** For a launch that nobody took: the worker that polled its queue may be no more. */
    openLaunches: (place: LaunchPlace): Promise<void> => host.openLaunches(place),

    /**
     * Makes nothing. Fails with PreflightFailed and the list of all that is wrong; a passing error of one look fails
     * the attempt, which is made again.
     */
    async preflight({ spec }: PreflightRequest): Promise<Plan> {
      const aws = clientsFor({ region: spec.region, assume: spec.assume });
      const findings = new Findings();
      const { account, caller, image, placements, ...more } = await lookAround(aws, spec, findings);
      if (findings.problems.length > 0 || !account || !caller || !image || !placements)
        throw findings.failure();
      await host.openLaunches({ account, region: spec.region });
      return { account, caller, image, placements, ...more };
    },
  };
}

/** What a look can see while something is wrong. */
export type Seen = Partial<Plan>;

/** All that is wrong goes into the findings. */
export async function lookAround(aws: AwsClients, spec: FleetSpec, findings: Findings): Promise<Seen> {
  const identity = await findings.of(whoIsCalling(aws, spec, findings));
  // Without credentials every other look would only say the same again.
  if (!identity) return {};
  const subnets = findings.of(findSubnets(aws, spec.instances, findings));
  const [image, places, identityInUse] = await Promise.all([
    findings.of(findImage(aws, spec.instances.image, findings)),
    subnets,
    findings.of(existingIdentity(aws, spec, findings)),
    findings.of(checkNamesAreFree(aws, spec, findings)),
    findings.of(checkSecurityGroups(aws, spec.instances, subnets, findings)),
    findings.of(checkKey(aws, spec.instances.key)),
    findings.of(checkManagedPolicies(aws, spec.role, findings)),
    checkRemovals(aws, identity, spec, findings),
  ]);
  const placements =
    places && image && (await findings.of(findPlacements(aws, spec.instances, places, image, findings)));
  const unheard = unheardOf(spec.notify);
  return {
    ...identity,
    ...(image && { image: image.id }),
    ...(placements && { placements }),
    ...identityInUse,
    ...(unheard.length > 0 && { unheard }),
  };
}

async function whoIsCalling({ sts }: AwsClients, spec: FleetSpec, findings: Findings) {
  const { Account, Arn } = await ask('sts:GetCallerIdentity', sts.send(new GetCallerIdentityCommand({})));
  if (spec.account !== undefined && spec.account !== Account) {
    findings.add(
      `The spec is for account ${spec.account}, and the worker's credentials are of ${Account} (${Arn}).`,
    );
  }
  return { account: Account!, caller: Arn! };
}

async function findImage(aws: AwsClients, image: string, findings: Findings) {
  const id = image.startsWith(SSM) ? await imageFromParameter(aws, image.slice(SSM.length)) : image;
  const { Images = [] } = await ask(
    'ec2:DescribeImages',
    aws.ec2.send(new DescribeImagesCommand({ ImageIds: [id] })),
  );
  const found = Images.find(({ ImageId }) => ImageId === id);
  if (!found) findings.add(`The image ${id} does not exist in this region.`);
  else if (found.State !== 'available') findings.add(`The image ${id} is ${found.State}, not available.`);
  return { id, architecture: found?.Architecture };
}

const SSM = 'resolve:ssm:';

async function imageFromParameter({ ssm }: AwsClients, name: string): Promise<string> {
  const command = new GetParameterCommand({ Name: name });
  const { Parameter } = await ask(`ssm:GetParameter ${name}`, ssm.send(command));
  return Parameter?.Value ?? '';
}

async function checkSecurityGroups(
  { ec2 }: AwsClients,
  { securityGroups: ids }: InstancesSpec,
  finding: Promise<Subnets | undefined>,
  findings: Findings,
): Promise<void> {
  if (ids.length === 0) return;
  const command = new DescribeSecurityGroupsCommand({ GroupIds: [...ids] });
  const { SecurityGroups = [] } = await ask('ec2:DescribeSecurityGroups', ec2.send(command));
  for (const subnet of (await finding)?.wanted ?? []) {
    for (const { GroupId, VpcId } of SecurityGroups) {
      if (!subnet.VpcId || VpcId === subnet.VpcId) continue;
      findings.add(
        `The security group ${GroupId} is in ${VpcId}, the subnet ${subnet.SubnetId} in ${subnet.VpcId}.`,
      );
    }
  }
}

async function checkKey({ ec2 }: AwsClients, key: string | undefined): Promise<void> {
  if (key === undefined) return;
  await ask('ec2:DescribeKeyPairs', ec2.send(new DescribeKeyPairsCommand({ KeyNames: [key] })));
}

async function checkManagedPolicies({ iam }: AwsClients, role: RoleSpec | undefined, findings: Findings) {
  if (!role || role.reuse) return;
  const arns = [...role.managedPolicies, ...(role.permissionsBoundary ? [role.permissionsBoundary] : [])];
  await Promise.all(
    arns.map((PolicyArn) =>
      findings.of(ask(`iam:GetPolicy ${PolicyArn}`, iam.send(new GetPolicyCommand({ PolicyArn })))),
    ),
  );
}

async function checkRemovals(
  { iam }: AwsClients,
  identity: { account: string; caller: string },
  spec: FleetSpec,
  findings: Findings,
): Promise<void> {
  const denied = await deniedRemovals(iam, identity, spec);
  if (denied.length === 0) return;
  findings.add(
    `The worker (${identity.caller}) may not ${denied.join(', ')}: what it makes it could not take back. Allow that first.`,
  );
}

async function checkNamesAreFree({ iam }: AwsClients, spec: FleetSpec, findings: Findings): Promise<void> {
  const { role: wantedRole, profile: wantedProfile } = spec;
  const [role, profile] = await Promise.all([
    wantedRole && !wantedRole.reuse ? whoHas(spec, () => readRole(iam, wantedRole.name)) : undefined,
    wantedProfile.reuse ? undefined : whoHas(spec, () => readProfile(iam, wantedProfile.name)),
  ]);
  if (role) findings.add(takenWords('role', role));
  if (profile) findings.add(takenWords('instance profile', profile));
}

/** What was the fleet's own until it was taken down a moment ago, IAM may still show: one read is not believed. */
async function whoHas<T extends { readonly tags: Tags }>(
  spec: FleetSpec,
  read: () => Promise<T | undefined>,
): Promise<T | undefined> {
  let seen: T | undefined;
  await lookFor(
    async () => {
      seen = await read();
      return !seen || !owns({ fleet: spec.name }, seen.tags) ? 'known' : undefined;
    },
    Math.min(LINGERS_SECONDS, spec.deadlines.consistency),
  );
  return seen;
}

const LINGERS_SECONDS = 15;

/** What exists and is to be used has to be usable: a profile with a role, a role that EC2 may assume. */
async function existingIdentity({ iam }: AwsClients, spec: FleetSpec, findings: Findings) {
  if (spec.profile.reuse) {
    const name = profileName(spec.profile.ref);
    const seen = await readProfile(iam, name);
    if (!seen) {
      findings.add(`The instance profile ${spec.profile.ref} does not exist.`);
      return {};
    }
    if (spec.profile.ref.startsWith('arn:') && spec.profile.ref !== seen.arn) {
      findings.add(`The instance profile ${name} is ${seen.arn}, not ${spec.profile.ref}.`);
    }
    if (!seen.role) findings.add(`The instance profile ${name} holds no role.`);
    else checkTrust(seen.role, findings);
    return { profile: inUse(seen), role: seen.role && inUse(seen.role) };
  }
  if (spec.role?.reuse) {
    const seen = await readRole(iam, spec.role.name);
    if (!seen) findings.add(`The role ${spec.role.name} does not exist.`);
    else checkTrust(seen, findings);
    return { role: seen && inUse(seen) };
  }
  return {};
}

function checkTrust(role: RoleSeen, findings: Findings): void {
  if (role.trustsEc2) return;
  findings.add(`The trust policy of the role ${role.name} does not let ec2.amazonaws.com assume it.`);
}

function inUse({ name, arn, id }: RoleSeen | ProfileSeen): RoleReport & ProfileReport {
  return { name, arn, id, reused: true };
}
