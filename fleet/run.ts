/** How a run is addressed: the names that the client, the worker and the workflows have in common. */

import type { Members } from './members.ts';
import type { KnownPlace, PlaceRef, Where } from './places.ts';
import type { ChangingState, InstanceReport } from './report.ts';
import type { NotifyTarget } from './spec.ts';
import type { Owner } from './tags.ts';

/** The task queue that workers poll unless MUSTER_TASK_QUEUE or an option names another. */
export const TASK_QUEUE = 'muster';

/**
 * The task queue of an account's launches in a region: its rate is what EC2 grants the account, shared by all runs and
 * all workers of the task queue that it belongs to.
 */
export function launchQueue(taskQueue: string, account: string, region: string): string {
  return `${taskQueue}:launch:${account}:${region}`;
}

/** The query that answers a FleetReport at any moment of a run and after it. */
export const PROGRESS_QUERY = 'progress';

/** The query that answers a page of a bootstrap's instances. Its argument is an InstancesPage. */
export const INSTANCES_QUERY = 'instances';

export interface InstancesPage {
  readonly from: number;
  readonly most: number;
}

/** The Update by which a person decides about a paused run. Its argument is a Decision. */
export const DECIDE_UPDATE = 'decide';

export type Decision = 'retry' | 'rollback';

/**
 * The one workflow id of a fleet: every run that changes it has this id, so that Temporal keeps them apart. IAM's
 * names are unique ignoring case (IAM User Guide, "IAM and AWS STS quotas"), so `Web` and `web` meet here.
 */
export function fleetWorkflowId(name: string): string {
  return `fleet:${name.toLowerCase()}`;
}

/** The name of a fleet by that id, in lower case. */
export function nameInId(workflowId: string): string {
  return workflowId.slice(fleetWorkflowId('').length);
}

/** Of the run that launches in one place of a fleet, for the fleet's own run. No fleet's name has a colon. */
export function placeWorkflowId(fleet: string, place: string): string {
  return `${fleetWorkflowId(fleet)}:${place}`;
}

/** The workflows that bring a fleet up and take it down, in one place or in several. */
export const BOOTSTRAPS: readonly string[] = ['bootstrapFleet', 'bootstrapPlaces'];
export const TEARDOWNS: readonly string[] = ['teardownFleet', 'teardownPlaces'];

export function teardownType({ places }: Pick<TeardownRequest, 'places'>): string {
  return places ? 'teardownPlaces' : 'teardownFleet';
}

/** What `bootstrapFleet` and `bootstrapPlaces` take. */
export interface BootstrapRequest<Spec> {
  readonly spec: Spec;
  /** `specHash(spec)`: tells whether a second `up` asks for the same fleet. */
  readonly specHash: string;
  /** Seconds for which the fleet is wanted once it is complete; without it, until somebody takes it down. */
  readonly lease?: number;
}

/** The workflow that has a complete fleet for as long as its lease runs. */
export const KEEPER = 'keepFleet';

/** All that make, change or remove a fleet, and tell of it by search attributes. */
export const FLEET_WORKFLOWS: readonly string[] = [
  ...BOOTSTRAPS,
  ...TEARDOWNS,
  KEEPER,
  'launchPlace',
  'changePlace',
];

/** What `keepFleet` takes. */
export interface KeepRequest<Report, Spec> {
  /** Of the complete fleet, with the lease as it stands; `left-over` when a change of it could not be taken back. */
  readonly report: Report;
  /** What the fleet is: what is launched later is launched as it says. */
  readonly spec: Spec;
  /** Since when it is complete: milliseconds since the epoch. */
  readonly completeAt: number;
  /** When its count was changed last; AWS may not show yet what is new. */
  readonly changedAt?: number;
  /** All of its instances, once a change has looked them up. */
  readonly members?: Members;
  /** The run whose change left what the report names as leftovers. */
  readonly leftBy?: string;
}

/** The Update that changes a fleet's count. Its argument is a ScaleRequest, its answer the FleetReport of the change. */
export const SCALE_UPDATE = 'scale';

/** The Update that changes a fleet in place. Its argument is a ChangeRequest, its answer the FleetReport of the change. */
export const CHANGE_UPDATE = 'change';

