/**
 * Fleets over HTTP, on node:http alone: a spec is posted, looked after and deleted.
 *
 *     node examples/web-handler.ts          # on PORT, or 8080
 *
 *     curl -d @web.json localhost:8080/fleets        202, and where to look
 *     curl localhost:8080/fleets/web                 200, how it is
 *     curl -X DELETE localhost:8080/fleets/web       202, it is being taken down
 *
 * Needs Temporal and a worker (`muster sandbox` and `muster worker`, or your own). Who may call it may run machines: it
 * asks nobody who they are, and so listens on this machine alone.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FleetRun, Muster, MusterError, type MusterErrorCode, SpecError, specFrom } from 'muster';

const muster = await Muster.connect();
const MOST_BYTES = 256 * 1024;

/** What the errors of Muster are to somebody who asks over HTTP; the others are conflicts with what there is. */
const STATUS: Partial<Record<MusterErrorCode, number>> = {
  SpecMistakes: 400,
  FleetNotFound: 404,
  TemporalUnreachable: 503,
  NoWorker: 503,
  LookFailed: 503,
};
const CONFLICT = 409;

const server = createServer(async (request, response) => {
  try {
    await answer(request, response);
  } catch (error) {
    refuse(response, error);
  }
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, fleet] = /^\/fleets(?:\/([\w+=,.@-]{1,64}))?$/.exec(decodeURI(request.url ?? '')) ?? [];
  switch (`${request.method} ${fleet === undefined ? request.url : '/fleets/NAME'}`) {
    case 'POST /fleets':
      // `false`: whoever sent the spec must not be handed a file of this machine by it.
      return underWay(response, await muster.up(specFrom(await bodyOf(request), false)));
    case 'GET /fleets/NAME':
      return send(response, 200, await muster.status(fleet!));
    case 'DELETE /fleets/NAME':
      return underWay(response, await muster.down(fleet!));
    default:
      return send(response, 404, { message: 'there are POST /fleets, GET and DELETE /fleets/NAME' });
  }
}

/** The run goes on by itself: nobody has to keep a connection open for it. */
function underWay(response: ServerResponse, { fleet, met, workflowId, runId, uiUrl }: FleetRun): void {
  const location = `/fleets/${encodeURIComponent(fleet)}`;
  send(response, 202, { fleet, met, workflowId, runId, uiUrl, location }, { location });
}

function refuse(response: ServerResponse, error: unknown): void {
  if (error instanceof MusterError) {
    const { code, message, mend } = error;
    const mistakes = error instanceof SpecError ? error.mistakes : undefined;
    send(response, STATUS[code] ?? CONFLICT, { code, message, mend, mistakes });
  } else if (error instanceof SyntaxError || error instanceof RangeError || error instanceof URIError) {
    send(response, 400, { message: error.message });
  } else {
    console.error(error);
    send(response, 500, { message: 'see the log' });
  }
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(`${JSON.stringify(body, undefined, 2)}\n`);
}

/** As JSON. Throws SyntaxError and RangeError. */
async function bodyOf(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new RangeError(`a spec of more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/fleets`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => server.close(() => muster.close()));
}
