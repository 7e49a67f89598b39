/** What differs between two specs of one fleet, field by field, and what each difference asks for. */

import { durationWords } from './duration.ts';
import { inOrder } from './in-order.ts';
import { profileName } from './names.ts';
import { needWords } from './need-words.ts';
import { receiverName } from './notification.ts';
import { placesWords } from './places.ts';
import { onlyIn } from './policy.ts';
import type {
  Count,
  FleetSpec,
  NotifyTarget,
  PolicySpec,
  ProfileSpec,
  RoleSpec,
  Tags,
  WantedPlacement,
} from './spec.ts';
import { type ChangeHow, NO_MORE, type SpecChange } from './spec-change.ts';

/**
 * All that differs, in the order of a spec; nothing only when both are the same. `has` is how many instances there are: the
 * fleet may have been scaled since.
 */
export function specChanges(from: FleetSpec, to: FleetSpec, has?: number): readonly SpecChange[] {
  return [
    ...placeChanges(from, to),
    ...policyChanges(from.policy, to.policy),
    ...roleChanges(from, to),
    ...profileChanges(from, to),
    ...instancesChanges(from, to, has),
    ...tagChanges('tags', from.tags, to.tags),
    ...changed('onFailure', 'in-place', from.onFailure, to.onFailure),
    ...changed('notify', 'in-place', from.notify, to.notify, notifyWords),
    ...deadlineChanges(from, to),
  ];
}

/** What needs other machines, beside another image. */
export function machineChanges(from: FleetSpec, to: FleetSpec): readonly SpecChange[] {
  return specChanges(from, to).filter(({ field, how }) => how === 'roll' && field !== 'instances.image');
}

/** The spec that a fleet has once it is changed in place: what needs other machines is as it was. */
export function inPlaceOf(from: FleetSpec, to: FleetSpec): FleetSpec {
  const kept: Record<string, unknown> = { ...to.instances };
  for (const key of [...LAUNCHED_WITH, 'placements'] as const) {
    const isKept = key !== 'placements' || !covers(from.instances.placements, to.instances.placements);
    if (isKept) kept[key] = from.instances[key];
  }
  return { ...to, instances: kept as unknown as FleetSpec['instances'] };
}

/** Of the instances: what a machine is launched with, and cannot be given later. */
const LAUNCHED_WITH = [
  'image',
  'securityGroups',
  'key',
  'userData',
  'volumes',
  'monitoring',
  'metadata',
] as const;

const NONE = 'none';

type Words<T> = (value: T) => string;

function changed<T>(
  field: string,
  how: ChangeHow,
  from: T,
  to: T,
  words: Words<NonNullable<T>> = (value) => (typeof value === 'object' ? inOrder(value) : `${value}`),
): SpecChange[] {
  if (inOrder(from) === inOrder(to)) return [];
  const said = (value: T) => (value === undefined || value === null ? NONE : words(value));
  return [{ field, from: said(from), to: said(to), how }];
}

function placeChanges(from: FleetSpec, to: FleetSpec): SpecChange[] {
  // Which account it is in a spec need not say: only another one is another fleet's.
  const isNamed = from.account !== undefined && to.account !== undefined;
  return [
    ...changed('name', 'new-fleet', from.name, to.name),
    ...changed('region', 'new-fleet', from.region, to.region),
    ...changed('places', 'new-fleet', from.places, to.places, (places) =>
      placesWords(places.map(({ name }) => name)),
    ),
    ...changed('need', 'new-fleet', from.minPlaces, to.minPlaces),
    ...changed('account', isNamed ? 'new-fleet' : 'in-place', from.account, to.account),
  ];
}

function policyChanges(from: PolicySpec | undefined, to: PolicySpec | undefined): SpecChange[] {
  const isRenamed = from !== undefined && to !== undefined;
  return [
    ...(isRenamed ? changed('policy.name', 'in-place', from.name, to.name) : []),
    ...documentChanges(from?.document, to?.document),
  ];
}

function documentChanges(from: PolicySpec['document'] | undefined, to: PolicySpec['document'] | undefined) {
  if (inOrder(from) === inOrder(to)) return [];
  const [less, more] = [onlyIn(from, to), onlyIn(to, from)];
  const said = (document: unknown, statements: readonly string[]) => {
    if (document === undefined) return NONE;
    if (statements.length > 0) return statements.join('\n');
    // The same statements in another order, or under an Id of their own.
    return less.length + more.length === 0 ? 'the same statements, written otherwise' : NO_MORE;
  };
  const how = 'in-place' as const;
  return [{ field: 'policy.document', from: said(from, less), to: said(to, more), how }];
}

function roleChanges({ role: from }: FleetSpec, { role: to }: FleetSpec): SpecChange[] {
  if (isMade(from) && isMade(to)) {
    return [
      ...changed('role.name', 'new-fleet', from.name, to.name),
      ...changed('role.path', 'new-fleet', from.path, to.path),
      ...changed('role.description', 'in-place', from.description, to.description),
      ...changed('role.permissionsBoundary', 'in-place', from.permissionsBoundary, to.permissionsBoundary),
      ...listChanges('role.managedPolicies', from.managedPolicies, to.managedPolicies),
      ...tagChanges('role.tags', from.tags, to.tags),
    ];
  }
  const words = ({ name, reuse }: NonNullable<typeof from>) => (reuse ? `${name}, which exists` : name);
  return changed('role', 'new-fleet', from, to, words);
}

