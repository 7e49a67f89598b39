/** What came of a campaign, in tables: by weather, and by what was done to the runs. */

import type { Result } from './campaign.ts';
import { groups } from './groups.ts';
import { isAbroad } from './places.ts';

const ENDS = ['complete', 'gone', 'rolled-back', 'cancelled', 'left-over', 'lost', 'refused'] as const;

export function tables(results: readonly Result[]): string {
  const byWeather = Object.fromEntries(groups(results, ({ plan }) => plan.weather.kind));
  const deeds = (what: string) => results.filter(({ ending }) => ending?.did.includes(what));
  const byDeed = {
    'nothing else': results.filter(({ ending }) => ending?.did.length === 0),
    ...Object.fromEntries(
      ['kill', 'cancel', 'terminate', 'second up', 'down', 'retry', 'rollback'].map((what) => [
        what,
        deeds(what),
      ]),
    ),
    'ignored filters': results.filter(({ plan }) => plan.weather.behaviour.ignoreFilters),
    'another’s role or profile': results.filter(({ plan }) => plan.reuse !== 'nothing'),
    'several placements': results.filter(({ plan }) => plan.placements !== 'one'),
    'content with one': results.filter(({ plan }) => plan.least < plan.count),
    'several places': results.filter(({ plan }) => plan.places.length > 0),
    'a place in another account': results.filter(({ plan }) => isAbroad(plan.places)),
    'content with fewer places': results.filter(({ plan }) => plan.leastPlaces < plan.places.length),
    'trouble in a place': results.filter(({ plan }) => plan.places.some(({ trouble }) => trouble !== 'none')),
    'short deadlines': results.filter(({ plan }) => plan.shortDeadlines),
  };
  return [table('weather', byWeather), table('done to it', byDeed), changeTable(results)].join('\n\n');
}

/** What was asked of complete fleets, and what came of each. */
function changeTable(results: readonly Result[]): string {
  const did = results.flatMap(({ ending }) => ending?.changed?.made.did ?? []).map((one) => one.split(' '));
  const ends = [...new Set(did.map(([, end]) => end!))].sort();
  const rows = [...groups(did, ([what]) => what!)].map(([what, of]) => {
    const counts = ends.map((end) => of.filter(([, is]) => is === end).length || '');
    return `| ${[what, of.length, ...counts].join(' | ')} |`;
  });
  return [
    `| ${['asked of it', 'times', ...ends].join(' | ')} |`,
    `|${'---|'.repeat(ends.length + 2)}`,
    ...rows,
  ].join('\n');
}

function table(title: string, rows: Readonly<Record<string, readonly Result[]>>): string {
  return [
    `| ${[title, 'runs', ...ENDS, 'broken'].join(' | ')} |`,
    `|${'---|'.repeat(ENDS.length + 3)}`,
    ...Object.entries(rows).map(([name, of]) => {
      const ends = ENDS.map((end) => of.filter((result) => endOf(result) === end).length);
      const broken = of.filter(({ problems }) => problems.length > 0).length;
      return `| ${[name, of.length, ...ends, broken].map((cell) => cell || '').join(' | ')} |`;
    }),
  ].join('\n');
}

export function endOf({ ending }: Result): string {
  if (!ending) return 'no end';
  return ending.report?.state ?? 'refused';
}
