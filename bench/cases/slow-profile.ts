/** A fleet of ten on a day when EC2 knows the profile after 45 s: who gets there, and what is left of who does not. */

import type { BenchCase, Row } from '../case.ts';
import { ansibleOf, type Contender, musterOf, scriptOf } from '../contest.ts';
import { onField } from '../field.ts';
import { ensurePeers } from '../peers.ts';

const COUNT = 10;
const PROPAGATION = 45;
const SLEEP = 10;

interface End {
  readonly whole: boolean;
  /** It has failed, and a role or profile is left. */
  readonly orphaned: boolean;
  readonly words: string;
}

export const slowProfile: BenchCase = {
  name: 'slow-profile',
  async measure() {
    const peers = await ensurePeers();
    return onField({ behaviour: { propagationSeconds: PROPAGATION } }, async (field) => {
      const muster = await endOf(await musterOf(field, 'by-muster', COUNT));
      const script = await endOf(scriptOf(peers, field, COUNT, SLEEP));
      const ansible = await endOf(ansibleOf(peers, field, COUNT));
      const row = { case: `${COUNT} instances, EC2 knows the profile after ${PROPAGATION} s`, ratio: '' };
      const rows: Row[] = [
        {
          ...row,
          muster: muster.words,
          against: `script with a sleep of ${SLEEP} s: ${script.words}`,
          wanted: 'Muster complete; the script fails and leaves what it made',
          holds: muster.whole && script.orphaned,
        },
        {
          ...row,
          muster: muster.words,
          against: `Ansible: ${ansible.words}`,
          wanted: 'Muster complete',
          holds: muster.whole,
        },
      ];
      return rows;
    });
  },
};

/** One run, as AWS shows it afterwards. */
async function endOf(one: Contender): Promise<End> {
  const { seconds, failure } = await one.up();
  const { role, profile, instances } = await one.standing();
  await one.down();
  const whole = failure === undefined && role && profile && instances === COUNT;
  const there = [role && 'a role', profile && 'a profile', instances > 0 && `${instances} instances`];
  const left = there.filter(Boolean).join(', ') || 'nothing';
  const took = `${seconds.toFixed(1)} s`;
  return {
    whole,
    orphaned: failure !== undefined && (role || profile),
    words: whole
      ? `complete after ${took}`
      : `${failure === undefined ? 'ended' : 'failed'} after ${took}; in AWS there is ${left}`,
  };
}
