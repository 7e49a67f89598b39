/** Termination protection: moto loses it at launch, and honours it instance by instance where EC2 does by zone. */

import { ModifyInstanceAttributeCommand } from '@aws-sdk/client-ec2';
import { type Answer, errorAnswer } from './answers.ts';
import type { Instances, LaunchedInstance } from './instances.ts';
import type { Moto } from './moto.ts';
import { type AwsRequest, listOf, withParams } from './request.ts';

export async function protect(moto: Moto, id: string, instance: LaunchedInstance): Promise<void> {
  await setProtection(moto, id, instance, true);
}

export async function unprotect(moto: Moto, id: string, instance: LaunchedInstance): Promise<void> {
  if (instance.isProtected) await setProtection(moto, id, instance, false);
}

async function setProtection(
  moto: Moto,
  id: string,
  instance: LaunchedInstance,
  isProtected: boolean,
): Promise<void> {
  instance.isProtected = isProtected;
  const command = new ModifyInstanceAttributeCommand({
    InstanceId: id,
    DisableApiTermination: { Value: isProtected },
  });
  await moto.ec2(instance.region).send(command);
}

/** Remembers what ModifyInstanceAttribute did to the protection. */
export function learnProtection({ params }: AwsRequest, instances: Instances): void {
  const instance = instances.get(params.get('InstanceId') ?? '');
  const isNamed = params.get('Attribute') === 'disableApiTermination';
  const value = params.get('DisableApiTermination.Value') ?? (isNamed ? params.get('Value') : null);
  if (instance && value !== null) instance.isProtected = value === 'true';
}

/**
 * TerminateInstances where some are protected: in the zones of those none is terminated, in other zones all are, and
 * the answer is an error (EC2 API, TerminateInstances). Undefined where none is.
 */
export async function terminateBesideProtected(
  request: AwsRequest,
  instances: Instances,
  terminate: (request: AwsRequest) => Promise<Answer>,
): Promise<Answer | undefined> {
  const ids = listOf(request.params, 'InstanceId');
  const holding = ids.filter((id) => {
    const instance = instances.get(id);
    return instance?.isProtected && instance.terminatedAt === undefined;
  });
  if (holding.length === 0) return undefined;
  const zones = new Set(holding.map((id) => instances.get(id)!.zone));
  const free = ids.filter((id) => !zones.has(instances.get(id)?.zone ?? ''));
  if (free.length > 0) {
    const answer = await terminate(withIds(request, free));
    if (answer.status >= 300) return answer;
  }
  // rebuy-de/aws-nuke #279
  const message = `The instance '${holding[0]}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`;
  return errorAnswer(request, { code: 'OperationNotPermitted', message });
}

function withIds(request: AwsRequest, ids: string[]): AwsRequest {
  const params = new URLSearchParams([...request.params].filter(([key]) => !key.startsWith('InstanceId.')));
  for (const [at, id] of ids.entries()) params.set(`InstanceId.${at + 1}`, id);
  return withParams(request, params);
}
