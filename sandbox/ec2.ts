/**
 * EC2, where moto falls short of it: client tokens, the profile by which an instance was launched, filters by either,
 * states that take their time, and images that do not exist.
 */

import { type Answer, errorAnswer, items, readXml, withBody, writeXml, type Xml } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import type { Iam } from './iam.ts';
import type { Moto } from './moto.ts';
import type { AwsRequest } from './request.ts';

export interface Ec2 {
  answer(request: AwsRequest): Promise<Answer>;
  /** What the sandbox remembers of an instance beyond moto. */
  instance(id: string): LaunchedInstance | undefined;
}

export interface LaunchedInstance {
  readonly region: string;
  readonly token: string | undefined;
  readonly launchedAt: number;
  terminatedAt?: number;
  profile?: { readonly arn: string; readonly id: string };
  /** moto has an association for its profile. */
  associated?: boolean;
}

/** One use of a client token, in its scope. */
interface TokenUse {
  /** The parameters of the call, in an order of their own. */
  readonly asked: string;
  readonly answer: Promise<Answer>;
}

const STATES = {
  pending: '0',
  running: '16',
  'shutting-down': '32',
  terminated: '48',
  stopping: '64',
  stopped: '80',
} as const;
type State = keyof typeof STATES;

export function createEc2(moto: Moto, iam: Iam, behaviour: Behaviour): Ec2 {
  const launched = new Map<string, LaunchedInstance>();
  const tokens = new Map<string, TokenUse>();

  return {
    instance: (id) => launched.get(id),
    async answer(request) {
      switch (request.action) {
        case 'RunInstances':
          return runInstances(request);
        case 'DescribeInstances':
          return describeInstances(request);
        case 'TerminateInstances':
          return terminateInstances(request);
        case 'AssociateIamInstanceProfile':
        case 'ReplaceIamInstanceProfileAssociation':
          return associate(request);
        case 'DescribeIamInstanceProfileAssociations':
          return describeAssociations(request);
        default:
          return moto.forward(request);
      }
    },
  };

  async function runInstances(request: AwsRequest): Promise<Answer> {
    const token = request.params.get('ClientToken');
    const isDryRun = request.params.get('DryRun') === 'true';
    if (!token || isDryRun) return launch(request);
    const scope = `${await scopeOf(request)} ${token}`;
    const asked = [...request.params]
      .map((pair) => pair.join('='))
      .sort()
      .join('&');
    const use = tokens.get(scope);
    if (use) return again(request, use, asked);
    const answer = launch(request);
    tokens.set(scope, { asked, answer });
    // Of a call that failed nothing is remembered.
    const forget = () => tokens.delete(scope);
    answer.then(({ status }) => status >= 300 && forget(), forget);
    return answer;
  }

  /** With a zone, named or implied by a subnet, a token is unique there; else in the region (EC2 Developer Guide). */
  async function scopeOf({ params, region }: AwsRequest): Promise<string> {
    const subnet = params.get('SubnetId') ?? params.get('NetworkInterface.1.SubnetId');
    const zone =
      params.get('Placement.AvailabilityZone') ?? (subnet && (await moto.zoneOfSubnet(region, subnet)));
    return zone || region;
  }

  async function again(request: AwsRequest, use: TokenUse, asked: string): Promise<Answer> {
    const answer = await use.answer;
    if (use.asked !== asked) {
      return errorAnswer(request, {
        code: 'IdempotentParameterMismatch',
        message:
          'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
      });
    }
    if (answer.status >= 300) return runInstances(request);
    const reservation = readXml(answer.body).RunInstancesResponse as Xml;
    const instances = items(reservation.instancesSet).map((item) => launched.get(`${item.instanceId}`));
    if (instances.every((instance) => instance?.terminatedAt !== undefined)) {
      return errorAnswer(request, {
        code: 'IdempotentInstanceTerminated',
        message:
          'The client token you have provided is associated with a terminated instance. Please use a different client token.',
      });
    }
    return answer;
  }

  async function launch(request: AwsRequest): Promise<Answer> {
    const { params, region } = request;
    const image = params.get('ImageId');
    if (image && !(await moto.imageExists(region, image))) {
      const message = `The image id '[${image}]' does not exist`;
      return errorAnswer(request, { code: 'InvalidAMIID.NotFound', message });
    }
    const profile = await wantedProfile(params);
    if (profile && 'refused' in profile) {
      return errorAnswer(request, { code: 'InvalidParameterValue', message: profile.refused });
    }
    const answer = await moto.forward(request, asManyAsWanted(params));
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    for (const item of items((document.RunInstancesResponse as Xml).instancesSet)) {
      const instance: LaunchedInstance = {
        region,
        token: params.get('ClientToken') ?? undefined,
        launchedAt: Date.now(),
        profile,
      };
      launched.set(`${item.instanceId}`, instance);
      amend(item, instance, 'pending');
    }
    return withBody(answer, writeXml(document));
  }

  async function wantedProfile(params: URLSearchParams) {
    const name = params.get('IamInstanceProfile.Name') ?? undefined;
    const arn = params.get('IamInstanceProfile.Arn') ?? undefined;
    return name === undefined && arn === undefined ? undefined : iam.seenByEc2({ name, arn });
  }

  async function describeInstances(request: AwsRequest): Promise<Answer> {
    const { own, rest } = splitFilters(request.params);
    const answer = await moto.forward(request, own.length > 0 ? rest : undefined);
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    const response = document.DescribeInstancesResponse as Xml;
    const reservations = items(response.reservationSet).filter((reservation) => {
      const kept = items(reservation.instancesSet).filter((item) => {
        const instance = launched.get(`${item.instanceId}`);
        if (instance) amend(item, instance, stateOf(item, instance));
        return own.every(({ name, values }) => values.includes(FILTERS[name]!(item)));
      });
      reservation.instancesSet = { item: kept };
      return kept.length > 0;
    });
    response.reservationSet = reservations.length > 0 ? { item: reservations } : '';
    return withBody(answer, writeXml(document));
  }

  async function terminateInstances(request: AwsRequest): Promise<Answer> {
    const before = new Map([...launched].map(([id, instance]) => [id, currentState(instance)]));
    const answer = await moto.forward(request);
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    for (const item of items((document.TerminateInstancesResponse as Xml).instancesSet)) {
      const instance = launched.get(`${item.instanceId}`);
      if (!instance) continue;
      instance.terminatedAt ??= Date.now();
      item.currentState = xmlState(currentState(instance) ?? 'shutting-down');
      const previous = before.get(`${item.instanceId}`);
      if (previous) item.previousState = xmlState(previous);
    }
    return withBody(answer, writeXml(document));
  }

  async function associate(request: AwsRequest): Promise<Answer> {
    const profile = await wantedProfile(request.params);
    if (profile && 'refused' in profile) {
      return errorAnswer(request, { code: 'InvalidParameterValue', message: profile.refused });
    }
    const answer = await moto.forward(request);
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    const response = document[`${request.action}Response`] as Xml;
    const association = response.iamInstanceProfileAssociation as Xml;
    const instance = launched.get(`${association.instanceId}`);
    if (instance && profile) {
      instance.profile = profile;
      association.iamInstanceProfile = { ...profile };
    }
    return withBody(answer, writeXml(document));
  }

  async function describeAssociations(request: AwsRequest): Promise<Answer> {
    await associateAll();
    const answer = await moto.forward(request);
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    const response = document.DescribeIamInstanceProfileAssociationsResponse as Xml;
    for (const item of items(response.iamInstanceProfileAssociationSet)) {
      const profile = launched.get(`${item.instanceId}`)?.profile;
      if (profile) item.iamInstanceProfile = { ...profile };
    }
    return withBody(answer, writeXml(document));
  }

  /** moto makes an association for the first instance of a launch alone, EC2 for each. */
  async function associateAll(): Promise<void> {
    for (const [id, instance] of launched) {
      if (!instance.profile || instance.associated || instance.terminatedAt !== undefined) continue;
      instance.associated = true;
      await moto.associate(instance.region, id, instance.profile.arn);
    }
  }

  /** Puts into an instance's answer what moto does not know of it. */
  function amend(item: Xml, instance: LaunchedInstance, state: State): void {
    item.instanceState = xmlState(state);
    if (instance.token) item.clientToken = instance.token;
    if (instance.profile && state !== 'terminated') item.iamInstanceProfile = { ...instance.profile };
    else delete item.iamInstanceProfile;
  }

  function stateOf(item: Xml, instance: LaunchedInstance): State {
    return currentState(instance) ?? ((item.instanceState as Xml).name as State);
  }

  /** The state that time decides; undefined where moto does. */
  function currentState({ launchedAt, terminatedAt }: LaunchedInstance): State | undefined {
    const since = (moment: number) => (Date.now() - moment) / 1000;
    if (terminatedAt !== undefined) {
      return since(terminatedAt) < behaviour.shuttingDownSeconds ? 'shutting-down' : 'terminated';
    }
    return since(launchedAt) < behaviour.pendingSeconds ? 'pending' : undefined;
  }
}

