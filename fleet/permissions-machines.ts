/** What a fleet's machines, and whoever is told of it, need of the worker's credentials. */

import { equals, forFleet, ofFleet, type Permission, some } from './permission.ts';
import {
  busArn,
  ec2Arn,
  isAlias,
  kmsKeyArn,
  launchArns,
  type Place,
  parameterArn,
  placeOf,
  profileArns,
} from './permissions-arns.ts';
import { type FleetSpec, hasLastingVolumes, type InstancesSpec } from './spec.ts';

export function machinePermissions(spec: FleetSpec): readonly Permission[] {
  const place = placeOf(spec);
  return [
    ...looks(place, spec),
    ...launching(place, spec),
    ...takingBack(place, spec),
    ...keys(place, spec.instances),
    ...telling(place, spec),
  ];
}

function looks(place: Place, { instances }: FleetSpec): readonly Permission[] {
  const { image, securityGroups, key } = instances;
  const parameter = parameterArn(place, image);
  return [
    {
      sid: 'LookAtEc2',
      why: 'what there is in the region; EC2 lets no look be narrowed to a resource',
      actions: [
        'ec2:DescribeImages',
        'ec2:DescribeInstances',
        'ec2:DescribeInstanceStatus',
        'ec2:DescribeInstanceTypes',
        'ec2:DescribeInstanceTypeOfferings',
        'ec2:DescribeSubnets',
        'ec2:DescribeVolumes',
        'ec2:DescribeIamInstanceProfileAssociations',
        ...(securityGroups.length > 0 ? ['ec2:DescribeSecurityGroups'] : []),
        ...(key === undefined ? [] : ['ec2:DescribeKeyPairs']),
      ],
      resources: ['*'],
      condition: equals({ 'aws:RequestedRegion': place.region }),
      // All others preflight itself has looked by.
      forUndo: ['ec2:DescribeInstances', 'ec2:DescribeVolumes'],
    },
    ...(parameter === undefined
      ? []
      : [
          {
            sid: 'ReadImageName',
            why: 'which image the parameter names',
            actions: ['ssm:GetParameter'],
            resources: [parameter],
          },
        ]),
  ];
}

function launching(place: Place, spec: FleetSpec): readonly Permission[] {
  const { name: fleet, instances } = spec;
  const machines = [ec2Arn(place, 'instance')];
  const launchedWith = { 'ec2:InstanceProfile': profileArns(place, spec) };
  const types = typesOf(instances);
  return [
    {
      sid: 'Launch',
      why: 'to launch machines that have the profile of the fleet, and no others',
      actions: ['ec2:RunInstances'],
      resources: machines,
      condition: { ArnLike: launchedWith, ...(types && equals({ 'ec2:InstanceType': types })) },
    },
    {
      sid: 'LaunchWith',
      why: 'what the spec has them launched with',
      actions: ['ec2:RunInstances'],
      resources: launchArns(place, instances),
    },
    {
      sid: 'TagAtLaunch',
      why: 'the tags of machines and volumes, in the call that makes them',
      actions: ['ec2:CreateTags'],
      resources: [...machines, ec2Arn(place, 'volume')],
      condition: equals({ 'ec2:CreateAction': 'RunInstances' }, forFleet(fleet)),
    },
    {
      sid: 'MendProfile',
      why: 'to tie machines to the profile where they have none, or EC2 has tied them to an older one of its name',
      actions: ['ec2:ReplaceIamInstanceProfileAssociation', 'ec2:AssociateIamInstanceProfile'],
      resources: machines,
      condition: {
        ...equals(ofFleet(fleet)),
        ArnLike: { 'ec2:NewInstanceProfile': profileArns(place, spec) },
      },
    },
    ...some(instances.market !== 'on-demand', {
      sid: 'MakeSpotRole',
      why: 'for the first spot machines of an account: EC2’s own role for them',
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [
        `arn:${place.partition}:iam::${place.account}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot`,
      ],
      condition: equals({ 'iam:AWSServiceName': 'spot.amazonaws.com' }),
      without: 'an account that has never had a spot machine gets none',
    }),
  ];
}

/** Which types the machines may have; a need may be met by any. */
function typesOf({ placements }: InstancesSpec): readonly string[] | undefined {
  const types = placements.flatMap((placement) => ('type' in placement ? placement.type : []));
  return types.length === placements.length ? [...new Set(types)] : undefined;
}

function takingBack(place: Place, spec: FleetSpec): readonly Permission[] {
  const { name: fleet } = spec;
  const lasting = hasLastingVolumes(spec);
  return [
    {
      sid: 'TakeBackMachines',
      why: 'to terminate the machines of the fleet',
      actions: ['ec2:TerminateInstances'],
      resources: [ec2Arn(place, 'instance')],
      condition: equals(ofFleet(fleet)),
      forUndo: 'all',
    },
    ...some(lasting, {
      sid: 'TakeBackVolumes',
      why: 'to delete the volumes that outlive their machines, when a run is rolled back',
      actions: ['ec2:DeleteVolume'],
      resources: [ec2Arn(place, 'volume')],
      condition: equals(ofFleet(fleet)),
      forUndo: 'all',
    }),
  ];
}

/** What EC2 does with a key on the caller's behalf (EBS User Guide, "Requirements for Amazon EBS encryption"). */
function keys(place: Place, { volumes }: InstancesSpec): readonly Permission[] {
  const named = [...new Set(volumes.flatMap(({ kmsKey }) => kmsKey ?? []))];
  const permission = (
    sid: string,
    of: readonly string[],
    condition: Permission['condition'],
  ): Permission => ({
    sid,
    why: 'the keys of the volumes, and only for EC2',
    actions: [
      'kms:CreateGrant',
      'kms:Decrypt',
      'kms:DescribeKey',
      'kms:GenerateDataKeyWithoutPlaintext',
      'kms:ReEncrypt*',
    ],
    resources: [...new Set(of.map((key) => kmsKeyArn(place, key)))],
    condition,
  });
  const suffix = place.partition === 'aws-cn' ? '.cn' : '';
  const viaEc2 = equals({ 'kms:ViaService': `ec2.${place.region}.amazonaws.com${suffix}` });
  const byAlias = named.filter(isAlias);
  const byId = named.filter((key) => !isAlias(key));
  const aliases = byAlias.map((key) => key.slice(key.indexOf('alias/')));
  return [
    ...(byId.length > 0 ? [permission('UseKeys', byId, viaEc2)] : []),
    ...(byAlias.length > 0
      ? [
          permission('UseKeysByAlias', byAlias, {
            ...viaEc2,
            'ForAnyValue:StringEquals': { 'kms:ResourceAliases': aliases },
          }),
        ]
      : []),
  ];
}

function telling(place: Place, { notify = [] }: FleetSpec): readonly Permission[] {
  const buses = notify.flatMap((target) =>
    'eventBridge' in target ? busArn(place, target.eventBridge) : [],
  );
  return some(buses.length > 0, {
    sid: 'Tell',
    why: 'to tell the event buses that the spec names',
    actions: ['events:PutEvents'],
    resources: [...new Set(buses)],
    condition: equals({ 'events:source': 'muster' }),
    without: 'nobody is told by event; nothing else hangs on it',
  });
}
