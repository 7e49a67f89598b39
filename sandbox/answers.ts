/** Answers in the forms of AWS's protocols. */

import { randomUUID } from 'node:crypto';
import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import type { AwsRequest } from './request.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** An error as AWS would answer it. */
export interface AwsFault {
  readonly code: string;
  readonly message: string;
  /** HTTP status, by default 400. */
  readonly status?: number;
}

/** The error in the form of the request's protocol: EC2's XML, IAM's and STS's, S3's, or JSON. */
export function errorAnswer({ service }: AwsRequest, { code, message, status = 400 }: AwsFault): Answer {
  const requestId = randomUUID();
  if (JSON_SERVICES.has(service)) {
    return answer(status, 'application/x-amz-json-1.1', JSON.stringify({ __type: code, message }), requestId);
  }
  const error = { Code: code, Message: message };
  const document =
    service === 'ec2'
      ? { Response: { Errors: { Error: error }, RequestID: requestId } }
      : service === 's3'
        ? { Error: { ...error, RequestId: requestId } }
        : {
            ErrorResponse: {
              Error: { Type: status < 500 ? 'Sender' : 'Receiver', ...error },
              RequestId: requestId,
            },
          };
  return answer(status, 'text/xml;charset=UTF-8', writeXml(document), requestId);
}

const JSON_SERVICES = new Set(['ssm', 'events']);

/** A good answer of the query protocols. */
export function textAnswer(document: object): Answer {
  return answer(200, 'text/xml;charset=UTF-8', writeXml(document), randomUUID());
}

/** The same answer with another body. */
export function withBody(original: Answer, body: string): Answer {
  const { 'content-length': _, ...headers } = original.headers;
  return { ...original, headers, body: Buffer.from(body) };
}

/** The error code in an answer of any of the protocols. */
export function errorCode({ status, body }: Answer): string | undefined {
  if (status < 400) return undefined;
  const text = body.toString();
  return /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? /"__type"\s*:\s*"([^"]*)"/.exec(text)?.[1];
}

function answer(status: number, type: string, body: string, requestId: string): Answer {
  return {
    status,
    headers: { 'content-type': type, 'x-amzn-requestid': requestId },
    body: Buffer.from(body),
  };
}

/** An XML element: text, or its children by name; `item`s are always a list. */
export type Xml = { [name: string]: Xml | Xml[] | string };

const FORM = { ignoreAttributes: false, attributeNamePrefix: '@' };
const parser = new XMLParser({ ...FORM, parseTagValue: false, isArray: (name) => name === 'item' });
const builder = new XMLBuilder(FORM);

export const readXml = (text: string | Buffer): Xml => parser.parse(text.toString());
export const writeXml = (document: object): string => builder.build(document);

/** The items of a list element, which is an empty text when there are none. */
export function items(element: Xml | Xml[] | string | undefined): Xml[] {
  return typeof element === 'object' && !Array.isArray(element) ? ((element.item ?? []) as Xml[]) : [];
}
