/** Muster as a library: what programs import. */

export type { DoctorLine, DoctorReport } from '../fleet/doctor.ts';
export type { DriftReport } from '../fleet/drift-report.ts';
export type { FleetEvent } from '../fleet/event.ts';
export type { Finding, FindingKind, RepairReport } from '../fleet/finding.ts';
export type { ActivityRecord, Ask, HistoryReport } from '../fleet/history-report.ts';
export type { Mistake } from '../fleet/mistakes.ts';
export type { FleetNotification } from '../fleet/notification.ts';
export type {
  PlanItem,
  PlanObstacle,
  PlanPlace,
  PlanReport,
  PlanStanding,
  PolicyPlan,
} from '../fleet/plan.ts';
export type { PolicyDoubt } from '../fleet/policy-mistakes.ts';
export type { FleetPrice, PriceList } from '../fleet/prices.ts';
export type {
  FailureReport,
  FleetReport,
  FleetState,
  InstanceReport,
  LeaseReport,
  Leftover,
  LeftoverKind,
  ProfileReport,
  RoleReport,
  StepReport,
  StepState,
} from '../fleet/report.ts';
export { exitCode, isSettled } from '../fleet/report.ts';
export type { Steer, WaveSize } from '../fleet/roll.ts';
export type { Decision, Extension } from '../fleet/run.ts';
export type { ScaleChoice } from '../fleet/scale.ts';
export type { Overlap } from '../fleet/schedule.ts';
export type { FleetSpec } from '../fleet/spec.ts';
export type { ChangeHow, SpecChange } from '../fleet/spec-change.ts';
export type { Remains, SweepReport, Swept } from '../fleet/sweep.ts';
export { type PageOptions, reportPage } from '../page/page.ts';
export type { CheckOptions } from './check.ts';
export type { CheckScheduleInput, CheckScheduleStanding, CheckSchedules } from './check-schedules.ts';
export { type DoctorOptions, diagnose } from './doctor.ts';
export {
  DiffersError,
  MusterError,
  type MusterErrorCode,
  PricesError,
  ScheduleError,
  SpecError,
} from './errors.ts';
export { FleetRun } from './fleet-run.ts';
export { UnseenError } from './known-fleet.ts';
export type { FleetListing } from './listing.ts';
export {
  type DownOptions,
  type ListOptions,
  Muster,
  type RetryOptions,
  type ScaleOptions,
  type SweepOptions,
  type UpOptions,
} from './muster.ts';
export type { PendingStep } from './pending-step.ts';
export type { PlanOptions } from './plan.ts';
export { pricesFromFile } from './prices.ts';
export type { Progress } from './progress.ts';
export type { FleetRecord } from './record.ts';
export type { NewImage, RollOptions } from './roll.ts';
export type { LogOptions } from './run-log.ts';
export type { BackfillInput, ScheduleInput } from './schedule-input.ts';
export type { ScheduledRun, ScheduleStanding, TriggeredRun } from './schedule-standing.ts';
export type { Schedules } from './schedules.ts';
export type { SpecInput } from './spec-input.ts';
export { type CheckedSpec, specFrom, specFromFile } from './specs.ts';
export type { ConnectOptions, Temporal } from './temporal.ts';
