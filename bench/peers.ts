/** What people use instead, on the same AWS: the script with the `aws` command, and the Ansible playbook. */

import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureEnvironment, programsOf } from '../setup/environment.js';
import { type Field, IMAGE, TYPE } from './field.ts';
import { type Standing, standing } from './standing.ts';

const fileOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** How a run ended. */
export interface PeerRun {
  readonly seconds: number;
  /** What it said, when it failed. */
  readonly failure?: string;
}

export interface PeerFleet {
  readonly name: string;
  readonly count: number;
}

export interface Peers {
  /** Runs the script, which sleeps for so long before it launches. */
  script(field: Field, fleet: PeerFleet, sleepSeconds: number): Promise<PeerRun>;
  ansible(field: Field, fleet: PeerFleet): Promise<PeerRun>;
  /** How long a call of the `aws` command takes, from its start to its exit; fails unless it succeeds. */
  aws(field: Field, ...args: string[]): Promise<number>;
  /** Asks AWS. */
  standing(field: Field, fleet: PeerFleet): Promise<Standing>;
  /** Draws the pictures of results that are there as JSON into a folder. */
  draw(results: string, folder: string): Promise<void>;
  /** Takes away all that a peer has made. */
  remove(field: Field, fleet: PeerFleet): Promise<void>;
}

/** Installs them where they are not, which takes a minute or two. */
export async function ensurePeers(): Promise<Peers> {
  const home = fileOf('../.muster/peers');
  await ensureEnvironment(
    {
      home,
      requirements: fileOf('./peers/requirements.txt'),
      what: 'fetching the peers',
      size: 'about 700 MB on disk: the aws command and Ansible; bench/peers/requirements.txt',
      oldest: [3, 11],
    },
    (line) => console.error(line),
  );
  const { bin, python } = programsOf(home);

  /** Without what a person's own files set: only the field counts. */
  const envOf = (field: Field): NodeJS.ProcessEnv => ({
    ...field.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    AWS_DEFAULT_REGION: field.env.AWS_REGION,
    AWS_CONFIG_FILE: '/dev/null',
    ANSIBLE_CONFIG: fileOf('./peers/ansible.cfg'),
  });

  async function timed(field: Field, program: string, args: string[], more = {}): Promise<PeerRun> {
    const started = performance.now();
    const { code, said } = await ended(program, args, { ...envOf(field), ...more });
    const seconds = (performance.now() - started) / 1000;
    return code === 0 ? { seconds } : { seconds, failure: said };
  }

  return {
    script: (field, { name, count }, sleepSeconds) =>
      timed(field, 'bash', [fileOf('./peers/bootstrap.sh')], {
        NAME: name,
        COUNT: `${count}`,
        IMAGE,
        TYPE,
        SLEEP: `${sleepSeconds}`,
      }),
    ansible: (field, { name, count }) => {
      const vars = JSON.stringify({ fleet: name, count, image: IMAGE, type: TYPE });
      return timed(field, 'ansible-playbook', [
        '-i',
        'localhost,',
        '-e',
        vars,
        fileOf('./peers/bootstrap.yml'),
      ]);
    },
    async aws(field, ...args) {
      const { seconds, failure } = await timed(field, 'aws', args);
      if (failure !== undefined) throw new Error(`aws ${args.join(' ')} failed: ${failure}`);
      return seconds;
    },
    standing: standingOf,
    async draw(results, folder) {
      const { code, said } = await ended(python, [fileOf('./pictures.py'), results, folder], process.env);
      if (code !== 0) throw new Error(`the pictures were not drawn: ${said}`);
    },
    async remove(field, fleet) {
      const { failure } = await timed(field, 'bash', [fileOf('./peers/remove.sh')], { NAME: fleet.name });
      if (failure !== undefined) throw new Error(`${fleet.name} was not removed: ${failure}`);
      const left = await standingOf(field, fleet);
      if (left.role || left.profile || left.instances > 0) {
        throw new Error(`something of ${fleet.name} is left: ${JSON.stringify(left)}`);
      }
    },
  };
}

const standingOf = (field: Field, { name }: PeerFleet) => standing(field, { tag: 'fleet', name });

function ended(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        said = (said + text).slice(-4000);
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said }));
  });
}
