/** The names of fleets, for whoever types one: those that Temporal knows, if it is there. */

import { Muster } from '../client/muster.ts';
import { isListening } from '../client/temporal.ts';

/** Longer nobody waits for a suggestion. */
const PATIENCE_MS = 500;

export async function knownNames(
  of: 'fleets' | 'schedules',
): Promise<{ value: string; description: string }[]> {
  if (!(await isListening(PATIENCE_MS))) return [];
  try {
    const muster = await Muster.connect();
    try {
      if (of === 'schedules') {
        const schedules = await muster.schedules.list();
        return schedules.map(({ fleet, cron }) => ({ value: fleet, description: cron }));
      }
      return (await muster.list({ look: false })).map(({ fleet, state }) => ({
        value: fleet,
        description: state,
      }));
    } finally {
      await muster.close();
    }
  } catch {
    // In the middle of a line there is no place to say why.
    return [];
  }
}
