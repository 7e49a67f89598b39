/** EC2's answers lag behind its launches: replicas that have not heard of an instance answer as if there were none. */

import { type Answer, type AwsFault, items, readXml, withBody, writeXml, type Xml } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import type { Draws } from './draws.ts';
import type { Instances } from './instances.ts';
import { type AwsRequest, listOf } from './request.ts';
import { unknownInstances } from './unknown-ids.ts';

/** The instances of which the replica that takes this call has not heard (EC2 Developer Guide, "Eventual consistency"). */
export function unheardOf(
  { action }: AwsRequest,
  instances: Instances,
  behaviour: Behaviour,
  draws: Draws,
): ReadonlySet<string> {
  if (behaviour.ec2LagSeconds === 0) return new Set();
  if (!draws.happens(behaviour.staleChance, 'ec2Lag', action)) return new Set();
  const since = Date.now() - behaviour.ec2LagSeconds * 1000;
  return new Set([...instances].filter(([, { launchedAt }]) => launchedAt > since).map(([id]) => id));
}

/** EC2's refusal of a call that names some of them, and does nothing to the others that it names. */
export function refusedAsUnheard({ params }: AwsRequest, unheard: ReadonlySet<string>): AwsFault | undefined {
  const named = [
    params.get('InstanceId') ?? '',
    ...listOf(params, 'InstanceId'),
    ...listOf(params, 'ResourceId'),
  ];
  const unknown = named.filter((id) => unheard.has(id));
  return unknown.length > 0 ? unknownInstances(unknown) : undefined;
}

/** Of which instance an item of a list tells. DescribeInstances has a form of its own. */
const LISTS: Record<string, readonly [set: string, instanceOf: (item: Xml) => unknown]> = {
  DescribeInstanceStatus: ['instanceStatusSet', ({ instanceId }) => instanceId],
  DescribeIamInstanceProfileAssociations: [
    'iamInstanceProfileAssociationSet',
    ({ instanceId }) => instanceId,
  ],
  DescribeTags: ['tagSet', ({ resourceId }) => resourceId],
  DescribeVolumes: ['volumeSet', ({ attachmentSet }) => items(attachmentSet)[0]?.instanceId],
};

/** A list without what it has of them. */
export function withoutUnheard(
  { action, params }: AwsRequest,
  answer: Answer,
  unheard: ReadonlySet<string>,
): Answer {
  const list = LISTS[action];
  if (!list || params.has('VolumeId.1') || unheard.size === 0 || answer.status >= 300) return answer;
  const [set, instanceOf] = list;
  const document = readXml(answer.body);
  const response = document[`${action}Response`] as Xml;
  const kept = items(response[set]).filter((item) => !unheard.has(`${instanceOf(item)}`));
  response[set] = kept.length > 0 ? { item: kept } : '';
  return withBody(answer, writeXml(document));
}
