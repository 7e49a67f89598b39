/**
 * Brings a fleet up from a program, says how it goes, and takes it down again.
 *
 *     node examples/bootstrap.ts [NAME]
 *
 * Needs Temporal and a worker (`muster sandbox` and `muster worker`, or your own).
 */

import { Muster, specFrom } from 'muster';

const muster = await Muster.connect();

const run = await muster.up(
  specFrom({
    name: process.argv[2] ?? 'from-a-program',
    region: 'us-east-1',
    policy: { allow: { actions: ['s3:Get*', 's3:List*'], resources: '*' } },
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro' },
  }),
);
console.log(`${run.workflowId} is under way: ${run.uiUrl}`);

let told = '';
for await (const { report } of run.watch()) {
  const step = report.steps.findLast(({ state }) => state !== 'pending');
  const now = `${report.state}: ${step?.name} ${step?.state}`;
  if (now !== told) console.log(now);
  told = now;
}

const report = await run.result();
if (report.state === 'complete') {
  for (const { id, privateIp } of report.instances) {
    console.log(`${id} at ${privateIp} has the role ${report.role?.arn}`);
  }
  const { state } = await (await muster.down(report.fleet)).result();
  console.log(`taken down again: ${state}`);
} else {
  console.error(`${report.error?.step}: ${report.error?.code}: ${report.error?.message}`);
  process.exitCode = 1;
}
await muster.close();
