/** The cells of the crash matrix: each step and each undo, the call it makes, and the moment and the victim of the crash. */

import type { Fault } from '../sandbox/index.ts';

export interface Row {
  /** As in fleet/steps.ts; undos read like the steps of a teardown. */
  readonly name: string;
  readonly isUndo: boolean;
  readonly action: string;
  readonly match?: string;
}

/**
 * The call is under way at `before` and `during`: at the first it comes to nothing, at the second it has its effect
 * when whoever asked is dead. `after` is the moment between the effect and its answer.
 */
export const MOMENTS = ['before', 'during', 'after'] as const;
export type Moment = (typeof MOMENTS)[number];

export const VICTIMS = ['worker', 'temporal', 'both'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Cell {
  readonly row: Row;
  readonly moment: Moment;
  readonly victim: Victim;
}

const step = (name: string, action: string, match?: string): Row => ({ name, isUndo: false, action, match });
const undo = (name: string, action: string): Row => ({ name, isUndo: true, action });

export const ROWS: readonly Row[] = [
  step('preflight', 'DescribeImages'),
  step('create-role', 'CreateRole'),
  step('create-profile', 'CreateInstanceProfile'),
  step('put-policy', 'PutRolePolicy'),
  step('attach-policies', 'AttachRolePolicy'),
  step('add-role', 'AddRoleToInstanceProfile'),
  step('await-profile', 'RunInstances', 'DryRun=true'),
  step('launch', 'RunInstances', 'TagSpecification'),
  step('verify', 'DescribeInstances'),
  step('mark', 'TagInstanceProfile'),
  undo('terminate', 'TerminateInstances'),
  undo('terminate', 'DeleteVolume'),
  undo('remove-role', 'RemoveRoleFromInstanceProfile'),
  undo('detach-policies', 'DetachRolePolicy'),
  undo('delete-policy', 'DeleteRolePolicy'),
  undo('delete-profile', 'DeleteInstanceProfile'),
  undo('delete-role', 'DeleteRole'),
];

export const HELD_MS = 700;

/** What AWS is told to do with the call at which the crash is. */
export function held({ row: { action, match }, moment }: Cell): Fault {
  const call = { action, ...(match === undefined ? {} : { match }), times: 1 };
  if (moment === 'after') return { ...call, lost: true };
  return { ...call, delayMs: HELD_MS, ...(moment === 'before' ? { cut: true } : {}) };
}

/** The last step is refused, so that all that was made is taken back. */
export const REFUSED_AT_LAST: Fault = {
  action: 'TagInstanceProfile',
  times: 1,
  error: { code: 'AccessDenied', message: 'User is not authorized to perform this action', status: 403 },
};
