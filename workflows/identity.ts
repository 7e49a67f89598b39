/** The identity of a fleet in an account: its role with the policies, and its instance profile with the role in it. */

import type { Plan } from '../activities/preflight.ts';
import { whereOf } from '../fleet/places.ts';
import type { ProfileReport, RoleReport } from '../fleet/report.ts';
import type { FleetSpec, ProfileToMake, RoleToMake, Tags } from '../fleet/spec.ts';
import type { StepName } from '../fleet/steps.ts';
import type { RunOwner } from '../fleet/tags.ts';
import { as, quick } from './activities.ts';
import type { Identity } from './launch-and-verify.ts';
import { type Run, sideBySide } from './run.ts';
import {
  type UndoScope,
  undoAttachedPolicies,
  undoMembership,
  undoPolicy,
  undoProfile,
  undoRole,
} from './undos.ts';

/** Who makes it, and what is known of it afterwards. */
export interface IdentityScope extends UndoScope {
  readonly owner: RunOwner;
  readonly ownership: Tags;
  /** The account, in a run that makes several identities. */
  readonly at?: string;
}

/** The steps that are certain to come. */
export function identitySteps({ role, policy, profile }: FleetSpec): StepName[] {
  const made: StepName[] = [];
  if (role && !role.reuse) made.push('create-role');
  if (!profile.reuse) made.push('create-profile');
  if (policy && !profile.reuse) made.push('put-policy');
  if (role && !role.reuse && role.managedPolicies.length > 0) made.push('attach-policies');
  if (!profile.reuse) made.push('add-role');
  return made;
}

/** Makes the role and the profile side by side, puts the policies and joins the two; `tell` hears of the two first. */
export async function makeIdentity(
  run: Run,
  scope: IdentityScope,
  plan: Plan,
  tell: (identity: Identity) => void,
): Promise<Identity> {
  const { role: wantedRole, profile: wantedProfile } = scope.spec;
  const make = new Making(run, scope);
  if (wantedProfile.reuse) {
    const used = { role: plan.role!, profile: plan.profile! };
    tell(used);
    return used;
  }
  const [role, profile] = await sideBySide(
    async () => (wantedRole && !wantedRole.reuse ? make.role(wantedRole) : plan.role!),
    () => make.profile(wantedProfile),
  );
  tell({ role, profile });
  await sideBySide(
    async () => make.policy(role),
    async () => make.attachedPolicies(role),
    () => make.membership(profile, role),
  );
  return { role, profile };
}

class Making {
  private readonly run: Run;
  private readonly scope: IdentityScope;

  constructor(run: Run, scope: IdentityScope) {
    this.run = run;
    this.scope = scope;
  }

  async role(role: RoleToMake): Promise<RoleReport> {
    const { spec, owner, ownership, at, made } = this.scope;
    const created = await this.run.step(
      'create-role',
      () =>
        quick.createRole.executeWithOptions(this.as('create-role', role.name), [
          { ...whereOf(spec), owner, role, tags: { ...spec.tags, ...role.tags, ...ownership } },
        ]),
      { at, undo: undoRole(this.scope, role.name), found: ({ arn }) => arn },
    );
    made.role = created.id;
    return created;
  }

  async profile(profile: ProfileToMake): Promise<ProfileReport> {
    const { spec, owner, ownership, at, made } = this.scope;
    const created = await this.run.step(
      'create-profile',
      () =>
        quick.createProfile.executeWithOptions(this.as('create-profile', profile.name), [
          { ...whereOf(spec), owner, profile, tags: { ...spec.tags, ...profile.tags, ...ownership } },
        ]),
      { at, undo: undoProfile(this.scope, profile.name, spec.role?.name), found: ({ arn }) => arn },
    );
    made.profile = created.id;
    return created;
  }

  async policy(role: RoleReport): Promise<void> {
    const { spec, at } = this.scope;
    const { policy } = spec;
    if (!policy || role.reused) return;
    await this.run.step(
      'put-policy',
      () =>
        quick.putPolicy.executeWithOptions(this.as('put-policy', policy.name), [
          { ...whereOf(spec), role: role.name, policy },
        ]),
      { at, undo: undoPolicy(this.scope, role.name, policy.name) },
    );
  }

  async attachedPolicies(role: RoleReport): Promise<void> {
    const { spec, at } = this.scope;
    const policies = spec.role && !spec.role.reuse ? spec.role.managedPolicies : [];
    if (policies.length === 0) return;
    await this.run.step(
      'attach-policies',
      () =>
        quick.attachPolicies.executeWithOptions(this.as('attach-policies', `${policies.length}`), [
          { ...whereOf(spec), role: role.name, policies },
        ]),
      { at, undo: undoAttachedPolicies(this.scope, role.name, policies), mayHaveActed: () => true },
    );
  }

  async membership(profile: ProfileReport, role: RoleReport): Promise<void> {
    const { spec, at } = this.scope;
    await this.run.step(
      'add-role',
      () =>
        quick.addRole.executeWithOptions(this.as('add-role', `${role.name} in ${profile.name}`), [
          { ...whereOf(spec), profile: profile.name, role: role.name },
        ]),
      { at, undo: undoMembership(this.scope, profile.name, role.name) },
    );
  }

  private as(step: StepName, summary: string) {
    const { spec, at } = this.scope;
    return as(step, summary, spec.deadlines.step, at);
  }
}
