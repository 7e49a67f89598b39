/** A run's search attributes, kept as its report says. */

import {
  defineSearchAttributeKey,
  type SearchAttributePair,
  type TypedSearchAttributes,
} from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { type Attributes, attributesOf } from '../fleet/attributes.ts';
import type { FleetReport } from '../fleet/report.ts';

const FLEET = defineSearchAttributeKey('MusterFleet', 'KEYWORD');

const KEYS = {
  MusterAccount: defineSearchAttributeKey('MusterAccount', 'KEYWORD_LIST'),
  MusterRegion: defineSearchAttributeKey('MusterRegion', 'KEYWORD_LIST'),
  MusterState: defineSearchAttributeKey('MusterState', 'KEYWORD'),
  MusterCount: defineSearchAttributeKey('MusterCount', 'INT'),
  MusterAttention: defineSearchAttributeKey('MusterAttention', 'KEYWORD'),
} as const;

/**
 * Tells what has changed. Only in a run that was started with them: where the namespace does not know them, telling them
 * would stop the run.
 */
export function tellAttributes(report: FleetReport, isRetrying = false): void {
  const told = workflowInfo().typedSearchAttributes;
  if (told.get(FLEET) === undefined) return;
  const now = attributesOf(report, isRetrying);
  const changed = (Object.keys(KEYS) as (keyof Attributes)[]).filter(
    (name) => JSON.stringify(told.get(KEYS[name])) !== JSON.stringify(now[name]),
  );
  if (changed.length === 0) return;
  upsertSearchAttributes(
    changed.map((name) => ({ key: KEYS[name], value: now[name] ?? null }) as SearchAttributePair),
  );
}

/** For a run that goes on from this one, or is started by it: the same fleet's. */
export function ownAttributes(): TypedSearchAttributes | undefined {
  const { typedSearchAttributes } = workflowInfo();
  return typedSearchAttributes.get(FLEET) === undefined ? undefined : typedSearchAttributes.copy();
}
