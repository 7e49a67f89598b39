/** TerminateInstances, with states that take their time. */

import { type Answer, errorAnswer, items, readXml, withBody, writeXml, type Xml } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import { currentState, type Instances, xmlState } from './instances.ts';
import type { Moto } from './moto.ts';
import { terminateBesideProtected } from './protection.ts';
import type { AwsRequest } from './request.ts';
import { refusedAsUnknown } from './unknown-ids.ts';

export function createTerminate(moto: Moto, instances: Instances, behaviour: Behaviour) {
  return async (request: AwsRequest): Promise<Answer> => {
    if (request.params.get('DryRun') === 'true') return moto.forward(request);
    const unknown = await refusedAsUnknown(moto, instances, request);
    if (unknown) return errorAnswer(request, unknown);
    return (await terminateBesideProtected(request, instances, terminate)) ?? terminate(request);
  };

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
