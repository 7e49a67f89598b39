/**
 * Places as people write them. A spec with places is read as one spec for each of them: what a place has of its own
 * stands in it where the fleet's own would, so that all that is checked of a spec is checked of each.
 */

import { z } from 'zod';
import { type Finding, finding, findingsOf, type KeyPath, shown, wanted, withoutEchoes } from './mistakes.ts';
import { EXTERNAL_ID, REGION, roleAccount } from './names.ts';
import { fields, isMap, textOrMap, whole, writtenAs } from './schema-parts.ts';
import { type Assume, type FleetSpec, OF_PLACES, type PlaceSpec } from './spec.ts';
import { PLACE_SHAPE } from './spec-schema.ts';
import { movedKey } from './written-keys.ts';

/** As many regions as fit into the tag that names them (256 characters). */
const MOST_PLACES = 16;
/** The parts of a single placement, which stand beside the other fields. */
const PARTS = ['type', 'vcpu', 'memory', 'arch', 'zone', 'subnet'] as const;
const OWN = [...OF_PLACES, ...PARTS] as const;

const roleWanted = wanted("a role's ARN", 'for instance arn:aws:iam::123456789012:role/muster');
const idWanted = wanted(
  'an external id',
  "2 to 1,224 letters, digits and + = , . @ : / -, or env: and a worker's variable",
);
/** It is read where the fleet's own would stand, and by the same schema. */
const asOfFleet = (name: keyof typeof PLACE_SHAPE) => writtenAs(z.unknown(), PLACE_SHAPE[name]);

const place = fields('a place', {
  region: asOfFleet('region'),
  account: asOfFleet('account').optional(),
  assumeRole: z
    .string(roleWanted)
    .refine((arn) => roleAccount(arn) !== undefined, roleWanted)
    .describe('The role by which the worker reaches the account, by its ARN')
    .optional(),
  externalId: z
    .string(idWanted)
    .regex(EXTERNAL_ID, idWanted)
    .transform((id): Assume['externalId'] => {
      const [, env] = /^env:([a-z_]\w{0,127})$/i.exec(id) ?? [];
      return env === undefined ? id : { env };
    })
    .describe("What the role's trust policy demands, or env: and a variable of the worker that has it")
    .optional(),
  ...(Object.fromEntries(OWN.map((key) => [key, asOfFleet(key).optional()])) as Record<
    (typeof OWN)[number],
    z.ZodOptional<z.ZodUnknown>
  >),
});

const placesWanted = wanted('a list of places', 'for instance - { region: us-east-1 }');
const placeList = z.array(place, placesWanted);
const form = z.object({ places: placeList });

const need = textOrMap(
  'all or { min: 2 }',
  z.literal('all', wanted('all or { min: 2 }')).transform(() => undefined),
  fields('what is needed', {
    min: whole(1, MOST_PLACES, 'places').describe('With fewer places the fleet has failed'),
  }).transform(({ min }) => min),
);

/** What a spec may say beside the fields of `specSchema`. */
export const SEVERAL_PLACES = { places: placeList.optional(), need: need.optional() };

/** One spec without places, made of what was written. */
export type ReadOne = (value: Record<string, unknown>) => {
  readonly spec?: FleetSpec;
  readonly findings: readonly Finding[];
};

export function readPlaces(
  value: Record<string, unknown>,
  readOne: ReadOne,
): { readonly spec?: FleetSpec; readonly findings: readonly Finding[] } {
  const { places: written, need: neededWritten, region: _, ...common } = value;
  const parsed = form.safeParse({ places: written });
  const needed = neededWritten === undefined ? undefined : need.safeParse(neededWritten);
  const list = Array.isArray(written) ? written : [];
  const each = list.flatMap((one, at) => (isMap(one) ? [{ ...readOne(specAt(common, one)), one, at }] : []));
  // Without any place the rest of the spec is read all the same.
  const rest = each.length > 0 ? [] : readOne({ ...common, region: 'us-east-1' }).findings;
  const findings = withoutEchoes(
    unique([
      ...(parsed.success ? [] : findingsOf(parsed.error, value, movedKey)),
      ...(needed?.success === false ? under('need', findingsOf(needed.error, neededWritten, movedKey)) : []),
      ...placesConflicts(value, list),
      ...needConflicts(needed?.data, list.length),
      ...each.flatMap(({ findings, one, at }) => findings.map((found) => inPlace(found, one, at))),
      ...rest,
    ]),
  );
  const specs = each.flatMap(({ spec }) => spec ?? []);
  if (findings.length > 0 || !parsed.success || specs.length === 0) return { findings };
  const places = specs.map((spec, at) => placeOf(spec, assumeOf(parsed.data.places[at]!)));
  const first = specs[0]!;
  return {
    spec: {
      ...first,
      deadlines: { ...first.deadlines, launch: Math.max(...specs.map(({ deadlines }) => deadlines.launch)) },
      ...(places[0]!.assume && { assume: places[0]!.assume }),
      places,
      ...(needed?.data !== undefined && { minPlaces: needed.data }),
    },
    findings,
  };
}

