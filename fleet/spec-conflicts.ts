/**
 * What the fields of a spec ask of each other. It looks at what was written, whether or not each field is right by
 * itself, so that a reader gets these mistakes along with the others.
 */

import { type Finding, finding, type KeyPath, shown } from './mistakes.ts';
import { METADATA_TAG_KEY, MOST_TAGS, profileAccount, REGION } from './names.ts';
import { placementConflicts } from './placement-conflicts.ts';
import { isMap } from './schema-parts.ts';

/** Where the region comes from when a spec names none, as for the AWS SDK and command line. */
export interface RegionEnv {
  readonly AWS_REGION?: string;
  readonly AWS_DEFAULT_REGION?: string;
}

/** The region of a spec, by itself or from its surroundings. */
export function regionOf(written: string | undefined, env: RegionEnv = {}): string | undefined {
  return written ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined);
}

export function conflictsOf(spec: Record<string, unknown>, env?: RegionEnv): Finding[] {
  return [
    ...regionConflicts(spec, env),
    ...identityConflicts(spec),
    ...placementConflicts(spec, regionOf(textOf(spec.region), env)),
    ...deviceConflicts(spec),
    ...tagConflicts(spec),
  ];
}

function regionConflicts(spec: Record<string, unknown>, env?: RegionEnv): Finding[] {
  if (isGiven(spec.region)) return [];
  const found = regionOf(undefined, env);
  if (found === undefined) {
    const instead = env ? ', or set AWS_REGION' : '';
    return [finding(['region'], 'missing', `give one, for instance region: us-east-1${instead}`)];
  }
  if (REGION.test(found)) return [];
  const variable = env?.AWS_REGION ? 'AWS_REGION' : 'AWS_DEFAULT_REGION';
  return [finding(['region'], `${variable} is ${shown(found)}, not a region`, 'for instance us-east-1')];
}

/** A fleet has an identity that exists, or one that is made of a role, its policy and a profile. */
function identityConflicts(spec: Record<string, unknown>): Finding[] {
  const { policy, role, profile } = spec;
  if (isReused(profile)) {
    const mend = 'leave it out, or name a profile to make with profile: { name: ... }';
    const refused = ['policy', 'role']
      .filter((key) => isGiven(spec[key]))
      .map((key) =>
        finding([key], 'given beside a profile that exists, which is used as it is', mend, 'key'),
      );
    return [...refused, ...accountConflicts(spec)];
  }
  if (isReused(role)) {
    if (!isGiven(policy)) return [];
    const mend = 'leave it out, or name a role to make with role: { name: ... }';
    return [finding(['policy'], 'given beside a role that exists, which is used as it is', mend, 'key')];
  }
  const managed = isMap(role) ? role.managedPolicies : undefined;
  const hasManaged = Array.isArray(managed) ? managed.length > 0 : isGiven(managed);
  if (isGiven(policy) || hasManaged) return [];
  const mend =
    'say what the instances may do, for instance policy: { allow: [{ actions: [s3:Get*], resources: ["*"] }] }';
  return [finding(['policy'], 'missing', mend)];
}

function accountConflicts({ account, profile }: Record<string, unknown>): Finding[] {
  const ref = isMap(profile) ? profile.name : profile;
  const owner = typeof ref === 'string' ? profileAccount(ref) : undefined;
  if (!owner || !isGiven(account) || String(account) === owner) return [];
  return [finding(['profile'], `a profile of account ${owner}`, `give one of account ${shown(account)}`)];
}

function deviceConflicts({ instances }: Record<string, unknown>): Finding[] {
  const volumes = isMap(instances) && Array.isArray(instances.volumes) ? instances.volumes : [];
  const devices = volumes.map((volume) => (isMap(volume) ? volume.device : undefined));
  return devices.flatMap((device, index) =>
    typeof device === 'string' && devices.indexOf(device) < index
      ? [
          finding(
            ['instances', 'volumes', index, 'device'],
            `${shown(device)} again`,
            'each volume has its own device',
          ),
        ]
      : [],
  );
}

/** Tags of the fleet and of a thing meet on that thing. */
function tagConflicts(spec: Record<string, unknown>): Finding[] {
  const { role, profile, instances } = spec;
  const findings: Finding[] = [];
  const common = tagKeys(spec);
  for (const [what, part] of Object.entries({ role, profile, instances })) {
    const keys = [...new Set([...common, ...tagKeys(part)])];
    if (keys.length > MOST_TAGS) {
      const path = tagKeys(part).length > 0 ? [what, 'tags'] : ['tags'];
      findings.push(
        finding(path, `${keys.length} tags`, `at most ${MOST_TAGS}: AWS takes 50, and ownership needs some`),
      );
    }
    if (what !== 'instances') findings.push(...sameButForCase(keys, what, tagKeys(part)));
  }
  const metadata = isMap(instances) ? instances.metadata : undefined;
  if (isMap(metadata) && metadata.tags === true) {
    findings.push(...unreadableInMetadata(['tags'], common));
    findings.push(...unreadableInMetadata(['instances', 'tags'], tagKeys(instances)));
  }
  return unique(findings);
}

/** IAM compares tag keys ignoring case. */
function sameButForCase(keys: readonly string[], what: string, own: readonly string[]): Finding[] {
  return keys.flatMap((key, index) => {
    const twin = keys.slice(0, index).find((other) => other.toLowerCase() === key.toLowerCase());
    if (!twin) return [];
    const path = own.includes(key) ? [what, 'tags', key] : ['tags', key];
    return [finding(path, `the same key as ${shown(twin)} to IAM`, 'keep one of the two', 'key')];
  });
}

function unreadableInMetadata(path: KeyPath, keys: readonly string[]): Finding[] {
  const mend = 'letters, digits and + - = . , _ : @ while instances.metadata.tags is true';
  return keys
    .filter((key) => !METADATA_TAG_KEY.test(key))
    .map((key) => finding([...path, key], 'a key that the instance metadata cannot serve', mend, 'key'));
}

function tagKeys(part: unknown): string[] {
  return isMap(part) && isMap(part.tags) ? Object.keys(part.tags) : [];
}

function unique(findings: readonly Finding[]): Finding[] {
  const seen = new Map(findings.map((found) => [JSON.stringify([found.path, found.message]), found]));
  return [...seen.values()];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isReused(part: unknown): boolean {
  return typeof part === 'string' || (isMap(part) && part.reuse === true);
}

function isGiven(value: unknown): boolean {
  return value !== undefined;
}
