/** What is known of a run at one moment. */

import type { FleetReport } from '../fleet/report.ts';
import type { PendingStep } from './pending-step.ts';

/** How often a run is looked at that is watched: milliseconds. */
export const LOOK_EVERY_MS = 250;

/** Shorter silences are those of a worker that is busy. */
export const SILENT_SECONDS = 4;

export interface Progress {
  /** As the run said last; without any steps until it has said something. */
  readonly report: FleetReport;
  /** Calls that failed and are made again: the step or undo, which attempt is under way, why the last one failed. */
  readonly pending: readonly PendingStep[];
  /** Who does not answer, and for how many seconds. The run itself loses nothing by that. */
  readonly silence?: { readonly of: 'worker' | 'temporal'; readonly seconds: number };
}
