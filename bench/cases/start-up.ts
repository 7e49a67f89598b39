/** What a command costs before it does anything, and the smallest question about what is there. */

import { type BenchCase, type Row, seconds, spreadOf } from '../case.ts';
import { times } from '../contest.ts';
import { onField } from '../field.ts';
import { ensurePeers } from '../peers.ts';

const ROUNDS = 7;
const COUNT = 10;
const WANTED_HELP = 4;

export const startUp: BenchCase = {
  name: 'start-up',
  async measure() {
    const peers = await ensurePeers();
    return onField({ behaviour: { propagationSeconds: 0 } }, async (field) => {
      const name = 'by-muster';
      await field.muster('up', await field.spec(name, COUNT), '--json');
      const timed = (...args: string[]) => secondsOf(() => field.muster(...args));
      return [
        await pairs('the command alone', {
          muster: { words: 'muster --help', run: () => timed('--help') },
          peer: { words: 'aws --version', run: () => peers.aws(field, '--version') },
          wanted: `at least ${WANTED_HELP} ×`,
          isEnough: (ratio) => ratio >= WANTED_HELP,
        }),
        await pairs('a question about what is there', {
          muster: { words: `muster status of ${COUNT} instances`, run: () => timed('status', name) },
          peer: {
            words: 'aws sts get-caller-identity',
            run: () => peers.aws(field, 'sts', 'get-caller-identity'),
          },
          wanted: 'faster',
          isEnough: (ratio) => ratio > 1,
        }),
      ];
    });
  },
};

interface Side {
  readonly words: string;
  run(): Promise<number>;
}

interface Pair {
  readonly muster: Side;
  readonly peer: Side;
  readonly wanted: string;
  isEnough(ratio: number): boolean;
}

/** The ratio is the median of those of the pairs, as each pair ran on the machine of its moment. */
async function pairs(what: string, { muster, peer, wanted, isEnough }: Pair): Promise<Row> {
  const [own, others]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    own.push(await muster.run());
    others.push(await peer.run());
  }
  const ratio = spreadOf(others.map((other, at) => other / own[at]!)).median;
  return {
    case: what,
    muster: `${muster.words}: ${seconds(spreadOf(own))}`,
    against: `${peer.words}: ${seconds(spreadOf(others))}`,
    ratio: times(ratio),
    wanted,
    holds: isEnough(ratio),
  };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
