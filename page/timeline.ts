/** The steps of a run and its undos on one axis of time. */

import type { HistoryReport } from '../fleet/history-report.ts';
import type { FleetReport, StepReport } from '../fleet/report.ts';
import { attemptsOf, type StepAttempts } from '../fleet/step-attempts.ts';
import { STEP_MARKS, stepWords } from '../fleet/steps.ts';
import { counted } from '../fleet/words.ts';
import { html, type Markup, timeWords } from './html.ts';

/** From the first begin to the last end, in milliseconds since the epoch. */
interface Axis {
  readonly from: number;
  readonly to: number;
}

/** The reasons of a step that are shown; the history has all. */
const MOST_FAILURES = 3;

/** `at` is when the report was made: until then a step has been under way that is. */
export function timeline(report: FleetReport, at: number, history?: HistoryReport): Markup | undefined {
  const { scale, change, roll, action, workflowId } = report;
  const steps = report.steps.map((step) => untilNow(step, at));
  const undos = report.undos.map((step) => untilNow(step, at));
  const axis = axisOf([...steps, ...undos]);
  if (steps.length + undos.length === 0) return undefined;
  const row = (isUndo: boolean) => (step: StepReport) =>
    stepRow(step, axis, attemptsOf(step, { isUndo, workflowId }, history?.activities ?? []));
  // They are those of the run that brought it up, and not of a later change.
  const isFormer = (scale ?? change ?? roll) && action === 'up';
  return html`${isFormer && html`<p class="soft">When it was brought up.</p>\n`}<ol class="steps">
${steps.map(row(false))}</ol>
${undos.length > 0 && html`<h3>Taking back</h3>\n<ol class="steps">\n${undos.map(row(true))}</ol>\n`}${axis && axisWords(axis)}`;
}

function untilNow(step: StepReport, now: number): StepReport {
  const { state, startedAt, seconds } = step;
  const isOpen = startedAt !== undefined && (state === 'running' || state === 'paused');
  return isOpen && seconds === undefined ? { ...step, seconds: Math.max(0, now - startedAt) / 1000 } : step;
}

function axisOf(steps: readonly StepReport[]): Axis | undefined {
  const begun = steps.filter(({ startedAt }) => startedAt !== undefined);
  if (begun.length === 0) return undefined;
  return {
    from: Math.min(...begun.map(({ startedAt }) => startedAt!)),
    to: Math.max(...begun.map(endOf)),
  };
}

function endOf({ startedAt = 0, seconds = 0 }: StepReport): number {
  return startedAt + seconds * 1000;
}

function axisWords({ from, to }: Axis): Markup {
  return html`<p class="axis"><span>${timeWords(from)}</span><span>${((to - from) / 1000).toFixed(1)} s later</span></p>\n`;
}

function stepRow(step: StepReport, axis: Axis | undefined, attempts: StepAttempts | undefined): Markup {
  const { state, seconds, detail } = step;
  return html`<li class="${state}"><span class="mark" aria-hidden="true">${STEP_MARKS[state]}</span><span class="title">${stepWords(step)}</span><span class="word">${state}</span><span class="track">${axis && bar(step, axis)}</span><span class="seconds">${seconds !== undefined && `${seconds.toFixed(1)} s`}</span>${(detail || attempts) && html`<div class="detail">${detail && html`<div>${detail}</div>`}${attempts && attemptWords(attempts, detail)}</div>`}</li>
`;
}

function bar(step: StepReport, { from, to }: Axis): Markup | undefined {
  if (step.startedAt === undefined) return undefined;
  const percent = (ms: number) => (to > from ? (100 * ms) / (to - from) : 100).toFixed(2);
  const begin = to > from ? step.startedAt - from : 0;
  return html`<span class="bar" style="margin-left:${percent(begin)}%;width:${percent(endOf(step) - step.startedAt)}%"></span>`;
}

/** Of what was done at the first attempt nothing is said, nor what the step says itself. */
function attemptWords(
  { activities, attempts, failures: all }: StepAttempts,
  detail: string | undefined,
): Markup | undefined {
  const failures = all.filter((failure) => !detail || !failure.endsWith(detail));
  if (attempts <= activities && failures.length === 0) return undefined;
  const more = failures.length - MOST_FAILURES;
  const of = activities > 1 ? ` of ${activities} activities` : '';
  return html`<div class="attempts">${counted(attempts, 'attempt')}${of}${failures.length > 0 && '; failed with'}${
    failures.length > 0 &&
    html`<ul>${failures
      .slice(0, MOST_FAILURES)
      .map(
        (failure) => html`<li>${failure}</li>`,
      )}${more > 0 && html`<li>and ${more} more reasons</li>`}</ul>`
  }</div>`;
}