/** moto launches as few as it may, EC2 as many as it can. */
function asManyAsWanted(params: URLSearchParams): URLSearchParams | undefined {
  const [least, most] = [params.get('MinCount'), params.get('MaxCount')];
  if (most === null || least === most) return undefined;
  const changed = new URLSearchParams(params);
  changed.set('MinCount', most);
  return changed;
}

const xmlState = (name: State): Xml => ({ code: STATES[name], name });

/** The filters that moto refuses with HTTP 500, and those whose values are the sandbox's own. */
const FILTERS: Record<string, (item: Xml) => string> = {
  'client-token': ({ clientToken }) => `${clientToken}`,
  'iam-instance-profile.arn': ({ iamInstanceProfile }) => `${(iamInstanceProfile as Xml | undefined)?.arn}`,
  'iam-instance-profile.id': ({ iamInstanceProfile }) => `${(iamInstanceProfile as Xml | undefined)?.id}`,
  'instance-state-name': ({ instanceState }) => `${(instanceState as Xml).name}`,
  'instance-state-code': ({ instanceState }) => `${(instanceState as Xml).code}`,
};

function splitFilters(params: URLSearchParams) {
  const own: { name: string; values: string[] }[] = [];
  const rest = new URLSearchParams();
  let number = 0;
  for (const [key, value] of params) {
    if (!key.startsWith('Filter.')) rest.append(key, value);
  }
  for (let at = 1; params.has(`Filter.${at}.Name`); at++) {
    const name = params.get(`Filter.${at}.Name`)!;
    const values = [...params]
      .filter(([key]) => key.startsWith(`Filter.${at}.Value.`))
      .map(([, value]) => value);
    if (name in FILTERS) {
      own.push({ name, values });
      continue;
    }
    number += 1;
    rest.append(`Filter.${number}.Name`, name);
    for (const [of, value] of values.entries()) rest.append(`Filter.${number}.Value.${of + 1}`, value);
  }
  return { own, rest };
}
