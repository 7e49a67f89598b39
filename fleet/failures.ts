/** What a failed AWS call says, as it travels in failures' details from an activity to the report. */

export interface AwsFailure {
  /** The call, for instance `iam:CreateRole`. */
  readonly call: string;
  /** AWS's code without a trailing `Exception`, or `Unanswered` when no answer came. */
  readonly code: string;
  /** AWS's words. */
  readonly message: string;
  readonly requestId?: string;
  /**
   * AWS refused the first attempt, so that nothing can have been made: there is nothing to undo. Absent after any
   * attempt whose answer was lost.
   */
  readonly untouched?: boolean;
  /** Ids of what a removal could not remove, when it removed all else. */
  readonly left?: readonly string[];
  /** All that preflight found wrong, when the failure is its. */
  readonly problems?: readonly string[];
}

/** Types of Muster's own failures, beside AWS's codes. */
export const FLEET_FAILED = 'FleetFailed';
/** What was sent has mistakes: nothing was begun. */
export const SPEC_MISTAKES = 'SpecMistakes';
export const PREFLIGHT_FAILED = 'PreflightFailed';
export const DEADLINE_PASSED = 'DeadlinePassed';
export const NAME_TAKEN = 'NameTaken';
export const INSTANCES_DIED = 'InstancesDied';
/** A wave of a roll has not become healthy. */
export const UNHEALTHY = 'Unhealthy';
/** A change was left off, as the fleet is taken down. */
export const LEASE_OVER = 'LeaseOver';
export const WRONG_INSTANCES = 'WrongInstances';
export const PROFILE_IN_USE = 'ProfileInUse';
export const LOOK_FAILED = 'LookFailed';
/** Details of LOOK_FAILED. */
export interface LookFailure {
  /** What it failed for passes by itself as a rule: it was asked again until there was no time left. */
  readonly wasAskedAgain?: boolean;
}
export const FLEET_LEFT_OVER = 'FleetLeftOver';
export const RUN_LOST = 'RunLost';
/** AWS shows a fleet otherwise than its last run left it. */
export const DEGRADED = 'Degraded';
export const TAGS_GONE = 'TagsGone';
export const NOT_DELIVERED = 'NotDelivered';
export const SECRET_UNUSABLE = 'SecretUnusable';
export const NO_ANSWER = 'Unanswered';

/** EC2 does not know the profile yet: asked again until the deadline. */
export const PROFILE_UNKNOWN = 'ProfileUnknownToEc2';

/** The worker's credentials are of another account than the fleet: another worker may have the right ones. */
export const OTHER_ACCOUNT = 'OtherAccount';
