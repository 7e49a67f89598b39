/** What is promised of a fleet in several places, held against what AWS has of it in each account and region. */

import type { FleetReport, Leftover } from '../client/index.ts';
import { COMPLETE, FLEET_TAG, RUN_TAG, STATE_TAG } from '../fleet/tags.ts';
import type { Account } from './account.ts';
import { groups } from './groups.ts';
import {
  aliveAt,
  asVolume,
  foreignProblems,
  hasHands,
  leftoverProblems,
  mustBeEmpty,
  type Own,
  ownOf,
  reportProblems,
  statusProblems,
} from './judge.ts';
import { ACCOUNT, accountOf, nameOf, OTHER_ACCOUNT, regionOf } from './places.ts';
import type { Plan, Shape } from './plan.ts';
import type { Ending } from './story.ts';

/** Everything that is wrong; nothing when all promises are kept. */
export function problemsInPlaces(plan: Plan, ending: Ending): string[] {
  const { before, after, other, report, status } = ending;
  const accounts: [string, { before: Account; after: Account }][] = [[ACCOUNT, { before, after }]];
  if (other) accounts.push([OTHER_ACCOUNT, other]);
  const inAccounts = accounts.flatMap(([account, seen]) =>
    [
      ...foreignProblems(plan, seen.before, seen.after),
      ...countProblems(plan, account, seen.after),
      ...endProblems(plan, ending, account, ownOf(plan.fleet, seen.after), seen.after),
    ].map((problem) => `${account}: ${problem}`),
  );
  const told = report ? [...statusProblems(report, status), ...toldProblems(plan, report)] : [];
  return [...ending.problems, ...told, ...standingProblems(plan, ending), ...inAccounts];
}

/** The report does not contradict itself. */
function toldProblems(plan: Plan, report: FleetReport): string[] {
  const { state, action, places = [], steps } = report;
  if (action !== 'up' || state !== 'complete') return reportProblems(report);
  const whole = places.filter((place) => place.state === COMPLETE);
  // The steps in an account that was left have not been done.
  const inUse = new Set([undefined, ...whole.map(({ account }) => account)]);
  const problems = reportProblems({ ...report, steps: steps.filter(({ at }) => inUse.has(at)) });
  if (whole.length < plan.leastPlaces)
    problems.push(`complete in ${whole.length} places, and ${plan.leastPlaces} are needed`);
  const count = whole.reduce((sum, { instances }) => sum + instances.length, 0);
  if (report.instanceCount !== count)
    problems.push(`${report.instanceCount} by its count, ${count} by its places`);
  return problems;
}

/** Whoever looks at it on a calm day sees what it has told, if nothing has died. */
function standingProblems(plan: Plan, { standing }: Ending): string[] {
  if (!standing || standing.state === COMPLETE) return [];
  if (plan.weather.behaviour.deathChance || hasHands(plan)) return [];
  return [`it stands as ${standing.state}: ${standing.error?.message}`];
}

function endProblems(plan: Plan, ending: Ending, account: string, own: Own, after: Account): string[] {
  const { report, sweep, changed } = ending;
  if (!report) return mustBeEmpty(own);
  const here = (report.places ?? []).filter(({ place }) => accountOfPlace(place!) === account);
  const keptBefore = (changed?.made.volumesKept ?? []).filter((id) => after.volumes[id]);
  const keptHere = here.flatMap(({ volumesKept = [] }) => volumesKept);
  const kept = [...new Set([...keptHere, ...keptBefore])].map(asVolume);
  const swept = sweep?.swept.flatMap(({ leftovers }) => leftovers);
  switch (report.state) {
    case 'complete':
      return changed
        ? changedProblems(plan, changed, account, own, after, kept)
        : completeProblems(plan, here, own, after);
    case 'rolled-back':
    case 'cancelled':
      return mustBeEmpty(own);
    case 'left-over':
      return leftoverProblems([...(swept ?? leftIn(report, account)).filter(isThere), ...kept], own);
    case 'gone':
      return leftoverProblems(kept, own);
    case 'lost':
      return leftoverProblems(swept ?? [], own);
    default:
      return [`ended as ${report.state}`];
  }

  /** A machine that dies by itself may do so after it was told of. */
  function isThere({ id }: { readonly id: string }): boolean {
    return !plan.weather.behaviour.deathChance || after.instances[id]?.state !== 'terminated';
  }
}

const accountOfPlace = (name: string) => (name.startsWith(OTHER_ACCOUNT) ? OTHER_ACCOUNT : ACCOUNT);

function leftIn(report: FleetReport, account: string): readonly Leftover[] {
  const of = ({ at }: Leftover) => (at === undefined ? report.account : accountOfPlace(at));
  return report.leftovers.filter((one) => (of(one) ?? ACCOUNT) === account);
}

