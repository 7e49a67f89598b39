/**
 * The report of a run: what exists, where, who may use it and how long each step took; or what failed, why in
 * AWS's own words, what was undone and what is left. While a run is under way, the same shape is its progress.
 */

import type { RepairReport } from './finding.ts';
import type { Decision, Source } from './launch-plan.ts';
import type { RemovalOutcome } from './removal.ts';
import type { ScaleChoice } from './scale.ts';
import type { Count, NotifyEvent, Placement } from './spec.ts';
import type { SpecChange } from './spec-change.ts';

export type FleetState =
  /** Steps are running. */
  | 'running'
  /** A step failed and the run waits for a person: retry or rollback. */
  | 'paused'
  /** Undos are running. */
  | 'rolling-back'
  /** It was complete, and its count is being changed. */
  | 'scaling'
  /** It was complete, and what differs from another spec is being changed in place. */
  | 'changing'
  /** It was complete, and other machines take the place of its own. */
  | 'rolling'
  /** It was complete, and what AWS shows of it otherwise is being put right. */
  | 'repairing'
  /** Everything exists and is verified. */
  | 'complete'
  /** It was complete, and AWS shows less of it now: somebody, or AWS, has ended a part of it. */
  | 'degraded'
  /** A step failed; all that the run made is gone again. */
  | 'rolled-back'
  /** Somebody cancelled; all that the run made is gone again. */
  | 'cancelled'
  /** A step failed or somebody cancelled, and the leftovers still exist. */
  | 'left-over'
  /** teardownFleet is removing the fleet. */
  | 'removing'
  /** The fleet is removed. */
  | 'gone'
  /** The run was ended from outside (terminated, timed out): nothing is known but what its history says. */
  | 'lost';

/** What a fleet is while it is changed. */
export type ChangingState = 'scaling' | 'changing' | 'rolling' | 'repairing';

export type StepState =
  | 'pending'
  | 'running'
  | 'done'
  | 'failed'
  /** Failed, and waiting for a person's decision. */
  | 'paused'
  | 'cancelled';

export interface StepReport {
  /** A StepName (fleet/steps.ts). */
  readonly name: string;
  /** The account or place that it is about, in a run that does the step in several. */
  readonly at?: string;
  state: StepState;
  /** Milliseconds since the epoch, by the run's clock. */
  startedAt?: number;
  /** How long it took, or how long it had been running when the report was made. */
  seconds?: number;
  /** What it waits for, what it found or made, in a few words. */
  detail?: string;
  /** Of a removal that is done: what came of it; or that others took the place of what was removed, or it is as before. */
  outcome?: RemovalOutcome | 'replaced' | 'restored';
}

export interface RoleReport {
  name: string;
  arn: string;
  /** Unique id (`AROA...`): another role of this name has another (IAM User Guide, "IAM identifiers"). */
  id: string;
  /** It existed before the run: it is neither changed nor removed. */
  reused: boolean;
}

export interface ProfileReport {
  name: string;
  arn: string;
  /** Unique id (`AIPA...`). */
  id: string;
  reused: boolean;
}

/** A report tells so many instances one by one: Temporal's answers and histories have to stay small. */
export const MOST_TOLD = 100;

/** A report's `instanceCount`: only of more than it tells one by one. */
export function beyondTold(count: number): number | undefined {
  return count > MOST_TOLD ? count : undefined;
}

/** The runs that launched a fleet's instances. */
export function runsOf({ runs, runId }: Pick<FleetReport, 'runs' | 'runId'>): readonly string[] {
  return runs ?? [runId];
}

/** How many instances a report is about. */
export function instanceCountOf({
  instances,
  instanceCount = instances.length,
}: Pick<FleetReport, 'instances' | 'instanceCount'>): number {
  return instanceCount;
}

/** How many those are together. */
export function instanceCountIn(reports: readonly FleetReport[]): number {
  return reports.reduce((sum, report) => sum + instanceCountOf(report), 0);
}

