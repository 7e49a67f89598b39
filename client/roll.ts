/** What a program says of a roll, and what of that is sent. */

import { isImage } from '../fleet/names.ts';
import type { FleetReport } from '../fleet/report.ts';
import {
  DEFAULT_HEALTHY_WITHIN,
  DEFAULT_WAVE,
  type RollPace,
  rollMistakes,
  type WaveSize,
} from '../fleet/roll.ts';
import type { FleetSpec } from '../fleet/spec.ts';
import type { SpecChange } from '../fleet/spec-change.ts';
import { specHash } from '../fleet/spec-hash.ts';
import { wrongRoll } from './errors.ts';
import type { CheckedSpec } from './specs.ts';

/** A fleet by its name, to be as it is but for the image. */
export interface NewImage {
  readonly fleet: string;
  /** As in a spec: `ami-...`, or `resolve:ssm:NAME`. */
  readonly image: string;
}

export interface RollOptions {
  /** How many instances are replaced at once: `{ count: 10 }` or `{ percent: 25 }`, which is the default. */
  readonly wave?: WaveSize;
  /** Seconds between a wave and the next. Default: none. */
  readonly pause?: number;
  /** Seconds in which a wave has to be healthy once its instances run. Default: 600. */
  readonly healthyWithin?: number;
  /** What the worker asks each new instance, beside EC2's status checks: `http://{privateIp}:8080/health`, and 2xx is healthy. */
  readonly healthyUrl?: string;
  /**
   * Awaited before the roll is asked for, with the fleet as it is and what differs: when it rejects, so does `roll`, and nothing
   * is sent. Again when another change has come in between.
   */
  readonly beforeStart?: (report: FleetReport, changes: readonly SpecChange[]) => Promise<void>;
}

export function paceOf(options: RollOptions): RollPace {
  const { wave = DEFAULT_WAVE, pause = 0, healthyWithin = DEFAULT_HEALTHY_WITHIN, healthyUrl } = options;
  return { wave, pause, healthyWithin, healthyUrl };
}

/** Throws WrongRoll, with all that is wrong. */
export function assertPace(pace: RollPace, count: number): void {
  const mistakes = rollMistakes(pace, count);
  if (mistakes.length > 0) throw wrongRoll(mistakes.join('\n'));
}

/** Throws WrongRoll. */
export function withImage(from: FleetSpec, image: string): CheckedSpec {
  if (!isImage(image)) throw wrongRoll(`'${image}' is no image: ami-..., or resolve:ssm:NAME`);
  const spec = { ...from, instances: { ...from.instances, image } };
  return { spec, hash: specHash(spec) };
}
