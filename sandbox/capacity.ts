/** Where EC2 has no machines left. */

import type { AwsFault } from './answers.ts';
import type { Behaviour, SoldOut } from './behaviour.ts';
import type { Moto } from './moto.ts';
import { type AwsRequest, withParams } from './request.ts';
import { defaultZones, namedZone } from './zones.ts';

/** The type of a launch that names none (RunInstances, "InstanceType"). */
const DEFAULT_TYPE = 'm1.small';

export const NO_CAPACITY = 'InsufficientInstanceCapacity';

/** The launch where there is room for it, or EC2's refusal. */
export async function withCapacity(
  moto: Moto,
  behaviour: Behaviour,
  request: AwsRequest,
): Promise<AwsRequest | AwsFault> {
  if (behaviour.soldOut.length === 0) return request;
  const type = request.params.get('InstanceType') ?? DEFAULT_TYPE;
  const market = request.params.get('InstanceMarketOptions.MarketType') === 'spot' ? 'spot' : 'on-demand';
  const hasRoom = (zone: string) => !behaviour.soldOut.some((sold) => isSold(sold, { type, zone, market }));

  const zone = await namedZone(moto, request);
  if (zone !== undefined && hasRoom(zone)) return request;
  const others = (await defaultZones(moto, request.region)).filter(hasRoom);
  if (zone !== undefined) return refusal(type, zone, others);
  return others[0] ? inZone(request, others[0]) : refusal(type);
}

function isSold(sold: SoldOut, pool: Required<SoldOut>): boolean {
  return (['type', 'zone', 'market'] as const).every((part) => (sold[part] ?? pool[part]) === pool[part]);
}

function inZone(request: AwsRequest, zone: string): AwsRequest {
  const params = new URLSearchParams(request.params);
  params.set('Placement.AvailabilityZone', zone);
  return withParams(request, params);
}

/**
 * EC2's words for a named zone: polyseam/cndi #244, commonwarexyz/monorepo #2859; without one: fedora-copr #3279. The
 * status is a server's, which makes SDKs try again in vain (aws-sdk-ruby #568).
 */
function refusal(type: string, zone?: string, others: string[] = []): AwsFault {
  const where =
    zone === undefined
      ? "in zones with support for 'gp3' volumes"
      : `in the Availability Zone you requested (${zone})`;
  const sentences = [
    `We currently do not have sufficient ${type} capacity ${where}.`,
    'Our system will be working on provisioning additional capacity.',
  ];
  if (others.length > 0) {
    sentences.push(
      `You can currently get ${type} capacity by not specifying an Availability Zone in your request or choosing ${others.join(', ')}.`,
    );
  }
  return { code: NO_CAPACITY, message: sentences.join(' '), status: 500 };
}
