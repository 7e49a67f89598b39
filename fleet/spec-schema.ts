/** The shape of a spec as people write it, field by field. What fields ask of each other is in spec-conflicts.ts. */

import { z } from 'zod';
import { findingsOf, shown, wanted } from './mistakes.ts';
import {
  ACCOUNT,
  DEVICE,
  IAM_NAME,
  IAM_PATH,
  IMAGE_ID,
  isImage,
  isProfileArn,
  KEY_NAME,
  KMS_KEY,
  MANAGED_POLICY_ARN,
  PARAMETER,
  PARAMETER_NAME,
  REGION,
  RESERVED_TAG,
  ROLE_DESCRIPTION,
  ROLE_NAME,
  SECURITY_GROUP_ID,
  SNAPSHOT_ID,
  TAG_KEY,
  TAG_VALUE,
} from './names.ts';
import { notify } from './notify-schema.ts';
import { asPlacement, count, market, placementShape, placements } from './placement-schema.ts';
import { type NamedDocument, policyBody, policyName } from './policy-schema.ts';
import { readYaml } from './read-yaml.ts';
import {
  complain,
  duration,
  fields,
  flag,
  listOf,
  nested,
  oneOf,
  text,
  textOrMap,
  whole,
  writtenAs,
} from './schema-parts.ts';
import type { InstancesSpec, Tags, VolumeSpec } from './spec.ts';
import { movedKey, wantsText } from './written-keys.ts';

/** Gives the text of a file that a spec names; throws when it cannot. */
export type ReadFile = (path: string) => string;

const NAME_CHARACTERS = 'letters, digits and + = , . @ _ -';
const roleName = text(ROLE_NAME, 'a name of 1 to 64 characters', NAME_CHARACTERS);
const iamName = text(IAM_NAME, 'a name of 1 to 128 characters', NAME_CHARACTERS);
const iamPath = text(IAM_PATH, 'a path', '/ or a text that begins and ends with /, for instance /teams/web/');
const policyArn = text(
  MANAGED_POLICY_ARN,
  "a managed policy's ARN",
  'for instance arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore',
);
const filePath = z.string(wanted('a path')).min(1, wanted('a path', "relative to the spec's folder"));

/** Tag keys become object keys: a text for each, scalars by their text. */
const tags = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()], wanted('a text')).transform(String), {
    error: wanted('a map of tags', 'for instance { team: web }'),
  })
  .superRefine((value, context) => {
    for (const [key, tag] of Object.entries(value)) {
      const complaint = tagComplaint(key, tag);
      if (complaint) complain(context, [key], ...complaint);
    }
  })
  .transform((value): Tags => value);

function tagComplaint(key: string, value: string): [string, string, { at?: 'key' }?] | undefined {
  if (RESERVED_TAG.test(key))
    return ['a reserved prefix', 'aws: is for AWS, muster: for this program', { at: 'key' }];
  const characters = 'letters, digits, spaces and _ . : / = + - @';
  if (!TAG_KEY.test(key)) return ['not a tag key', `1 to 128 of ${characters}`, { at: 'key' }];
  if (!TAG_VALUE.test(value)) return [`${shown(value)} is not a tag value`, `at most 256 of ${characters}`];
  return undefined;
}

const region = text(REGION, 'a region', 'for instance us-east-1');

const digits = text(ACCOUNT, 'an account', 'twelve digits in quotes: a number loses its leading zeros');
const account = writtenAs(
  z
    .union([z.string(), z.number()], wanted('an account', 'twelve digits in quotes'))
    .transform(String)
    .pipe(digits),
  digits,
  // In a file without quotes, where its digits are taken as they are written.
  z.int().min(0),
);

/** Fields of a thing that is made; one that exists is used as it is. */
function refuseBesideReuse(
  value: { reuse?: boolean | undefined },
  context: z.core.$RefinementCtx,
  what: string,
): void {
  if (!value.reuse) return;
  for (const [key, field] of Object.entries(value)) {
    if (key === 'reuse' || key === 'name' || field === undefined) continue;
    complain(
      context,
      [key],
      `given for a ${what} that exists`,
      'leave it out: what exists is used as it is',
      { at: 'key' },
    );
  }
}

const role = textOrMap(
  'the name of a role that exists, or a map',
  roleName.transform((name) => ({ name, reuse: true as const })),
  fields('a role', {
    name: roleName.optional(),
    path: iamPath.optional(),
    description: text(
      ROLE_DESCRIPTION,
      'a description of 1 to 1,000 characters',
      'Latin letters and signs',
    ).optional(),
    permissionsBoundary: policyArn.optional(),
    managedPolicies: listOf(policyArn)
      .refine(
        (list) => list.length <= 20,
        wanted('at most 20 managed policies', 'IAM takes 10, 20 when raised'),
      )
      .optional(),
    tags: tags.optional(),
    reuse: flag().optional(),
  }).superRefine((value, context) => refuseBesideReuse(value, context, 'role')),
);

