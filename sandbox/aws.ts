/**
 * The sandbox's AWS: one endpoint that speaks AWS's wire protocols. moto answers; a proxy in front of it adds what
 * moto lacks, does wrong what it is told to, and remembers the calls.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Accounts } from './accounts.ts';
import { type Answer, errorAnswer, errorCode } from './answers.ts';
import { type Behaviour, checkedBehaviour, DEFAULT_BEHAVIOUR } from './behaviour.ts';
import { Buckets } from './buckets.ts';
import { answerControl, isControl } from './control.ts';
import { Draws } from './draws.ts';
import { Faults } from './faults.ts';
import type { Call, LocalAws } from './local-aws.ts';
import { type MetadataService, startMetadata } from './metadata.ts';
import { type Moto, startMoto } from './moto.ts';
import { freePort } from './processes.ts';
import { type AwsRequest, readRequest } from './request.ts';
import { checkedWeather, type Weather } from './weather.ts';

export async function startLocalAws(options: {
  readonly python: string;
  readonly port?: number;
  readonly weather?: Weather;
  /** On top of the weather's. */
  readonly behaviour?: Partial<Behaviour>;
}): Promise<LocalAws> {
  const weather = checkedWeather(options.weather ?? {});
  const onTop = checkedBehaviour(options.behaviour ?? {});
  const moto = await startMoto(options.python);
  const behaviour = { ...DEFAULT_BEHAVIOUR };
  const draws = new Draws(0);
  const faults = new Faults(draws);
  const calls: Call[] = [];
  const buckets = new Buckets(behaviour);
  const accounts = new Accounts(moto, behaviour, draws);
  const metadata = new Map<string, Promise<MetadataService>>();
  /** Access key id of temporary credentials to the moment when they expire. */
  const expiries = new Map<string, number>();

  const server = createServer((message, response) => {
    handle(message, response).catch((error) => {
      response.statusCode = 500;
      response.end(`the sandbox failed: ${error.stack}`);
    });
  });
  // Clients keep connections open between calls that may be minutes apart.
  server.keepAliveTimeout = 120_000;
  const port = options.port ?? (await freePort());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  }).catch(async (error) => {
    await moto.stop();
    throw error;
  });
  const endpoint = `http://127.0.0.1:${port}`;

  const aws: LocalAws = {
    endpoint,
    keys: moto.home.operator,
    behaviour,
    died: moto.died,
    configure(change) {
      Object.assign(behaviour, checkedBehaviour(change));
    },
    weather: () => ({ seed: draws.seed, behaviour: { ...behaviour }, faults: faults.list() }),
    setWeather: (next) => turnTo(checkedWeather(next)),
    fault: (fault) => faults.add(fault),
    clearFaults: () => faults.clear(),
    calls: () => calls,
    clearCalls: () => {
      calls.length = 0;
    },
    async metadataEndpoint(instanceId) {
      const service = metadata.get(instanceId) ?? startMetadataOf(instanceId);
      metadata.set(instanceId, service);
      return (await service).endpoint;
    },
    rotate(instanceId) {
      metadata.get(instanceId)?.then((service) => service.rotate());
    },
    seedBucket: (bucket, objects) => seedBucket(moto.home, bucket, objects),
    openAccount: (account) => accounts.open(account),
    async stop() {
      for (const service of metadata.values()) await (await service).stop();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await Promise.all([closed, moto.stop()]);
    },
  };
  turnTo(weather);
  aws.configure(onTop);
  return aws;

  function turnTo({ seed = 0, behaviour: differs = {}, faults: wanted = [] }: Weather): void {
    draws.reseed(seed);
    buckets.clear();
    Object.assign(behaviour, DEFAULT_BEHAVIOUR, checkedBehaviour(differs));
    faults.clear();
    for (const fault of wanted) faults.add(fault);
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message, moto.accountOf);
    if (isControl(request)) return answerControl(aws, request, response);
    const fault = faults.take(request);
    if (fault?.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    const answer = fault?.cut
      ? undefined
      : fault?.error
        ? errorAnswer(request, fault.error)
        : await answerTo(request);
    const isLost = !answer || fault?.lost === true;
    remember(request, isLost ? undefined : answer);
    if (isLost) {
      message.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  async function answerTo(request: AwsRequest): Promise<Answer> {
    if ((expiries.get(request.accessKeyId) ?? Number.POSITIVE_INFINITY) < Date.now()) {
      const message = 'The security token included in the request is expired';
      return errorAnswer(request, { code: 'ExpiredToken', message, status: 403 });
    }
    const refusal = buckets.refusal(request);
    if (refusal) return errorAnswer(request, refusal);
    const { authorization, handsDo } = accounts.of(request);
    const judged = await authorization.judged(request);
    if ('code' in judged) return errorAnswer(request, judged);
    const answer = await perform(judged);
    authorization.learn(request, answer);
    await handsDo(request, answer);
    return answer;
  }

  async function perform(request: AwsRequest): Promise<Answer> {
    const account = accounts.of(request);
    if (request.service === 'ec2') return account.ec2.answer(request);
    if (request.service === 'iam') return account.answerIam(request);
    const refusal = request.action === 'AssumeRole' ? await accounts.refusedByTrust(request) : undefined;
    return refusal ?? account.moto.forward(request);
  }

  function remember({ service, action, params }: AwsRequest, answer: Answer | undefined): void {
    const code = answer && errorCode(answer);
    calls.push({
      time: Date.now(),
      service,
      action,
      status: answer?.status ?? 0,
      ...(code ? { code } : {}),
      ...(params.get('DryRun') === 'true' ? { dryRun: true } : {}),
    });
  }

  async function startMetadataOf(instanceId: string): Promise<MetadataService> {
    const account = accounts.all().find(({ ec2 }) => ec2.instance(instanceId));
    if (!account) throw new Error(`${instanceId} was not launched here.`);
    const { moto, ec2 } = account;
    const instance = ec2.instance(instanceId)!;
    return startMetadata({
      id: instanceId,
      region: instance.region,
      facts: () => moto.instance(instance.region, instanceId),
      async role() {
        if (!instance.profile || instance.terminatedAt !== undefined) return undefined;
        const profile = await moto.profile(instance.profile.arn.split('/').at(-1)!);
        const role = profile?.id === instance.profile.id ? profile.roles[0] : undefined;
        return role && { ...role, profile: instance.profile };
      },
      async credentials(roleArn) {
        const keys = await moto.assumeRole(roleArn, instanceId);
        const seconds = behaviour.credentialSeconds;
        expiries.set(keys.accessKeyId, Date.now() + seconds * 1000);
        return { keys, seconds };
      },
    });
  }
}

/** No weather keeps it from what it is to have at the start. */
async function seedBucket(
  moto: Moto,
  bucket: string,
  objects: Readonly<Record<string, string>>,
): Promise<void> {
  const s3 = new S3Client({
    endpoint: moto.endpoint,
    region: 'us-east-1',
    credentials: moto.operator,
    forcePathStyle: true,
    // moto does not read the chunked bodies that newer checksums come with.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    for (const [Key, Body] of Object.entries(objects)) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
    }
  } finally {
    s3.destroy();
  }
}
