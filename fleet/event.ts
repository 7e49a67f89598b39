/** What happens to a fleet, one object each: what `--events` and `muster logs --json` print. */

import type { RemovalOutcome } from './removal.ts';
import type { FleetReport, FleetState, StepReport } from './report.ts';

/** How a run of Temporal's has ended; `continued` by another that goes on from it. */
export type RunEnd = 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed-out' | 'continued';

/** Which step it is about. */
interface OfStep {
  /** A StepName (fleet/steps.ts), and how it reads. */
  readonly step: string;
  readonly title: string;
  /** It takes back what a step has made. */
  readonly undo?: true;
  /** The account that it is about, in a run that does the step in several. */
  readonly where?: string;
}

interface StepEnd extends OfStep {
  readonly seconds: number;
}

/** What AWS refused, or took away again, and what was done about it. */
interface OfPlacement {
  /** `t3.micro in us-east-1a`. */
  readonly placement: string;
  /** AWS's code and words. */
  readonly code: string;
  readonly reason: string;
  /** `trying t3.small in us-east-1b`. */
  readonly then: string;
}

export type Happened =
  | {
      readonly type: 'run-began';
      /** `keep`: the run of a complete fleet, which has a lease or is being changed. */
      readonly action: 'up' | 'down' | 'keep' | 'change';
      /** Who asked for it, as Temporal knows them: MUSTER_OWNER, or user@host. */
      readonly by?: string;
      /** The run that it goes on from. */
      readonly continues?: string;
    }
  | {
      readonly type: 'run-ended';
      readonly how: RunEnd;
      /** What the fleet is then, where the run has said it. */
      readonly state?: FleetState;
      readonly reason?: string;
      /** Who terminated it. */
      readonly by?: string;
      /** The run that goes on from it. */
      readonly next?: string;
    }
  | {
      readonly type: 'asked';
      /** An Update or a Signal by its name, or `cancel`. */
      readonly request: string;
      readonly detail?: string;
      readonly by?: string;
    }
  /** What came of a change that was asked for. */
  | {
      readonly type: 'answered';
      readonly request: string;
      readonly state?: FleetState;
      readonly reason?: string;
    }
  | (OfStep & { readonly type: 'step-began' })
  /** Only while it is followed: what a step waits for. */
  | (OfStep & { readonly type: 'step-waits'; readonly detail: string })
  /** A call of it has failed and is made again. Looked at later, only the last attempt is known. */
  | (OfStep & {
      readonly type: 'step-retried';
      /** Counted from 1. */
      readonly attempt: number;
      readonly code?: string;
      readonly reason?: string;
    })
  | (StepEnd & {
      readonly type: 'step-done';
      readonly detail?: string;
      readonly outcome?: RemovalOutcome | StepReport['outcome'];
    })
  | (StepEnd & { readonly type: 'step-failed'; readonly reason?: string })
  /** It has failed, and a person decides. */
  | (StepEnd & { readonly type: 'step-paused'; readonly reason?: string })
  | (StepEnd & { readonly type: 'step-cancelled' })
  | (OfPlacement & { readonly type: 'refused' | 'died' })
  | {
      readonly type: 'launched';
      readonly count: number;
      /** How many of them are in which zone. */
      readonly zones: Readonly<Record<string, number>>;
    }
  /** Only while it is followed: who has not answered for how long. The run loses nothing by that. */
  | { readonly type: 'silent'; readonly of: 'worker' | 'temporal'; readonly seconds: number }
  /** The last of a run that was followed to its end, or until it waits for a person. */
  | { readonly type: 'result'; readonly report: FleetReport };

interface About {
  /** Version of this shape; types and fields are only added within one. */
  readonly schema: 1;
  /** When it happened: ISO 8601, in UTC. */
  readonly at: string;
  readonly fleet: string;
  readonly runId: string;
  /** Of a fleet in several places: where, if it is not of the whole fleet. */
  readonly place?: string;
}

export type FleetEvent = About & Happened;
