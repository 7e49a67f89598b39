/** The mark of a complete fleet: what tells it from what a lost run left, when no history does any more. */

import { CreateTagsCommand } from '@aws-sdk/client-ec2';
import { TagInstanceProfileCommand, TagRoleCommand } from '@aws-sdk/client-iam';
import type { Where } from '../fleet/places.ts';
import { COMPLETE, SPEC_TAG, STATE_TAG } from '../fleet/tags.ts';
import { type AwsError, ask, isAbsent, isInstanceUnknown, notYet } from './aws-errors.ts';
import type { ClientsFor } from './clients.ts';

export interface MarkRequest extends Where {
  /** The name of the profile that the run made. */
  readonly profile?: string;
  /** Marked instead when the run made no profile. */
  readonly ids?: readonly string[];
}

export interface MarkSpecRequest extends Where {
  /** Names of what the fleet has made. */
  readonly role?: string;
  readonly profile?: string;
  readonly specHash: string;
}

export function markSteps(clientsFor: ClientsFor) {
  return {
    /** Tags the profile that the run made, or else its instances; doing it twice is doing it once. */
    async markComplete({ profile, ids = [], ...where }: MarkRequest): Promise<void> {
      const { iam, ec2 } = clientsFor(where);
      const Tags = [{ Key: STATE_TAG, Value: COMPLETE }];
      try {
        if (profile !== undefined) {
          const tag = new TagInstanceProfileCommand({ InstanceProfileName: profile, Tags });
          await ask('iam:TagInstanceProfile', iam.send(tag));
          return;
        }
        for (let from = 0; from < ids.length; from += BATCH) {
          const tag = new CreateTagsCommand({ Resources: ids.slice(from, from + BATCH), Tags });
          await ask('ec2:CreateTags', ec2.send(tag));
        }
      } catch (error) {
        throw isAbsent(error) || isInstanceUnknown(error) ? notYet(error as AwsError) : error;
      }
    },

    /** Has the fleet's role and profile say by which spec it is: without a history that alone tells it. */
    async markSpec({ role, profile, specHash, ...where }: MarkSpecRequest): Promise<void> {
      const { iam } = clientsFor(where);
      const Tags = [{ Key: SPEC_TAG, Value: specHash }];
      if (role !== undefined) {
        await ask('iam:TagRole', iam.send(new TagRoleCommand({ RoleName: role, Tags })));
      }
      if (profile !== undefined) {
        const tag = new TagInstanceProfileCommand({ InstanceProfileName: profile, Tags });
        await ask('iam:TagInstanceProfile', iam.send(tag));
      }
    },
  };
}

/** CreateTags takes up to 1,000 resources a call (EC2 API). */
const BATCH = 1000;
