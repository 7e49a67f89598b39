/** A look of a run at its own fleet: what AWS shows otherwise than the spec says that the fleet has. */

import { workflowInfo } from '@temporalio/workflow';
import type { FoundDrift } from '../activities/drift.ts';
import type { Stand } from '../fleet/places.ts';
import { withoutUserData } from '../fleet/spec.ts';
import { knownOf } from '../fleet/wanted.ts';
import { as, looking } from './activities.ts';

/** What of a fleet is held against AWS. */
export function wantedOf({ spec, report, at: place, identity }: Stand) {
  const { namespace } = workflowInfo();
  const known = knownOf(report);
  return { spec: withoutUserData(spec), specFrom: 'run' as const, known, namespace, place, identity };
}

/** `patience`: seconds for which AWS may not show yet what there is; `repaired`: nor what was put right. */
export function lookForDrift(
  step: 'find' | 'check',
  stand: Stand,
  { patience, repaired = false }: { readonly patience: number; readonly repaired?: boolean },
): Promise<FoundDrift> {
  const { spec } = stand;
  return looking.findDrift.executeWithOptions(
    as(step, `${spec.name} against its spec`, patience + spec.deadlines.step),
    [{ ...wantedOf(stand), patience, repaired }],
  );
}
