/** `muster doctor`: what is wrong is told by what it is, with what mends it; it never waits for long. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { DeleteUserPolicyCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { type DoctorLine, diagnose, specFromFile } from '../client/index.ts';
import { type Examination, examinedLines } from '../fleet/doctor.ts';
import { type Ended, ended, startMuster } from './command.ts';
import { openWorld, untilPolled, type World } from './world.ts';

let world: World;
let folder: string;
before(async () => {
  world = await openWorld();
  await untilPolled(world.muster);
  folder = mkdtempSync(join(tmpdir(), 'muster-doctor-'));
});
after(async () => {
  await world.close();
  rmSync(folder, { recursive: true });
});

function specFile(more = ''): string {
  const file = join(folder, 'web.yaml');
  writeFileSync(
    file,
    `name: web
region: us-east-1
policy: { allow: [{ actions: ["s3:Get*"], resources: ["*"] }] }
instances: { count: 2, image: ami-12c6146b, type: t3.micro }
${more}`,
  );
  return file;
}

function muster(args: string[], env: Record<string, string | undefined> = {}): Promise<Ended> {
  return ended(startMuster(args, { ...world.sandbox.env, NO_COLOR: '1', ...env }));
}

/** What it says with --json, by the check. */
async function looked(args: string[], env?: Record<string, string | undefined>) {
  const { code, stdout, stderr } = await muster(['doctor', ...args, '--json'], env);
  assert.equal(stderr, '');
  const lines: DoctorLine[] = JSON.parse(stdout).lines;
  const of = (check: string) => lines.find((line) => line.check === check)!;
  return { code, lines, of, states: Object.fromEntries(lines.map(({ check, state }) => [check, state])) };
}

