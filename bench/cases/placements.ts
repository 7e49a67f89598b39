/** A large fleet where four of five placements are sold out: how often EC2 has to say so. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FleetReport } from '../../fleet/report.ts';
import type { BenchCase, Row } from '../case.ts';
import { type Field, onField } from '../field.ts';

const COUNT = 500;
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c', 'us-east-1d', 'us-east-1f'];
const SOLD_OUT = ZONES.slice(0, -1).map((zone) => ({ type: 't3.micro', zone }));

export const placements: BenchCase = {
  name: 'placements',
  measure: () =>
    onField({ behaviour: { soldOut: SOLD_OUT, propagationSeconds: 0 } }, async (field) => [
      await measureRefusals(field),
    ]),
};

async function measureRefusals(field: Field): Promise<Row> {
  const name = 'placements';
  const file = join(field.folder, `${name}.yaml`);
  await writeFile(
    file,
    `name: ${name}
region: us-east-1
policy: { allow: [{ actions: ["s3:Get*"], resources: ["*"] }] }
instances:
  count: ${COUNT}
  image: ami-12c6146b
  placements:
${ZONES.map((zone) => `    - { type: t3.micro, zone: ${zone} }`).join('\n')}
`,
  );
  const report: FleetReport = JSON.parse(await field.muster('up', file, '--json'));
  const running = await field.running(name);
  if (running !== COUNT) throw new Error(`${name} has ${running} running instances, not ${COUNT}`);
  const launches = field.sandbox.aws
    .calls()
    .filter(({ action, dryRun }) => action === 'RunInstances' && !dryRun);
  const refused = launches.filter(({ code }) => code === 'InsufficientInstanceCapacity').length;
  const told = (report.decisions ?? []).filter(({ what }) => what === 'refused').length;
  return {
    case: `${COUNT} instances, ${SOLD_OUT.length} of ${ZONES.length} placements sold out`,
    muster: `${refused} refused calls of ${launches.length}, ${told} refusals in the report`,
    against: `${SOLD_OUT.length} sold-out placements`,
    ratio: (refused / SOLD_OUT.length).toFixed(2),
    wanted: 'each asked once',
    holds: refused === SOLD_OUT.length && told === SOLD_OUT.length,
  };
}
