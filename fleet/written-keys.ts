/** Keys as people know them from AWS or expect them elsewhere, and where their text matters more than their type. */

import type { Elsewhere, KeyPath } from './mistakes.ts';

/** By the key without case, `-` and `_`: the key of a spec that means it. */
const KNOWN_AS = new Map(
  Object.entries({
    ami: 'instances.image',
    amiid: 'instances.image',
    imageid: 'instances.image',
    instancetype: 'instances.type',
    mincount: 'instances.count',
    maxcount: 'instances.count',
    instancecount: 'instances.count',
    desiredcapacity: 'instances.count',
    vcpus: 'instances.vcpu',
    cpus: 'instances.vcpu',
    architecture: 'instances.arch',
    ram: 'instances.memory',
    instancemarketoptions: 'instances.market',
    markettype: 'instances.market',
    spot: 'instances.market',
    instancetypes: 'instances.placements',
    zones: 'instances.placements',
    subnets: 'instances.placements',
    availabilityzone: 'instances.zone',
    subnetid: 'instances.subnet',
    securitygroup: 'instances.securityGroups',
    securitygroupid: 'instances.securityGroups',
    securitygroupids: 'instances.securityGroups',
    vpcsecuritygroupids: 'instances.securityGroups',
    keyname: 'instances.key',
    keypair: 'instances.key',
    blockdevicemappings: 'instances.volumes',
    rootblockdevice: 'instances.volumes',
    devicename: 'device',
    volumesize: 'size',
    volumetype: 'type',
    kmskeyid: 'kmsKey',
    snapshotid: 'snapshot',
    metadataoptions: 'instances.metadata',
    httpputresponsehoplimit: 'instances.metadata.hopLimit',
    instancemetadatatags: 'instances.metadata.tags',
    tagspecifications: 'tags',
    fleet: 'name',
    fleetname: 'name',
    awsregion: 'region',
    regions: 'places',
    accounts: 'places',
    accountid: 'account',
    rolename: 'role.name',
    iamrole: 'role',
    boundary: 'role.permissionsBoundary',
    managedpolicyarns: 'role.managedPolicies',
    instanceprofile: 'profile',
    iaminstanceprofile: 'profile',
    instanceprofilename: 'profile.name',
    policyname: 'policy.name',
    policydocument: 'policy.document',
    rolepolicy: 'policy',
    timeouts: 'deadlines',
    timeout: 'deadlines',
    rollback: 'onFailure',
    notifications: 'notify',
    webhook: 'notify',
    webhooks: 'notify',
  }),
);

/** Keys whose place is `instances`, wherever else they are written. */
const OF_INSTANCES = [
  ...['count', 'image', 'type', 'zone', 'subnet', 'placements', 'spread', 'market', 'securityGroups', 'key'],
  ...['vcpu', 'memory', 'arch'],
  ...['userData', 'volumes', 'monitoring', 'metadata'],
];

const EXPLAINED = new Map(
  Object.entries({
    httptokens: 'leave it out: IMDSv2 is always required',
    principal: 'leave it out: the principal of this policy is the role',
    notprincipal: 'leave it out: the principal of this policy is the role',
    assumerolepolicydocument: 'leave it out: the role is made for ec2.amazonaws.com',
    trustpolicy: 'leave it out: the role is made for ec2.amazonaws.com',
    assumerole: 'give it in places: - { region: ..., assumeRole: ... }',
    externalid: 'give it in places, beside assumeRole',
    '<<': 'merge keys are not read: write the entries out',
  }),
);

/** What is said of a key, given in small letters, that has another name or place here. */
export const movedKey: Elsewhere = (key, path) => {
  const explained = EXPLAINED.get(key);
  if (explained) return { mend: explained };
  const here = path.filter((step) => typeof step === 'string').join('.');
  if (here.startsWith('policy')) return undefined;
  const ours = OF_INSTANCES.find((name) => name.toLowerCase() === key);
  const meant = KNOWN_AS.get(key) ?? (ours && here === '' ? `instances.${ours}` : undefined);
  if (!meant) return undefined;
  const word = here !== '' && meant.startsWith(`${here}.`) ? meant.slice(here.length + 1) : meant;
  return { mend: `did you mean ${word}?`, meant };
};

/** Tags, conditions, accounts and external ids are texts: `1.10` and `0123` mean what is written there. */
export function wantsText(path: KeyPath): boolean {
  if (path.length === 1 && path[0] === 'account') return true;
  if (path[0] === 'places' && (path[2] === 'account' || path[2] === 'externalId')) return true;
  return path.slice(0, -1).some((step) => step === 'tags' || step === 'Condition' || step === 'conditions');
}