describe('muster doctor', () => {
  it('ends with 0 where all is in order, and says who is who', async () => {
    const { code, states, of } = await looked([specFile('account: "123456789012"')]);
    assert.deepEqual(states, {
      here: 'ok',
      temporal: 'ok',
      namespace: 'ok',
      worker: 'ok',
      aws: 'ok',
      permissions: 'ok',
      clock: 'ok',
    });
    assert.equal(code, 0);
    assert.match(of('here').words, /^muster \d+\.\d+\.\d+, Temporal SDK \d+\.\d+\.\d+, Node \d+\./);
    assert.match(of('temporal').words, /^server \d+\.\d+\.\d+ at 127\.0\.0\.1:\d+$/);
    assert.match(of('namespace').words, /^default keeps the history of a run for 1 day after/);
    assert.match(
      of('worker').words,
      /^\d+@\S+ on 'muster': muster \d+\.\d+\.\d+ on Node \d+\.\S+, up for \d+ (s|min)$/,
    );
    assert.match(of('aws').words, /^arn:aws:iam::123456789012:user\/operator at http:\S+, us-east-1$/);
  });

  it('says without a spec that permissions depend on one', async () => {
    const { code, stdout } = await muster(['doctor']);
    assert.equal(code, 0);
    assert.match(stdout, /^– permissions {2}they depend on the spec\n {15}→ muster doctor FILE$/m);
    assert.match(stdout, /\n\nall that was looked at is in order\n$/);
  });

  it('refuses a spec with mistakes, and a spec for a machine', async () => {
    assert.equal((await muster(['doctor', specFile('nonsense: 1')])).code, 2);
    assert.equal((await muster(['doctor', specFile(), '--instance'])).code, 2);
  });

  it('ends with 4 where no Temporal is', async () => {
    const { code, states, of } = await looked([], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    assert.equal(code, 4);
    assert.deepEqual(
      [states.temporal, states.namespace, states.worker, states.aws],
      ['fail', ...Array(3).fill('skipped')],
    );
    assert.match(of('temporal').words, /^Temporal does not answer at 127\.0\.0\.1:1/);
    assert.match(of('temporal').mend!, /TEMPORAL_ADDRESS/);
  });

  it('ends with 4 where something takes the connection and says nothing', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const { code, of } = await looked([], { TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
    silent.close();
    assert.equal(code, 4);
    assert.equal(of('temporal').state, 'fail');
  });

  it('ends with 4 where the namespace is another', async () => {
    const { code, states, of } = await looked([], { TEMPORAL_NAMESPACE: 'elsewhere' });
    assert.equal(code, 4);
    assert.deepEqual([states.temporal, states.namespace, states.worker], ['ok', 'fail', 'skipped']);
    assert.match(of('namespace').words, /has no namespace 'elsewhere'/);
    assert.match(of('namespace').mend!, /TEMPORAL_NAMESPACE/);
  });

  it('ends with 4 where no worker polls', async () => {
    const { code, states, of } = await looked([], { MUSTER_TASK_QUEUE: 'nobody' });
    assert.equal(code, 4);
    assert.deepEqual(
      [states.namespace, states.worker, states.aws, states.clock],
      ['ok', 'fail', 'skipped', 'skipped'],
    );
    assert.match(of('worker').words, /no worker answers on the task queue 'nobody'/);
    assert.match(of('worker').mend!, /muster worker/);
  });

  it('ends with 4 where a worker takes the work and never answers', async () => {
    const { workflowService, connection } = world.client;
    const queue = { namespace: 'default', taskQueue: { name: 'silent' } };
    const poll = () => workflowService.pollWorkflowTaskQueue({ ...queue, identity: '1@silent' });
    const taking = connection.withDeadline(Date.now() + 60_000, poll).catch(() => {});
    let known = false;
    for (let tries = 0; tries < 200 && !known; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      known = (await workflowService.describeTaskQueue({ ...queue, taskQueueType: 1 })).pollers.length > 0;
    }
    const { code, states, of } = await looked([], { MUSTER_TASK_QUEUE: 'silent' });
    assert.equal(code, 4);
    assert.deepEqual([states.worker, states.aws], ['fail', 'skipped']);
    assert.match(of('worker').words, /^1@silent polled 'silent' within a minute, and says nothing of itself/);
    assert.match(of('worker').mend!, /'muster worker' starts one/);
    await taking;
  });

  it('tells credentials that have expired, and AWS that does not answer', async () => {
    const expired = {
      code: 'ExpiredToken',
      message: 'The security token included in the request is expired',
      status: 403,
    };
    const undo = world.aws.fault({ action: 'GetCallerIdentity', error: expired });
    const refused = await looked([specFile()]);
    undo();
    assert.equal(refused.code, 3);
    assert.match(
      refused.of('aws').words,
      /ExpiredToken: The security token included in the request is expired$/,
    );
    assert.match(refused.of('aws').mend!, /renew its credentials/);
    assert.deepEqual([refused.of('permissions').state, refused.of('clock').state], ['skipped', 'ok']);

    const mend = world.aws.fault({ action: 'GetCallerIdentity', cut: true });
    const unanswered = await looked([]);
    mend();
    assert.equal(unanswered.code, 4);
    assert.match(unanswered.of('aws').words, /Unanswered/);
    assert.match(unanswered.of('aws').mend!, /AWS_ENDPOINT_URL/);
  });

  it('gives an AWS up that takes too long', async () => {
    const undo = world.aws.fault({ action: 'GetCallerIdentity', delayMs: 12_000 });
    const { code, of } = await looked([]);
    undo();
    assert.equal(code, 4);
    assert.equal(of('aws').state, 'fail');
  });

  it('names the permissions that are missing, and what they should be', async () => {
    const name = { UserName: 'operator', PolicyName: 'less' };
    const Statement = { Effect: 'Deny', Action: ['iam:PassRole', 'ec2:CreateTags'], Resource: '*' };
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    const file = specFile();
    await world.iam.send(new PutUserPolicyCommand({ ...name, PolicyDocument }));
    const { code, of } = await looked([file]);
    await world.iam.send(new DeleteUserPolicyCommand(name));
    assert.equal(code, 3);
    assert.equal(of('permissions').words, 'the worker may not iam:PassRole, ec2:CreateTags');
    assert.equal(of('permissions').mend, `muster permissions ${file} --json, and put it on its role`);
  });

  it('warns where nothing may be simulated, which is nothing wrong', async () => {
    const denied = { code: 'AccessDenied', message: 'not authorized to simulate', status: 403 };
    const undo = world.aws.fault({ action: 'SimulatePrincipalPolicy', error: denied, times: 20 });
    const { code, of } = await looked([specFile()]);
    undo();
    assert.equal(code, 0);
    assert.equal(of('permissions').state, 'warn');
    assert.match(of('permissions').words, /^not simulated: not authorized to simulate$/);
  });

  it('tells an account that is not the spec’s, and a secret that the worker has not', async () => {
    const file = specFile(`account: "999999999999"
notify: { webhook: "https://example.com/hook", secret: "env:NOBODYS_SECRET" }`);
    const { code, of } = await looked([file]);
    assert.equal(code, 3);
    assert.match(of('aws').words, /is for account 999999999999$/);
    assert.equal(of('notify').state, 'warn');
    assert.match(of('notify').words, /NOBODYS_SECRET/);
  });

  it('is a call of the library, too', async () => {
    const { lines } = await diagnose({ spec: specFromFile(specFile()) });
    assert.deepEqual([...new Set(lines.map(({ state }) => state))], ['ok']);
  });
});

describe('a clock', () => {
  const seen: Examination = {
    muster: '1.0.0',
    node: '24.0.0',
    startedAt: 0,
    sinceScheduled: 0.1,
    identity: { account: '123456789012', caller: 'arn' },
    unheard: [],
  };
  const clock = (more: Partial<Examination>) =>
    examinedLines({ ...seen, ...more }, { version: '1.0.0', now: 1000 }).find(
      ({ check }) => check === 'clock',
    )!;

  it('that is off is told before AWS refuses what it signs', () => {
    assert.equal(clock({ aheadOfAws: 1.4 }).state, 'ok');
    assert.deepEqual([clock({ aheadOfAws: 45 }).state, clock({ aheadOfAws: -45 }).state], ['warn', 'warn']);
    assert.deepEqual(clock({ aheadOfAws: -600 }), {
      check: 'clock',
      state: 'fail',
      words: 'the worker is 600 s behind AWS',
      mend: "set the worker's clock: timedatectl set-ntp true",
    });
    assert.match(clock({ sinceScheduled: -40 }).words, /40 s behind Temporal/);
    assert.match(clock({ sinceScheduled: 90 }).words, /90 s ahead of Temporal, or too busy/);
  });

  it('and another version of the worker are told', () => {
    const [worker] = examinedLines(seen, { version: '1.1.0', now: 3_600_000 * 5 });
    assert.equal(worker!.state, 'warn');
    assert.equal(worker!.words, 'muster 1.0.0 on Node 24.0.0, up for 5 h; this command is 1.1.0');
  });
});

describe('muster doctor --instance', () => {
  /** A machine's program knows where its metadata service is, and no key. */
  const onMachine = (endpoint: string, more: Record<string, string> = {}) => ({
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint,
    ...more,
  });

  it('uses the credentials of the machine’s role, and says until when they last', async () => {
    const { report } = await world.up({ name: 'machine', instances: { count: 1 } });
    const { id } = report.instances[0]!;
    const endpoint = await world.aws.metadataEndpoint(id);
    const { code, of, states } = await looked(['--instance'], onMachine(endpoint));
    assert.deepEqual(states, { imds: 'ok', instance: 'ok', imdsv1: 'ok', profile: 'ok', credentials: 'ok' });
    assert.equal(code, 0);
    assert.equal(of('instance').words, `${id}, t3.micro, ${report.instances[0]!.zone}`);
    assert.match(of('profile').words, /:instance-profile\/machine, with the role machine$/);
    assert.match(of('credentials').words, new RegExp(`:assumed-role/machine/${id}, until \\d{4}-\\S+Z$`));

    const disabled = await looked(['--instance'], onMachine(endpoint, { AWS_EC2_METADATA_DISABLED: 'true' }));
    assert.deepEqual([disabled.code, disabled.of('imds').state], [0, 'warn']);

    const expired = { code: 'ExpiredToken', message: 'The security token is expired', status: 403 };
    const undo = world.aws.fault({ action: 'GetCallerIdentity', error: expired });
    const over = await looked(['--instance'], onMachine(endpoint));
    undo();
    assert.equal(over.code, 3);
    assert.match(over.of('credentials').words, /ExpiredToken\w*: The security token is expired/);

    const mend = world.aws.fault({ action: 'GetCallerIdentity', cut: true });
    const away = await looked(['--instance'], onMachine(endpoint));
    mend();
    assert.equal(away.code, 4);
    assert.match(away.of('credentials').mend!, /endpoint for STS/);

    // A machine that has ended has no role any more, to whoever can still ask.
    await world.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    const ended = await looked(['--instance'], onMachine(endpoint));
    assert.equal(ended.code, 3);
    assert.match(ended.of('profile').words, /no instance profile/);
    assert.equal(ended.of('credentials').state, 'skipped');
    assert.equal((await world.down('machine')).report.state, 'gone');
  });

  it('ends with 4 where there is no metadata service', async () => {
    const { code, of } = await looked(['--instance'], onMachine('http://127.0.0.1:1'));
    assert.equal(code, 4);
    assert.match(of('imds').words, /^no metadata service answers at http:\/\/127\.0\.0\.1:1 \(/);
    assert.match(of('imds').mend!, /hopLimit: 2/);
  });

  /** What EC2's own service does with a setting of the instance that the sandbox's machines cannot have. */
  async function withService(
    answer: (method: string) => { status: number; body: string } | undefined,
    test: (endpoint: string) => Promise<void>,
  ): Promise<void> {
    const server: Server = createHttpServer((request, response) => {
      const answered = answer(request.method!);
      if (!answered) return;
      response.writeHead(answered.status);
      response.end(answered.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('tells a hop limit that is too low, a service that is off, and IMDSv1 that is on', async () => {
    const refused = { status: 401, body: '' };
    await withService(
      (method) => (method === 'PUT' ? undefined : refused),
      async (endpoint) => {
        const { code, of } = await looked(['--instance'], onMachine(endpoint));
        assert.equal(code, 4);
        assert.match(of('imds').words, /its hop limit is too low here$/);
        assert.match(of('imds').mend!, /hopLimit: 2/);
      },
    );
    await withService(
      () => ({ status: 403, body: 'Forbidden' }),
      async (endpoint) => {
        const { code, of } = await looked(['--instance'], onMachine(endpoint));
        assert.equal(code, 3);
        assert.match(of('imds').mend!, /--http-endpoint enabled/);
      },
    );
    await withService(
      () => ({ status: 200, body: 'i-0123456789abcdef0' }),
      async (endpoint) => {
        const { of } = await looked(['--instance'], onMachine(endpoint));
        assert.equal(of('imdsv1').state, 'warn');
        assert.match(of('imdsv1').mend!, /--instance-id i-0123456789abcdef0 --http-tokens required$/);
      },
    );
  });
});
