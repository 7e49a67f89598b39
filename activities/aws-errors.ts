/**
 * What AWS's errors mean: one predicate for each meaning, so that call sites read as sentences.
 *
 * Codes are matched, not messages. Where AWS gives one code for many things the text that was seen stands beside
 * it. Sources of the codes: the error lists in botocore's models of IAM and EC2, EC2's page "Error codes".
 */

import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { type AwsFailure, NO_ANSWER, OTHER_ACCOUNT } from '../fleet/failures.ts';
import type { RefusalKind } from '../fleet/launch-plan.ts';

/** A failed AWS call, in AWS's words. */
export class AwsError extends Error implements AwsFailure {
  override readonly name = 'AwsError';
  readonly call: string;
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly left: readonly string[] | undefined;

  constructor(
    call: string,
    code: string,
    message: string,
    status?: number,
    requestId?: string,
    left?: readonly string[],
  ) {
    super(message);
    this.call = call;
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.left = left;
  }

  /** The same error of a removal that has removed all but these ids. */
  leaving(ids: readonly string[]): AwsError {
    return new AwsError(this.call, this.code, this.message, this.status, this.requestId, ids);
  }
}

/**
 * Makes a call and turns what it throws into an AwsError. Every call to AWS goes through here, so that no other
 * place needs to know how the SDK shapes its errors.
 */
export async function ask<T>(call: string, send: Promise<T>): Promise<T> {
  try {
    return await send;
  } catch (error) {
    throw asAwsError(call, error);
  }
}

interface SdkError {
  name?: string;
  code?: string;
  message?: string;
  Code?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  $response?: { statusCode?: number };
}

function asAwsError(call: string, error: unknown): AwsError {
  // Of the call for credentials, without which this one was not made.
  if (error instanceof AwsError) return error;
  const raw = error as SdkError;
  // The SDK sets no status on what never was answered (timeouts, cut connections), nor on its own complaints.
  const status = raw.$metadata?.httpStatusCode ?? raw.$response?.statusCode;
  const message = raw.message || raw.code || String(error);
  if (raw.name === 'CredentialsProviderError') return new AwsError(call, raw.name, message);
  if (status === undefined) return new AwsError(call, NO_ANSWER, message);
  // IAM's modelled errors are named after their class, unmodelled ones and EC2's after the wire code.
  const code = (raw.name ?? 'Unknown').replace(/Exception$/, '');
  return new AwsError(call, code, message, status, raw.$metadata?.requestId);
}

function hasCode(error: unknown, ...codes: string[]): error is AwsError {
  return error instanceof AwsError && codes.includes(error.code);
}

/**
 * EC2 does not know the profile, or its role, yet. `InvalidParameterValue` covers dozens of permanent mistakes, so
 * the text decides. Seen: `Value (NAME) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance
 * Profile name`, the same with `.arn` and `ARN`, and `IAM Instance Profile "ARN" has no associated IAM Roles`
 * (aws-sdk-js-v3 #5253; terraform #4306).
 */
export function isProfileUnknownToEc2(error: unknown): error is AwsError {
  return (
    hasCode(error, 'InvalidParameterValue') &&
    (error.message.includes('Invalid IAM Instance Profile') ||
      error.message.includes('has no associated IAM Roles'))
  );
}

/** A dry run that would have succeeded (HTTP 412). */
export function isDryRunSuccess(error: unknown): boolean {
  return hasCode(error, 'DryRunOperation');
}

/** IAM knows nothing by that name. */
export function isAbsent(error: unknown): boolean {
  return hasCode(error, 'NoSuchEntity');
}

/** IAM has something by that name. */
export function isTaken(error: unknown): boolean {
  return hasCode(error, 'EntityAlreadyExists');
}

/** The profile holds a role already: AWS calls it a quota (coreos/mantle #1058). */
export function isProfileFull(error: unknown): error is AwsError {
  return hasCode(error, 'LimitExceeded') && error.call === 'iam:AddRoleToInstanceProfile';
}

/** Something is still inside or around what is to be deleted. */
export function isDeleteConflict(error: unknown): boolean {
  return hasCode(error, 'DeleteConflict');
}

/** EC2 knows no instance by one of the ids; right after a launch that proves nothing. */
export function isInstanceUnknown(error: unknown): boolean {
  return hasCode(error, 'InvalidInstanceID.NotFound', 'InvalidInstanceID');
}

/** An earlier call with this token had other parameters, and may have launched. */
export function isTokenMismatch(error: unknown): boolean {
  return hasCode(error, 'IdempotentParameterMismatch');
}

/** What this token launched is terminated: it will never launch again. */
export function isTokenSpent(error: unknown): boolean {
  return hasCode(error, 'IdempotentInstanceTerminated');
}

export function isVolumeAbsent(error: unknown): boolean {
  return hasCode(error, 'InvalidVolume.NotFound');
}