function profileChanges({ profile: from }: FleetSpec, { profile: to }: FleetSpec): SpecChange[] {
  if (isMade(from) && isMade(to)) {
    return [
      ...changed('profile.name', 'new-fleet', from.name, to.name),
      ...changed('profile.path', 'new-fleet', from.path, to.path),
      ...tagChanges('profile.tags', from.tags, to.tags),
    ];
  }
  const isSame = from.reuse && to.reuse && profileName(from.ref) === profileName(to.ref);
  return changed('profile', isSame ? 'in-place' : 'new-fleet', from, to, (profile) =>
    profile.reuse ? `${profile.ref}, which exists` : profile.name,
  );
}

function isMade<T extends RoleSpec | ProfileSpec>(
  one: T | undefined,
): one is Extract<T, { readonly reuse: false }> {
  return one !== undefined && !one.reuse;
}

function instancesChanges(
  { instances: from }: FleetSpec,
  { instances: to }: FleetSpec,
  has = from.count.want,
): SpecChange[] {
  return [
    ...changed('instances.count', 'in-place', from.count, to.count, countWords).map((change) => ({
      ...change,
      ...(has !== from.count.want && { from: `${has} (${change.from} by its spec)` }),
      ...(has > to.count.want && { ends: has - to.count.want }),
    })),
    ...changed('instances.image', 'roll', from.image, to.image),
    ...changed(
      'instances.placements',
      covers(from.placements, to.placements) ? 'in-place' : 'roll',
      from.placements,
      to.placements,
      (placements) => placements.map(placementWords).join(', '),
    ),
    ...changed('instances.spread', 'in-place', from.spread, to.spread),
    ...changed('instances.market', 'in-place', from.market, to.market),
    ...changed('instances.securityGroups', 'roll', from.securityGroups, to.securityGroups, listWords),
    ...changed('instances.key', 'roll', from.key, to.key),
    ...userDataChanges(from.userData, to.userData),
    ...changed('instances.volumes', 'roll', from.volumes, to.volumes, (volumes) =>
      listWords(volumes.map(fieldWords)),
    ),
    ...changed('instances.monitoring', 'roll', from.monitoring, to.monitoring),
    ...changed('instances.metadata', 'roll', from.metadata, to.metadata, fieldWords),
    ...tagChanges('instances.tags', from.tags, to.tags),
  ];
}

/** Its text is nobody's business who only looks at what differs. */
function userDataChanges(from: string | undefined, to: string | undefined): SpecChange[] {
  const words = (text: string) => `${text.length.toLocaleString('en')} characters`;
  return changed('instances.userData', 'roll', from, to, words).map((change) =>
    change.from === change.to ? { ...change, to: `${change.to}, other ones` } : change,
  );
}

/** Whether whatever was launched by these placements could have been launched by those: then nothing has to go. */
function covers(from: readonly WantedPlacement[], to: readonly WantedPlacement[]): boolean {
  const kind = (placement: WantedPlacement) =>
    'type' in placement ? placement.type : inOrder(placement.need);
  return from.every((one) =>
    to.some(
      (other) =>
        kind(one) === kind(other) &&
        (other.zone === undefined || other.zone === one.zone) &&
        (other.subnet === undefined || other.subnet === one.subnet),
    ),
  );
}

function listChanges(field: string, from: readonly string[], to: readonly string[]): SpecChange[] {
  const gone = from.filter((entry) => !to.includes(entry));
  const added = to.filter((entry) => !from.includes(entry));
  const how = 'in-place' as const;
  const changes = [
    ...gone.map((entry) => ({ field, from: entry, to: NONE, how })),
    ...added.map((entry) => ({ field, from: NONE, to: entry, how })),
  ];
  return changes.length > 0 ? changes : changed(field, how, from, to, listWords);
}

/** Each key by itself. */
function tagChanges(field: string, from: Tags, to: Tags): SpecChange[] {
  const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...keys].flatMap((key) =>
    changed(`${field}.${key}`, 'in-place', from[key], to[key], (value) => (value === '' ? "''" : value)),
  );
}

function deadlineChanges({ deadlines: from }: FleetSpec, { deadlines: to }: FleetSpec): SpecChange[] {
  const names = Object.keys(to) as (keyof typeof to)[];
  return names.flatMap((name) =>
    changed(`deadlines.${name}`, 'in-place', from[name], to[name], durationWords),
  );
}

function countWords({ want, min }: Count): string {
  return min < want ? `${want}, at least ${min}` : `${want}`;
}

function placementWords(placement: WantedPlacement): string {
  const { zone, subnet } = placement;
  const what = 'type' in placement ? placement.type : needWords(placement.need);
  return [what, zone && `in ${zone}`, subnet && `in ${subnet}`].filter(Boolean).join(' ');
}

function notifyWords(targets: readonly NotifyTarget[]): string {
  return listWords(
    targets.map((target) => {
      const secret = 'webhook' in target ? [`signed with ${target.secret.env}`] : [];
      const details = [...secret, ...(target.on ?? [])];
      return details.length > 0 ? `${receiverName(target)} (${details.join(', ')})` : receiverName(target);
    }),
  );
}

function listWords(entries: readonly string[]): string {
  return entries.length > 0 ? entries.join(', ') : NONE;
}

function fieldWords(value: object): string {
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([key, field]) => `${key}: ${field}`)
    .join(' ');
}
