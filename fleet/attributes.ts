/**
 * Search attributes: by them Temporal's lists and its web UI find the runs of fleets, `MusterState = 'rolling-back' AND
 * MusterRegion = 'eu-west-1'`. A namespace has to know them before a run can carry them (`muster worker` sees to that where
 * it may); a run that was started without them says nothing by them.
 */

import { type FleetReport, instanceCountOf, isSettled } from './report.ts';

/** Names and types as Temporal's tools spell them. */
export const ATTRIBUTES = {
  MusterFleet: 'Keyword',
  /** Twelve digits each: a fleet may be in several accounts and regions. */
  MusterAccount: 'KeywordList',
  MusterRegion: 'KeywordList',
  /** FleetState, as reports have it. */
  MusterState: 'Keyword',
  /** Instances: how many are wanted while they come up, how many there are afterwards. */
  MusterCount: 'Int',
  /** Who asked for the run: MUSTER_OWNER, or user@host. */
  MusterOwner: 'Keyword',
  /** Why somebody should look; absent when nobody need. */
  MusterAttention: 'Keyword',
} as const;

/** `retrying`: a call failed three times and is made again; `person`: a failed step waits for a decision. */
export type Attention = 'retrying' | 'person' | 'leftovers';

/** The signal by which a worker tells a run that a call of its is made again and again: the activity's id. */
export const RETRYING_SIGNAL = 'muster:retrying';

/** What a run tells by its report; undefined is not told, or no more. */
export interface Attributes {
  readonly MusterAccount?: readonly string[];
  readonly MusterRegion?: readonly string[];
  readonly MusterState: string;
  readonly MusterCount?: number;
  readonly MusterAttention?: Attention;
}

export function attributesOf(report: FleetReport, isRetrying: boolean): Attributes {
  const { state, wanted } = report;
  const places = report.places ?? [report];
  const all = (of: (place: FleetReport) => string | undefined) => [
    ...new Set(places.flatMap((place) => of(place) ?? [])),
  ];
  const [accounts, regions] = [all(({ account }) => account), all(({ region }) => region)];
  return {
    MusterAccount: accounts.length > 0 ? accounts : undefined,
    MusterRegion: regions.length > 0 ? regions : undefined,
    MusterState: state,
    // Not at each batch of a launch: each change is an event of the history.
    MusterCount: (isSettled(state) && state !== 'paused') || !wanted ? instanceCountOf(report) : wanted.want,
    MusterAttention: attentionOf(report, isRetrying),
  };
}

function attentionOf({ state, leftovers }: FleetReport, isRetrying: boolean): Attention | undefined {
  if (state === 'paused') return 'person';
  if (isRetrying && !isSettled(state)) return 'retrying';
  return leftovers.length > 0 ? 'leftovers' : undefined;
}