/** What a spec without places says that only one with them can mean. */
export function needWithoutPlaces(value: Record<string, unknown>): Finding[] {
  if (value.need === undefined) return [];
  return [finding(['need'], 'given without places', 'name the places, or leave it out', 'key')];
}

/** As the spec of a fleet in this place alone. */
function specAt(common: Record<string, unknown>, one: Record<string, unknown>): Record<string, unknown> {
  const { instances } = common;
  const own = Object.fromEntries(OWN.filter((key) => one[key] !== undefined).map((key) => [key, one[key]]));
  const isOwn = (keys: readonly string[]) => keys.some((key) => key in own);
  const ofAll = isMap(instances)
    ? Object.fromEntries(
        Object.entries(instances).filter(([key]) => {
          if (key === 'placements') return !isOwn(PARTS);
          return !(PARTS as readonly string[]).includes(key) || !isOwn(['placements']);
        }),
      )
    : instances;
  const account =
    one.account ?? (typeof one.assumeRole === 'string' ? roleAccount(one.assumeRole) : undefined);
  return {
    ...common,
    region: one.region,
    ...((account ?? common.account) !== undefined && { account: account ?? common.account }),
    instances: isMap(ofAll) ? { ...ofAll, ...own } : ofAll,
  };
}

/** Where in the spec it was written what was found. */
function inPlace(found: Finding, one: Record<string, unknown>, at: number): Finding {
  const [part, key] = found.path;
  const here = (path: KeyPath): Finding => ({ ...found, path: ['places', at, ...path] });
  if (part === 'region') return { ...here(['region']), mend: 'for instance us-east-1' };
  if (part === 'account' && one.account !== undefined) return here(['account']);
  if (part === 'instances' && typeof key === 'string' && one[key] !== undefined)
    return here(found.path.slice(1));
  return found;
}

function placesConflicts(value: Record<string, unknown>, list: readonly unknown[]): Finding[] {
  const { places, region, onFailure } = value;
  const findings: Finding[] = [];
  if (region !== undefined) {
    findings.push(finding(['region'], 'given beside places', 'give it in each of them', 'key'));
  }
  if (onFailure === 'keep' || onFailure === 'pause') {
    const mend = 'leave it out: several places are always rolled back';
    findings.push(finding(['onFailure'], `${onFailure} beside places`, mend));
  }
  if (Array.isArray(places) && (places.length === 0 || places.length > MOST_PLACES)) {
    const message = places.length === 0 ? 'empty' : `${places.length} places`;
    findings.push(finding(['places'], message, `give 1 to ${MOST_PLACES}`));
  }
  const seen = new Set<string>();
  for (const [at, one] of list.entries()) {
    if (!isMap(one)) continue;
    findings.push(...placeConflicts(one, at));
    if (typeof one.region !== 'string' || !REGION.test(one.region)) continue;
    const name = nameOf(one.region, accountOf(one) ?? (value.account as string | undefined));
    if (seen.has(name)) findings.push(finding(['places', at], 'the same place again', 'keep one of the two'));
    seen.add(name);
  }
  return findings;
}

function placeConflicts(one: Record<string, unknown>, at: number): Finding[] {
  const { account, assumeRole, externalId } = one;
  const ofRole = typeof assumeRole === 'string' ? roleAccount(assumeRole) : undefined;
  const findings: Finding[] = [];
  if (ofRole !== undefined && account !== undefined && String(account) !== ofRole) {
    const mend = `give a role of account ${shown(account)}, or leave the account out`;
    findings.push(finding(['places', at, 'assumeRole'], `a role of account ${ofRole}`, mend));
  }
  if (externalId !== undefined && assumeRole === undefined) {
    const mend = 'give the role, or leave it out';
    findings.push(finding(['places', at, 'externalId'], 'given without assumeRole', mend, 'key'));
  }
  return findings;
}

function needConflicts(min: number | undefined, count: number): Finding[] {
  if (min === undefined || count === 0 || min <= count) return [];
  return [finding(['need', 'min'], `${min} is more than there are places`, `at most ${count}`)];
}

function accountOf({ account, assumeRole }: Record<string, unknown>): string | undefined {
  if (account !== undefined) return String(account);
  return typeof assumeRole === 'string' ? roleAccount(assumeRole) : undefined;
}

function placeOf({ region, account, instances }: FleetSpec, assume: Assume | undefined): PlaceSpec {
  const { count, image, placements, securityGroups, key } = instances;
  return {
    name: nameOf(region, account),
    region,
    ...(account !== undefined && { account }),
    ...(assume && { assume }),
    instances: { count, image, placements, securityGroups, ...(key !== undefined && { key }) },
  };
}

function nameOf(region: string, account: string | undefined): string {
  return account === undefined ? region : `${account}:${region}`;
}

function assumeOf({ assumeRole, externalId }: z.output<typeof place>): Assume | undefined {
  return assumeRole === undefined
    ? undefined
    : { role: assumeRole, ...(externalId !== undefined && { externalId }) };
}

function under(key: string, findings: readonly Finding[]): Finding[] {
  return findings.map((found) => ({ ...found, path: [key, ...found.path] }));
}

/** What is wrong with all places alike is one mistake. */
function unique(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((found) => [JSON.stringify([found.path, found.message]), found])).values()];
}
