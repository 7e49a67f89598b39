/**
 * `muster doctor --instance`: whether the credentials of the EC2 instance that this runs on work. It asks the instance's
 * metadata service itself, as the SDK says no more than that it got none; and AWS with the credentials that it hands out.
 * This is the one place beside activities/ that speaks to AWS: no worker can look from there.
 */

import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { DoctorLine } from '../fleet/doctor.ts';
import { timeWords } from '../fleet/words.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The service answers within milliseconds, or not at all. */
const METADATA_MS = 3_000;
const AWS_MS = 6_000;

interface Answer {
  readonly status: number;
  readonly body: string;
}

export async function diagnoseInstance(env: Environment): Promise<readonly DoctorLine[]> {
  const endpoint = endpointOf(env);
  const ask = (path: string, init: RequestInit = {}) => asked(`${endpoint}/latest/${path}`, init);
  const [token, withoutToken] = await Promise.all([
    settled(ask('api/token', { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '300' } })),
    settled(ask('meta-data/instance-id')),
  ]);
  const first = tokenLine(endpoint, env, token, withoutToken);
  if (first.state === 'fail')
    return [first, ...['instance', 'imdsv1', 'profile', 'credentials'].map(unasked)];
  const read = (path: string) =>
    settled(ask(path, { headers: { 'x-aws-ec2-metadata-token': (token as Answer).body } }));
  const [id, type, zone, region, info, role] = await Promise.all([
    read('meta-data/instance-id'),
    read('meta-data/instance-type'),
    read('meta-data/placement/availability-zone'),
    read('meta-data/placement/region'),
    read('meta-data/iam/info'),
    read('meta-data/iam/security-credentials/'),
  ]);
  const instance = textOf(id) ?? 'an instance without an id';
  const about = [instance, textOf(type), textOf(zone)].filter(Boolean).join(', ');
  return [
    first,
    { check: 'instance', state: 'ok', words: about },
    versionOneLine(withoutToken, instance),
    profileLine(info, role, instance),
    ...(await credentialsLines(role, textOf(region) ?? env.AWS_REGION ?? 'us-east-1', read)),
  ];
}

function endpointOf(env: Environment): string {
  const given = env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
  if (given) return given.replace(/\/+$/, '');
  const isIpv6 = env.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE?.toLowerCase() === 'ipv6';
  return isIpv6 ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254';
}

async function asked(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, {
    ...init,
    redirect: 'manual',
    signal: AbortSignal.timeout(METADATA_MS),
  });
  return { status: response.status, body: (await response.text()).trim() };
}

/** An answer, or why there is none. */
async function settled(answer: Promise<Answer>): Promise<Answer | Error> {
  try {
    return await answer;
  } catch (error) {
    const { cause } = error as Error;
    return cause instanceof Error ? cause : (error as Error);
  }
}

function textOf(answer: Answer | Error): string | undefined {
  return !(answer instanceof Error) && answer.status === 200 ? answer.body : undefined;
}

const unasked = (check: string): DoctorLine => ({
  check,
  state: 'skipped',
  words: 'only the metadata service can say',
});

/** Its answer to a token's request goes as far as the hop limit says: in a container one hop is too few. */
function tokenLine(
  endpoint: string,
  env: Environment,
  token: Answer | Error,
  withoutToken: Answer | Error,
): DoctorLine {
  const check = 'imds';
  if (!(token instanceof Error) && token.status === 200) {
    const disabled = (env.AWS_EC2_METADATA_DISABLED ?? 'false').toLowerCase() !== 'false';
    const words = `the metadata service answers at ${endpoint}, with tokens (IMDSv2)`;
    if (!disabled) return { check, state: 'ok', words };
    return {
      check,
      state: 'warn',
      words: `${words}; AWS_EC2_METADATA_DISABLED keeps programs from it`,
      mend: 'unset AWS_EC2_METADATA_DISABLED',
    };
  }
  if (!(token instanceof Error)) {
    return {
      check,
      state: 'fail',
      words: `the metadata service at ${endpoint} refuses a token: HTTP ${token.status}`,
      mend:
        token.status === 403
          ? 'aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled; or leave out the proxy between'
          : 'see what answers there instead of it',
    };
  }
  if (!(withoutToken instanceof Error)) {
    return {
      check,
      state: 'fail',
      words: `the metadata service at ${endpoint} answers, and its tokens do not arrive: its hop limit is too low here`,
      mend: HOP_LIMIT,
      unanswered: true,
    };
  }
  return {
    check,
    state: 'fail',
    words: `no metadata service answers at ${endpoint} (${withoutName(token)})`,
    mend: `run it on an EC2 instance; in a container there, ${HOP_LIMIT}`,
    unanswered: true,
  };
}

