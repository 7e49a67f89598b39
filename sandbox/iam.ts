/** IAM, where moto is more lenient than AWS; and since when each instance profile has been what it is. */

import { type Answer, errorAnswer } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import type { Draws } from './draws.ts';
import type { Moto } from './moto.ts';
import type { AwsRequest } from './request.ts';
import { simulatePrincipalPolicy } from './simulation.ts';

/** Which profile EC2 takes a reference for, or the message by which it refuses it. */
export type SeenProfile = { readonly arn: string; readonly id: string } | { readonly refused: string };

export interface Iam {
  answer(request: AwsRequest): Promise<Answer>;
  /** What EC2 makes, at this moment, of the name or ARN of a profile in a request; undefined where there is none. */
  wantedProfile(params: URLSearchParams): Promise<SeenProfile | undefined>;
}

/** A profile as requests name it. */
interface Reference {
  readonly name?: string;
  readonly arn?: string;
}

interface Times {
  readonly createdAt: number;
  /** When a role was put into it. */
  joinedAt?: number;
  /** When EC2 accepted it for the first time. */
  acceptedAt?: number;
  /** The deleted profile of the same name. */
  readonly before?: { readonly arn: string; readonly id: string };
}

export function createIam(moto: Moto, behaviour: Behaviour, draws: Draws): Iam {
  const times = new Map<string, Times>();
  const deleted = new Map<string, { arn: string; id: string }>();

  return {
    async answer(request) {
      const name = request.params.get('InstanceProfileName') ?? '';
      switch (request.action) {
        case 'CreateRole':
          return refuseTrust(request, 'AssumeRolePolicyDocument') ?? moto.forward(request);
        case 'UpdateAssumeRolePolicy':
          return refuseTrust(request, 'PolicyDocument') ?? moto.forward(request);
        case 'CreateInstanceProfile':
          return after(request, () => times.set(name, { createdAt: Date.now(), before: deleted.get(name) }));
        case 'AddRoleToInstanceProfile':
          return after(request, () => {
            const known = times.get(name);
            if (known) known.joinedAt = Date.now();
          });
        case 'SimulatePrincipalPolicy':
          return simulatePrincipalPolicy(moto.iam, request.params);
        case 'RemoveRoleFromInstanceProfile':
          return (await refuseRemoval(request, name)) ?? moto.forward(request);
        case 'DeleteInstanceProfile': {
          const profile = await moto.profile(name);
          return after(request, () => {
            if (profile) deleted.set(name, { arn: profile.arn, id: profile.id });
            times.delete(name);
          });
        }
        default:
          return moto.forward(request);
      }
    },

    async wantedProfile(params) {
      const name = params.get('IamInstanceProfile.Name') ?? undefined;
      const arn = params.get('IamInstanceProfile.Arn') ?? undefined;
      return name === undefined && arn === undefined ? undefined : seenByEc2({ name, arn });
    },
  };

  async function seenByEc2(reference: Reference): Promise<SeenProfile> {
    const name = reference.name ?? reference.arn!.split('/').at(-1)!;
    const known = times.get(name);
    const age = (Date.now() - (known?.createdAt ?? 0)) / 1000;
    if (known?.before && age < behaviour.staleProfileSeconds) return known.before;

    const profile = await moto.profile(name);
    const exists = profile && (reference.arn === undefined || reference.arn === profile.arn);
    if (!exists || age < behaviour.propagationSeconds / 2) return { refused: unknownProfile(reference) };
    const joined = (Date.now() - (known?.joinedAt ?? 0)) / 1000;
    if (profile.roles.length === 0 || joined < behaviour.propagationSeconds) {
      return { refused: withoutRoles(profile.arn) };
    }
    if (known && isForgotten(name, known)) {
      const isUnknown = draws.happens(0.5, 'words of flap', name);
      return { refused: isUnknown ? unknownProfile(reference) : withoutRoles(profile.arn) };
    }
    return { arn: profile.arn, id: profile.id };
  }

  /** One replica of EC2 has accepted the profile; which of them takes the next call nobody knows. */
  function isForgotten(name: string, known: Times): boolean {
    if (known.acceptedAt === undefined) {
      known.acceptedAt = Date.now();
      return false;
    }
    if (Date.now() - known.acceptedAt >= behaviour.flapSeconds * 1000) return false;
    return draws.happens(behaviour.staleChance, 'flap', name);
  }

  /** moto fails with HTTP 500 when the role is not in the profile. */
  async function refuseRemoval(request: AwsRequest, name: string): Promise<Answer | undefined> {
    const role = request.params.get('RoleName');
    const profile = await moto.profile(name);
    if (!profile || profile.roles.some((inside) => inside.name === role)) return undefined;
    const message = `Role ${role} in instance profile ${name} not found.`;
    return errorAnswer(request, { code: 'NoSuchEntity', message, status: 404 });
  }

  async function after(request: AwsRequest, effect: () => void): Promise<Answer> {
    const answer = await moto.forward(request);
    if (answer.status < 300) effect();
    return answer;
  }
}

/** EC2's words: docs of aws-sdk-js-v3 #5253 for names, of Ansible's amazon.aws for ARNs. */
function unknownProfile({ name, arn }: Reference): string {
  return arn === undefined
    ? `Value (${name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`
    : `Value (${arn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN`;
}

const withoutRoles = (arn: string) => `IAM Instance Profile "${arn}" has no associated IAM Roles`;

/** moto takes any text for a trust policy. */
function refuseTrust(request: AwsRequest, parameter: string): Answer | undefined {
  const refuse = (message: string) => errorAnswer(request, { code: 'MalformedPolicyDocument', message });
  let document: { Statement?: unknown };
  try {
    document = JSON.parse(request.params.get(parameter) ?? '');
  } catch {
    return refuse('This policy contains invalid Json');
  }
  const statements = [document.Statement].flat() as Record<string, unknown>[];
  for (const statement of statements) {
    if (typeof statement !== 'object' || statement === null) return refuse('Syntax errors in policy.');
    if (!('Principal' in statement)) return refuse('Missing required field Principal');
    if (!('Action' in statement)) return refuse('Missing required field Action');
    if ('Resource' in statement) return refuse('Has prohibited field Resource');
  }
  return undefined;
}
