/** Reading a spec: text or a value in, a whole FleetSpec or every mistake out. */

import { type Finding, findingsOf, type Mistake, mistakeOf, shown, withoutEchoes } from './mistakes.ts';
import { needWithoutPlaces, readPlaces } from './read-places.ts';
import { type Place, readYaml, unlikeYaml } from './read-yaml.ts';
import { isMap } from './schema-parts.ts';
import { DEFAULT_DEADLINES, type FleetSpec, launchSeconds, type ProfileSpec, type RoleSpec } from './spec.ts';
import { conflictsOf, type RegionEnv, regionOf } from './spec-conflicts.ts';
import { specHash } from './spec-hash.ts';
import { type ReadFile, specSchema, type WrittenSpec } from './spec-schema.ts';
import { movedKey, wantsText } from './written-keys.ts';

export interface SpecContext {
  /** The spec's file, for messages. */
  readonly file?: string;
  /** Gives a region to a spec that names none; without it a spec has to name its own. */
  readonly env?: RegionEnv;
  /**
   * The text of a file that the spec names, by its path from the spec's folder; throws when it cannot be read. Without it a
   * spec can name none.
   */
  readonly readFile?: ReadFile;
}

export type SpecReading =
  | { readonly spec: FleetSpec; readonly hash: string; readonly mistakes?: undefined }
  | { readonly mistakes: readonly Mistake[]; readonly spec?: undefined };

/** Reads a spec's text, YAML or JSON. Mistakes come with their lines and in their order. */
export function readSpec(text: string, context: SpecContext): SpecReading {
  const yaml = readYaml(text, wantsText);
  const { spec, findings } = yaml.broken ? { findings: [] } : checked(yaml.value, context);
  const placed = [...yaml.findings, ...findings].map((finding) => {
    const place = yaml.placeOf(finding.path, finding.at);
    const inSpec = finding.file === undefined ? (finding.place ?? place) : place;
    return { inSpec, mistake: mistakeOf(finding, context.file, place) };
  });
  placed.sort((a, b) => byPlace(a.inSpec, b.inSpec) || byPlace(a.mistake, b.mistake));
  return outcome(
    spec,
    placed.map(({ mistake }) => mistake),
  );
}

/** Checks a spec that a program made: the same as in a file, without lines. */
export function checkSpec(value: unknown, context: SpecContext): SpecReading {
  const refused = unlikeYaml(value);
  const { spec, findings } = refused.length > 0 ? { findings: refused } : checked(value, context);
  return outcome(
    spec,
    findings.map((finding) => mistakeOf(finding, context.file)),
  );
}

function outcome(spec: FleetSpec | undefined, mistakes: readonly Mistake[]): SpecReading {
  return spec && mistakes.length === 0 ? { spec, hash: specHash(spec) } : { mistakes };
}

function byPlace(a: Partial<Place> = {}, b: Partial<Place> = {}): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

function checked(value: unknown, context: SpecContext): { spec?: FleetSpec; findings: readonly Finding[] } {
  if (!isMap(value)) {
    const mend = 'a map with name, policy and instances';
    return { findings: [{ path: [], message: `${shown(value)} is not a spec`, mend }] };
  }
  if (value.places === undefined) {
    const { need: _, places: __, ...one } = value;
    const { spec, findings } = checkedOne(one, context);
    const all = [...findings, ...needWithoutPlaces(value)];
    return all.length > 0 ? { findings: all } : { spec, findings };
  }
  return readPlaces(value, (one) => checkedOne(one, { ...context, env: {} }));
}

function checkedOne(
  value: Record<string, unknown>,
  context: SpecContext,
): { spec?: FleetSpec; findings: readonly Finding[] } {
  const parsed = specSchema(context.readFile).safeParse(value);
  const findings = withoutEchoes([
    ...(parsed.success ? [] : findingsOf(parsed.error, value, movedKey)),
    ...conflictsOf(value, context.env),
  ]);
  if (!parsed.success || findings.length > 0) return { findings };
  return { spec: assembled(parsed.data, context.env), findings };
}

/** Fills in what was left out. */
function assembled(written: WrittenSpec, env: RegionEnv | undefined): FleetSpec {
  const role = roleOf(written);
  const spec: FleetSpec = {
    name: written.name,
    region: regionOf(written.region, env)!,
    account: written.account,
    policy: written.policy && {
      name: written.policy.name ?? role?.name ?? written.name,
      document: written.policy.document,
    },
    role,
    profile: profileOf(written),
    instances: written.instances,
    onFailure: written.onFailure,
    deadlines: {
      ...DEFAULT_DEADLINES,
      launch: launchSeconds(written.instances.count.want),
      ...given(written.deadlines),
    },
    tags: written.tags,
    notify: written.notify,
  };
  return given(spec);
}

function roleOf({ name, role = {}, profile }: WrittenSpec): RoleSpec | undefined {
  if (profile?.reuse) return undefined;
  if (role.reuse) return { reuse: true, name: role.name ?? name };
  return {
    reuse: false,
    name: role.name ?? name,
    path: role.path ?? '/',
    description: role.description,
    permissionsBoundary: role.permissionsBoundary,
    managedPolicies: role.managedPolicies ?? [],
    tags: role.tags ?? {},
  };
}

function profileOf({ name, profile = {} }: WrittenSpec): ProfileSpec {
  if (profile.reuse) return { reuse: true, ref: profile.name ?? name };
  return { reuse: false, name: profile.name ?? name, path: profile.path ?? '/', tags: profile.tags ?? {} };
}

/** Without the fields that are undefined, at every depth: as it is after a journey as JSON. */
function given<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
