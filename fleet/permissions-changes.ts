/** What a fleet that is there needs more than to be made: to be changed in place, rolled, repaired and swept. */

import { type Equals, equals, ofFleet, type Permission, some } from './permission.ts';
import { ec2Arn, placeOf, profileArns, roleArn } from './permissions-arns.ts';
import type { FleetSpec, RoleToMake } from './spec.ts';

export function changePermissions(spec: FleetSpec): readonly Permission[] {
  return [
    ...(spec.role && !spec.role.reuse ? roleChanges(spec, spec.role) : []),
    ...some(!spec.profile.reuse, {
      sid: 'ChangeProfile',
      why: 'to take off the profile the tags that the spec has no more',
      actions: ['iam:UntagInstanceProfile'],
      resources: profileArns(placeOf(spec), spec),
      condition: equals(ofFleet(spec.name)),
      without: 'no tag of the profile is taken off by a change',
    }),
    ...machineChanges(spec),
    {
      sid: 'FindRemains',
      why: 'what is there when nothing names it any more; the account’s roles and profiles are gone through',
      actions: ['iam:ListRoles', 'iam:ListInstanceProfiles'],
      resources: ['*'],
      without: 'no sweep, and no status or down of a fleet whose history and names are lost',
    },
  ];
}

/** A boundary that the spec has can be put, and none taken off; of a spec without one it is the other way round. */
function roleChanges(spec: FleetSpec, role: RoleToMake): readonly Permission[] {
  const resources = [roleArn(placeOf(spec), role)];
  const { permissionsBoundary } = role;
  const own: Equals = ofFleet(spec.name);
  return [
    {
      sid: 'ChangeRole',
      why: 'to change what the role says of itself, in place',
      actions: [
        'iam:TagRole',
        'iam:UntagRole',
        'iam:UpdateRoleDescription',
        ...(permissionsBoundary ? [] : ['iam:DeleteRolePermissionsBoundary']),
      ],
      resources,
      condition: equals(own),
      without:
        'a change of the role’s tags or description fails, and a roll leaves the old spec’s hash on it',
    },
    ...(permissionsBoundary
      ? [
          {
            sid: 'BindRole',
            why: 'to put the boundary of the spec on the role in place, and no other',
            actions: ['iam:PutRolePermissionsBoundary'],
            resources,
            condition: equals(own, { 'iam:PermissionsBoundary': permissionsBoundary }),
            without: 'a change to this boundary fails',
          },
        ]
      : []),
    {
      sid: 'MendTrust',
      why: 'to have EC2 alone trusted by the role again, in a repair',
      actions: ['iam:UpdateAssumeRolePolicy'],
      resources,
      condition: equals(own),
      without: 'who else may take on the role is told by a check, and not put right',
    },
  ];
}

function machineChanges(spec: FleetSpec): readonly Permission[] {
  const place = placeOf(spec);
  const machines = ec2Arn(place, 'instance');
  const condition = equals(ofFleet(spec.name));
  return [
    {
      sid: 'ChangeTags',
      why: spec.profile.reuse
        ? 'to mark the machines when the fleet is complete, as it has no profile of its own; their tags, in place'
        : 'the tags of machines and volumes that are there, in place',
      actions: ['ec2:CreateTags', 'ec2:DeleteTags'],
      resources: [machines, ec2Arn(place, 'volume')],
      condition,
      ...(!spec.profile.reuse && {
        without: 'a change of the machines’ tags fails, and so does their repair',
      }),
    },
    {
      sid: 'MendMachines',
      why: 'to start machines that were stopped, and to demand IMDSv2 of them again, in a repair',
      actions: ['ec2:StartInstances', 'ec2:ModifyInstanceMetadataOptions'],
      resources: [machines],
      condition,
      without: 'what differs of these is told by a check, and not put right',
    },
  ];
}
