/** The filters of DescribeInstances that moto refuses with HTTP 500, and those whose values are the sandbox's own. */

import type { Xml } from './answers.ts';
import { type AwsRequest, listOf, withParams } from './request.ts';

const OWN: Record<string, (item: Xml) => string> = {
  'client-token': ({ clientToken }) => `${clientToken}`,
  'iam-instance-profile.arn': ({ iamInstanceProfile }) => `${(iamInstanceProfile as Xml | undefined)?.arn}`,
  'iam-instance-profile.id': ({ iamInstanceProfile }) => `${(iamInstanceProfile as Xml | undefined)?.id}`,
  'instance-state-name': ({ instanceState }) => `${(instanceState as Xml).name}`,
  'instance-state-code': ({ instanceState }) => `${(instanceState as Xml).code}`,
};

/** The request without the filters that are the sandbox's to apply, and whether an instance passes those. */
export function withoutOwnFilters(request: AwsRequest): {
  readonly asked: AwsRequest;
  readonly passes: (item: Xml) => boolean;
} {
  const { params } = request;
  const own: { name: string; values: string[] }[] = [];
  const rest = withoutFilters(params);
  let number = 0;
  for (let at = 1; params.has(`Filter.${at}.Name`); at++) {
    const name = params.get(`Filter.${at}.Name`)!;
    const values = listOf(params, `Filter.${at}.Value`);
    if (name in OWN) {
      own.push({ name, values });
      continue;
    }
    number += 1;
    rest.append(`Filter.${number}.Name`, name);
    for (const [of, value] of values.entries()) rest.append(`Filter.${number}.Value.${of + 1}`, value);
  }
  return {
    asked: own.length > 0 ? withParams(request, rest) : request,
    passes: (item) => own.every(({ name, values }) => values.includes(OWN[name]!(item))),
  };
}

/** The request as an emulator takes it that knows no filters, such as ministack in part: each list is all of it. */
export function unfiltered(request: AwsRequest): AwsRequest {
  const isFiltered = request.action.startsWith('Describe') && request.params.has('Filter.1.Name');
  return isFiltered ? withParams(request, withoutFilters(request.params)) : request;
}

function withoutFilters(params: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...params].filter(([key]) => !key.startsWith('Filter.')));
}
