/** What AWS takes as a name, an id or an ARN. Patterns match whole texts; lengths are part of them. */

/** Roles: 1 to 64 (IAM API, `roleNameType`). Names are unique in the account ignoring case. */
export const ROLE_NAME = /^[\w+=,.@-]{1,64}$/;
/** Inline policies and instance profiles: 1 to 128 (IAM API, `policyNameType`, `instanceProfileNameType`). */
export const IAM_NAME = /^[\w+=,.@-]{1,128}$/;
/** IAM API, `pathType`; at most 512 in all. */
export const IAM_PATH = /^\/(?:[\x21-\x7e]{1,510}\/)?$/;
/** IAM API, `roleDescriptionType`. */
export const ROLE_DESCRIPTION = /^[\t\n\r\x20-\x7e\xa1-\xff]{1,1000}$/;
export const MANAGED_POLICY_ARN = /^arn:aws[\w-]*:iam::(?:aws|\d{12}):policy\/[\x21-\x7e]{1,1024}$/;
const PROFILE_ARN = /^arn:aws[\w-]*:iam::(\d{12}):instance-profile\/(?:[\x21-\x7e]*\/)?([\w+=,.@-]{1,128})$/;

const ROLE_ARN = /^arn:aws[\w-]*:iam::(\d{12}):role\/(?:[\x21-\x7e]{1,510}\/)?[\w+=,.@-]{1,64}$/;
/** STS API, `externalIdType`. */
export const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;

export const ACCOUNT = /^\d{12}$/;
export const REGION = /^[a-z]{2,8}(?:-[a-z]+){1,3}-\d{1,2}$/;
/** `us-east-1a`, a local zone like `us-west-2-lax-1a`, a Wavelength zone like `us-east-1-wl1-bos-wlz-1`. */
export const ZONE = /^[a-z]{2,8}(?:-[a-z]+){1,3}-\d{1,2}(?:[a-z]|(?:-[a-z0-9]+)+)$/;
/** `t3.micro`, `u-6tb1.metal`, `mac2-m2pro.metal`. */
export const INSTANCE_TYPE = /^[a-z][a-z0-9-]{0,30}\.[a-z0-9-]{1,30}$/;

export const IMAGE_ID = /^ami-[0-9a-f]{8,17}$/;
export const SUBNET_ID = /^subnet-[0-9a-f]{8,17}$/;
export const SECURITY_GROUP_ID = /^sg-[0-9a-f]{8,17}$/;
export const SNAPSHOT_ID = /^snap-[0-9a-f]{8,17}$/;
/** An SSM parameter, with a version or a label after a colon where one is wanted (SSM API, `GetParameter`). */
export const PARAMETER_NAME = /^[\w./:-]{1,1011}$/;
/** Before the name of a parameter that holds an image's id. */
export const PARAMETER = 'resolve:ssm:';
/** EC2 API, `CreateKeyPair`: up to 255 ASCII characters, no space at either end. */
export const KEY_NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;
/** As an image's block device mapping names it: `/dev/xvda`, `/dev/sda1`, `xvdb`. */
export const DEVICE = /^(?:\/dev\/)?[a-z][a-z0-9]{1,30}$/;
/** A KMS key's id, alias or ARN. */
export const KMS_KEY = /^[\w:/-]{1,2048}$/;
/** EventBridge API, `PutEventsRequestEntry`: no partner's bus, as nobody else may put events there. */
export const EVENT_BUS = /^(?:arn:aws[\w-]*:events:[\w-]+:\d{12}:event-bus\/)?[\w.-]{1,256}$/;

/** What IAM takes in tags (IAM API, `tagKeyType`, `tagValueType`); EC2 takes all of it too. */
export const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
export const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;
/** AWS's prefix and Muster's own; IAM compares tag keys ignoring case. */
export const RESERVED_TAG = /^(?:aws|muster):/i;
/** 50 on a resource, of which Muster's own (fleet/tags.ts) may take seven. */
export const MOST_TAGS = 43;
/** Keys that the instance metadata can serve (EC2 User Guide, "View tags for your EC2 instances using IMDS"). */
export const METADATA_TAG_KEY = /^(?!(?:\.{1,2}|_index)$)[A-Za-z0-9+\-=.,_:@]+$/;

/** Whether it is an instance profile's ARN. */
export function isProfileArn(ref: string): boolean {
  return PROFILE_ARN.test(ref);
}

/** The name in an instance profile's ARN, or the name itself. */
export function profileName(ref: string): string {
  return PROFILE_ARN.exec(ref)?.[2] ?? ref;
}

/** The account in a role's ARN; undefined when it is none. */
export function roleAccount(arn: string): string | undefined {
  return ROLE_ARN.exec(arn)?.[1];
}

/** The account in an instance profile's ARN; a name has none. */
export function profileAccount(ref: string): string | undefined {
  return PROFILE_ARN.exec(ref)?.[1];
}

/** An image's id, or the SSM parameter that holds one. */
export function isImage(text: string): boolean {
  return text.startsWith(PARAMETER) ? PARAMETER_NAME.test(text.slice(PARAMETER.length)) : IMAGE_ID.test(text);
}