export interface InstanceReport {
  /** `i-...` */
  id: string;
  /** For instance `t3.micro`. */
  type: string;
  /** For instance `us-east-1a`. */
  zone: string;
  /** IPv4; EC2 gives it while it launches, and takes it back when the instance is terminated. */
  privateIp?: string;
  /** As EC2 names it: pending, running, shutting-down, terminated, stopping, stopped. */
  state: string;
}

export type LeftoverKind = 'role' | 'policy' | 'profile' | 'instance' | 'volume';

export interface Leftover {
  kind: LeftoverKind;
  /** The name or id by which AWS knows it. */
  id: string;
  /** AWS's reason, or why the run kept it. */
  reason: string;
  /** The command that removes it. */
  command: string;
  /** The account or place that it is in, of a fleet that has several. */
  at?: string;
}

export interface FailureReport {
  /** The StepName that failed. */
  step: string;
  /** AWS's error code, or one of Muster's own (fleet/failures.ts). */
  code: string;
  /** AWS's words. */
  message: string;
  /** The call that failed, for instance `iam:CreateRole`. */
  call?: string;
  requestId?: string;
  /** Everything that preflight found wrong. */
  problems?: string[];
  /** Ids of what a removal could not remove, when it removed all else. */
  left?: string[];
}

export interface LeaseReport {
  /** Milliseconds since the epoch: then the fleet is taken down. */
  endsAt: number;
  /** When it was given to a fleet that had none; otherwise it began when the fleet was complete. */
  beganAt?: number;
  /** From here on it is soon over, and whoever wants to know has been told. */
  warned?: boolean;
}

/** A change of the count: under way, or the last that there was. */
export interface ScaleReport {
  from: number;
  to: number;
  /** Of a fleet in several places: in which of them. */
  place?: string;
  /** Which go when there are to be fewer. */
  by: ScaleChoice;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** The run that made it. */
  runId?: string;
  /** Why it came to nothing: the fleet is as it was before. */
  failed?: string;
}

/** A change of the spec in place: under way, or the last that there was. */
export interface ChangeReport {
  readonly changes: readonly SpecChange[];
  /** What else the wanted spec says, and other machines would have. */
  readonly rest: readonly SpecChange[];
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Why it came to nothing: the fleet is as it was before. */
  failed?: string;
}

/** A roll: under way, or the last that there was. */
export interface RollReport {
  /** Images, the new one as the spec has it until it is resolved. */
  from: string;
  to: string;
  /** What else of the specs differs, for which other machines are needed; reports of earlier versions do not tell it. */
  changes?: readonly SpecChange[];
  /** How many instances are replaced, in how many waves of which size. */
  count: number;
  waves: number;
  size: number;
  /** The wave at hand or the last that was, counted from 1; 0 before the first. */
  wave: number;
  /** How many of its new instances are healthy. */
  healthy: number;
  /** How many old ones have ended, over all waves. */
  replaced: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** Since when a person has it wait. */
  pausedAt?: number;
  /** When the next wave begins, while a pause between two lasts. */
  nextAt?: number;
  /** Why it came to nothing: the fleet is as it was before. */
  failed?: string;
}

export interface PropagationReport {
  /** From the end of the last IAM step until EC2 accepted the profile. */
  seconds: number;
  /** How often EC2 was asked. */
  attempts: number;
}

export interface NotificationReport {
  event: NotifyEvent;
  /** Of the workflow that delivers it, whose own report (NotifyReport) tells whom it reached. */
  workflowId: string;
}

/** What is done with a fleet that is complete, by the run that keeps it. */
export type ChangeAction = 'scale' | 'change' | 'roll' | 'repair';

export function isChange(action: FleetReport['action']): action is ChangeAction {
  return action !== 'up' && action !== 'down';
}

