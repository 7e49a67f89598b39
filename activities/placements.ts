/** The placements of a launch, looked at before it: subnets, zones and types have to fit each other and the image. */

import {
  DescribeSubnetsCommand,
  type Filter,
  type InstanceTypeInfo,
  paginateDescribeInstanceTypeOfferings,
  paginateDescribeInstanceTypes,
  type Subnet,
} from '@aws-sdk/client-ec2';
import type { InstancesSpec, Need, Placement, Range, WantedPlacement } from '../fleet/spec.ts';
import { ask } from './aws-errors.ts';
import type { AwsClients } from './clients.ts';
import type { Findings } from './findings.ts';
import { collect } from './fleet-instances.ts';

/** The subnets that the placements name, and the zones that have a default one. */
export interface Subnets {
  readonly wanted: readonly Subnet[];
  readonly defaultZones: ReadonlySet<string>;
}

interface Image {
  readonly architecture: string | undefined;
}

/** A need is met by this many types at most: the smallest that do. */
const MOST_TYPES = 5;

export async function findSubnets(
  { ec2 }: AwsClients,
  { placements, count }: InstancesSpec,
  findings: Findings,
): Promise<Subnets> {
  const ids = [...new Set(placements.flatMap(({ subnet }) => subnet ?? []))];
  const needsDefault = placements.some(({ subnet }) => subnet === undefined);
  const defaults: Filter[] = [{ Name: 'default-for-az', Values: ['true'] }];
  const describe = async (input: { SubnetIds: string[] } | { Filters: Filter[] }) =>
    (await ask('ec2:DescribeSubnets', ec2.send(new DescribeSubnetsCommand(input)))).Subnets ?? [];
  const [wanted, ofZones] = await Promise.all([
    ids.length > 0 ? describe({ SubnetIds: ids }) : [],
    needsDefault ? describe({ Filters: defaults }) : [],
  ]);
  const found = wanted.filter(({ SubnetId }) => ids.includes(SubnetId!));
  const defaultZones = new Set(
    ofZones.flatMap(({ DefaultForAz, AvailabilityZone }) => (DefaultForAz ? AvailabilityZone! : [])),
  );
  const free = found[0]?.AvailableIpAddressCount;
  if (placements.length === 1 && free !== undefined && free < count.min) {
    findings.add(`The subnet ${ids[0]} has ${free} free addresses; the fleet needs ${count.min}.`);
  }
  for (const zone of new Set(
    placements.map((one) => (one.subnet === undefined ? (one.zone ?? '') : undefined)),
  )) {
    if (zone === undefined || (zone === '' ? defaultZones.size > 0 : defaultZones.has(zone))) continue;
    findings.add(
      `There is no default subnet ${zone ? `in ${zone}` : 'in this region'}: name one with subnet.`,
    );
  }
  return { wanted: found, defaultZones };
}

/** The placements with a type and, where it is certain, a zone. */
export async function findPlacements(
  aws: AwsClients,
  { placements }: InstancesSpec,
  subnets: Subnets,
  image: Image,
  findings: Findings,
): Promise<Placement[]> {
  const types = await typesFor(aws, placements, image);
  const offered = await offerings(
    aws,
    [...types.values()].flat().map(({ InstanceType }) => InstanceType!),
  );
  const found = placements.flatMap((wanted): Placement[] => {
    const zone =
      wanted.zone ?? subnets.wanted.find(({ SubnetId }) => SubnetId === wanted.subnet)?.AvailabilityZone;
    const place = { ...(zone && { zone }), ...(wanted.subnet && { subnet: wanted.subnet }) };
    const fitting = types.get(wanted) ?? [];
    const isOffered = ({ InstanceType }: InstanceTypeInfo) => offered.has(`${InstanceType} ${zone ?? ''}`);
    const here = fitting.filter(isOffered).slice(0, MOST_TYPES);
    if ('type' in wanted) checkType(wanted.type, zone, fitting[0], here.length > 0, image, findings);
    else if (here.length === 0)
      findings.add(`No instance type has ${needWords(wanted.need)} in ${zone ?? 'this region'}.`);
    return here.map(({ InstanceType }) => ({ type: InstanceType!, ...place }));
  });
  return [...new Map(found.map((placement) => [JSON.stringify(placement), placement])).values()];
}

