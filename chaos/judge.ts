/** What is promised of every run, held against what AWS has after it. */

import { isDeepStrictEqual } from 'node:util';
import type { FleetReport, Leftover } from '../client/index.ts';
import { COMPLETE, FLEET_TAG, RUN_TAG, STATE_TAG } from '../fleet/tags.ts';
import type { Account, InstanceThere, Tags } from './account.ts';
import { groups } from './groups.ts';
import { inUse, type Plan, type Shape } from './plan.ts';
import type { Ending } from './story.ts';

/** Everything that is wrong; nothing when all promises are kept. */
export function problemsOf(plan: Plan, ending: Ending): string[] {
  const { before, after, report } = ending;
  const own = ownOf(plan.fleet, after);
  return [
    ...ending.problems,
    ...foreignProblems(plan, before, after),
    ...countProblems(plan, after),
    ...(report ? endProblems(plan, report, own, ending) : mustBeEmpty(own)),
  ];
}

function endProblems(plan: Plan, report: FleetReport, own: Own, ending: Ending): string[] {
  const { status, sweep, after, changed } = ending;
  const told = [...statusProblems(report, status), ...reportProblems(report)];
  const kept = [...new Set([...(report.volumesKept ?? []), ...(changed?.made.volumesKept ?? [])])].map(
    asVolume,
  );
  switch (report.state) {
    case 'complete':
      if (changed) return [...told, ...changedProblems(plan, changed)];
      return [...told, ...completeProblems(plan, report, report.instances.filter(hasNotDied), own)];
    case 'rolled-back':
    case 'cancelled':
      return [...told, ...mustBeEmpty(own)];
    case 'left-over':
      return [...told, ...leftoverProblems([...sweptOr(report.leftovers.filter(hasNotDied)), ...kept], own)];
    case 'gone':
      return [...told, ...leftoverProblems(kept, own)];
    case 'lost':
      return [...told, ...leftoverProblems(sweptOr([]), own)];
    default:
      return [...told, `ended as ${report.state}`];
  }

  /** Whole as it was changed, or as it was before; or it says what is not, and names what is too much. */
  function changedProblems(plan: Plan, { made, standing }: NonNullable<Ending['changed']>): string[] {
    const { shape, broken } = made;
    const instances = standing.instances.filter(hasNotDied);
    if (standing.state === 'complete') {
      const asChanged = { ...plan, count: shape.want, least: shape.least };
      return [
        ...completeProblems(asChanged, standing, instances, own, made.volumesKept),
        ...shapeProblems(shape, own),
      ];
    }
    const mayDiffer = broken !== undefined || plan.weather.behaviour.deathChance || hasHands(plan);
    const named = [...instances, ...standing.leftovers].map(({ id }) => id);
    return [
      ...(mayDiffer ? [] : [`it stands as ${standing.state}: ${standing.error?.message}`]),
      ...Object.keys(own.instances)
        .filter((id) => !named.includes(id))
        .map((id) => `instance ${id} is there, and nobody names it`),
    ];
  }

  /** What a sweep could not remove, where there was one; a run before it may have left more. */
  function sweptOr(named: readonly Leftover[]): readonly Leftover[] {
    return sweep ? sweep.swept.flatMap(({ leftovers }) => leftovers) : named;
  }

  /** A machine that dies by itself may do so after it was told of. */
  function hasNotDied({ id }: { readonly id: string }): boolean {
    return !plan.weather.behaviour.deathChance || after.instances[id]?.state !== 'terminated';
  }
}

export const asVolume = (id: string) => ({ kind: 'volume' as const, id });

/** What the account has that carries the fleet's tag. */
export interface Own {
  readonly roles: Account['roles'];
  readonly profiles: Account['profiles'];
  /** Alive ones. */
  readonly instances: Account['instances'];
  /** Those that no living instance holds: the others are a part of it. */
  readonly volumes: readonly string[];
}

export function ownOf(fleet: string, { roles, profiles, instances, volumes }: Account): Own {
  const alive = only(instances, (instance) => isOwn(instance) && isAlive(instance));
  const loose = Object.entries(volumes).filter(
    ([, volume]) => isOwn(volume) && !volume.heldBy.some((id) => alive[id] !== undefined),
  );
  return {
    roles: only(roles, isOwn),
    profiles: only(profiles, isOwn),
    instances: alive,
    volumes: loose.map(([id]) => id),
  };

  function isOwn({ tags }: { readonly tags: Tags }): boolean {
    return tags[FLEET_TAG] === fleet;
  }
}

