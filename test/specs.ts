/** Specs that tests bring up: as a program writes them, and in files. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstancesInput, SpecInput } from '../client/spec-input.ts';

/** Long enough for a machine that does much else. */
const PATIENT = { propagation: 60, launch: 60, step: 60, running: 60, undo: 60, consistency: 1 };

/** Two small machines that may read S3; a profile that is named has a role and its policy already. */
export function written(
  name: string,
  more: Partial<SpecInput> = {},
  instances: Partial<InstancesInput> = {},
): SpecInput {
  return {
    name,
    region: 'us-east-1',
    ...(more.profile === undefined && { policy: { allow: { actions: 's3:Get*', resources: '*' } } }),
    deadlines: PATIENT,
    instances: { count: 2, image: 'ami-12c6146b', type: 't3.micro', ...instances },
    ...more,
  };
}

/** The like in a file of its folder, whose path it answers; `more` are lines of YAML. */
export function writeSpec(
  folder: string,
  name: string,
  { more = '', deadlines = PATIENT }: { more?: string; deadlines?: SpecInput['deadlines'] } = {},
): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `name: ${name}
region: us-east-1
policy: { allow: [{ actions: ["s3:Get*", "s3:List*"], resources: ["*"] }] }
instances: { count: 2, image: ami-12c6146b, type: t3.micro }
deadlines: ${JSON.stringify(deadlines)}
${more}`,
  );
  return file;
}
