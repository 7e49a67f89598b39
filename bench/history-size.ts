/** What the history of a fleet's run holds, as Temporal counts it, beside what is wanted of it. */

import { Client, Connection } from '@temporalio/client';
import { fleetWorkflowId } from '../fleet/run.ts';
import type { Row } from './case.ts';
import type { Field } from './field.ts';

interface Bound {
  readonly events: number;
  readonly bytes: number;
}

/** Of one to ten instances. */
export const SMALL: Bound = { events: 120, bytes: 50_000 };
/** Of up to ten thousand: Temporal ends a run with 51,200 events or 50 MB. */
export const LARGE: Bound = { events: 2_000, bytes: 2_000_000 };

export async function historyRow(
  { sandbox }: Field,
  name: string,
  count: number,
  bound: Bound,
): Promise<Row> {
  const { address, namespace } = sandbox.temporal;
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection, namespace });
    const { historyLength, historySize = 0 } = await workflow.getHandle(fleetWorkflowId(name)).describe();
    return {
      case: `history of a fleet of ${count.toLocaleString('en')}`,
      muster: `${historyLength} events, ${kilobytes(historySize)}`,
      against: '',
      ratio: '',
      wanted: `under ${bound.events.toLocaleString('en')} events and ${kilobytes(bound.bytes)}`,
      holds: historyLength < bound.events && historySize > 0 && historySize < bound.bytes,
    };
  } finally {
    await connection.close();
  }
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} kB`;
}
