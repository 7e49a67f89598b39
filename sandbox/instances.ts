/** What the sandbox remembers of instances beyond moto, and the states that time decides. */

import type { Xml } from './answers.ts';
import type { Behaviour } from './behaviour.ts';

export interface LaunchedInstance {
  readonly region: string;
  readonly token: string | undefined;
  readonly image: string | undefined;
  readonly zone: string;
  readonly launchedAt: number;
  /** When it will be terminated by itself, and by what; StateReason's code and message. */
  readonly death?: { readonly at: number; readonly code: string; readonly message: string };
  /** It is not to be terminated by a call. */
  isProtected?: boolean;
  terminatedAt?: number;
  profile?: { readonly arn: string; readonly id: string };
  /** moto has an association for its profile. */
  associated?: boolean;
}

export type Instances = Map<string, LaunchedInstance>;

const STATES = {
  pending: '0',
  running: '16',
  'shutting-down': '32',
  terminated: '48',
  stopping: '64',
  stopped: '80',
} as const;
type State = keyof typeof STATES;

export const xmlState = (name: State): Xml => ({ code: STATES[name], name });

/** The state that time decides; undefined where moto does. */
export function currentState(instance: LaunchedInstance, behaviour: Behaviour): State | undefined {
  if (hasDied(instance)) return 'terminated';
  const { launchedAt, terminatedAt } = instance;
  const since = (moment: number) => (Date.now() - moment) / 1000;
  if (terminatedAt !== undefined) {
    return since(terminatedAt) < behaviour.shuttingDownSeconds ? 'shutting-down' : 'terminated';
  }
  // One that is to die never runs, though its time may come while it is being looked at.
  return instance.death || since(launchedAt) < behaviour.pendingSeconds ? 'pending' : undefined;
}

/** By itself, that is. */
function hasDied({ death, terminatedAt }: LaunchedInstance): boolean {
  return death !== undefined && terminatedAt === death.at;
}

/** The state of an instance in an answer of moto's. */
export function stateIn(item: Xml, instance: LaunchedInstance, behaviour: Behaviour): State {
  return currentState(instance, behaviour) ?? ((item.instanceState as Xml).name as State);
}

/** Puts into an instance's answer what moto does not know of it. */
export function amend(item: Xml, instance: LaunchedInstance, state: State, { privateIp }: Behaviour): void {
  item.instanceState = xmlState(state);
  if (privateIp && item.privateIpAddress) item.privateIpAddress = privateIp;
  if (instance.death && hasDied(instance)) {
    const { code, message } = instance.death;
    item.stateReason = { code, message };
    item.reason = message;
  }
  if (instance.token) item.clientToken = instance.token;
  if (instance.profile && state !== 'terminated') item.iamInstanceProfile = { ...instance.profile };
  else delete item.iamInstanceProfile;
}