export interface FleetReport {
  /** Version of this shape; fields are only added within one. */
  readonly schema: 1;
  readonly fleet: string;
  readonly action: 'up' | 'down' | ChangeAction;
  state: FleetState;
  /** Twelve digits; absent until the run has asked AWS whose its credentials are. */
  account?: string;
  /** Absent of a fleet in several places. */
  region?: string;
  /** Which of several places it tells of. */
  readonly place?: string;
  /** Of a fleet in several places: what it has in each, told as a fleet of its own is. */
  places?: FleetReport[];
  workflowId: string;
  runId: string;
  /** The runs that launched its instances, when that is not this one alone; the first of them made its role and profile. */
  runs?: string[];
  /** Hash of the spec, for `up`. */
  specHash?: string;
  role?: RoleReport;
  profile?: ProfileReport;
  /** The image that every instance was launched from, once resolved. */
  image?: string;
  /** The first of them, at most MOST_TOLD; the others by pages (`FleetRun.instances`). */
  instances: InstanceReport[];
  /** How many there are, when that is more. */
  instanceCount?: number;
  /** In a look at AWS: those of an earlier report that are there, but without the tags that prove whose they are. */
  untagged?: InstanceReport[];
  /** In a look at AWS: what is otherwise than a fleet's identity is, each in a sentence. */
  oddities?: string[];
  /** How many it is to have, and with how many it is content. */
  wanted?: Count;
  /** Where it may launch, in order of preference, with needs resolved to types. */
  placements?: Placement[];
  /** Where the instances came from: how many of which type, where and in which market. */
  sources?: Source[];
  /** What was refused where while it launched, in the order of its happening, and what was done about it. */
  decisions?: Decision[];
  steps: StepReport[];
  /** The undos of a rollback, in the order in which they ran. */
  undos: StepReport[];
  propagation?: PropagationReport;
  /** Until when a complete fleet is wanted; without it, until somebody takes it down. */
  lease?: LeaseReport;
  scale?: ScaleReport;
  change?: ChangeReport;
  /** Of a repair: what it has put right, and what differs still. */
  repair?: RepairReport;
  roll?: RollReport;
  /** Ids of volumes that a teardown or a scale down left, as the spec asked (`deleteOnTermination: false`). */
  volumesKept?: string[];
  leftovers: Leftover[];
  /** What a person has given up: it still exists, and nobody tries to remove it. */
  skipped?: Leftover[];
  /** What the run told of itself, in the order of its happening. */
  notifications?: NotificationReport[];
  /** Whom of `notify` it cannot tell, and why: as the worker saw it when the run began. */
  unheard?: string[];
  error?: FailureReport;
}

/** Of a run that has not said anything yet. */
export function blankReport(
  about: Pick<FleetReport, 'fleet' | 'action' | 'region' | 'workflowId' | 'runId'>,
): FleetReport {
  return { schema: 1, state: 'running', instances: [], steps: [], undos: [], leftovers: [], ...about };
}

/** The exit code of a command that ends with this report; see the table in the README. */
export function exitCode(report: Pick<FleetReport, 'state'>): number {
  switch (report.state) {
    case 'complete':
    case 'gone':
      return 0;
    case 'rolled-back':
    case 'cancelled':
      return 1;
    case 'degraded':
    case 'left-over':
    case 'lost':
      return 3;
    case 'paused':
      return 5;
    case 'running':
    case 'scaling':
    case 'changing':
    case 'rolling':
    case 'repairing':
    case 'rolling-back':
    case 'removing':
      return 130;
  }
}

const UNSETTLED: readonly FleetState[] = [
  'running',
  'scaling',
  'changing',
  'rolling',
  'repairing',
  'rolling-back',
  'removing',
];

/** Whether nothing more will happen by itself: the run has ended, or it waits for a person. */
export function isSettled(state: FleetState): boolean {
  return !UNSETTLED.includes(state);
}
