/** What is asked of a run from outside, in the words that its log and its report have in common. */

import { durationWords } from './duration.ts';
import {
  CLEAR_UPDATE,
  type ClearRequest,
  DECIDE_UPDATE,
  EXTEND_UPDATE,
  type Extension,
  KEEPER,
  SCALE_UPDATE,
  STEER_UPDATE,
  TEARDOWNS,
} from './run.ts';
import type { ScaleRequest } from './scale.ts';
import { inWords } from './words.ts';

/** What a run is begun for, by its workflow's type; `keep`: of a complete fleet, by what is asked of it then. */
export function actionOf(type: string): 'up' | 'down' | 'keep' | 'change' {
  if (type === KEEPER) return 'keep';
  if (type === 'changePlace') return 'change';
  return TEARDOWNS.includes(type) ? 'down' : 'up';
}

/** More than the name of what was asked for, without what a spec may say in confidence. */
export function askDetail(request: string, argument: unknown): string | undefined {
  switch (request) {
    case SCALE_UPDATE: {
      const { count, place } = argument as ScaleRequest;
      return `to ${count}${inWords(place)}`;
    }
    case EXTEND_UPDATE: {
      const extension = argument as Extension;
      return 'forGood' in extension ? 'for good' : `by ${signed(extension.seconds)}`;
    }
    case DECIDE_UPDATE:
    case STEER_UPDATE:
      return argument as string;
    default: {
      const { skip = [] } = (argument ?? {}) as Partial<ClearRequest>;
      return skip.length > 0 ? `but for ${skip.join(', ')}` : undefined;
    }
  }
}

/** `scale to 5`, `pause the roll`, `retry`; of an answer there is no detail. */
export function askWords(request: string, detail?: string): string {
  switch (request) {
    case DECIDE_UPDATE:
      return detail ?? request;
    case STEER_UPDATE:
      return `${detail ?? 'steer'} the roll`;
    case CLEAR_UPDATE:
      return ['remove what was left', detail].filter((part) => part !== undefined).join(', ');
    default:
      return detail === undefined ? request : `${request} ${detail}`;
  }
}

const signed = (seconds: number): string =>
  seconds < 0 ? `-${durationWords(-seconds)}` : durationWords(seconds);