const isAlive = ({ state }: InstanceThere) => state !== 'terminated';

function only<T>(all: Readonly<Record<string, T>>, is: (one: T) => boolean): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(all).filter(([, one]) => is(one)));
}

export function mustBeEmpty(own: Own): string[] {
  return leftoverProblems([], own);
}

/** Exactly what is named is there. */
export function leftoverProblems(named: readonly Pick<Leftover, 'kind' | 'id'>[], own: Own): string[] {
  const inside = Object.values(own.roles).flatMap(({ inline, attached }) => [
    ...Object.keys(inline),
    ...attached,
  ]);
  const ids = (kind: Leftover['kind']) =>
    named.filter((leftover) => leftover.kind === kind).map(({ id }) => id);
  // Where nothing could be asked, a tag is all that is known of instances, and it may stand for none.
  const areUnknown = ids('instance').some((id) => id.startsWith('tag:'));
  return [
    ...differences('role', ids('role'), Object.keys(own.roles)),
    ...differences('policy', ids('policy'), inside),
    ...differences('profile', ids('profile'), Object.keys(own.profiles)),
    ...(areUnknown ? [] : differences('instance', ids('instance'), Object.keys(own.instances))),
    ...differences('volume', ids('volume'), own.volumes),
  ];
}

function differences(kind: string, named: readonly string[], there: readonly string[]): string[] {
  return [
    ...there.filter((id) => !named.includes(id)).map((id) => `${kind} ${id} is left, and nobody names it`),
    ...named.filter((id) => !there.includes(id)).map((id) => `${kind} ${id} is named, and is not there`),
  ];
}

function completeProblems(
  plan: Plan,
  report: FleetReport,
  instances: FleetReport['instances'],
  own: Own,
  volumesKept: readonly string[] = [],
): string[] {
  const { role, profile } = report;
  const problems = [
    ...differences(
      'instance',
      instances.map(({ id }) => id),
      Object.keys(own.instances),
    ),
    ...differences('role', role && !role.reused ? [role.name] : [], Object.keys(own.roles)),
    ...differences('profile', profile && !profile.reused ? [profile.name] : [], Object.keys(own.profiles)),
    ...differences('volume', volumesKept, own.volumes),
  ];
  for (const [id, instance] of Object.entries(own.instances)) {
    if (instance.state !== 'running') problems.push(`${id} is ${instance.state}`);
    if (instance.profile !== profile?.id) problems.push(`${id} has another profile than ${profile?.name}`);
  }
  const { length } = report.instances;
  if (length < plan.least || length > plan.count)
    problems.push(`${length} of ${plan.least} to ${plan.count}`);
  const told = (report.sources ?? []).reduce((sum, { count }) => sum + count, 0);
  if (told !== length) problems.push(`${told} by their sources, ${length} by their ids`);
  const made = own.profiles[profile?.name ?? ''];
  if (made && made.role !== role?.name) problems.push(`the profile holds ${made.role}, not ${role?.name}`);
  const marked = made ? [made.tags] : Object.values(own.instances).map(({ tags }) => tags);
  if (marked.some((tags) => tags[STATE_TAG] !== COMPLETE)) problems.push('the mark is missing');
  const rights = own.roles[role?.name ?? ''];
  const hasOther = plan.weather.behaviour.hands?.some((hand) => hand.do === 'attach-policy') === true;
  if (rights && Object.keys(rights.inline).length !== 1) problems.push('the role has not its one policy');
  if (rights && !hasOther && rights.attached.length !== (plan.managed ? 1 : 0)) {
    problems.push(`the role has ${rights.attached.length} managed policies`);
  }
  return problems;
}

/** What AWS has is what was asked for last. */
function shapeProblems({ image, isWidened }: Shape, own: Own): string[] {
  const others = Object.entries(own.instances).filter(([, instance]) => instance.image !== image);
  const documents = Object.values(own.roles).flatMap(({ inline }) => Object.values(inline));
  const widened = documents.filter((document) => JSON.stringify(document).includes('s3:Put'));
  return [
    ...others.map(([id, instance]) => `${id} is of ${instance.image}, not of ${image}`),
    ...(documents.length > 0 && widened.length > 0 !== isWidened
      ? [`the policy is ${JSON.stringify(documents)}, and is to be ${isWidened ? 'widened' : 'as it was'}`]
      : []),
  ];
}

