/** Drift of single instances, and instances that are none of the fleet's. */

import type { InstanceFacts } from './facts.ts';
import type { Finding, FindingKind } from './finding.ts';
import { quoted } from './leftovers.ts';
import { NONE, refill, tagFindings, unlessDisowned } from './mending.ts';
import { FLEET_TAG, isOfRun, RUN_TAG } from './tags.ts';
import type { Wanted, WantedTags } from './wanted.ts';

export function hasEnded({ state }: InstanceFacts): boolean {
  return state === 'terminated' || state === 'shutting-down';
}

/** What of the fleet around it a finding about an instance depends on. */
interface Surroundings {
  /** Unique id of what has the name of the fleet's profile now. */
  readonly profileId: string | undefined;
  /** Others can be launched. */
  readonly canLaunch: boolean;
}

export function instanceFindings(
  wanted: Wanted,
  instance: InstanceFacts,
  { profileId, canLaunch }: Surroundings,
): Finding[] {
  const { region, instances, profile } = wanted;
  const { id, state, type, zone, subnet = '', image } = instance;
  const aws = (command: string) => `aws ec2 ${command} --region ${region}`;
  // A repair launches as the fleet's own spec says, and not as a file does that it was held against.
  const end =
    wanted.specFrom === 'file' ? 'muster roll FILE' : aws(`terminate-instances --instance-ids ${id}`);
  const finding = (
    kind: FindingKind,
    want: string,
    found: string,
    command: string,
    safe = false,
  ): Finding => ({
    ...{ kind, resource: id, wanted: want, found, safe, command },
  });
  if (hasEnded(instance))
    return [finding('state', 'running', state, refill(wanted.fleet, canLaunch), canLaunch)];
  const findings: Finding[] = [];
  if (state !== 'running' && state !== 'pending') {
    findings.push(finding('state', 'running', state, aws(`start-instances --instance-ids ${id}`), true));
  }
  const wantedProfile = profile.id ?? profileId;
  if (instance.profileId !== wantedProfile && wantedProfile !== undefined) {
    const to = `--iam-instance-profile Name=${quoted(profile.name)}`;
    const association = `$(${aws('describe-iam-instance-profile-associations')} --filters Name=instance-id,Values=${id} --query 'IamInstanceProfileAssociations[0].AssociationId' --output text)`;
    const tie =
      instance.profileId === undefined
        ? aws(`associate-iam-instance-profile --instance-id ${id} ${to}`)
        : aws(`replace-iam-instance-profile-association --association-id "${association}" ${to}`);
    // As long as the profile is the fleet's own still.
    findings.push(
      finding('association', wantedProfile, instance.profileId ?? NONE, tie, profileId === wantedProfile),
    );
  }
  findings.push(...metadataFindings(wanted, instance));
  if (instances.image !== undefined && image !== instances.image) {
    findings.push(finding('image', instances.image, image, end));
  }
  const { placements = [{ type, zone, subnet }] } = instances;
  const types = [...new Set(placements.map((placement) => placement.type))];
  const isThere = (place: (typeof placements)[number]) =>
    (place.zone ?? zone) === zone && (place.subnet ?? subnet) === subnet;
  if (!types.includes(type)) findings.push(finding('type', types.join(' or '), type, end));
  else if (!placements.some((placement) => placement.type === type && isThere(placement))) {
    const places = placements.filter((placement) => placement.type === type);
    const words = places.map((place) => place.subnet ?? place.zone).join(' or ');
    findings.push(finding('placement', words, [zone, subnet].filter(Boolean).join(' '), end));
  }
  const { securityGroups } = instances;
  if (securityGroups && !sameSet(securityGroups, instance.securityGroups)) {
    const set = aws(`modify-instance-attribute --instance-id ${id} --groups ${securityGroups.join(' ')}`);
    const found = instance.securityGroups.join(', ') || NONE;
    findings.push(finding('security-groups', securityGroups.join(', '), found, set));
  }
  const wantedTags = withRun(instances, instance);
  findings.push(
    ...tagFindings(id, wantedTags, 'instance', instance.tags, (tags) =>
      aws(`create-tags --resources ${id} --tags ${tags}`),
    ),
  );
  return unlessDisowned(findings, wantedTags, instance.tags);
}

/** It says which of the fleet's runs has launched it; where it says none of them, the token of its launch does. */
function withRun({ tags, runs }: Wanted['instances'], instance: InstanceFacts): WantedTags {
  if (!runs || runs.includes(instance.tags[RUN_TAG] ?? '')) return tags;
  return { ...tags, [RUN_TAG]: runs.find((run) => isOfRun(run, instance.token)) ?? runs[0] };
}

function metadataFindings({ region, instances }: Wanted, { id, metadata }: InstanceFacts): Finding[] {
  if (!metadata) return [];
  const { hopLimit, tags } = instances.metadata;
  const wanted = { endpoint: 'enabled', tokens: 'required', hopLimit, tags: tags ? 'enabled' : 'disabled' };
  const command = `aws ec2 modify-instance-metadata-options --region ${region} --instance-id ${id} --http-endpoint enabled --http-tokens required --http-put-response-hop-limit ${hopLimit} --instance-metadata-tags ${wanted.tags}`;
  return (Object.keys(wanted) as (keyof typeof wanted)[])
    .filter((option) => metadata[option] !== undefined && metadata[option] !== wanted[option])
    .map((option) => ({
      kind: 'metadata',
      resource: id,
      wanted: `${METADATA_WORDS[option]} ${wanted[option]}`,
      found: `${metadata[option]}`,
      safe: true,
      command,
    }));
}

const METADATA_WORDS = {
  endpoint: 'endpoint',
  tokens: 'IMDSv2',
  hopLimit: 'hop limit',
  tags: 'instance tags',
};

export function strangerFinding({ region }: Wanted, { id, state }: InstanceFacts): Finding {
  const tags = `--tags Key=${FLEET_TAG} Key=${RUN_TAG}`;
  return {
    kind: 'stranger',
    resource: id,
    wanted: NONE,
    found: `${state}, launched by no run`,
    safe: false,
    command: `aws ec2 delete-tags --region ${region} --resources ${id} ${tags}`,
  };
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each) => other.includes(each));
}
