/** What `planFleet` is asked, and what it has seen. */

import type { FleetReport, ProfileReport, RoleReport } from './report.ts';
import type { Count, FleetSpec, ResolvedPlacement } from './spec.ts';

/** What `planFleet` takes. */
export interface PlanRequest {
  readonly fleet: string;
  /** Where something would be launched: of a fleet in one place without a name. */
  readonly places: readonly { readonly place?: string; readonly spec: FleetSpec }[];
  /** Of a fleet that is there. */
  readonly change?: PlannedChange;
}

/** What would be changed in place. */
export interface PlannedChange {
  readonly from: FleetSpec;
  readonly to: FleetSpec;
  readonly specHash: string;
  readonly report: Pick<FleetReport, 'fleet' | 'account' | 'role' | 'profile' | 'runs' | 'runId'>;
}

/** What a launch would meet in one place. */
export interface PlaceOutlook {
  readonly place?: string;
  readonly region: string;
  readonly account?: string;
  /** Who would make the fleet, as AWS names the caller. */
  readonly caller?: string;
  /** `ami-...`, as it is resolved now. */
  readonly image?: string;
  readonly count: Count;
  readonly placements?: readonly ResolvedPlacement[];
  /** Of each type that it may have. */
  readonly vcpus: Readonly<Record<string, number>>;
  /** What exists and would be used. */
  readonly role?: RoleReport;
  readonly profile?: ProfileReport;
  readonly unheard?: readonly string[];
  /** All that is in the way. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface Foresight {
  /** What would stop a change before it changes anything. */
  readonly inTheWay: readonly string[];
  readonly places: readonly PlaceOutlook[];
}
