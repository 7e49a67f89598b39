/**
 * Has a fleet come up each morning of the week and end each night, shows when it will, and has it come up once now.
 *
 *     node examples/schedule.ts [NAME]
 *
 * Needs Temporal and a worker (`muster sandbox` and `muster worker`, or your own).
 */

import { Muster, specFrom } from 'muster';

const muster = await Muster.connect();
const name = process.argv[2] ?? 'mornings';

const schedule = await muster.schedules.set(
  specFrom({
    name,
    region: 'us-east-1',
    policy: { allow: { actions: ['s3:Get*', 's3:List*'], resources: '*' } },
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
  }),
  { cron: '0 8 * * 1-5', timezone: 'Europe/Paris', for: '10h', pauseOnFailure: true },
);
for (const time of schedule.next) console.log(`${name} comes up at ${time}`);

const run = await muster.schedules.trigger(name);
console.log(`now, too: ${run?.workflowId}, ${run?.uiUrl}`);

// Its runs go on; only the times to come are gone.
await muster.schedules.delete(name);
await muster.close();
