/** All instances of a fleet, page by page: a report tells the first of them only. */

import type { ListedInstances, ListRequest } from '../fleet/run.ts';
import type { ClientsFor } from './clients.ts';
import { instanceReport, instancesPage } from './fleet-instances.ts';

export function listSteps(clientsFor: ClientsFor) {
  return {
    /** What EC2 shows now; terminated ones are left out. */
    async listInstances({ owner, next, ...where }: ListRequest): Promise<ListedInstances> {
      const region = where.region ?? process.env.AWS_REGION ?? 'us-east-1';
      const page = await instancesPage(clientsFor({ ...where, region }).ec2, owner, next);
      return { instances: page.instances.map(instanceReport), next: page.next };
    },
  };
}