/** AWS says no: the call has had no effect. No answer, or a fault in the middle of it, proves nothing of the kind. */
export function isRefusal(error: AwsError): boolean {
  if (error.code === NO_ANSWER) return false;
  return (error.status ?? 0) < 500 || CAPACITY.has(error.code) || isThrottled(error);
}

/** Somebody has set termination protection, or a stop protection of EC2's own is on (rebuy-de/aws-nuke #279). */
export function isProtected(error: unknown): boolean {
  return hasCode(error, 'OperationNotPermitted');
}

export function isThrottled(error: AwsError): boolean {
  return THROTTLES.has(error.code);
}

/** EC2 answers 503 and the like for a lack of capacity too, which the same call will not mend. */
function isServerFault(error: AwsError): boolean {
  return SERVER_FAULTS.has(error.code) || ((error.status ?? 0) >= 500 && !CAPACITY.has(error.code));
}

const THROTTLES = new Set([
  'Throttling',
  'Throttled',
  'RequestLimitExceeded',
  'RequestThrottled',
  'TooManyRequests',
  'SlowDown',
]);

const SERVER_FAULTS = new Set([
  'ServiceFailure',
  'InternalError',
  'InternalFailure',
  'InternalServerError',
  'ServerInternal',
  'ServiceUnavailable',
  'Unavailable',
]);

const CAPACITY = new Set([
  'InsufficientInstanceCapacity',
  'InsufficientHostCapacity',
  'InsufficientReservedInstanceCapacity',
  'InsufficientVolumeCapacity',
  'ReservationCapacityExceeded',
  'UnfulfillableCapacity',
  'SpotMaxPriceTooLow',
]);
const QUOTAS = new Set(['VcpuLimitExceeded', 'InstanceLimitExceeded']);
const SPOT_QUOTAS = new Set([
  'MaxSpotInstanceCountExceeded',
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
]);

/**
 * What a refusal of a launch says of its placement; undefined when no other placement helps. `Unsupported` says two
 * things, told apart by its text: `Your requested instance type (T) is not supported in your requested Availability
 * Zone (Z)` (runs-on #5) is about the place, any other about the launch.
 */
export function refusalKind({ code, message }: AwsError): RefusalKind | undefined {
  if (CAPACITY.has(code)) return 'capacity';
  if (QUOTAS.has(code)) return 'quota';
  if (SPOT_QUOTAS.has(code)) return 'spot-quota';
  if (code === 'InsufficientFreeAddressesInSubnet') return 'addresses';
  if (code === 'VolumeTypeNotAvailableInZone') return 'unsupported';
  return code === 'Unsupported' && message.includes('Availability Zone') ? 'unsupported' : undefined;
}

/**
 * Passing by themselves: another call is in the way, credentials are being renewed, the clock was off; another worker may
 * take it up that has credentials of the right account.
 */
const PASSING = new Set([
  'ConcurrentModification',
  'ExpiredToken',
  'RequestExpired',
  'IncorrectInstanceState',
  'PendingVerification',
  OTHER_ACCOUNT,
]);

/** The worker's credentials are of another account than what it was to look at. */
export function isOtherAccount(error: unknown): boolean {
  return hasCode(error, OTHER_ACCOUNT);
}

/** Whether the same call may succeed if it is only made again. */
export function isPassing(error: AwsError): boolean {
  return error.code === NO_ANSWER || isThrottled(error) || isServerFault(error) || PASSING.has(error.code);
}

/** Milliseconds: 1 to 3 seconds at first, 5 to 15 from the fifth refusal on, for a batch may have to wait for minutes. */
const throttleDelay = (attempt: number): number => (1000 + Math.random() * 2000) * Math.min(attempt, 5);

/**
 * The failure by which an activity ends at this attempt, counted from 1. A throttle asks for a longer, spread-out delay
 * than the retry policy's: all callers of the account drink from one bucket.
 */
export function asFailure(error: AwsError, attempt = 1): ApplicationFailure {
  return ApplicationFailure.create({
    type: error.code,
    message: [error.call, error.code, error.message].filter(Boolean).join(': '),
    nonRetryable: !isPassing(error),
    nextRetryDelay: isThrottled(error) ? throttleDelay(attempt) : undefined,
    category: isPassing(error) ? ApplicationFailureCategory.BENIGN : undefined,
    details: [detailOf(error)],
  });
}

export function detailOf({ call, code, message, requestId, left }: AwsError): AwsFailure {
  return { call, code, message, requestId, left };
}

/** The same for an undo, which is tried again whatever it met: the cause may be mended meanwhile. */
export function asUndoFailure(error: AwsError, attempt = 1): ApplicationFailure {
  return ApplicationFailure.fromError(asFailure(error, attempt), { nonRetryable: false });
}

/** Something that was made just now is not to be seen yet; the same call is worth another try. */
export function notYet(error: AwsError): ApplicationFailure {
  return ApplicationFailure.fromError(asFailure(error), {
    nonRetryable: false,
    category: ApplicationFailureCategory.BENIGN,
  });
}
