/** Sees to it that the namespace knows the search attributes of fleets, where this worker may. */

import type { NativeConnection } from '@temporalio/worker';
import { ATTRIBUTES } from '../fleet/attributes.ts';

/** temporal.api.enums.v1.IndexedValueType. */
const TYPES = { Keyword: 2, Int: 3, KeywordList: 7 } as const;

const PATIENCE_MS = 5_000;

/**
 * Runs do without them where that fails: a server may leave it to its operators, as Temporal Cloud does ('temporal operator
 * search-attribute create', docs/real-account.md).
 */
export async function registerAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const { operatorService } = connection;
  try {
    await connection.withDeadline(Date.now() + PATIENCE_MS, async () => {
      const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
      const missing = Object.entries(ATTRIBUTES).filter(([name]) => !(name in (customAttributes ?? {})));
      if (missing.length === 0) return;
      const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, TYPES[type]]));
      await operatorService.addSearchAttributes({ namespace, searchAttributes });
    });
  } catch {
    // It may not ask, or another worker was quicker.
  }
}
