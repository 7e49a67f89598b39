/** What a run's history says, as far as it is told to anybody: Temporal's events without what only Temporal needs. */

import type { RunEnd } from './event.ts';
import type { FleetReport } from './report.ts';

/** Of a call that has failed. */
export interface CallFailure {
  /** AWS's code. */
  readonly code?: string;
  /** The call, AWS's code and words. */
  readonly reason: string;
}

/** A call is an activity, and has the id of the event that scheduled it. */
export type RunFact = {
  /** Of the event: they grow. */
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
} & (
  | {
      readonly kind: 'began';
      /** The workflow's type. */
      readonly type: string;
      readonly by?: string;
      /** Id of the workflow of which it is a child. */
      readonly parent?: string;
      readonly continues?: string;
    }
  | {
      readonly kind: 'asked';
      readonly update?: string;
      readonly request: string;
      readonly argument?: unknown;
      readonly by?: string;
      /** A run asked it of another, as a fleet's of its places'. */
      readonly byRun?: true;
    }
  | {
      readonly kind: 'answered';
      readonly update: string;
      readonly report?: FleetReport;
      readonly reason?: string;
    }
  /** `activity`: the id, that of its step; `type`: `createRole`. */
  | { readonly kind: 'called'; readonly call: number; readonly activity: string; readonly type: string }
  /** Its last attempt has begun. */
  | {
      readonly kind: 'attempted';
      readonly call: number;
      readonly attempt: number;
      /** Temporal's identity of the worker. */
      readonly by?: string;
      readonly failure?: CallFailure;
    }
  | {
      readonly kind: 'returned';
      readonly call: number;
      readonly how: 'done' | 'failed' | 'cancelled';
      /** It has failed by its time alone. */
      readonly timedOut?: true;
      readonly failure?: CallFailure;
      /** How many were launched by it in which zone. */
      readonly launched?: Readonly<Record<string, number>>;
    }
  | {
      readonly kind: 'ended';
      readonly how: RunEnd;
      readonly by?: string;
      readonly reason?: string;
      readonly next?: string;
      readonly report?: FleetReport;
    }
);
