/** RunInstances, where moto is more lenient than EC2 or launches fewer than it may. */

import { type Answer, errorAnswer, items, readXml, withBody, writeXml, type Xml } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import { withCapacity } from './capacity.ts';
import { deathOf } from './deaths.ts';
import type { Draws } from './draws.ts';
import type { Iam } from './iam.ts';
import { amend, type Instances, type LaunchedInstance } from './instances.ts';
import type { Moto } from './moto.ts';
import { protect } from './protection.ts';
import { type AwsRequest, withParams } from './request.ts';

export function createLaunch(moto: Moto, iam: Iam, instances: Instances, behaviour: Behaviour, draws: Draws) {
  let last: Promise<unknown> = Promise.resolve();
  return launch;

  /**
   * One at a time: of two launches at once into a subnet moto fails one after its first instance, which stays
   * ('generator already executing', seen once in a hundred launches of five side by side).
   */
  function inTurn(request: AwsRequest): Promise<Answer> {
    const answer = last.then(() => moto.forward(request));
    last = answer.catch(() => {});
    return answer;
  }

  async function launch(request: AwsRequest): Promise<Answer> {
    const { params, region } = request;
    const image = params.get('ImageId');
    if (image && !(await moto.imageExists(region, image))) {
      const message = `The image id '[${image}]' does not exist`;
      return errorAnswer(request, { code: 'InvalidAMIID.NotFound', message });
    }
    const profile = await iam.wantedProfile(params);
    if (profile && 'refused' in profile) {
      return errorAnswer(request, { code: 'InvalidParameterValue', message: profile.refused });
    }
    const placed = isDryRun(request) ? request : await withCapacity(moto, behaviour, request);
    if ('code' in placed) return errorAnswer(request, placed);
    const answer = await inTurn(asManyAsWanted(placed));
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    for (const item of items((document.RunInstancesResponse as Xml).instancesSet)) {
      const instance: LaunchedInstance = {
        region,
        token: params.get('ClientToken') ?? undefined,
        image: image ?? undefined,
        zone: `${(item.placement as Xml).availabilityZone}`,
        launchedAt: Date.now(),
        death: deathOf(behaviour, draws),
        profile,
      };
      const id = `${item.instanceId}`;
      instances.set(id, instance);
      if (params.get('DisableApiTermination') === 'true') await protect(moto, id, instance);
      amend(item, instance, 'pending', behaviour);
    }
    return withBody(answer, writeXml(document));
  }
}

function isDryRun({ params }: AwsRequest): boolean {
  return params.get('DryRun') === 'true';
}

/** moto launches as few as it may, EC2 as many as it can. */
function asManyAsWanted(request: AwsRequest): AwsRequest {
  const [least, most] = [request.params.get('MinCount'), request.params.get('MaxCount')];
  if (most === null || least === most) return request;
  const changed = new URLSearchParams(request.params);
  changed.set('MinCount', most);
  return withParams(request, changed);
}
