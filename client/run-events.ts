/** What happens in a run, as it comes. */

import type { FleetEvent } from '../fleet/event.ts';
import type { FleetReport } from '../fleet/report.ts';
import { RunStory } from '../fleet/run-story.ts';
import { OpenCalls } from './open-calls.ts';
import { LOOK_EVERY_MS, type Progress, SILENT_SECONDS } from './progress.ts';
import { factsOf, type ReadOptions } from './run-history.ts';
import type { Temporal } from './temporal.ts';

/** A run that is followed. */
export interface Followed {
  readonly fleet: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly met: 'new' | 'running' | 'ended' | 'keeping';
  /** The Update by which the change was asked for that it is about. */
  readonly change: string | undefined;
  look(): Promise<Progress>;
  result(): Promise<FleetReport>;
}

/** From the beginning of the run, or of the change; with its result as the last. */
export async function* eventsOf(temporal: Temporal, run: Followed): AsyncGenerator<FleetEvent, void> {
  const { fleet, runId, change, met } = run;
  const story = new RunStory({ fleet, runId }, change);
  const isEnough = ({ state }: FleetReport) => state === 'paused' || met === 'keeping';
  const last = yield* asTheyCome(temporal, run, story, isEnough);
  const report = last?.state === 'paused' ? last : await run.result();
  story.see(report);
  await hearPlaces(temporal, story);
  yield* story.news(report !== last);
  yield { schema: 1, at: new Date().toISOString(), fleet, runId, type: 'result', report };
}

/**
 * Until the run has ended or the change is done, or until a report is enough, which is answered then. What no report has
 * told of is left to be told.
 */
export async function* asTheyCome(
  temporal: Temporal,
  run: Followed,
  story: RunStory,
  isEnough: (report: FleetReport) => boolean,
): AsyncGenerator<FleetEvent, FleetReport | undefined> {
  const calls = new OpenCalls(temporal.client);
  let isOver = false;
  let failed: { error: unknown } | undefined;
  const hear = async (follow: boolean) => {
    for await (const facts of factsOf(temporal, run, { follow, ask: (call) => calls.ask(call) })) {
      for (const fact of facts) story.hear(fact);
      isOver = story.end !== undefined || (run.change !== undefined && story.hasAnswered(run.change));
      if (isOver) return;
    }
  };
  const places = new Set<string>();
  const hearNewPlaces = () => {
    for (const [place, run] of story.placeRuns) {
      if (places.has(run.runId)) continue;
      places.add(run.runId);
      // What is missed is read at the end.
      hearPlace(temporal, story, place, { follow: true, ask: (call) => calls.ask(call) }).catch(() => {});
    }
  };
  try {
    // What has been is told in its order, and not as it is read.
    await hear(false);
    if (isOver) return undefined;
    const end = hear(true).catch((error: unknown) => {
      failed = { error };
    });
    while (!isOver && !failed) {
      const progress = await Promise.race([calls.ask(() => run.look()), end]);
      if (progress) {
        take(progress, story);
        hearNewPlaces();
        const isLast = isEnough(progress.report);
        if (isLast) await hear(false);
        yield* story.news(false);
        if (isLast) return progress.report;
      }
      await calls.pause(LOOK_EVERY_MS, end);
    }
    if (failed) throw (failed as { error: unknown }).error;
    return undefined;
  } finally {
    await calls.stop();
  }
}

/** What the runs say that launch in the places of a fleet that has several. */
export async function hearPlaces(temporal: Temporal, story: RunStory): Promise<void> {
  await Promise.all([...story.placeRuns.keys()].map((place) => hearPlace(temporal, story, place, {})));
}

async function hearPlace(
  temporal: Temporal,
  story: RunStory,
  place: string,
  how: ReadOptions,
): Promise<void> {
  for await (const facts of factsOf(temporal, story.placeRuns.get(place)!, how)) {
    for (const fact of facts) story.hearOf(place, fact);
  }
}

/** Takes how a run that has not ended is at this moment. */
export function take({ report, pending, silence }: Progress, story: RunStory): void {
  const now = Date.now();
  if (silence) {
    if (silence.seconds >= SILENT_SECONDS) story.seeSilence(silence.of, silence.seconds, now);
    return;
  }
  story.see(report, now);
  story.seeRetries(pending, now);
}