const profileRefWanted = wanted(
  "an instance profile's name or ARN",
  'for instance web or arn:aws:iam::123456789012:instance-profile/web',
);
const profileRef = z
  .string(profileRefWanted)
  .refine((ref) => IAM_NAME.test(ref) || isProfileArn(ref), profileRefWanted);
const profile = textOrMap(
  'the name or ARN of an instance profile that exists, or a map',
  profileRef.transform((name) => ({ name, reuse: true as const })),
  z.discriminatedUnion(
    'reuse',
    [
      fields('a profile', {
        name: profileRef.optional(),
        path: iamPath.optional(),
        tags: tags.optional(),
        reuse: z.literal(true),
      }).superRefine((value, context) => refuseBesideReuse(value, context, 'profile')),
      fields('a profile', {
        name: iamName.optional(),
        path: iamPath.optional(),
        tags: tags.optional(),
        reuse: z.literal(false).optional(),
      }),
    ],
    wanted('true or false', 'without quotes'),
  ),
);

const imageWanted = wanted('an image', 'an id (ami-...) or resolve:ssm: and the name of an SSM parameter');
const image = writtenAs(
  z
    .string(imageWanted)
    .transform((value) => (value.startsWith('/') ? `${PARAMETER}${value}` : value))
    .refine(isImage, imageWanted),
  z
    .string()
    .regex(
      new RegExp(`${IMAGE_ID.source}|^(?:${PARAMETER}|(?=/))${PARAMETER_NAME.source.slice(1)}`),
      imageWanted,
    ),
);

const MOST_USER_DATA = 16_384;

function userData(readFile: ReadFile | undefined) {
  const content = z.string().superRefine((value, context) => {
    const bytes = Buffer.byteLength(value);
    if (bytes <= MOST_USER_DATA) return;
    const most = MOST_USER_DATA.toLocaleString('en');
    complain(
      context,
      [],
      `${bytes.toLocaleString('en')} bytes`,
      `EC2 takes at most ${most}: let it fetch the rest`,
    );
  });
  const inFile = filePath
    .transform((path, context) => fileText(readFile, path, context) ?? z.NEVER)
    .pipe(content)
    .describe("A file with it, by its path from the spec's folder");
  const form = fields('user data', { file: inFile }).transform(({ file }) => file);
  return textOrMap('a text, or { file: path }', content, form);
}

const VOLUME_TYPES = ['gp2', 'gp3', 'io1', 'io2', 'st1', 'sc1', 'standard'] as const;
const GIB = { GIB: 1, TIB: 1024 } as const;

/** GiB, as a number or as `20GiB`. What people mean by GB is not what EBS counts in. */
const gib = whole(1, 65_536, 'in GiB: 20 or 20GiB');
const WITH_UNIT = /^(\d{1,6}) ?([GgTt][iI][bB])$/;
const volumeSize = writtenAs(
  z.preprocess((value) => {
    const [, amount, unit] = (typeof value === 'string' && WITH_UNIT.exec(value)) || [];
    return amount && unit ? Number(amount) * GIB[unit.toUpperCase() as keyof typeof GIB] : value;
  }, gib),
  gib,
  z.string().regex(WITH_UNIT, wanted('a size', 'in GiB: 20 or 20GiB')),
);

const volume = fields('a volume', {
  device: text(DEVICE, 'a device', 'as the image names it, for instance /dev/xvda'),
  size: volumeSize.optional(),
  type: oneOf(VOLUME_TYPES).optional(),
  iops: whole(100, 256_000).optional(),
  throughput: whole(125, 2_000, 'in MiB/s').optional(),
  encrypted: flag().optional(),
  kmsKey: text(KMS_KEY, 'a KMS key', 'its id, ARN or alias/...').optional(),
  snapshot: text(SNAPSHOT_ID, 'a snapshot', 'for instance snap-0123456789abcdef0').optional(),
  deleteOnTermination: flag().default(true),
})
  .superRefine(({ type, iops, throughput, encrypted, kmsKey }, context) => {
    const provisioned = type === 'io1' || type === 'io2';
    if (iops === undefined && provisioned)
      complain(context, ['iops'], 'missing', `give it: ${type} needs it`);
    if (iops !== undefined && type && type !== 'gp3' && !provisioned) {
      complain(context, ['iops'], `given for ${type}`, 'only gp3, io1 and io2 take it', { at: 'key' });
    }
    if (throughput !== undefined && type && type !== 'gp3') {
      complain(context, ['throughput'], `given for ${type}`, 'only gp3 takes it', { at: 'key' });
    }
    if (kmsKey !== undefined && !encrypted) {
      complain(context, ['kmsKey'], 'given for a volume that is not encrypted', 'add encrypted: true', {
        at: 'key',
      });
    }
  })
  .transform((value): VolumeSpec => value);

