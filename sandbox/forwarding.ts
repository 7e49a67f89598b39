/** How a request reaches moto: as it was signed, or signed again where the sandbox changed it. */

import { request as httpRequest } from 'node:http';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Answer } from './answers.ts';
import type { AwsRequest } from './request.ts';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Temporary and permanent keys that an answer hands out: with them a request can be signed again. Answers their ids. */
export function learnKeys(keys: Map<string, Keys>, xml: string): string[] {
  const text = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  const accessKeyId = text('AccessKeyId');
  const secretAccessKey = text('SecretAccessKey');
  if (accessKeyId && secretAccessKey) {
    keys.set(accessKeyId, { accessKeyId, secretAccessKey, sessionToken: text('SessionToken') });
    return [accessKeyId];
  }
  return [];
}

/** A changed body needs a new signature. Whose keys are unknown here are unknown to moto, too. */
export async function signAgain(request: AwsRequest, credentials: Keys | undefined): Promise<AwsRequest> {
  // The fields of a form may have changed; any other body is as it was.
  const body = request.params.size > 0 ? request.params.toString() : request.body.toString();
  if (!credentials) return { ...request, body: Buffer.from(body) };
  const target = request.headers['x-amz-target'];
  const { pathname } = new URL(request.path, 'http://localhost');
  const signer = new SignatureV4({
    service: request.service,
    region: request.region,
    credentials,
    sha256: Sha256,
  });
  const { headers } = await signer.sign({
    method: request.method,
    protocol: 'http:',
    hostname: 'localhost',
    path: pathname,
    query: {},
    headers: {
      host: request.headers.host ?? '',
      'content-type': request.headers['content-type'] ?? '',
      ...(typeof target === 'string' && { 'x-amz-target': target }),
    },
    body,
  });
  return { ...request, headers, body: Buffer.from(body) };
}

/** Host and body stay as they were signed. */
export function sendOn(port: number, { method, path, headers, body }: AwsRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { connection: _, 'transfer-encoding': __, expect: ___, ...kept } = headers;
    const outgoing = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { ...kept, 'content-length': body.length },
        // moto's server closes each connection; one that is kept is found closed by the next request.
        agent: false,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const { connection: _, 'transfer-encoding': __, ...answered } = incoming.headers;
          resolve({ status: incoming.statusCode!, headers: answered, body: Buffer.concat(chunks) });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
