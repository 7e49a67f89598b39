/** What a fleet's role, its policies and its profile need of the worker's credentials. */

import { type Equals, equals, forFleet, ofFleet, type Permission, some } from './permission.ts';
import { passedRoles, placeOf, profileArns, roleArn } from './permissions-arns.ts';
import { ec2TrustPolicy } from './policy.ts';
import type { FleetSpec, RoleToMake } from './spec.ts';

/*
 * Which keys a call knows is in the Service Authorization Reference: every call on a role or a profile knows the tags
 * that it has, one that makes or tags it those of the request.
 */
export function identityPermissions(spec: FleetSpec): readonly Permission[] {
  return [
    ...looks(spec),
    ...(spec.role && !spec.role.reuse ? roleSteps(spec, spec.role) : []),
    ...(spec.profile.reuse ? [] : profileSteps(spec)),
    passing(spec),
  ];
}

function looks(spec: FleetSpec): readonly Permission[] {
  const { partition, account } = placeOf(spec);
  const managed = spec.role && !spec.role.reuse ? managedOf(spec.role) : [];
  return [
    {
      sid: 'LookAtNames',
      why: 'who has the names of the role and the profile; of one that nobody has IAM knows no ARN to allow',
      actions: ['iam:GetRole', 'iam:GetInstanceProfile'],
      resources: ['*'],
    },
    {
      sid: 'SimulateItself',
      why: 'what is missing for a rollback, asked before anything is made',
      actions: ['iam:SimulatePrincipalPolicy'],
      resources: ['role', 'user'].map((kind) => `arn:${partition}:iam::${account}:${kind}/*`),
      without: 'a permission that is missing for a rollback is found by the rollback',
    },
    ...some(managed.length > 0, {
      sid: 'ReadManagedPolicies',
      why: 'whether the managed policies of the spec exist',
      actions: ['iam:GetPolicy'],
      resources: managed,
    }),
  ];
}

const managedOf = ({ managedPolicies, permissionsBoundary }: RoleToMake): readonly string[] => [
  ...new Set([...managedPolicies, ...(permissionsBoundary ? [permissionsBoundary] : [])]),
];

const BEFORE_DELETION = [
  'iam:ListRolePolicies',
  'iam:ListAttachedRolePolicies',
  'iam:ListInstanceProfilesForRole',
];

function roleSteps(spec: FleetSpec, role: RoleToMake): readonly Permission[] {
  const { name: fleet, policy } = spec;
  const resources = [roleArn(placeOf(spec), role)];
  const { permissionsBoundary, managedPolicies } = role;
  const bounded: Equals = permissionsBoundary ? { 'iam:PermissionsBoundary': permissionsBoundary } : {};
  const hasManaged = managedPolicies.length > 0;
  const make = {
    sid: 'MakeRole',
    why: 'to make the role, with its tags in the same call',
    resources,
  };
  return [
    // A tag's call knows nothing of a boundary.
    ...(permissionsBoundary
      ? [
          { ...make, actions: ['iam:CreateRole'], condition: equals(forFleet(fleet), bounded) },
          {
            ...make,
            sid: 'TagRole',
            why: 'the tags of the role',
            actions: ['iam:TagRole'],
            condition: equals(forFleet(fleet)),
          },
        ]
      : [{ ...make, actions: ['iam:CreateRole', 'iam:TagRole'], condition: equals(forFleet(fleet)) }]),
    ...some(policy !== undefined, {
      sid: 'PutPolicy',
      why: 'to put the policy of the spec on the role',
      actions: ['iam:PutRolePolicy'],
      resources,
      condition: equals(ofFleet(fleet), bounded),
    }),
    ...some(hasManaged, {
      sid: 'AttachPolicies',
      why: 'to attach the managed policies of the spec, and no others',
      actions: ['iam:AttachRolePolicy'],
      resources,
      condition: { ...equals(ofFleet(fleet), bounded), ArnEquals: { 'iam:PolicyARN': managedPolicies } },
    }),
    {
      sid: 'ReadRole',
      why: 'what is in the role: for a check, a change, and before it is deleted',
      actions: [...BEFORE_DELETION, 'iam:GetRolePolicy'],
      resources,
      forUndo: BEFORE_DELETION,
    },
    {
      sid: 'TakeBackRole',
      why: 'to empty and delete the role, if it is the fleet’s',
      actions: [
        'iam:DeleteRole',
        ...(policy ? ['iam:DeleteRolePolicy'] : []),
        ...(hasManaged ? ['iam:DetachRolePolicy'] : []),
      ],
      resources,
      condition: equals(ofFleet(fleet)),
      forUndo: 'all',
    },
  ];
}

function profileSteps(spec: FleetSpec): readonly Permission[] {
  const { name: fleet } = spec;
  const resources = profileArns(placeOf(spec), spec);
  return [
    {
      sid: 'MakeProfile',
      why: 'to make the instance profile, with its tags in the same call',
      actions: ['iam:CreateInstanceProfile', 'iam:TagInstanceProfile'],
      resources,
      condition: equals(forFleet(fleet)),
    },
    {
      sid: 'FillProfile',
      why: 'to put the role into the profile, and mark it when the fleet is complete',
      actions: ['iam:AddRoleToInstanceProfile', 'iam:TagInstanceProfile'],
      resources,
      condition: equals(ofFleet(fleet)),
    },
    {
      sid: 'TakeBackProfile',
      why: 'to empty and delete the profile, if it is the fleet’s',
      actions: ['iam:RemoveRoleFromInstanceProfile', 'iam:DeleteInstanceProfile'],
      resources,
      condition: equals(ofFleet(fleet)),
      forUndo: 'all',
    },
  ];
}

function passing(spec: FleetSpec): Permission {
  return {
    sid: 'PassRole',
    why: spec.role
      ? 'to hand the role to machines, and to nothing else'
      : 'to hand machines the role in the profile; the spec does not name it: put its ARN here',
    actions: ['iam:PassRole'],
    resources: passedRoles(placeOf(spec), spec),
    condition: equals({
      'iam:PassedToService': ec2TrustPolicy(spec.region).Statement[0].Principal.Service,
    }),
  };
}
