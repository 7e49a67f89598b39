/** How the sandbox's AWS behaves; it can be changed while it runs. All times are in seconds. */

import type { z } from 'zod';
import { checked, exactly, seconds } from './checked.ts';

export interface Behaviour {
  /** From the moment a role is in a new profile until EC2 accepts the profile. */
  propagationSeconds: number;
  /** For how long after a profile was made again EC2 takes its name for the deleted one (terraform #2037). */
  staleProfileSeconds: number;
  /** From RunInstances until an instance is running. */
  pendingSeconds: number;
  /** From TerminateInstances until an instance is terminated. */
  shuttingDownSeconds: number;
  /** How long the credentials of an instance last. The metadata service rotates them 5 minutes before, as EC2's. */
  credentialSeconds: number;
}

export const DEFAULT_BEHAVIOUR: Behaviour = {
  propagationSeconds: 3,
  staleProfileSeconds: 0,
  pendingSeconds: 1,
  shuttingDownSeconds: 0.5,
  credentialSeconds: 21_600,
};

export const behaviourSchema: z.ZodType<Partial<Behaviour>> = exactly('behaviour', {
  propagationSeconds: seconds.optional(),
  staleProfileSeconds: seconds.optional(),
  pendingSeconds: seconds.optional(),
  shuttingDownSeconds: seconds.optional(),
  credentialSeconds: seconds.optional(),
});

/** Refuses what is no behaviour. */
export function checkedBehaviour(change: Partial<Behaviour>): Partial<Behaviour> {
  const known = checked(behaviourSchema, change);
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}
