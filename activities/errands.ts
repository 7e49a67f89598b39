/** Errands: what a schedule, or a program of another language, has a worker ask of Muster itself, as a person would type it. */

import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { DriftReport } from '../fleet/drift-report.ts';
import type { Begun, FleetRunIds, FromSpecRequest } from '../fleet/from-spec.ts';
import type { FleetReport } from '../fleet/report.ts';
import type { NotifyTarget } from '../fleet/spec.ts';

/** Who runs them: the worker, which has a way to Temporal. */
export interface ErrandHost {
  check(fleet: string): Promise<CheckErrand>;
  repair(fleet: string): Promise<RepairErrand>;
  /** What the last check of the fleet's schedule has told as drift. */
  lastTold(fleet: string): Promise<string | undefined>;
  /** Brings a fleet up; `workflowId` is that of the workflow that was asked for it. */
  begin(sent: FromSpecRequest, workflowId: string): Promise<Begun>;
  /** How a run has ended; undefined while it is under way. */
  endOf(run: FleetRunIds): Promise<FleetReport | undefined>;
}

/** There is no fleet to look at, or another run has it. */
export interface Skipped {
  readonly skipped: string;
}

export type CheckErrand =
  | Skipped
  | { readonly skipped?: undefined; readonly report: DriftReport; readonly notify?: readonly NotifyTarget[] };

export type RepairErrand = Skipped | { readonly skipped?: undefined; readonly report: FleetReport };

export function errandSteps(host: ErrandHost) {
  return {
    runCheck: ({ fleet }: { readonly fleet: string }): Promise<CheckErrand> =>
      unlessCancelled(host.check(fleet)),

    lastTold: ({ fleet }: { readonly fleet: string }): Promise<string | undefined> => host.lastTold(fleet),

    /** Waits for the end of the repair; a second attempt finds the one that the first has begun. */
    runRepair: ({ fleet }: { readonly fleet: string }): Promise<RepairErrand> =>
      unlessCancelled(host.repair(fleet)),

    /** Reads the spec and brings its fleet up; a second attempt finds the run that the first has begun. */
    begin: (sent: FromSpecRequest): Promise<Begun> =>
      host.begin(sent, Context.current().info.workflowExecution!.workflowId),

    /** One look: fails while the run is under way, so that nothing is held in the worker until the next. */
    endOf: async (run: FleetRunIds): Promise<FleetReport> => {
      const report = await host.endOf(run);
      if (report) return report;
      throw ApplicationFailure.create({
        type: 'UnderWay',
        message: `${run.workflowId} is under way`,
        category: ApplicationFailureCategory.BENIGN,
      });
    },
  };
}

/** Who stops waiting leaves the fleet's own run alone. */
function unlessCancelled<T>(work: Promise<T>): Promise<T> {
  return Promise.race([work, Context.current().cancelled]);
}