/** The Update that puts right what a check finds. Its argument is a RepairRequest, its answer the FleetReport of it. */
export const REPAIR_UPDATE = 'repair';
/**
 * The Update that replaces a fleet's instances by ones of another spec. Its argument is a RollRequest, its answer the
 * FleetReport of the roll.
 */
export const ROLL_UPDATE = 'roll';

/** The Update by which a roll under way is paused between its waves, resumed or taken back. Its argument is a Steer. */
export const STEER_UPDATE = 'steer-roll';

/** The Update that removes what a change has left. Its argument is a ClearRequest, its answer a FleetReport. */
export const CLEAR_UPDATE = 'clear';

export interface ClearRequest {
  /** What is given up: `KIND/ID` of leftovers. */
  readonly skip: readonly string[];
}

/** A change that is under way in the run that keeps the fleet. */
export interface ChangeMemo {
  /** `scaling from 2 to 5 since 2026-01-31T12:00:00Z`. */
  readonly words: string;
  /** What the fleet is meanwhile; of a run of an earlier version absent: scaling. */
  readonly state?: ChangingState;
  /** The Update that asked for it. */
  readonly update: string;
}

/** The Update by which a lease is given another end. Its argument is an Extension, its answer a LeaseReport. */
export const EXTEND_UPDATE = 'extend';

/** Seconds on top of what is left of the lease; or the fleet is to stay until somebody takes it down. */
export type Extension = { readonly seconds: number } | { readonly forGood: true };

/** The Update by which a lease ends now: the run goes on as a teardown. */
export const RELEASE_UPDATE = 'release';

/** What every run of a fleet carries beside its history, readable without a worker. */
export interface FleetMemo {
  readonly fleet: string;
  readonly region?: string;
  /** Of the spec, for `up`. */
  readonly specHash?: string;
  /** Seconds for each removal, as the spec has them (`deadlines.undo`). */
  readonly undo?: number;
  /** Of a teardown of what one run made: which run. */
  readonly run?: string;
  /** Who is told what becomes of the fleet, as its spec has it. */
  readonly notify?: readonly NotifyTarget[];
  /** Of the run that keeps a fleet: what it is doing with it. */
  readonly change?: ChangeMemo;
  /** Of a run that only tells the spec that a fleet has from now on: it ends at once. */
  readonly ends?: true;
  /** Of a fleet in several places: which. */
  readonly places?: readonly PlaceRef[];
}

/**
 * What `teardownFleet`, `teardownPlaces` and `inspectFleet` take. Names and places that the caller knows save a search. The
 * region is where the instances are, when no role or profile of the fleet says so.
 */
export interface TeardownRequest extends Partial<Where> {
  readonly fleet: string;
  /** Of a fleet in several places: all of them, instead of a region. */
  readonly places?: readonly KnownPlace[];
  /** Only what this run made, or one of these; otherwise what any run of the fleet made. */
  readonly run?: string;
  readonly runs?: readonly string[];
  /** Names of the role and the profile, when an earlier report gave them. */
  readonly role?: string;
  readonly profile?: string;
  /** Ids of instances that an earlier report gave. */
  readonly instances?: readonly string[];
  /** How many instances an earlier report told of. */
  readonly count?: number;
  /** Seconds to look for what is named here, when it is so new that AWS may not show it yet. */
  readonly patience?: number;
  /** Look by the names alone, and do not go through the whole account when they lead to nothing. */
  readonly byNameOnly?: boolean;
  /** Whether volumes go that were to outlive their instances; a teardown keeps them unless told otherwise. */
  readonly volumes?: 'delete' | 'keep';
  /** What is given up: `KIND/ID`, as a leftover is named. It is left alone, and told in the report. */
  readonly skip?: readonly string[];
  /** Seconds that each removal may take, its retries included. */
  readonly undoDeadline?: number;
  /** Who is told that the fleet is gone, or what is left of it. */
  readonly notify?: readonly NotifyTarget[];
}

/** What `listInstances` takes: a page of the instances that AWS shows of a fleet. */
export interface ListRequest extends Partial<Where> {
  readonly owner: Owner;
  /** Where the page begins, as the one before said. */
  readonly next?: string;
}

/** What `listInstances` answers. */
export interface ListedInstances {
  readonly instances: readonly InstanceReport[];
  /** Where the next page begins, when there is one. */
  readonly next?: string;
}
