/**
 * EC2, where moto falls short of it: what is launched and ended, by whom it is found, and what answers know of it. Each
 * matter has a file of its own; here they meet.
 */

import { type Answer, errorAnswer, items, readXml, withBody, writeXml, type Xml } from './answers.ts';
import { createAssociations } from './associations.ts';
import type { Behaviour } from './behaviour.ts';
import { buryTheDead } from './deaths.ts';
import type { Draws } from './draws.ts';
import { refusedAsUnheard, unheardOf, withoutUnheard } from './ec2-lag.ts';
import { unfiltered, withoutOwnFilters } from './filters.ts';
import type { Iam } from './iam.ts';
import { amend, type Instances, type LaunchedInstance, stateIn } from './instances.ts';
import { createLaunch } from './launches.ts';
import type { Moto } from './moto.ts';
import { learnProtection } from './protection.ts';
import type { AwsRequest } from './request.ts';
import { createStatuses } from './statuses.ts';
import { createTerminate } from './terminations.ts';
import { launchesOnce } from './tokens.ts';
import { refusedAsUnknown } from './unknown-ids.ts';

export interface Ec2 {
  answer(request: AwsRequest): Promise<Answer>;
  /** What the sandbox remembers of an instance beyond moto. */
  instance(id: string): LaunchedInstance | undefined;
}

export function createEc2(moto: Moto, iam: Iam, behaviour: Behaviour, draws: Draws): Ec2 {
  const instances: Instances = new Map();
  const launch = createLaunch(moto, iam, instances, behaviour, draws);
  const runInstances = launchesOnce(moto, instances, launch);
  const terminateInstances = createTerminate(moto, instances, behaviour);
  const describeStatuses = createStatuses(moto, instances, behaviour);
  const associations = createAssociations(moto, iam, instances);

  return {
    instance: (id) => instances.get(id),
    async answer(request) {
      await buryTheDead(moto, instances);
      const unheard = unheardOf(request, instances, behaviour, draws);
      const refusal = refusedAsUnheard(request, unheard);
      if (refusal) return errorAnswer(request, refusal);
      const asked = behaviour.ignoreFilters ? unfiltered(request) : request;
      return withoutUnheard(asked, await perform(asked, unheard), unheard);
    },
  };

  async function perform(request: AwsRequest, unheard: ReadonlySet<string>): Promise<Answer> {
    switch (request.action) {
      case 'RunInstances':
        return runInstances(request);
      case 'DescribeInstances':
        return describeInstances(request, unheard);
      case 'DescribeInstanceStatus':
        return describeStatuses(request);
      case 'TerminateInstances':
        return terminateInstances(request);
      case 'ModifyInstanceAttribute':
        return modifyAttribute(request);
      case 'AssociateIamInstanceProfile':
      case 'ReplaceIamInstanceProfileAssociation':
        return associations.associate(request);
      case 'DisassociateIamInstanceProfile':
        return associations.disassociate(request);
      case 'DescribeIamInstanceProfileAssociations':
        return associations.describe(request);
      default:
        return moto.forward(request);
    }
  }

  async function describeInstances(request: AwsRequest, unheard: ReadonlySet<string>): Promise<Answer> {
    const unknown = await refusedAsUnknown(moto, instances, request);
    if (unknown) return errorAnswer(request, unknown);
    const { asked, passes } = withoutOwnFilters(request);
    const answer = await moto.forward(asked);
    if (answer.status >= 300) return answer;
    const document = readXml(answer.body);
    const response = document.DescribeInstancesResponse as Xml;
    const reservations = items(response.reservationSet).filter((reservation) => {
      const kept = items(reservation.instancesSet).filter((item) => {
        const instance = instances.get(`${item.instanceId}`);
        if (instance) amend(item, instance, stateIn(item, instance, behaviour), behaviour);
        return passes(item) && !unheard.has(`${item.instanceId}`);
      });
      reservation.instancesSet = { item: kept };
      return kept.length > 0;
    });
    response.reservationSet = reservations.length > 0 ? { item: reservations } : '';
    return withBody(answer, writeXml(document));
  }

  async function modifyAttribute(request: AwsRequest): Promise<Answer> {
    const answer = await moto.forward(request);
    if (answer.status < 300) learnProtection(request, instances);
    return answer;
  }
}
