/** A first spec, with comments, of the answers to a few questions. */

import { stringify } from 'yaml';

/** As somebody wrote it: the reader of specs says what is wrong with it. */
export interface FirstSpec {
  readonly name: string;
  readonly actions: readonly string[];
  readonly region: string;
  readonly type: string;
  /** The newest Amazon Linux for the type, unless it is given. */
  readonly image?: string;
  readonly count: string;
}

/** `schema` is where the JSON schema is, as seen from the spec's file. */
export function firstSpecText(
  { name, actions, region, type, image, count }: FirstSpec,
  schema: string,
): string {
  return `# yaml-language-server: $schema=${schema}

# Names the role, its policy and the instance profile. It is the fleet's own name in the account.
name: ${scalar(name)}

# Where the machines run.
region: ${scalar(region)}

# What programs on the machines may do.
policy:
  allow:
    - actions: [${actions.map((action) => JSON.stringify(action)).join(', ')}]
      resources: ["*"] # on everything in the account: put the ARNs here of what is meant

# The machines.
instances:
  count: ${/^\d+$/.test(count) ? Number(count) : scalar(count)}
${image === undefined ? NEWEST_COMMENT : ''}  image: ${scalar(image ?? newestImage(type))}
  type: ${scalar(type)}

# When a step fails for good: rollback removes what was made, keep leaves it, pause waits for a person.
onFailure: rollback
`;
}

const NEWEST_COMMENT = '  # The newest Amazon Linux, looked up once before anything is made.\n';

function newestImage(type: string): string {
  const arch = GRAVITON.test(type) ? 'arm64' : 'x86_64';
  return `resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${arch}`;
}

/** A g among the letters after a family's generation: t4g, m7gd, im4gn; g5 is another thing (EC2, "Naming conventions"). */
const GRAVITON = /^(?:a1\.|[a-z-]+\d+[a-z]*g)/;

const scalar = (text: string): string => stringify(text, { lineWidth: 0 }).trimEnd();
