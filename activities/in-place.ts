/** Changes in place of a role, a profile and tags: setting what there is to be, and setting back what there was. */

import { CreateTagsCommand, DeleteTagsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import {
  AttachRolePolicyCommand,
  DeleteRolePermissionsBoundaryCommand,
  type IAMClient,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  TagInstanceProfileCommand,
  TagRoleCommand,
  UntagInstanceProfileCommand,
  UntagRoleCommand,
  UpdateRoleDescriptionCommand,
} from '@aws-sdk/client-iam';
import type { RolePart, TagChange, Values } from '../fleet/change.ts';
import { ask } from './aws-errors.ts';
import { type Named, type OfFleet, ownOf, tagged } from './change-looks.ts';
import type { ClientsFor } from './clients.ts';
import { inTheirTime } from './patience.ts';
import { deleteInline, detach } from './policy.ts';
import { readProfile, readRole } from './reads.ts';
import { toAwsTags } from './tags.ts';

export interface SetRoleRequest extends OfFleet {
  readonly role: Named;
  readonly part: RolePart;
}

export interface SetProfileRequest extends OfFleet {
  readonly profile: Named;
  readonly tags: Values;
}

export interface SetInstancesRequest extends OfFleet {
  readonly runs: readonly string[];
  /** For all of them but for the others. */
  readonly change: TagChange;
  readonly others: readonly { readonly change: TagChange; readonly ids: readonly string[] }[];
}

/** The same calls, with what there was before. */
export function inPlaceUndos(clientsFor: ClientsFor) {
  const { setRole, setProfile, setInstances } = inPlaceSteps(clientsFor);
  return { restoreRole: setRole, restoreProfile: setProfile, restoreInstances: setInstances };
}

export function inPlaceSteps(clientsFor: ClientsFor) {
  return {
    /** Sets what is named of a role of the fleet's: first what it may do more, then what it may not do any more. */
    async setRole({ fleet, role, part, ...where }: SetRoleRequest): Promise<void> {
      const { iam } = clientsFor(where);
      await ownOf(fleet, role, () => readRole(iam, role.name));
      if (part.boundary !== undefined) await setBoundary(iam, role.name, part.boundary);
      await setDocuments(iam, role.name, part.documents ?? {});
      await setManaged(iam, role.name, part.managed ?? {});
      if (part.description !== undefined) {
        const Description = part.description ?? '';
        const update = new UpdateRoleDescriptionCommand({ RoleName: role.name, Description });
        await ask('iam:UpdateRoleDescription', iam.send(update));
      }
      const { gone, tags } = iamTags(part.tags ?? {});
      const RoleName = role.name;
      if (gone.length > 0) {
        await ask('iam:UntagRole', iam.send(new UntagRoleCommand({ RoleName, TagKeys: gone })));
      }
      if (tags.length > 0) await ask('iam:TagRole', iam.send(new TagRoleCommand({ RoleName, Tags: tags })));
    },

    async setProfile({ fleet, profile, tags: values, ...where }: SetProfileRequest): Promise<void> {
      const { iam } = clientsFor(where);
      await ownOf(fleet, profile, () => readProfile(iam, profile.name));
      const InstanceProfileName = profile.name;
      const { gone, tags } = iamTags(values);
      if (gone.length > 0) {
        const untag = new UntagInstanceProfileCommand({ InstanceProfileName, TagKeys: gone });
        await ask('iam:UntagInstanceProfile', iam.send(untag));
      }
      if (tags.length > 0) {
        const tag = new TagInstanceProfileCommand({ InstanceProfileName, Tags: tags });
        await ask('iam:TagInstanceProfile', iam.send(tag));
      }
    },

    /** Of all instances of the fleet that there are, and of their volumes. */
    async setInstances(request: SetInstancesRequest): Promise<void> {
      const { ec2 } = clientsFor(request);
      const { change, others } = request;
      const elsewhere = new Set(others.flatMap(({ ids }) => ids));
      const all = (await tagged(ec2, request)).map(({ id }) => id);
      const seen = new Set(all);
      await setTags(
        ec2,
        all.filter((id) => !elsewhere.has(id)),
        change,
      );
      // What has gone meanwhile needs no tags any more.
      for (const { change, ids } of others)
        await setTags(
          ec2,
          ids.filter((id) => seen.has(id)),
          change,
        );
    },
  };
}

async function setDocuments(iam: IAMClient, RoleName: string, documents: Readonly<Record<string, unknown>>) {
  for (const [PolicyName, document] of Object.entries(documents)) {
    if (document === null) continue;
    const put = new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: JSON.stringify(document) });
    await ask('iam:PutRolePolicy', iam.send(put));
  }
  for (const [name, document] of Object.entries(documents)) {
    if (document === null) await deleteInline(iam, RoleName, name);
  }
}

async function setManaged(iam: IAMClient, RoleName: string, managed: Readonly<Record<string, boolean>>) {
  for (const [PolicyArn, isAttached] of Object.entries(managed)) {
    if (!isAttached) continue;
    await ask('iam:AttachRolePolicy', iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn })));
  }
  for (const [arn, isAttached] of Object.entries(managed)) if (!isAttached) await detach(iam, RoleName, arn);
}

async function setBoundary(iam: IAMClient, RoleName: string, arn: string | null): Promise<void> {
  if (arn === null) {
    const remove = new DeleteRolePermissionsBoundaryCommand({ RoleName });
    await ask('iam:DeleteRolePermissionsBoundary', iam.send(remove));
    return;
  }
  const put = new PutRolePermissionsBoundaryCommand({ RoleName, PermissionsBoundary: arn });
  await ask('iam:PutRolePermissionsBoundary', iam.send(put));
}

function iamTags(values: Values) {
  const all = Object.entries(values);
  return {
    gone: all.flatMap(([key, value]) => (value === null ? key : [])),
    tags: all.flatMap(([Key, Value]) => (Value === null ? [] : { Key, Value })),
  };
}

async function setTags(ec2: EC2Client, ids: readonly string[], { set, remove }: TagChange): Promise<void> {
  for (let from = 0; from < ids.length; from += BATCH) {
    const Resources = ids.slice(from, from + BATCH);
    if (Object.keys(remove).length > 0) {
      const untag = () => ec2.send(new DeleteTagsCommand({ Resources, Tags: toAwsTags(remove) }));
      await inTheirTime(() => ask('ec2:DeleteTags', untag()));
    }
    if (Object.keys(set).length > 0) {
      const tag = () => ec2.send(new CreateTagsCommand({ Resources, Tags: toAwsTags(set) }));
      await inTheirTime(() => ask('ec2:CreateTags', tag()));
    }
  }
}

/** CreateTags and DeleteTags take up to 1,000 resources a call (EC2 API). */
const BATCH = 1000;
