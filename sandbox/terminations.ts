/** TerminateInstances, with states that take their time. */

import { paginateDescribeInstances } from '@aws-sdk/client-ec2';
import { type Answer, errorAnswer, items, readXml, withBody, writeXml, type Xml } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import { currentState, type Instances, unknownInstances, xmlState } from './instances.ts';
import type { Moto } from './moto.ts';
import { terminateBesideProtected } from './protection.ts';
import { type AwsRequest, listOf } from './request.ts';

export function createTerminate(moto: Moto, instances: Instances, behaviour: Behaviour) {
  return async (request: AwsRequest): Promise<Answer> => {
    if (request.params.get('DryRun') === 'true') return moto.forward(request);
    return (
      (await refusedAsUnknown(request)) ??
      (await terminateBesideProtected(request, instances, terminate)) ??
      terminate(request)
    );
  };

  /** One id that is unknown ends none of the batch, whatever else is wrong with it. */
  async function refusedAsUnknown(request: AwsRequest): Promise<Answer | undefined> {
    const ids = listOf(request.params, 'InstanceId');
    if (ids.every((id) => instances.has(id))) return undefined;
    const known = new Set([...instances.keys(), ...(await idsInMoto(request.region))]);
    const unknown = ids.filter((id) => !known.has(id));
    return unknown.length > 0 ? errorAnswer(request, unknownInstances(unknown)) : undefined;
  }

  /** Those included that came to be without RunInstances. */
  async function idsInMoto(region: string): Promise<string[]> {
    const ids: string[] = [];
    for await (const { Reservations = [] } of paginateDescribeInstances({ client: moto.ec2(region) }, {})) {
      for (const { Instances = [] } of Reservations)
        ids.push(...Instances.map(({ InstanceId }) => InstanceId!));
    }
    return ids;
  }

  async function terminate(request: AwsRequest): Promise<Answer> {
    const before = new Map([...instances].map(([id, instance]) => [id, currentState(instance, behaviour)]));
    const answer = await moto.forward(request);
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    for (const item of items((document.TerminateInstancesResponse as Xml).instancesSet)) {
      const instance = instances.get(`${item.instanceId}`);
      if (!instance) continue;
      instance.terminatedAt ??= Date.now();
      item.currentState = xmlState(currentState(instance, behaviour) ?? 'shutting-down');
      const previous = before.get(`${item.instanceId}`);
      if (previous) item.previousState = xmlState(previous);
    }
    return withBody(answer, writeXml(document));
  }
}
