/** What a fleet's history holds, by the size of the fleet: Temporal ends a run with 51,200 events or 50 MB. */

import { Client, Connection } from '@temporalio/client';
import { Muster, specFromFile } from '../../client/index.ts';
import { fleetWorkflowId } from '../../fleet/run.ts';
import type { BenchCase, Row } from '../case.ts';
import { type Field, onField } from '../field.ts';

interface Bound {
  readonly count: number;
  readonly events: number;
  readonly bytes: number;
}

const SMALL = { events: 120, bytes: 50_000 };
const LARGE = { events: 2_000, bytes: 2_000_000 };
const BOUNDS: readonly Bound[] = [
  { count: 1, ...SMALL },
  { count: 10, ...SMALL },
  { count: 1_000, ...LARGE },
  { count: 10_000, ...LARGE },
];

export const history: BenchCase = {
  name: 'history',
  measure: () =>
    onField(
      {
        behaviour: { propagationSeconds: 0 },
        // At EC2's own pace ten thousand take a minute of waiting, which no history shows.
        workerEnv: { MUSTER_LAUNCHES_PER_SECOND: '1000' },
      },
      async (field) => {
        const { address, namespace } = field.sandbox.temporal;
        const muster = await Muster.connect({ address, namespace });
        const connection = await Connection.connect({ address });
        const client = new Client({ connection, namespace });
        try {
          const rows: Row[] = [];
          for (const bound of BOUNDS) rows.push(await measure(field, muster, client, bound));
          return rows;
        } finally {
          await Promise.all([muster.close(), connection.close()]);
        }
      },
    ),
};

async function measure(field: Field, muster: Muster, client: Client, bound: Bound): Promise<Row> {
  const { count } = bound;
  const name = `history-${count}`;
  const run = await muster.up(specFromFile(await field.spec(name, count)));
  const { state, error } = await run.result();
  if (state !== 'complete') throw new Error(`${name} is ${state}: ${error?.message}`);
  const running = await field.running(name);
  if (running !== count) throw new Error(`${name} has ${running} running instances, not ${count}`);
  const { historyLength, historySize = 0 } = await client.workflow
    .getHandle(fleetWorkflowId(name), run.runId)
    .describe();
  return {
    case: `history of a fleet of ${count.toLocaleString('en')}`,
    muster: `${historyLength} events, ${kilobytes(historySize)}`,
    against: '',
    ratio: '',
    wanted: `under ${bound.events.toLocaleString('en')} events and ${kilobytes(bound.bytes)}`,
    holds: historyLength < bound.events && historySize > 0 && historySize < bound.bytes,
  };
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} kB`;
}
