/** A change of a fleet that is complete: what it begins with, and what comes of it. */

import type { ApplicationFailure } from '@temporalio/workflow';
import type { Members } from '../fleet/members.ts';
import type { PlaceIdentity } from '../fleet/places.ts';
import type { FleetReport } from '../fleet/report.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { RunOwner } from '../fleet/tags.ts';

export interface Standing {
  /** Of one place of several: which, and what of its role and profile. */
  readonly at?: string;
  readonly identity?: PlaceIdentity;
  /** In whose name it launches, when that is another run than the one that makes the change. */
  readonly owner?: RunOwner;
  /** Of the fleet; a change that is done, or made up for, writes into it how the fleet is then. */
  readonly report: FleetReport;
  readonly spec: FleetSpec;
  /** For whoever asks for all instances while the change goes on. */
  readonly tellMembers: (members: Members) => void;
}

export interface Changed {
  /** The change's own account of itself: the answer of the Update that asked for it. */
  readonly told: FleetReport;
  /** All instances of the fleet, when they were looked up. */
  readonly members?: Members;
  /** The spec that the fleet has from now on, with its hash; without it, the one that it had. */
  readonly spec?: FleetSpec;
  readonly specHash?: string;
  /** When something is left: how a run ends that has nothing else to wait for. */
  readonly failure?: ApplicationFailure;
}