/** Whole as it was changed, or as it was before; or it says what is not, and names what is too much. */
function changedProblems(
  plan: Plan,
  { made, standing }: NonNullable<Ending['changed']>,
  account: string,
  own: Own,
  after: Account,
  kept: readonly Named[],
): string[] {
  const here = (standing.places ?? []).filter(({ place }) => accountOfPlace(place!) === account);
  if (standing.state === COMPLETE) return completeProblems(plan, here, own, after, made.shape.counts, kept);
  const mayDiffer = made.broken !== undefined || plan.weather.behaviour.deathChance || hasHands(plan);
  const named = [...here.flatMap(({ instances }) => instances), ...standing.leftovers].map(({ id }) => id);
  // Where nothing could be asked, a tag is all that is known.
  const areUnknown = named.some((id) => id.startsWith('tag:'));
  return [
    ...(mayDiffer ? [] : [`it stands as ${standing.state}: ${standing.error?.message}`]),
    ...Object.keys(own.instances)
      .filter((id) => !areUnknown && !named.includes(id))
      .map((id) => `instance ${id} is there, and nobody names it`),
  ];
}

type Named = Pick<Leftover, 'kind' | 'id'>;

/** Of those places that came up there is all, each where it is to be; of the others nothing but what they name. */
function completeProblems(
  plan: Plan,
  places: readonly FleetReport[],
  own: Own,
  after: Account,
  counts: Shape['counts'] = {},
  kept: readonly Named[] = [],
): string[] {
  const whole = places.filter(({ state }) => state === COMPLETE);
  const left = places.flatMap(({ leftovers }) => leftovers);
  const running = whole.flatMap(({ instances }) => instances.filter(({ id }) => !hasDied(id)));
  const [first] = whole;
  const made = (thing: FleetReport['role'] | FleetReport['profile']) =>
    thing && !thing.reused ? [thing.name] : [];
  const there = [
    ...running.map(({ id }) => ({ kind: 'instance' as const, id })),
    ...made(first?.profile).map((id) => ({ kind: 'profile' as const, id })),
    ...made(first?.role).map((id) => ({ kind: 'role' as const, id })),
    // What the role may do is looked at below.
    ...Object.values(own.roles).flatMap(({ inline, attached }) =>
      [...Object.keys(inline), ...attached].map((id) => ({ kind: 'policy' as const, id })),
    ),
  ];
  return [
    ...leftoverProblems([...there, ...left, ...kept], own),
    ...whole.flatMap((place) => placeProblems(plan, place, own, counts)),
    ...identityProblems(plan, first, own),
  ];

  function hasDied(id: string): boolean {
    return Boolean(plan.weather.behaviour.deathChance) && after.instances[id]?.state === 'terminated';
  }
}

function placeProblems(plan: Plan, report: FleetReport, own: Own, counts: Shape['counts']): string[] {
  const { place, instances, profile, region } = report;
  const problems: string[] = [];
  const account = accountOfPlace(place!);
  const planned = plan.places.find((one) => accountOf(one) === account && regionOf(one) === region)!;
  const most = counts[place!] ?? planned.count;
  const least = counts[place!] ?? Math.min(plan.least, planned.count);
  if (instances.length < least || instances.length > most)
    problems.push(`${instances.length} in ${place}, of ${least} to ${most}`);
  for (const { id } of instances) {
    const instance = own.instances[id];
    if (!instance) continue;
    if (instance.region !== region) problems.push(`${id} is in ${instance.region}, not in ${region}`);
    if (instance.state !== 'running') problems.push(`${id} is ${instance.state}`);
    if (instance.profile !== profile?.id) problems.push(`${id} has another profile than ${profile?.name}`);
    if (profile?.reused && instance.tags[STATE_TAG] !== COMPLETE) problems.push(`${id} has no mark`);
  }
  return problems;
}

function identityProblems(plan: Plan, first: FleetReport | undefined, own: Own): string[] {
  if (!first) return [];
  const problems: string[] = [];
  const profile = own.profiles[first.profile?.name ?? ''];
  if (profile && profile.role !== first.role?.name)
    problems.push(`the profile holds ${profile.role}, not ${first.role?.name}`);
  if (profile && profile.tags[STATE_TAG] !== COMPLETE) problems.push('the mark is missing');
  const role = own.roles[first.role?.name ?? ''];
  const hasOther = plan.weather.behaviour.hands?.some((hand) => hand.do === 'attach-policy') === true;
  if (role && Object.keys(role.inline).length !== 1) problems.push('the role has not its one policy');
  if (role && !hasOther && role.attached.length !== (plan.managed ? 1 : 0))
    problems.push(`the role has ${role.attached.length} managed policies`);
  return problems;
}

/** At no moment more instances of a run in a region than were asked for there. */
function countProblems(plan: Plan, account: string, { instances }: Account): string[] {
  const own = Object.values(instances).filter(({ tags }) => tags[FLEET_TAG] === plan.fleet);
  return [...groups(own, ({ tags, region }) => `${tags[RUN_TAG]} in ${region}`)].flatMap(
    ([what, launched]) => {
      const { region } = launched[0]!;
      const place = plan.places.find((one) => accountOf(one) === account && regionOf(one) === region);
      const asked = plan.changes.filter((change) => place && change.place === nameOf(place));
      const count = Math.max(place?.count ?? 0, ...asked.map((change) => change.count));
      const most = Math.max(...launched.map(({ launchedAt }) => aliveAt(launched, launchedAt)));
      return most > count ? [`run ${what} had ${most} instances at once, not ${count}`] : [];
    },
  );
}
