/** What has happened to a fleet, an event a line. */

import { askWords } from '../fleet/asks.ts';
import type { FleetEvent } from '../fleet/event.ts';
import { decisionWords, zonesWords } from '../fleet/launch-plan.ts';
import { stepWords, undoWords } from '../fleet/steps.ts';
import type { Colors } from './output.ts';

/** `2026-01-31T12:00:00Z  ✓ create the role 0.1 s: arn:...`; nothing of what only makes a run and no difference. */
export function eventLine(event: FleetEvent, colors: Colors): string | undefined {
  const told = toldOf(event, colors);
  if (!told) return undefined;
  const [mark, words] = told;
  const place = event.place === undefined ? '' : `${event.place}: `;
  const at = event.at.replace(/\.\d+Z$/, 'Z');
  return `${colors.dim(at)}  ${mark} ${place}${words.replace(/\s+/g, ' ')}`;
}

function toldOf(event: FleetEvent, colors: Colors): [mark: string, words: string] | undefined {
  switch (event.type) {
    case 'run-began':
      // It goes on from another, which has said so.
      if (event.continues) return undefined;
      return [colors.bold('▶'), `${RUNS[event.action]}${by(event.by)}`];
    case 'run-ended':
      return [colors.bold('■'), endWords(event)];
    case 'asked':
      return [colors.cyan('→'), `asked: ${askWords(event.request, event.detail)}${by(event.by)}`];
    case 'answered':
      return [colors.cyan('←'), `${askWords(event.request)}: ${outcomeWords(event)}`];
    case 'step-began':
      return [colors.dim('…'), nameOf(event)];
    case 'step-waits':
      return [colors.dim('…'), `${nameOf(event)}: ${event.detail}`];
    case 'step-retried':
      return [colors.yellow('↻'), `${nameOf(event)}: attempt ${event.attempt}${because(event.reason)}`];
    case 'step-done':
      return [colors.green('✓'), `${nameOf(event)} ${seconds(event)}${because(event.detail)}`];
    case 'step-failed':
      return [colors.red('✗'), `${nameOf(event)} ${seconds(event)}${because(event.reason)}`];
    case 'step-paused':
      return [colors.yellow('‖'), `${nameOf(event)} ${seconds(event)}${because(event.reason)}`];
    case 'step-cancelled':
      return [colors.yellow('–'), `${nameOf(event)} ${seconds(event)}: cancelled`];
    case 'refused':
    case 'died': {
      const words = decisionWords({ ...event, what: event.type, at: 0 });
      return [colors.yellow('!'), words.includes(event.reason) ? words : `${words} (${event.reason})`];
    }
    case 'launched':
      return [colors.green('+'), `${event.count} launched: ${zonesWords(event.zones)}`];
    case 'silent':
      return [colors.yellow('?'), `${SILENT[event.of]} (${event.seconds} s)`];
    case 'result':
      return undefined;
  }
}

const RUNS = {
  up: 'up: it is being brought up',
  down: 'down: it is being taken down',
  keep: 'keep: the run of a complete fleet',
  change: 'change: of what the fleet has there',
} as const;

const SILENT = { worker: 'no worker answers', temporal: 'Temporal does not answer' } as const;

type Step = { readonly step: string; readonly title: string; readonly undo?: true; readonly where?: string };

function nameOf({ step, undo, where }: Step): string {
  return undo ? undoWords({ name: step, at: where }) : stepWords({ name: step, at: where });
}

const by = (who: string | undefined): string => (who === undefined ? '' : `, by ${who}`);
const because = (why: string | undefined): string => (why === undefined ? '' : `: ${why}`);
const seconds = (of: { readonly seconds: number }): string => `${of.seconds.toFixed(1)} s`;

function outcomeWords({ state, reason }: { readonly state?: string; readonly reason?: string }): string {
  return [state, reason].filter((one) => one !== undefined).join(': ');
}

function endWords(event: Extract<FleetEvent, { type: 'run-ended' }>): string {
  const { how, state, reason, next } = event;
  if (how === 'continued') return `${state ?? 'its lease is over'}; it goes on in run ${next}`;
  const what = state === undefined ? how : `${how}: ${state}`;
  return `${what}${because(reason)}${by(event.by)}`;
}
