/** Who asks for something: in the search attribute of what is started, and in Temporal's histories. */

import { hostname, userInfo } from 'node:os';

/** MUSTER_OWNER, or user@host. */
export function owner(): string {
  if (process.env.MUSTER_OWNER) return process.env.MUSTER_OWNER;
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container may run as a user without a name.
    return hostname();
  }
}