export const hasHands = ({ weather }: Plan): boolean => (weather.behaviour.hands?.length ?? 0) > 0;

/** Temporal and the report say the same. */
export function statusProblems({ state, lease }: FleetReport, status: string | undefined): string[] {
  // Its run goes on, as the one that keeps the fleet.
  if (state === 'complete' && lease) return [];
  const wanted: Partial<Record<FleetReport['state'], string>> = {
    complete: 'COMPLETED',
    gone: 'COMPLETED',
    'rolled-back': 'FAILED',
    'left-over': 'FAILED',
    cancelled: 'CANCELLED',
    lost: 'TERMINATED',
  };
  return status === wanted[state] ? [] : [`the report says ${state}, Temporal ${status}`];
}

/** The report does not contradict itself. */
export function reportProblems({ state, steps, undos, leftovers, error }: FleetReport): string[] {
  const problems: string[] = [];
  const failed = undos.filter((undo) => undo.state === 'failed');
  if (state === 'left-over' && leftovers.length === 0) problems.push('left over, and nothing is named');
  if (state !== 'left-over' && leftovers.length > 0) problems.push(`${state}, and leftovers are named`);
  if (state === 'rolled-back' && !error) problems.push('rolled back, and no error is told');
  if (state === 'complete' && steps.some((step) => step.state !== 'done'))
    problems.push('complete with undone steps');
  if (['rolled-back', 'cancelled'].includes(state) && failed.some(({ name }) => name !== 'remove-role')) {
    problems.push(`${state}, and ${failed.map(({ name }) => name)} failed`);
  }
  return problems;
}

/** At no moment more instances of a run than were asked for. */
function countProblems(plan: Plan, { instances }: Account): string[] {
  const { fleet, changes } = plan;
  const count = Math.max(plan.count, ...changes.map((change) => change.count));
  const own = Object.values(instances).filter(({ tags }) => tags[FLEET_TAG] === fleet);
  return [...groups(own, ({ tags }) => tags[RUN_TAG] ?? '')].flatMap(([run, launched]) => {
    const most = Math.max(...launched.map(({ launchedAt }) => aliveAt(launched, launchedAt)));
    return most > count ? [`run ${run} had ${most} instances at once, not ${count}`] : [];
  });
}

/**
 * EC2 dates the end that somebody asked for. What has died by itself has none, and is left out: others took its place
 * within the second that is all AWS tells of a launch.
 */
export function aliveAt(launched: readonly InstanceThere[], moment: number): number {
  return launched.filter(({ launchedAt, changed, state }) => {
    const ended = /\((.*)\)/.exec(changed)?.[1];
    if (state === 'terminated' && ended === undefined) return false;
    const isEnded = state === 'terminated' && Date.parse(ended!) < moment;
    return launchedAt <= moment && !isEnded;
  }).length;
}

/** Nothing that is not the fleet's has changed, come or gone. */
export function foreignProblems(plan: Plan, before: Account, after: Account): string[] {
  const { fleet } = plan;
  const problems: string[] = [];
  for (const noun of ['roles', 'profiles', 'instances', 'volumes'] as const) {
    const others = only<{ readonly tags: Tags }>(after[noun], ({ tags }) => tags[FLEET_TAG] !== fleet);
    for (const name of new Set([...Object.keys(before[noun]), ...Object.keys(others)])) {
      if (isByHands(plan, name)) continue;
      const [was, is] = [before[noun][name], others[name]];
      if (!was) problems.push(`${noun}: ${name} has come, without the fleet's tag`);
      else if (!is) problems.push(`${noun}: ${name} is gone, and was another's`);
      else if (!isDeepStrictEqual(was, is)) {
        problems.push(`${noun}: ${name} was ${JSON.stringify(was)} and is ${JSON.stringify(is)}`);
      }
    }
  }
  return problems;
}

/** What the sandbox's other people make or change while the run is under way. */
function isByHands({ fleet, weather }: Plan, name: string): boolean {
  const { hands = [] } = weather.behaviour;
  return hands.length > 0 && (name.endsWith('-of-somebody') || name === inUse(fleet).role);
}