const HOP_LIMIT =
  'give it a hop more: metadata: { hopLimit: 2 } in the spec, or aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2';

function withoutName({ name, message }: Error): string {
  return name === 'TimeoutError' ? `nothing within ${METADATA_MS / 1000} s` : message;
}

function versionOneLine(withoutToken: Answer | Error, instance: string): DoctorLine {
  const check = 'imdsv1';
  if (textOf(withoutToken) === undefined) {
    return { check, state: 'ok', words: 'off: nothing is answered without a token' };
  }
  return {
    check,
    state: 'warn',
    words: 'on: whoever can have a program here fetch a URL can have the credentials',
    mend: `aws ec2 modify-instance-metadata-options --instance-id ${instance} --http-tokens required`,
  };
}

function profileLine(info: Answer | Error, role: Answer | Error, instance: string): DoctorLine {
  const check = 'profile';
  const written = jsonOf(info);
  const arn = written?.InstanceProfileArn;
  const name = textOf(role)?.split('\n')[0];
  if (name) return { check, state: 'ok', words: `${arn ?? 'an instance profile'}, with the role ${name}` };
  if (arn === undefined) {
    return {
      check,
      state: 'fail',
      words: 'the instance has no instance profile',
      mend: `aws ec2 associate-iam-instance-profile --instance-id ${instance} --iam-instance-profile Name=PROFILE`,
    };
  }
  return {
    check,
    state: 'fail',
    words:
      `${arn} hands out no role${written?.Code ? `: ${written.Code} ${written.Message ?? ''}` : ''}`.trim(),
    mend: 'see that the profile holds a role, and that its trust policy lets ec2.amazonaws.com assume it',
  };
}

async function credentialsLines(
  role: Answer | Error,
  region: string,
  read: (path: string) => Promise<Answer | Error>,
): Promise<readonly DoctorLine[]> {
  const check = 'credentials';
  const name = textOf(role)?.split('\n')[0];
  if (!name) return [{ check, state: 'skipped', words: 'of no role' }];
  const answer = await read(`meta-data/iam/security-credentials/${name}`);
  const given = jsonOf(answer);
  if (given?.Code !== 'Success' || !given.AccessKeyId || !given.SecretAccessKey || !given.Expiration) {
    const why =
      answer instanceof Error
        ? withoutName(answer)
        : `${given?.Code ?? `HTTP ${answer.status}`} ${given?.Message ?? ''}`;
    return [
      {
        check,
        state: 'fail',
        words: `the metadata service has none of ${name}: ${why}`.trim(),
        mend: 'see that the trust policy of the role lets ec2.amazonaws.com assume it; a change takes minutes',
      },
    ];
  }
  return [await usedLine(given, region)];
}

async function usedLine(given: Readonly<Record<string, string>>, region: string): Promise<DoctorLine> {
  const check = 'credentials';
  const until = `until ${timeWords(Date.parse(given.Expiration!))}`;
  const isOver = Date.parse(given.Expiration!) <= Date.now();
  const sts = new STSClient({
    region,
    maxAttempts: 1,
    credentials: {
      accessKeyId: given.AccessKeyId!,
      secretAccessKey: given.SecretAccessKey!,
      sessionToken: given.Token,
    },
  });
  try {
    const command = new GetCallerIdentityCommand({});
    const { Arn } = await sts.send(command, { abortSignal: AbortSignal.timeout(AWS_MS) });
    return { check, state: 'ok', words: `${Arn}, ${until}` };
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    const isUnanswered = $metadata?.httpStatusCode === undefined;
    return {
      check,
      state: 'fail',
      words: `sts:GetCallerIdentity with them: ${name}: ${message} (they ${isOver ? 'ended' : 'last'} ${until.replace('until ', isOver ? '' : 'until ')})`,
      mend: isUnanswered
        ? 'see that the subnet has a way to AWS: a NAT or internet gateway, or an endpoint for STS'
        : isOver
          ? 'see the clock of the machine: timedatectl; new ones come by themselves'
          : 'see the role: it may have been deleted and made again; muster check NAME',
      ...(isUnanswered && { unanswered: true as const }),
    };
  } finally {
    sts.destroy();
  }
}

function jsonOf(answer: Answer | Error): Record<string, string> | undefined {
  try {
    return JSON.parse(textOf(answer) ?? '');
  } catch {
    return undefined;
  }
}