const securityGroups = listOf(
  text(SECURITY_GROUP_ID, 'a security group', 'its id, for instance sg-0123456789abcdef0'),
);
const key = text(KEY_NAME, 'the name of a key pair', '1 to 255 ASCII characters');

/** What a place of several may say of itself, as the fleet's own spec has it. */
export const PLACE_SHAPE = {
  region,
  account,
  count,
  image,
  ...placementShape,
  placements,
  securityGroups,
  key,
};

function instances(readFile: ReadFile | undefined) {
  return fields('a map of instances', {
    count,
    image,
    ...placementShape,
    placements: placements.optional(),
    spread: flag().default(false),
    market: market.default('on-demand'),
    securityGroups: securityGroups.default([]),
    key: key.optional(),
    userData: userData(readFile).optional(),
    volumes: listOf(volume).default([]),
    monitoring: flag().default(false),
    metadata: fields('a map of metadata options', {
      hopLimit: whole(1, 64, '1, or 2 for containers').default(1),
      tags: flag().default(false),
    }).default({ hopLimit: 1, tags: false }),
    tags: tags.default({}),
  }).transform(({ type, vcpu, memory, arch, zone, subnet, placements, ...rest }): InstancesSpec => {
    const single = { type, vcpu, memory, arch, zone, subnet };
    return { ...rest, placements: placements ?? [asPlacement(single)] };
  });
}

const deadline = duration(1, 7 * 86_400, 'for instance 90s, 3m or 1h30m; a number is seconds');

const deadlines = fields('a map of deadlines', {
  propagation: deadline.optional(),
  launch: deadline.optional(),
  step: deadline.optional(),
  running: deadline.optional(),
  undo: deadline.optional(),
  consistency: deadline.optional(),
});

function policy(readFile: ReadFile | undefined) {
  const inFile = filePath
    .transform((path, context) => policyOfFile(readFile, path, context))
    .describe("A file with a policy in it, by its path from the spec's folder");
  const fileForm = fields('a policy', { name: policyName.optional(), file: inFile }).transform(
    ({ name, file }): NamedDocument => ({ name: name ?? file.name, document: file.document }),
  );
  const documentForm = fields('a policy', {
    name: policyName.optional(),
    document: policyBody.describe('A document of IAM, or the short form'),
  }).transform(({ name, document }): NamedDocument => ({ name, document: document.document }));
  const form = writtenAs(
    z.unknown().transform((value, context) => {
      const has = (key: string) => Object.hasOwn(value as object, key);
      return nested<NamedDocument>(
        has('file') ? fileForm : has('document') ? documentForm : policyBody,
        value,
        context,
      );
    }),
    policyBody,
    documentForm,
    fileForm,
  );
  return textOrMap('a policy: { allow: ... }, a document or the path of a file', inFile, form);
}

/** What is wrong in the file has its place there. */
function policyOfFile(
  readFile: ReadFile | undefined,
  file: string,
  context: z.core.$RefinementCtx,
): NamedDocument {
  const read = fileText(readFile, file, context);
  if (read === undefined) return z.NEVER;
  const yaml = readYaml(read, wantsText);
  const parsed = policyBody.safeParse(yaml.value);
  const faults = yaml.broken || parsed.success ? [] : findingsOf(parsed.error, yaml.value, movedKey);
  for (const { path, at, message, mend, place = yaml.placeOf(path, at) } of [...yaml.findings, ...faults]) {
    complain(context, [], message, mend, { file, place, within: path });
  }
  return parsed.data ?? z.NEVER;
}

function fileText(
  readFile: ReadFile | undefined,
  file: string,
  context: z.core.$RefinementCtx,
): string | undefined {
  if (!readFile) {
    complain(context, [], 'names a file, and none is read here', 'give what is in it instead');
    return undefined;
  }
  try {
    return readFile(file);
  } catch (error) {
    complain(context, [], `cannot be read: ${whyUnread(error)}`, "give a path relative to the spec's folder");
    return undefined;
  }
}

function whyUnread(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : error.message;
}

/** The whole spec; files that it names are read on the way, or refused. */
export function specSchema(readFile?: ReadFile) {
  const shape = {
    name: roleName,
    region: region.optional(),
    account: account.optional(),
    policy: policy(readFile).optional(),
    role: role.optional(),
    profile: profile.optional(),
    instances: instances(readFile),
    tags: tags.default({}),
    onFailure: oneOf(['rollback', 'keep', 'pause']).default('rollback'),
    deadlines: deadlines.default({}),
    notify: notify.optional(),
  };
  // What they say is put in their stead before: see read-places.ts.
  return fields('a spec', shape, ['places', 'need']);
}

export type WrittenSpec = z.output<ReturnType<typeof specSchema>>;
