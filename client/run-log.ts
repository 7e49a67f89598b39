/** What has happened to a fleet: the events of its runs, read from their histories. */

import type { FleetEvent } from '../fleet/event.ts';
import { RunStory } from '../fleet/run-story.ts';
import { FleetRun } from './fleet-run.ts';
import { runsBefore } from './known-runs.ts';
import { asTheyCome, hearPlaces, take } from './run-events.ts';
import { factsOf } from './run-history.ts';
import type { Temporal } from './temporal.ts';

export interface LogOptions {
  /** Also of the runs before that Temporal still knows. */
  readonly all?: boolean;
  /** Goes on with what comes, until the run has ended, and no other goes on from it. */
  readonly follow?: boolean;
}

/** The fleet's last run, by its ids. */
interface Last {
  readonly fleet: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** Of its last run, with those that it goes on from. Throws TemporalUnreachable. */
export async function* logOf(
  temporal: Temporal,
  last: Last,
  { all, follow }: LogOptions,
): AsyncGenerator<FleetEvent, void> {
  const runIds = all
    ? [...(await runsBefore(temporal, last)).map(({ runId }) => runId), last.runId]
    : await chainOf(temporal, last);
  for (const runId of runIds) {
    if (runId !== last.runId || !follow) yield* pastOf(temporal, runOf(temporal, { ...last, runId }));
  }
  if (!follow) return;
  for (let runId: string | undefined = last.runId; runId !== undefined; ) {
    const story: RunStory = new RunStory({ fleet: last.fleet, runId });
    const run = runOf(temporal, { ...last, runId });
    yield* asTheyCome(temporal, run, story, () => false);
    yield* restOf(temporal, run, story);
    runId = story.end?.next;
  }
}

async function* pastOf(temporal: Temporal, run: FleetRun): AsyncGenerator<FleetEvent, void> {
  const { fleet, runId } = run;
  const story = new RunStory({ fleet, runId });
  for await (const facts of factsOf(temporal, run)) {
    for (const fact of facts) story.hear(fact);
  }
  yield* restOf(temporal, run, story);
}

/** What the history does not tell is asked of a worker; without one it is told as the history has it. */
async function* restOf(temporal: Temporal, run: FleetRun, story: RunStory): AsyncGenerator<FleetEvent, void> {
  const { end } = story;
  const isTold = story.isReported || end?.how === 'continued';
  const progress = isTold ? undefined : await run.look();
  if (progress && !end) take(progress, story);
  else if (progress && !progress.silence) story.see(progress.report);
  await hearPlaces(temporal, story);
  yield* story.news(end !== undefined || progress?.silence !== undefined);
}

function runOf(temporal: Temporal, { fleet, workflowId, runId }: Last): FleetRun {
  return new FleetRun(temporal, fleet, { workflowId, runId }, 'running');
}

/** A fleet's lease, a change of it and the end of its lease are runs that go on from one another. The oldest is first. */
async function chainOf(temporal: Temporal, { workflowId, runId }: Last): Promise<string[]> {
  const runIds = [runId];
  for (;;) {
    const before = await continuedBy(temporal, { workflowId, runId: runIds[0]! });
    if (before === undefined) return runIds;
    runIds.unshift(before);
  }
}

async function continuedBy(
  temporal: Temporal,
  run: { readonly workflowId: string; readonly runId: string },
): Promise<string | undefined> {
  for await (const [first] of factsOf(temporal, run, { page: 1 })) {
    return first?.kind === 'began' ? first.continues : undefined;
  }
  return undefined;
}
