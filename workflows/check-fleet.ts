/** checkFleet: what AWS shows of a complete fleet otherwise than its spec says. Changes nothing. */

import { workflowInfo } from '@temporalio/workflow';
import type { FoundDrift } from '../activities/drift.ts';
import { driftOfPlaces } from '../fleet/drift-places.ts';
import type { DriftReport } from '../fleet/drift-report.ts';
import type { CheckRequest } from '../fleet/wanted.ts';
import { inWords } from '../fleet/words.ts';
import { as, looking } from './activities.ts';
import { asLook } from './inspect-fleet.ts';

export async function checkFleet({ places, ...request }: CheckRequest): Promise<DriftReport> {
  const { spec, specFrom } = request;
  const { workflowId, runId } = workflowInfo();
  const about = { schema: 1, fleet: spec.name, workflowId, runId, specFrom } as const;
  if (places) {
    const found = await Promise.all(
      places.map(async (there) => ({
        place: there.place,
        region: there.spec.region,
        ...(await look({ ...request, ...there }, there.place)),
      })),
    );
    return { ...about, ...driftOfPlaces(found) };
  }
  const { gone: _, run: __, ...drift } = await look(request);
  return { ...about, region: spec.region, ...drift };
}

/** For all of its retries: after that AWS's last words are told, and nobody waits any longer. */
const LOOK_SECONDS = 120;

function look(request: CheckRequest, at?: string): Promise<FoundDrift> {
  const { spec, patience } = request;
  const { namespace } = workflowInfo();
  const options = as('find', `${spec.name}${inWords(at)} against its spec`, patience + LOOK_SECONDS, at);
  return asLook(looking.findDrift.executeWithOptions(options, [{ ...request, namespace }]), at);
}