/** For each placement the types that it may have, the smallest first. */
async function typesFor(
  { ec2 }: AwsClients,
  placements: readonly WantedPlacement[],
  image: Image,
): Promise<Map<WantedPlacement, InstanceTypeInfo[]>> {
  const named = [...new Set(placements.flatMap((wanted) => ('type' in wanted ? wanted.type : [])))];
  const hasNeeds = placements.some((wanted) => 'need' in wanted);
  const filters: Filter[] = hasNeeds ? [] : [{ Name: 'instance-type', Values: named }];
  const pages = await ask(
    'ec2:DescribeInstanceTypes',
    collect(paginateDescribeInstanceTypes({ client: ec2 }, { Filters: filters })),
  );
  const all = pages.flatMap(({ InstanceTypes = [] }) => InstanceTypes).sort(bySize);
  return new Map(
    placements.map((wanted) => [
      wanted,
      all.filter((info) =>
        'type' in wanted ? info.InstanceType === wanted.type : meets(info, wanted.need, image),
      ),
    ]),
  );
}

/** Current ones without accelerators: whoever wants such a type names it. */
function meets(info: InstanceTypeInfo, { vcpu, memory, arch }: Need, image: Image): boolean {
  const wanted = arch ?? image.architecture;
  return (
    info.CurrentGeneration !== false &&
    info.BareMetal !== true &&
    !info.GpuInfo &&
    !info.InferenceAcceleratorInfo &&
    !info.FpgaInfo &&
    isWithin(info.VCpuInfo?.DefaultVCpus, vcpu) &&
    isWithin(info.MemoryInfo?.SizeInMiB, memory) &&
    (wanted === undefined || architectures(info).includes(wanted))
  );
}

function isWithin(amount = 0, { least = 0, most = Number.POSITIVE_INFINITY }: Range = {}): boolean {
  return amount >= least && amount <= most;
}

function bySize(one: InstanceTypeInfo, other: InstanceTypeInfo): number {
  const cpus = (one.VCpuInfo?.DefaultVCpus ?? 0) - (other.VCpuInfo?.DefaultVCpus ?? 0);
  const memory = (one.MemoryInfo?.SizeInMiB ?? 0) - (other.MemoryInfo?.SizeInMiB ?? 0);
  return cpus || memory || one.InstanceType!.localeCompare(other.InstanceType!);
}

/** `TYPE ZONE` for each zone that offers a type, and `TYPE ` when any does. */
async function offerings({ ec2 }: AwsClients, types: readonly string[]): Promise<Set<string>> {
  const wanted = new Set(types);
  const offered = new Set<string>();
  // EC2 takes 200 values in a filter.
  const filters: Filter[] =
    wanted.size > 0 && wanted.size <= 200 ? [{ Name: 'instance-type', Values: [...wanted] }] : [];
  const pages = await ask(
    'ec2:DescribeInstanceTypeOfferings',
    collect(
      paginateDescribeInstanceTypeOfferings(
        { client: ec2 },
        { LocationType: 'availability-zone', Filters: filters },
      ),
    ),
  );
  for (const { InstanceType, Location } of pages.flatMap(
    ({ InstanceTypeOfferings = [] }) => InstanceTypeOfferings,
  )) {
    if (!wanted.has(InstanceType!)) continue;
    offered.add(`${InstanceType} ${Location}`);
    offered.add(`${InstanceType} `);
  }
  return offered;
}

function checkType(
  type: string,
  zone: string | undefined,
  info: InstanceTypeInfo | undefined,
  isOffered: boolean,
  { architecture }: Image,
  findings: Findings,
): void {
  if (!isOffered) findings.add(`The instance type ${type} is not offered in ${zone ?? 'this region'}.`);
  const supported = info ? architectures(info) : [];
  if (architecture && supported.length > 0 && !supported.includes(architecture)) {
    findings.add(`The image is for ${architecture}; ${type} runs ${supported.join(', ')}.`);
  }
}

function architectures({ ProcessorInfo }: InstanceTypeInfo): readonly string[] {
  return ProcessorInfo?.SupportedArchitectures ?? [];
}

function needWords({ vcpu, memory, arch }: Need): string {
  return [vcpu && `${rangeWords(vcpu)} vCPUs`, memory && `${rangeWords(memory)} MiB`, arch]
    .filter(Boolean)
    .join(', ');
}

function rangeWords({ least, most }: Range): string {
  if (least === most) return `${least}`;
  return `${least ?? ''}..${most ?? ''}`;
}
