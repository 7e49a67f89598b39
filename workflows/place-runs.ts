/** The runs of a fleet's places: how the fleet's own starts them, and how it tells that one of them has failed. */

import { ApplicationFailure, ParentClosePolicy } from '@temporalio/workflow';
import { type AwsFailure, RUN_LOST } from '../fleet/failures.ts';
import type { FailureReport } from '../fleet/report.ts';
import { type FleetMemo, placeWorkflowId } from '../fleet/run.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { StepName } from '../fleet/steps.ts';
import { ownAttributes } from './attributes.ts';

export function placeRun(what: string, { name, region }: FleetSpec, place: string) {
  const memo: FleetMemo = { fleet: name, region };
  return {
    workflowId: placeWorkflowId(name, place),
    memo: { ...memo },
    typedSearchAttributes: ownAttributes(),
    // When the fleet's run is terminated nobody will count on it any more: it takes back what it has launched.
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${what} ${name} in ${place}`,
  };
}

/** In the words of the place. */
export function failureIn(
  place: string,
  { code, call = '', message, requestId }: FailureReport,
): ApplicationFailure {
  const detail: AwsFailure = { call, code, requestId, message: `${place}: ${message}` };
  return ApplicationFailure.create({
    type: code,
    message: detail.message,
    nonRetryable: true,
    details: [detail],
  });
}

export function lostRun(step: StepName, cause: Error | undefined): FailureReport {
  const message = `the run of this place was ended from outside, so that it could undo nothing: ${cause?.message}`;
  return { step, code: RUN_LOST, message };
}
