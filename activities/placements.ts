/** The placements of a launch, looked at before it: subnets, zones and types have to fit each other and the image. */

import {
  DescribeSubnetsCommand,
  type Filter,
  type InstanceTypeInfo,
  paginateDescribeInstanceTypeOfferings,
  paginateDescribeInstanceTypes,
  type Subnet,
} from '@aws-sdk/client-ec2';
import { needWords } from '../fleet/need-words.ts';
import type { InstancesSpec, Need, Range, ResolvedPlacement, WantedPlacement } from '../fleet/spec.ts';
import { ask } from './aws-errors.ts';
import type { AwsClients } from './clients.ts';
import type { Findings } from './findings.ts';
import { collect, MOST_FILTER_VALUES } from './fleet-instances.ts';

/** The subnets that the placements name, and the zones that have a default one. */
export interface Subnets {
  readonly wanted: readonly Subnet[];
  readonly defaultZones: ReadonlySet<string>;
}

interface Image {
  readonly architecture: string | undefined;
}

/** A need is met by this many types at most. EC2's own advice for spot is to be content with ten (EC2 User Guide). */
const MOST_TYPES = 20;

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
): Promise<ResolvedPlacement[]> {
  const types = await typesFor(aws, placements, image);
  const offered = await offerings(
    aws,
    [...types.values()].flat().map(({ InstanceType }) => InstanceType!),
  );
  const found = placements.flatMap((wanted, share): ResolvedPlacement[] => {
    const zone =
      wanted.zone ?? subnets.wanted.find(({ SubnetId }) => SubnetId === wanted.subnet)?.AvailabilityZone;
    const place = { ...(zone && { zone }), ...(wanted.subnet && { subnet: wanted.subnet }), share };
    const fitting = types.get(wanted) ?? [];
    const isOffered = ({ InstanceType }: InstanceTypeInfo) => offered.has(`${InstanceType} ${zone ?? ''}`);
    const here = fitting.filter(isOffered).slice(0, MOST_TYPES);
    if ('type' in wanted) checkType(wanted.type, zone, fitting[0], here.length > 0, image, findings);
    else checkNeed(wanted.need, zone, here.length > 0, image, findings);
    return here.map(({ InstanceType }) => ({ type: InstanceType!, ...place }));
  });
  // Two needs may be met by one type: its place is the first.
  const seen = new Set<string>();
  return found.filter(({ share: _, ...placement }) => {
    const key = JSON.stringify(placement);
    return !seen.has(key) && seen.add(key);
  });
}

/** For each placement the types that it may have: the smallest first, of equals the burstable, which cost less. */
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
  const burstable = Number(isBurstable(other)) - Number(isBurstable(one));
  return cpus || memory || burstable || one.InstanceType!.localeCompare(other.InstanceType!);
}

function isBurstable({ BurstablePerformanceSupported }: InstanceTypeInfo): boolean {
  return BurstablePerformanceSupported === true;
}

/** `TYPE ZONE` for each zone that offers a type, and `TYPE ` when any does. */
async function offerings({ ec2 }: AwsClients, types: readonly string[]): Promise<Set<string>> {
  const wanted = new Set(types);
  const offered = new Set<string>();
  const filters: Filter[] =
    wanted.size > 0 && wanted.size <= MOST_FILTER_VALUES
      ? [{ Name: 'instance-type', Values: [...wanted] }]
      : [];
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

function checkNeed(
  need: Need,
  zone: string | undefined,
  isOffered: boolean,
  { architecture }: Image,
  findings: Findings,
): void {
  if (architecture && need.arch && need.arch !== architecture) {
    findings.add(`The image is for ${architecture}; the need asks for ${need.arch}.`);
  } else if (!isOffered) {
    findings.add(`No instance type in ${zone ?? 'this region'} has ${needWords(need)}.`);
  }
}

function architectures({ ProcessorInfo }: InstanceTypeInfo): readonly string[] {
  return ProcessorInfo?.SupportedArchitectures ?? [];
}
