/** Where a fleet is, for whoever is asked whether that is the one that is meant. */

import type { FleetReport } from '../fleet/report.ts';

/** `us-east-1, account 123456789012`; of several places each by its name. Empty when nobody knows. */
export function whereWords(report: FleetReport): string {
  const stands = (report.places ?? [report]).filter(({ state }) => !ABSENT.includes(state));
  const accounts = [...new Set(stands.map(({ account }) => account))];
  const isOneAccount = accounts.length === 1;
  const names = stands.map(({ place, region, account }) => {
    const more = [
      ...(place !== undefined && region !== undefined && place !== region ? [region] : []),
      ...(isOneAccount || account === undefined ? [] : [`account ${account}`]),
    ];
    return [place ?? region, ...(more.length > 0 ? [`(${more.join(', ')})`] : [])].filter(Boolean).join(' ');
  });
  const account = isOneAccount && accounts[0] !== undefined ? [`account ${accounts[0]}`] : [];
  return [...names.filter((name) => name !== ''), ...account].join(', ');
}

/** Of a place in which nothing of the fleet is. */
const ABSENT: readonly FleetReport['state'][] = ['rolled-back', 'cancelled', 'gone'];
