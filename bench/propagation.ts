/** The runs at a propagation of 8 s, of which one case takes the times and another the calls: measured once. */

import { ansibleOf, contest, musterOf, type Outcome, scriptOf } from './contest.ts';
import { onField } from './field.ts';
import { ensurePeers } from './peers.ts';

export const PROPAGATION = 8;
export const COUNT = 10;
/** What one sleeps who has seen eight. */
export const SLEEP = 10;
const ROUNDS = 3;

export interface PropagationRuns {
  readonly muster: Outcome;
  readonly script: Outcome;
  readonly ansible: Outcome;
}

let measured: Promise<PropagationRuns> | undefined;

export function propagationRuns(): Promise<PropagationRuns> {
  measured ??= measure();
  return measured;
}

async function measure(): Promise<PropagationRuns> {
  const peers = await ensurePeers();
  return onField({ behaviour: { propagationSeconds: PROPAGATION } }, async (field) => {
    const contenders = [
      await musterOf(field, 'by-muster', COUNT),
      scriptOf(peers, field, COUNT, SLEEP),
      ansibleOf(peers, field, COUNT),
    ];
    const [muster, script, ansible] = await contest(field, contenders, { rounds: ROUNDS, count: COUNT });
    return { muster: muster!, script: script!, ansible: ansible! };
  });
}
