/** How a run has ended that did not do what it was begun for, as Temporal's UI and other programs show it. */

import type { FleetReport } from './report.ts';

export function failureWords(report: FleetReport): string {
  const { error } = report;
  const cause = error ? `${error.step}: ${error.code}: ${error.message}` : 'cancelled';
  return `${cause.replace(/\.$/, '')}. ${leftWords(report)}`;
}

function leftWords({ fleet, state, leftovers }: FleetReport): string {
  if (leftovers.length > 0) return `Left: ${leftovers.map(({ kind, id }) => `${kind} ${id}`).join(', ')}`;
  return state === 'lost' ? `'muster retry ${fleet}' removes what it left.` : 'Nothing is left.';
}
