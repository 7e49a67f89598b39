/** `muster list`: the fleets of which Temporal knows a run. */

import type { FleetListing } from '../client/listing.ts';
import { placesWords } from '../fleet/places.ts';
import type { FleetState } from '../fleet/report.ts';
import { connect } from './connect.ts';
import { DONE } from './exit.ts';
import { jsonOf, type Page, print, printText, say, stdoutPage } from './output.ts';
import { tableText } from './table.ts';

/** Ends of runs of which nothing is there any more. */
const PAST: readonly FleetState[] = ['gone', 'rolled-back', 'cancelled'];

export async function list({ json, all }: { json?: boolean; all?: boolean }): Promise<number> {
  const muster = await connect();
  try {
    const known = await muster.list();
    const fleets = all ? known : known.filter(({ state, skipped }) => !PAST.includes(state) || skipped);
    if (json) print(jsonOf(fleets));
    else if (fleets.length > 0) printText(table(fleets, stdoutPage()));
    const hidden = known.length - fleets.length;
    if (!json && fleets.length === 0) say('no fleets');
    if (!json && hidden > 0)
      say(
        hidden === 1
          ? '1 fleet of which nothing is there any more is not shown; --all shows it'
          : `${hidden} fleets of which nothing is there any more are not shown; --all shows them`,
      );
    return DONE;
  } finally {
    await muster.close();
  }
}

/** `3`, or `3 of 4` where more were wanted. */
function instancesOf({ instances, wanted, state }: FleetListing): string {
  if (instances === undefined) return '?';
  return state === 'complete' && wanted !== undefined && instances < wanted
    ? `${instances} of ${wanted}`
    : `${instances}`;
}

/** `rolling, 1 of 4 replaced`. */
function stateOf({ state, skipped, roll }: FleetListing): string {
  if (roll) return `${state}, ${roll.replaced} of ${roll.count} replaced`;
  return skipped ? `${state}, but for ${skipped.join(', ')}` : state;
}

const wholeSeconds = (iso: string): string => iso.replace(/\.\d+Z$/, 'Z');

function table(fleets: readonly FleetListing[], page: Page): string {
  const rows = [
    ['FLEET', 'STATE', 'INSTANCES', 'REGION', 'SINCE', 'UNTIL'],
    ...fleets.map((fleet) => [
      fleet.fleet,
      stateOf(fleet),
      instancesOf(fleet),
      fleet.places ? placesWords(fleet.places) : (fleet.region ?? '?'),
      wholeSeconds(fleet.endedAt ?? fleet.startedAt),
      fleet.leaseEndsAt ? wholeSeconds(fleet.leaseEndsAt) : '',
    ]),
  ];
  return tableText(rows, page, { least: ['SINCE', 'UNTIL'] });
}
