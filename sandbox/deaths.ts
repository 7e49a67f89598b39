/** Instances that die of themselves while they start. */

import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import type { Behaviour } from './behaviour.ts';
import type { Draws } from './draws.ts';
import type { Instances, LaunchedInstance } from './instances.ts';
import type { Moto } from './moto.ts';
import { unprotect } from './protection.ts';

/** EC2 API, "StateReason". */
const REASONS = [
  { code: 'Server.InternalError', message: 'Server.InternalError: Internal error on launch' },
  {
    code: 'Server.InsufficientInstanceCapacity',
    message: 'Server.InsufficientInstanceCapacity: Insufficient capacity to satisfy instance request',
  },
] as const;

/** When and of what an instance that is launched now will die, if it is one of those. */
export function deathOf(behaviour: Behaviour, draws: Draws): LaunchedInstance['death'] {
  if (!draws.happens(behaviour.deathChance, 'death')) return undefined;
  const reason = REASONS[draws.happens(0.5, 'reason of death') ? 0 : 1];
  return { ...reason, at: Date.now() + behaviour.pendingSeconds * 1000 };
}

/** Has moto's instances die, whose time has come, before anybody is told of them. */
export async function buryTheDead(moto: Moto, instances: Instances): Promise<void> {
  for (const [id, instance] of instances) {
    const { death, terminatedAt, region } = instance;
    if (!death || terminatedAt !== undefined || death.at > Date.now()) continue;
    instance.terminatedAt = death.at;
    await unprotect(moto, id, instance);
    await moto.ec2(region).send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  }
}
