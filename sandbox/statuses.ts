/** DescribeInstanceStatus: the two status checks, which need their time after an instance runs, and may fail. */

import { type Answer, errorAnswer, items, readXml, withBody, writeXml, type Xml } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import { type Instances, type LaunchedInstance, stateIn, xmlState } from './instances.ts';
import type { Moto } from './moto.ts';
import { type AwsRequest, withParams } from './request.ts';
import { refusedAsUnknown } from './unknown-ids.ts';

export function createStatuses(moto: Moto, instances: Instances, behaviour: Behaviour) {
  /** moto has every instance 'ok' as soon as it is there. */
  return async (request: AwsRequest): Promise<Answer> => {
    const unknown = await refusedAsUnknown(moto, instances, request);
    if (unknown) return errorAnswer(request, unknown);
    const isAll = request.params.get('IncludeAllInstances') === 'true';
    // Which of them run is not moto's to say.
    const params = new URLSearchParams(request.params);
    params.set('IncludeAllInstances', 'true');
    const answer = await moto.forward(withParams(request, params));
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    const response = document.DescribeInstanceStatusResponse as Xml;
    const kept = items(response.instanceStatusSet).filter((item) => {
      const id = `${item.instanceId}`;
      const instance = instances.get(id);
      if (instance) amendStatus(item, id, instance, behaviour);
      return isAll || (item.instanceState as Xml).name === 'running';
    });
    response.instanceStatusSet = kept.length > 0 ? { item: kept } : '';
    return withBody(answer, writeXml(document));
  };
}

function amendStatus(item: Xml, id: string, instance: LaunchedInstance, behaviour: Behaviour): void {
  const state = stateIn(item, instance, behaviour);
  item.instanceState = xmlState(state);
  const ofInstance = state === 'running' ? checkOf(id, instance, behaviour) : 'not-applicable';
  // What runs in the machine fails one check; the other is about EC2's side.
  const ofSystem = ofInstance === 'impaired' ? 'ok' : ofInstance;
  item.instanceStatus = statusOf(ofInstance);
  item.systemStatus = statusOf(ofSystem);
}

type Check = 'initializing' | 'ok' | 'impaired' | 'not-applicable';

function checkOf(id: string, instance: LaunchedInstance, behaviour: Behaviour): Check {
  const { launchedAt, image } = instance;
  const { pendingSeconds, initializingSeconds, impaired } = behaviour;
  if ((Date.now() - launchedAt) / 1000 < pendingSeconds + initializingSeconds) return 'initializing';
  const isImpaired = impaired.some(
    (part) =>
      (part.instance === undefined || part.instance === id) &&
      (part.image === undefined || part.image === image),
  );
  return isImpaired ? 'impaired' : 'ok';
}

/** EC2 API, "InstanceStatusDetails". */
const REACHABILITY = { initializing: 'initializing', ok: 'passed', impaired: 'failed' } as const;

function statusOf(status: Check): Xml {
  if (status === 'not-applicable') return { status };
  return { status, details: { item: [{ name: 'reachability', status: REACHABILITY[status] }] } };
}
