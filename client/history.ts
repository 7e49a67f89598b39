/**
 * What Temporal's histories of a fleet's runs tell beside its report: who asked for what, and what workers did how often.
 * No worker is needed for that.
 */

import { actionOf, askDetail, askWords } from '../fleet/asks.ts';
import type { ActivityRecord, Ask, HistoryReport } from '../fleet/history-report.ts';
import type { FleetReport } from '../fleet/report.ts';
import { BOOTSTRAPS, KEEPER, placeWorkflowId } from '../fleet/run.ts';
import type { RunFact } from '../fleet/run-fact.ts';
import type { RunId } from './fleet-run.ts';
import { runsBefore } from './known-runs.ts';
import { factsOf } from './run-history.ts';
import type { Temporal } from './temporal.ts';

/** One run, from its beginning. */
interface RunFacts {
  readonly workflowId: string;
  readonly facts: readonly RunFact[];
}

/**
 * Of the fleet's last run and of those before it, from the one that brought it up; and of those of its places. What Temporal
 * has forgotten is left out. Throws TemporalUnreachable.
 */
export async function historyOf(
  temporal: Temporal,
  report: FleetReport,
  last: RunId,
): Promise<HistoryReport> {
  const own = await fleetRuns(temporal, report, last);
  const places = await placeRuns(temporal, report, Math.min(...own.map(beganAt)));
  const all = [...own, ...places];
  return {
    asks: all.flatMap(asksOf).sort((a, b) => a.at - b.at),
    activities: all.flatMap(activitiesOf),
  };
}

async function fleetRuns(
  temporal: Temporal,
  { runs = [], scale }: FleetReport,
  { workflowId, runId, firstRunId = runId }: RunId,
): Promise<RunFacts[]> {
  const found = new Map<string, RunFacts>();
  const look = async (run: string): Promise<RunFacts> => {
    const known = found.get(run) ?? (await runOf(temporal, workflowId, run));
    found.set(run, known);
    return known;
  };
  const last = await look(runId);
  // Temporal's list may lack what the report names and what goes on from one another.
  for (const run of [...runs, ...(scale?.runId === undefined ? [] : [scale.runId])]) await look(run);
  for (let run: string | undefined = firstRunId; run !== undefined && run !== runId; ) {
    const { facts }: RunFacts = await look(run);
    run = nextOf(facts.at(-1));
  }
  if (!isBootstrap(last)) {
    const before = await runsBefore(temporal, { workflowId, runId });
    const broughtUp = before.findLastIndex(({ type }) => BOOTSTRAPS.includes(type));
    for (const run of before.slice(Math.max(0, broughtUp))) await look(run.runId);
  }
  return [...found.values()].sort((a, b) => beganAt(a) - beganAt(b));
}

/** All that launched or changed something in one of its places since it was brought up. */
async function placeRuns(
  temporal: Temporal,
  { fleet, places = [] }: FleetReport,
  since: number,
): Promise<RunFacts[]> {
  const found = places.map(async ({ place, ...last }) => {
    const workflowId = placeWorkflowId(fleet, place!);
    const known = (await runsBefore(temporal, { workflowId })).filter(({ at }) => at >= since);
    const ids = new Set(known.map(({ runId }) => runId));
    // Temporal's list may lack one that was begun just now.
    if (last.workflowId === workflowId) ids.add(last.runId);
    return Promise.all([...ids].map((runId) => runOf(temporal, workflowId, runId)));
  });
  return (await Promise.all(found)).flat();
}

const beganAt = ({ facts: [began] }: RunFacts): number => began?.at ?? 0;

function isBootstrap({ facts: [began] }: RunFacts): boolean {
  return began?.kind === 'began' && BOOTSTRAPS.includes(began.type);
}

function nextOf(last: RunFact | undefined): string | undefined {
  return last?.kind === 'ended' ? last.next : undefined;
}

async function runOf(temporal: Temporal, workflowId: string, runId: string): Promise<RunFacts> {
  const facts: RunFact[] = [];
  for await (const page of factsOf(temporal, { workflowId, runId })) facts.push(...page);
  return { workflowId, facts };
}

function asksOf({ facts }: RunFacts): Ask[] {
  return facts.flatMap((fact): Ask[] => {
    const asked = askedBy(fact);
    return asked ? [{ at: fact.at, ...asked }] : [];
  });
}

/** What runs ask of each other is their own affair: a fleet's of its places', one of the run that it goes on as. */
function askedBy(fact: RunFact): Omit<Ask, 'at'> | undefined {
  switch (fact.kind) {
    case 'began': {
      const { type, by = 'Temporal', parent, continues } = fact;
      // A keeper is begun by what is asked of it, and that is told.
      if (continues || parent?.startsWith('fleet:') || type === KEEPER) return undefined;
      return { what: actionOf(type), by: parent ?? by };
    }
    case 'asked': {
      const { request, argument, by = 'Temporal', byRun } = fact;
      return byRun ? undefined : { what: askWords(request, askDetail(request, argument)), by };
    }
    case 'ended': {
      const { how, reason, by = 'Temporal' } = fact;
      return how === 'terminated' ? { what: `terminate${reason ? `: ${reason}` : ''}`, by } : undefined;
    }
    default:
      return undefined;
  }
}

/** Temporal writes that an attempt began, and which it was, when it has ended for good. */
function activitiesOf({ workflowId, facts }: RunFacts): ActivityRecord[] {
  const records = new Map<number, { -readonly [K in keyof ActivityRecord]: ActivityRecord[K] }>();
  for (const fact of facts) {
    switch (fact.kind) {
      case 'called': {
        const { call, activity: id, type, at: scheduledAt } = fact;
        records.set(call, { type, id, workflowId, scheduledAt, attempts: 0, end: 'open' });
        break;
      }
      case 'attempted': {
        const { call, attempt: attempts, by: worker, failure } = fact;
        Object.assign(records.get(call) ?? {}, { attempts, worker, failure: failure?.reason });
        break;
      }
      case 'returned': {
        const record = records.get(fact.call);
        if (!record) break;
        record.end = endOf(fact);
        if (fact.failure) record.failure = fact.failure.reason;
        break;
      }
    }
  }
  return [...records.values()];
}

function endOf({ how, timedOut }: Extract<RunFact, { kind: 'returned' }>): ActivityRecord['end'] {
  if (how === 'failed') return timedOut ? 'timed out' : 'failed';
  return how === 'done' ? 'completed' : how;
}
