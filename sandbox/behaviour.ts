/** How the sandbox's AWS behaves; it can be changed while it runs. All times are in seconds. */

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

/** Refuses what is no behaviour: a misspelt one would otherwise be believed. */
export function checkBehaviour(change: Partial<Behaviour>): void {
  for (const [name, value] of Object.entries(change)) {
    if (!(name in DEFAULT_BEHAVIOUR)) {
      throw new Error(`${name} is no behaviour; there are ${Object.keys(DEFAULT_BEHAVIOUR).join(', ')}.`);
    }
    if (typeof value !== 'number' || !(value >= 0))
      throw new Error(`${name} is a number of seconds, 0 or more.`);
  }
}
