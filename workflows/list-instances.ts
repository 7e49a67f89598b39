/** listInstances: a page of the instances that AWS shows of a fleet. Changes nothing. */

import type { ListedInstances, ListRequest } from '../fleet/run.ts';
import { as, looking } from './activities.ts';
import { asLook } from './inspect-fleet.ts';

export async function listInstances(request: ListRequest): Promise<ListedInstances> {
  const { fleet } = request.owner;
  return asLook(
    looking.listInstances.executeWithOptions(as('find', `instances of ${fleet}`, 300), [request]),
  );
}
