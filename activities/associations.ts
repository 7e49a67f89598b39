/** The tie between an instance and its profile. */

import {
  AssociateIamInstanceProfileCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  type EC2Client,
  type IamInstanceProfileSpecification,
  ReplaceIamInstanceProfileAssociationCommand,
} from '@aws-sdk/client-ec2';
import { ask } from './aws-errors.ts';

/** Ties an instance to the profile, in place of another or of none. */
export async function tieTo(
  ec2: EC2Client,
  id: string,
  profile: IamInstanceProfileSpecification,
): Promise<void> {
  const { IamInstanceProfileAssociations: associations = [] } = await ask(
    'ec2:DescribeIamInstanceProfileAssociations',
    ec2.send(
      new DescribeIamInstanceProfileAssociationsCommand({
        Filters: [{ Name: 'instance-id', Values: [id] }],
      }),
    ),
  );
  // The filter may have been ignored: the association's own field decides.
  const association = associations.find(
    ({ InstanceId, State }) => InstanceId === id && State === 'associated',
  );
  if (association) {
    const replace = new ReplaceIamInstanceProfileAssociationCommand({
      AssociationId: association.AssociationId,
      IamInstanceProfile: profile,
    });
    await ask('ec2:ReplaceIamInstanceProfileAssociation', ec2.send(replace));
  } else {
    const associate = new AssociateIamInstanceProfileCommand({ InstanceId: id, IamInstanceProfile: profile });
    await ask('ec2:AssociateIamInstanceProfile', ec2.send(associate));
  }
}
