/** One thing that the worker's credentials have to be allowed, and the conditions that narrow it. */

import type { PolicyStatement } from './policy.ts';
import { FLEET_TAG } from './tags.ts';

export interface Permission {
  /** Letters and digits, as IAM has it. */
  readonly sid: string;
  /** What it is needed for: one line. */
  readonly why: string;
  /** `service:Action`. */
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition?: PolicyStatement['Condition'];
  /** Those of the actions without which a run would make what it could not take back. */
  readonly forUndo?: 'all' | readonly string[];
  /** Without it a fleet comes up all the same, and this is what is lost. */
  readonly without?: string;
}

export type Equals = Readonly<Record<string, string | readonly string[]>>;

/** The resource's own tag says that it is the fleet's. */
export const ofFleet = (fleet: string): Equals => ({ [`aws:ResourceTag/${FLEET_TAG}`]: fleet });
/** The call puts the fleet's tag on what it makes. */
export const forFleet = (fleet: string): Equals => ({ [`aws:RequestTag/${FLEET_TAG}`]: fleet });

export function equals(...all: readonly Equals[]): PolicyStatement['Condition'] {
  return { StringEquals: Object.assign({}, ...all) };
}

export function some(is: boolean, permission: Permission): readonly Permission[] {
  return is ? [permission] : [];
}
