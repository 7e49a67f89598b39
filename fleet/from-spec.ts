/** A fleet that a program asks for by Temporal alone: what it sends, and what is known of the run that has the fleet. */

import type { FleetReport } from './report.ts';

/** What `fleetFromSpec` takes, when it is without mistakes. */
export interface FromSpecRequest {
  /** As people write it: its YAML or JSON, read. */
  readonly spec: unknown;
  /** Seconds for which the fleet is wanted once it is complete; without it, until somebody takes it down. */
  readonly leaseSeconds?: number;
}

/** A run of a fleet, by its ids. */
export interface FleetRunIds {
  readonly fleet: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** What came of asking for a fleet: the run that brings it up, or it is there already. */
export type Begun =
  | { readonly run: FleetRunIds; readonly report?: undefined }
  | { readonly report: FleetReport; readonly run?: undefined };
