/** A request as the AWS SDK sent it: what it asks for, by whom, and how to answer it. */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface AwsRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** As in the signature's scope: `ec2`, `iam`, `sts`, `ssm`, `events`, `s3`. */
  readonly service: string;
  readonly region: string;
  readonly accessKeyId: string;
  /** Whose key that is: twelve digits. */
  readonly account: string;
  /** `RunInstances`; for S3 the nearest name that method and path allow. */
  readonly action: string;
  /** The form's fields of the query protocols (EC2, IAM, STS); empty for the others. */
  readonly params: URLSearchParams;
  /** Its fields are no longer those of its body and signature. */
  readonly isChanged?: true;
}

/** The same caller's request with other fields. */
export function withParams(request: AwsRequest, params: URLSearchParams): AwsRequest {
  return { ...request, params, action: params.get('Action') ?? request.action, isChanged: true };
}

/** The values of a list of the query protocols: `InstanceId.1`, `InstanceId.2` and so on. */
export function listOf(params: URLSearchParams, name: string): string[] {
  return [...params].filter(([key]) => key.startsWith(`${name}.`)).map(([, value]) => value);
}

export async function readRequest(
  message: IncomingMessage,
  accountOf: (accessKeyId: string) => string,
): Promise<AwsRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const { method = 'GET', url: path = '/', headers } = message;
  const scope = /Credential=([^/]*)\/\d*\/([^/]*)\/([^/]*)\//.exec(headers.authorization ?? '');
  const [, accessKeyId = '', region = 'us-east-1', service = 's3'] = scope ?? [];
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  const params = new URLSearchParams(isForm ? body.toString() : '');
  const target = headers['x-amz-target'];
  const action =
    params.get('Action') ??
    (typeof target === 'string' ? target.split('.').at(-1)! : s3Action(method, path, headers));
  const account = accountOf(accessKeyId);
  return { method, path, headers, body, service, region, accessKeyId, account, action, params };
}

function s3Action(method: string, path: string, headers: IncomingHttpHeaders): string {
  const { pathname } = new URL(path, 'http://localhost');
  const [bucket, ...key] = pathname.split('/').slice(1);
  const noun = key.join('/') !== '' ? 'Object' : 'Bucket';
  if (!bucket) return 'ListBuckets';
  if (method === 'PUT')
    return headers['x-amz-copy-source'] ? 'CopyObject' : noun === 'Object' ? 'PutObject' : 'CreateBucket';
  if (method === 'DELETE') return `Delete${noun}`;
  if (method === 'HEAD') return `Head${noun}`;
  return noun === 'Object' ? 'GetObject' : 'ListObjectsV2';
}
