/** Drift of the role and the profile. */

import type { Facts, RoleFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { quoted } from './leftovers.ts';
import { anew, NONE, shell, tagFindings, unlessDisowned } from './mending.ts';
import { ec2TrustPolicy, onlyIn, samePolicy } from './policy.ts';
import type { PolicySpec } from './spec.ts';
import type { Wanted, WantedProfile, WantedRole } from './wanted.ts';

export function roleFindings(
  { fleet, region, policy, role: wanted }: Wanted,
  role: RoleFacts | undefined,
): Finding[] {
  if (!wanted) return [];
  const { name, id, made } = wanted;
  if (!role || (id !== undefined && role.id !== id)) return [gone('role', fleet, wanted, role?.id)];
  const trust = trustFindings(region, wanted, role);
  if (!made) return trust;
  const boundary = made.spec.permissionsBoundary ?? NONE;
  const findings: Finding[] = [
    ...trust,
    ...(boundary === (role.boundary ?? NONE)
      ? []
      : [
          {
            kind: 'boundary' as const,
            resource: name,
            wanted: boundary,
            found: role.boundary ?? NONE,
            // Somebody may have put it there, or taken it off, for a reason that is not the fleet's.
            safe: false,
            command:
              boundary === NONE
                ? `aws iam delete-role-permissions-boundary --role-name ${quoted(name)}`
                : `aws iam put-role-permissions-boundary --role-name ${quoted(name)} --permissions-boundary ${boundary}`,
          },
        ]),
    ...policyFindings(name, policy, role),
    ...managedFindings(name, made.spec.managedPolicies, role),
    ...tagFindings(
      name,
      made.tags,
      'role',
      role.tags,
      (tags) => `aws iam tag-role --role-name ${quoted(name)} --tags ${tags}`,
    ),
  ];
  return unlessDisowned(findings, made.tags, role.tags);
}

/** A role that is only used may trust whomever its owner likes, as long as EC2 is one of them. */
function trustFindings(region: string, { name, made }: WantedRole, role: RoleFacts): Finding[] {
  const wanted = ec2TrustPolicy(region);
  if (made ? samePolicy(wanted, role.trust) : role.trustsEc2) return [];
  return [
    {
      kind: 'trust',
      resource: name,
      ...inWords(wanted, role.trust),
      safe: made !== undefined,
      command: `aws iam update-assume-role-policy --role-name ${quoted(name)} --policy-document ${shell(JSON.stringify(wanted))}`,
    },
  ];
}

function policyFindings(role: string, policy: PolicySpec | undefined, { policies }: RoleFacts): Finding[] {
  const findings: Finding[] = [];
  if (policy && !samePolicy(policy.document, policies[policy.name])) {
    findings.push({
      kind: 'policy',
      resource: policy.name,
      ...inWords(policy.document, policies[policy.name]),
      safe: true,
      command: `aws iam put-role-policy --role-name ${quoted(role)} --policy-name ${quoted(policy.name)} --policy-document ${shell(JSON.stringify(policy.document))}`,
    });
  }
  for (const [name, document] of Object.entries(policies)) {
    if (name === policy?.name) continue;
    findings.push({
      kind: 'policy',
      resource: name,
      wanted: NONE,
      found: inWords({}, document).found,
      // It is somebody else's.
      safe: false,
      command: `aws iam delete-role-policy --role-name ${quoted(role)} --policy-name ${quoted(name)}`,
    });
  }
  return findings;
}

/** What either says beyond the other; whole statements where a few words do not hold them. */
function inWords(wanted: unknown, found: unknown): Pick<Finding, 'wanted' | 'found' | 'statements'> {
  const [more, less] = [onlyIn(wanted, found), onlyIn(found, wanted)];
  // The same statements under another Version, or with an Id of their own.
  if (more.length === 0 && less.length === 0 && found !== undefined)
    return { wanted: 'the document of the spec', found: 'another Version or Id' };
  const [moreWords, lessWords] = [
    shortened(more.join('; '), MOST_WORDS),
    shortened(less.join('; '), MOST_WORDS),
  ];
  const isCut = moreWords.endsWith(CUT) || lessWords.endsWith(CUT);
  return {
    wanted: moreWords || 'no more than that',
    found: found === undefined ? NONE : lessWords || 'less than that',
    ...(isCut && { statements: { wanted: more.map(told), found: less.map(told) } }),
  };
}

const MOST_WORDS = 100;
/** An inline policy has at most 10,240 characters; ten of such a length are more than anybody reads. */
const MOST_OF_A_STATEMENT = 1_000;
const CUT = '…';

const told = (statement: string): string => shortened(statement, MOST_OF_A_STATEMENT);

function shortened(words: string, most: number): string {
  return words.length > most ? `${words.slice(0, most - 1)}${CUT}` : words;
}

function managedFindings(role: string, wanted: readonly string[], { managed }: RoleFacts): Finding[] {
  const command = (what: 'attach' | 'detach', arn: string) =>
    `aws iam ${what}-role-policy --role-name ${quoted(role)} --policy-arn ${quoted(arn)}`;
  const kind = 'managed-policy';
  return [
    ...wanted
      .filter((arn) => !managed.includes(arn))
      .map((arn) => ({
        ...({ kind, resource: arn, wanted: `attached to ${role}`, found: NONE } as const),
        safe: true,
        command: command('attach', arn),
      })),
    ...managed
      .filter((arn) => !wanted.includes(arn))
      .map((arn) => ({
        ...({ kind, resource: arn, wanted: NONE, found: `attached to ${role}` } as const),
        safe: false,
        command: command('detach', arn),
      })),
  ];
}

export function profileFindings(
  { fleet, profile: wanted, role }: Wanted,
  { profile, role: named }: Facts,
): Finding[] {
  const { name, id, made } = wanted;
  if (!profile || (id !== undefined && profile.id !== id))
    return [gone('profile', fleet, wanted, profile?.id)];
  const findings: Finding[] = [];
  if (role && (profile.role?.name !== role.name || (role.id !== undefined && profile.role.id !== role.id))) {
    const ofProfile = `--instance-profile-name ${quoted(name)} --role-name`;
    const put = `aws iam add-role-to-instance-profile ${ofProfile} ${quoted(role.name)}`;
    const other = profile.role;
    // By the name there is none to put in, or another's.
    const isLost = role.id !== undefined && named?.id !== role.id;
    const take = other && `aws iam remove-role-from-instance-profile ${ofProfile} ${quoted(other.name)}`;
    findings.push({
      kind: 'role-in-profile',
      resource: name,
      wanted: role.name,
      found: other ? `${other.name} (${other.id})` : NONE,
      // Another role is what the machines work with now.
      safe: made !== undefined && !other && !isLost,
      command: isLost ? anew(fleet) : take ? `${take}; ${put}` : put,
    });
  }
  if (!made) return findings;
  const tag = (tags: string) =>
    `aws iam tag-instance-profile --instance-profile-name ${quoted(name)} --tags ${tags}`;
  findings.push(...tagFindings(name, made.tags, 'profile', profile.tags, tag));
  return unlessDisowned(findings, made.tags, profile.tags);
}

/** What is gone, or is another's now, comes back only with a new fleet: machines hold the old one's unique id. */
function gone(
  kind: 'role' | 'profile',
  fleet: string,
  { name, id = name }: WantedRole | WantedProfile,
  foundId: string | undefined,
): Finding {
  return { kind, resource: name, wanted: id, found: foundId ?? NONE, safe: false, command: anew(fleet) };
}
