/** What Temporal itself knows of a fleet, as a person reads it below the error that no worker answers. */

import type { FleetListing } from '../client/listing.ts';
import type { Attention } from '../fleet/attributes.ts';
import { placesWords } from '../fleet/places.ts';
import type { Colors } from './output.ts';

const ATTENTION: Readonly<Record<Attention, string>> = {
  retrying: 'a call has failed several times and is made again',
  person: 'a failed step waits for a person',
  leftovers: 'something is left',
};

export function knownText(known: FleetListing, colors: Colors): string {
  const { fleet, state, region, places, change, attention, owner } = known;
  const { startedAt, endedAt, uiUrl, workflowId, runId } = known;
  const where = places ? placesWords(places) : region;
  const rows: (readonly [string, string | undefined])[] = [
    ['state', change ?? state],
    ['why', attention && ATTENTION[attention]],
    ['instances', instancesWords(known)],
    ['where', where],
    ['begun', owner === undefined ? startedAt : `${startedAt}, by ${owner}`],
    ['ended', endedAt],
    ['run', uiUrl ?? `${workflowId} ${runId}`],
  ];
  return [
    `What Temporal itself knows of ${fleet}, as its last run told it:`,
    ...rows.flatMap(([head, text]) =>
      text === undefined ? [] : [`  ${colors.dim(head.padEnd(WIDTH))}${text}`],
    ),
  ].join('\n');
}

function instancesWords({ instances, wanted }: FleetListing): string | undefined {
  if (instances !== undefined) return `${instances}`;
  return wanted === undefined ? undefined : `${wanted} wanted`;
}

const WIDTH = 11;
