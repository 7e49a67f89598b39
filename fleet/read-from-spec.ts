/** Reading what another program has sent with its spec: no types have checked it, and its folder is not here. */

import type { FromSpecRequest } from './from-spec.ts';
import { leaseMistake } from './lease.ts';
import { type Mistake, shown } from './mistakes.ts';
import { checkSpec, type SpecReading } from './read-spec.ts';
import { fleetWorkflowId } from './run.ts';
import { isMap } from './schema-parts.ts';
import type { FleetSpec } from './spec.ts';

export type FromSpecReading =
  | {
      readonly spec: FleetSpec;
      readonly hash: string;
      readonly lease?: number;
      readonly mistakes?: undefined;
    }
  | { readonly mistakes: readonly Mistake[] };

const FIELDS: readonly (keyof FromSpecRequest)[] = ['spec', 'leaseSeconds'];
const EXAMPLE = 'for instance { "spec": { "name": "web", ... }, "leaseSeconds": 3600 }';

/** `workflowId` is that of whoever was sent it. Mistakes of the spec have their paths in the spec. */
export function readFromSpec(sent: unknown, workflowId: string): FromSpecReading {
  if (!isMap(sent))
    return { mistakes: [{ path: '', message: `${shown(sent)} is no request`, mend: EXAMPLE }] };
  const reading: SpecReading = sent.spec === undefined ? { mistakes: [NO_SPEC] } : checkSpec(sent.spec, {});
  const others = [...unknownFields(sent), ...leaseMistakes(sent.leaseSeconds), ...idMistakes(workflowId)];
  if (reading.mistakes || others.length > 0) return { mistakes: [...(reading.mistakes ?? []), ...others] };
  return { ...reading, lease: (sent as unknown as FromSpecRequest).leaseSeconds ?? undefined };
}

const NO_SPEC: Mistake = { path: 'spec', message: 'missing', mend: `give it, ${EXAMPLE}` };

function unknownFields(sent: Record<string, unknown>): Mistake[] {
  const unknown = Object.keys(sent).filter((key) => !(FIELDS as readonly string[]).includes(key));
  return unknown.map((key) => ({
    path: shown(key),
    message: 'unknown beside the spec',
    mend: `known here: ${FIELDS.join(', ')}`,
  }));
}

function leaseMistakes(seconds: unknown): Mistake[] {
  if (seconds === undefined || seconds === null) return [];
  const isNumber = typeof seconds === 'number';
  const message = isNumber ? leaseMistake(seconds) : `${shown(seconds)} is not a number of seconds`;
  return message ? [{ path: 'leaseSeconds', message, mend: 'for instance 28800 for eight hours' }] : [];
}

/** A run of that id would stand in the way of the fleet's own. */
function idMistakes(workflowId: string): Mistake[] {
  if (!workflowId.startsWith(fleetWorkflowId(''))) return [];
  const [, name] = workflowId.split(':');
  const message = `${shown(workflowId)} is the id of a fleet's own run`;
  return [
    { path: 'workflow id', message, mend: `start this workflow under another, for instance up:${name}` },
  ];
}
