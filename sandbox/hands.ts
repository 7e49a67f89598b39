/** What people do in the account meanwhile, each time at the worst moment: right after a call of somebody else's. */

import {
  AddRoleToInstanceProfileCommand,
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  GetRoleCommand,
  type IAMClient,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { type Answer, items, readXml, type Xml } from './answers.ts';
import type { Behaviour, Hand } from './behaviour.ts';
import type { Ec2 } from './ec2.ts';
import type { Moto } from './moto.ts';
import { protect } from './protection.ts';
import type { AwsRequest } from './request.ts';

/** Answers a function that is told of every call that had its effect. */
export function createHands(moto: Moto, ec2: Ec2, behaviour: Behaviour) {
  const seen = new WeakMap<Hand, number>();

  return async function afterwards(request: AwsRequest, answer: Answer): Promise<void> {
    if (answer.status >= 300) return;
    for (const hand of behaviour.hands) {
      if (hand.after !== request.action) continue;
      if (hand.match !== undefined && !request.body.includes(hand.match)) continue;
      const nth = (seen.get(hand) ?? 0) + 1;
      seen.set(hand, nth);
      if (nth === (hand.nth ?? 1)) await act(hand, request, answer);
    }
  };

  async function act(hand: Hand, { params }: AwsRequest, answer: Answer): Promise<void> {
    switch (hand.do) {
      case 'protect':
        return protectOne(answer);
      case 'swap-role':
        return swapRole(moto.iam, params.get('InstanceProfileName')!, params.get('RoleName')!);
      case 'attach-policy':
        return attachPolicy(moto.iam, params.get('RoleName')!);
    }
  }

  async function protectOne({ body }: Answer): Promise<void> {
    const [first] = items((readXml(body).RunInstancesResponse as Xml).instancesSet);
    const id = `${first!.instanceId}`;
    await protect(moto, id, ec2.instance(id)!);
  }
}

async function swapRole(iam: IAMClient, profile: string, role: string): Promise<void> {
  const other = `${role}-of-somebody`.slice(0, 64);
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  await unlessThere(
    iam.send(new CreateRoleCommand({ RoleName: other, AssumeRolePolicyDocument: JSON.stringify(trust) })),
  );
  await iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: profile, RoleName: role }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: profile, RoleName: other }));
}

async function attachPolicy(iam: IAMClient, role: string): Promise<void> {
  const PolicyName = `${role}-by-somebody`;
  const document = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
  };
  await unlessThere(
    iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument: JSON.stringify(document) })),
  );
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: role }));
  const PolicyArn = Role!.Arn!.replace(/:role\/.*/, `:policy/${PolicyName}`);
  await iam.send(new AttachRolePolicyCommand({ RoleName: role, PolicyArn }));
}

async function unlessThere(made: Promise<unknown>): Promise<void> {
  await made.catch((error: Error) => {
    if (!error.name.startsWith('EntityAlreadyExists')) throw error;
  });
}
