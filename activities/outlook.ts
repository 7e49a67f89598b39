/** What a fleet would meet: preflight's looks for whoever only wants to know. Makes nothing. */

import { DescribeInstanceTypesCommand, DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import type { InstancesSpec, Placement } from '../fleet/spec.ts';
import { ask } from './aws-errors.ts';
import type { AwsClients, ClientsFor } from './clients.ts';
import { Findings } from './findings.ts';
import { lookAround, type PreflightRequest, type Seen } from './preflight.ts';

/** What could be seen, whatever is wrong. */
export interface Outlook extends Seen {
  /** All that is in the way. */
  readonly problems: readonly string[];
  /** What is not in the way, and may come to be. */
  readonly warnings: readonly string[];
  /** vCPUs of each type that it may have. */
  readonly vcpus: Readonly<Record<string, number>>;
}

export function outlookSteps(clientsFor: ClientsFor) {
  return {
    /** Fails only with a passing error: the next attempt may see more. */
    async lookAhead({ spec }: PreflightRequest): Promise<Outlook> {
      const aws = clientsFor({ region: spec.region, assume: spec.assume });
      const findings = new Findings();
      const seen = await lookAround(aws, spec, findings);
      const types = [...new Set((seen.placements ?? []).map(({ type }) => type))];
      const [vcpus = {}, warnings = []] = await Promise.all([
        findings.of(vcpusOf(aws, types)),
        findings.of(fewAddresses(aws, spec.instances)),
      ]);
      const { problems } = findings;
      return { ...seen, vcpus, problems, warnings: problems.length > 0 ? [] : warnings };
    },
  };
}

async function vcpusOf({ ec2 }: AwsClients, types: readonly string[]): Promise<Record<string, number>> {
  const vcpus: Record<string, number> = {};
  for (let from = 0; from < types.length; from += MOST_TYPES_ASKED) {
    const InstanceTypes = types.slice(from, from + MOST_TYPES_ASKED) as never[];
    const command = new DescribeInstanceTypesCommand({ InstanceTypes });
    const answer = await ask('ec2:DescribeInstanceTypes', ec2.send(command));
    for (const { InstanceType, VCpuInfo } of answer.InstanceTypes ?? []) {
      if (VCpuInfo?.DefaultVCpus !== undefined) vcpus[InstanceType!] = VCpuInfo.DefaultVCpus;
    }
  }
  return vcpus;
}

/** EC2 takes a hundred types in one call (EC2 API, `DescribeInstanceTypes`). */
const MOST_TYPES_ASKED = 100;

/** Only where each placement names its subnet: where EC2 chooses, others may have room. */
async function fewAddresses(
  { ec2 }: AwsClients,
  {
    placements,
    count: { want },
  }: Pick<InstancesSpec, 'count'> & { readonly placements: readonly Partial<Placement>[] },
): Promise<string[]> {
  const ids = [...new Set(placements.map(({ subnet }) => subnet))];
  if (ids.includes(undefined)) return [];
  const command = new DescribeSubnetsCommand({ SubnetIds: ids as string[] });
  const { Subnets = [] } = await ask('ec2:DescribeSubnets', ec2.send(command));
  const free = Subnets.reduce((sum, { AvailableIpAddressCount = 0 }) => sum + AvailableIpAddressCount, 0);
  if (Subnets.length < ids.length || free >= want) return [];
  return [`The subnets ${ids.join(', ')} have ${free} free addresses; the fleet wants ${want}.`];
}
