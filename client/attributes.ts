/** Search attributes of runs that a client starts. */

import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { owner } from './owner.ts';

const FLEET = defineSearchAttributeKey('MusterFleet', 'KEYWORD');
const OWNER = defineSearchAttributeKey('MusterOwner', 'KEYWORD');

/** Starts something with the attributes of a fleet's run, or without them where the namespace does not know them. */
export async function withAttributes<T>(
  fleet: string,
  start: (attributes: { readonly typedSearchAttributes?: TypedSearchAttributes }) => Promise<T>,
): Promise<T> {
  try {
    return await start({ typedSearchAttributes: attributesFor(fleet) });
  } catch (error) {
    if (!isUnknownAttribute(error)) throw error;
    return start({});
  }
}

/** What the run itself says later, the account and the state for instance, is not here. */
function attributesFor(fleet: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: FLEET, value: fleet },
    { key: OWNER, value: owner() },
  ]);
}

const INVALID_ARGUMENT = 3;

/** "Namespace default has no mapping defined for search attribute MusterFleet". */
function isUnknownAttribute(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return (
    isGrpcServiceError(cause) && cause.code === INVALID_ARGUMENT && /search attribute/i.test(cause.details)
  );
}
