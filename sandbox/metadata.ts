/**
 * The metadata service of one instance: IMDSv2, with temporary credentials of the instance's role.
 *
 * Paths, tokens and status codes follow the EC2 User Guide, "Instance metadata and user data". In EC2 it answers at
 * 169.254.169.254 on the instance alone; here each instance's is a port of the loopback.
 */

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Keys } from './forwarding.ts';
import type { InstanceFacts } from './moto.ts';

export interface MetadataSource {
  readonly id: string;
  readonly region: string;
  facts(): Promise<InstanceFacts>;
  /** The role in the instance's profile, and the profile. */
  role(): Promise<
    { readonly name: string; readonly arn: string; readonly profile: { arn: string; id: string } } | undefined
  >;
  /** New temporary credentials, and how many seconds they last. */
  credentials(roleArn: string): Promise<{ keys: Keys; seconds: number }>;
}

export interface MetadataService {
  readonly endpoint: string;
  /** Whatever credentials were handed out: the next who asks gets new ones. */
  rotate(): void;
  stop(): Promise<void>;
}

interface Issued {
  readonly keys: Keys;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** EC2 has new credentials ready at least this long before the old ones expire (EC2 User Guide). */
const AHEAD_MS = 5 * 60_000;
const LONGEST_TOKEN_SECONDS = 21_600;

export async function startMetadata(source: MetadataSource): Promise<MetadataService> {
  const tokens = new Map<string, number>();
  let issued: Issued | undefined;

  const server = createServer((message, response) => {
    respond(message).then(
      ({ status, body }) => {
        response.writeHead(status, { 'content-type': 'text/plain', server: 'EC2ws' });
        response.end(body);
      },
      (error) => {
        response.writeHead(500);
        response.end(String(error));
      },
    );
  });
  const endpoint = await listen(server);
  return {
    endpoint,
    rotate: () => {
      issued = undefined;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function respond({ method, url = '', headers }: IncomingMessage) {
    // Answers to a proxy would hand the credentials to whoever reaches it.
    if (headers['x-forwarded-for']) return { status: 403, body: 'Forbidden' };
    if (method === 'PUT' && url === '/latest/api/token') {
      const seconds = Number(headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (!(seconds >= 1 && seconds <= LONGEST_TOKEN_SECONDS)) return { status: 400, body: 'Bad Request' };
      const token = randomBytes(32).toString('base64url');
      tokens.set(token, Date.now() + seconds * 1000);
      return { status: 200, body: token };
    }
    if (method !== 'GET') return { status: 405, body: 'Method Not Allowed' };
    const token = `${headers['x-aws-ec2-metadata-token']}`;
    if (!((tokens.get(token) ?? 0) > Date.now())) return { status: 401, body: 'Unauthorized' };
    const body = await read(url);
    return body === undefined ? { status: 404, body: 'Not Found' } : { status: 200, body };
  }

  async function read(url: string): Promise<string | undefined> {
    const path = url.replace(/^\/latest\//, '').replace(/\/$/, '');
    const role = await source.role();
    switch (path) {
      case 'meta-data/instance-id':
        return source.id;
      case 'meta-data/placement/region':
        return source.region;
      case 'meta-data/placement/availability-zone':
        return (await source.facts()).zone;
      case 'meta-data/ami-id':
        return (await source.facts()).image;
      case 'meta-data/instance-type':
        return (await source.facts()).type;
      case 'meta-data/local-ipv4':
        return (await source.facts()).privateIp;
      case 'dynamic/instance-identity/document':
        return identityDocument();
      case 'meta-data/iam/info':
        return (
          role &&
          JSON.stringify({
            Code: 'Success',
            LastUpdated: new Date().toISOString(),
            InstanceProfileArn: role.profile.arn,
            InstanceProfileId: role.profile.id,
          })
        );
      case 'meta-data/iam/security-credentials':
        return role?.name;
      default:
        if (!role || path !== `meta-data/iam/security-credentials/${role.name}`) return undefined;
        return credentials(role.arn);
    }
  }

  async function identityDocument(): Promise<string> {
    const { image, type, zone, privateIp } = await source.facts();
    return JSON.stringify({
      instanceId: source.id,
      region: source.region,
      availabilityZone: zone,
      imageId: image,
      instanceType: type,
      privateIp,
    });
  }

  async function credentials(roleArn: string): Promise<string> {
    const now = Date.now();
    if (!issued || dueAt(issued) <= now) {
      const { keys, seconds } = await source.credentials(roleArn);
      issued = { keys, issuedAt: now, expiresAt: now + seconds * 1000 };
    }
    return JSON.stringify({
      Code: 'Success',
      LastUpdated: new Date(issued.issuedAt).toISOString(),
      Type: 'AWS-HMAC',
      AccessKeyId: issued.keys.accessKeyId,
      SecretAccessKey: issued.keys.secretAccessKey,
      Token: issued.keys.sessionToken,
      Expiration: new Date(issued.expiresAt).toISOString(),
    });
  }
}

/** When new ones are ready: 5 minutes ahead, or half-way for such as do not live that long. */
function dueAt({ issuedAt, expiresAt }: Issued): number {
  const ahead = expiresAt - AHEAD_MS;
  return ahead > issuedAt ? ahead : (issuedAt + expiresAt) / 2;
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      resolve(`http://127.0.0.1:${port}`);
    });
  });
}
