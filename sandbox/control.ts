/**
 * The sandbox's AWS over HTTP, for tests and people in another process. All bodies are JSON.
 *
 *     GET    /_sandbox/behaviour                 how it behaves
 *     PATCH  /_sandbox/behaviour  {...}          change some of it (see Behaviour)
 *     GET    /_sandbox/weather                   seed, behaviour and faults
 *     PUT    /_sandbox/weather    {...}          replace all of them (see Weather)
 *     POST   /_sandbox/faults     {...}          make calls fail (see Fault)
 *     DELETE /_sandbox/faults                    stop that
 *     GET    /_sandbox/calls                     what was called
 *     DELETE /_sandbox/calls                     forget it
 *     POST   /_sandbox/accounts   {...}          open another account (see NewAccount)
 *     GET    /_sandbox/instances/ID/metadata     where the instance's metadata service answers
 *     POST   /_sandbox/instances/ID/rotate       new credentials for the next who asks
 */

import type { ServerResponse } from 'node:http';
import type { LocalAws } from './local-aws.ts';
import type { AwsRequest } from './request.ts';

const PREFIX = '/_sandbox/';

export function isControl({ path }: AwsRequest): boolean {
  return path.startsWith(PREFIX);
}

export async function answerControl(
  aws: LocalAws,
  request: AwsRequest,
  response: ServerResponse,
): Promise<void> {
  // A web page may post to a port of the loopback; it cannot without saying where it comes from.
  const result = request.headers.origin
    ? { status: 403, body: { error: 'not for web pages' } }
    : await perform(aws, request).then(
        (body) => ({ status: body === undefined ? 404 : 200, body: body ?? { error: 'no such thing here' } }),
        (error) => ({ status: 400, body: { error: (error as Error).message } }),
      );
  response.writeHead(result.status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(result.body)}\n`);
}

async function perform(aws: LocalAws, { method, path, body }: AwsRequest): Promise<unknown> {
  const [noun, id, part] = path.slice(PREFIX.length).split('/');
  const given = () => JSON.parse(body.toString() || '{}');
  switch (`${method} ${noun}${part ? ` ${part}` : ''}`) {
    case 'GET behaviour':
      return aws.behaviour;
    case 'PATCH behaviour':
      aws.configure(given());
      return aws.behaviour;
    case 'GET weather':
      return aws.weather();
    case 'PUT weather':
      aws.setWeather(given());
      return aws.weather();
    case 'POST faults':
      aws.fault(given());
      return {};
    case 'DELETE faults':
      aws.clearFaults();
      return {};
    case 'GET calls':
      return aws.calls();
    case 'DELETE calls':
      aws.clearCalls();
      return {};
    case 'POST accounts':
      return { role: (await aws.openAccount(given())).role };
    case 'GET instances metadata':
      return { endpoint: await aws.metadataEndpoint(id!) };
    case 'POST instances rotate':
      aws.rotate(id!);
      return {};
    default:
      return undefined;
  }
}
