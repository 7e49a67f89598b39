/** What can be done with a fleet in one place alone, and is refused of one in several before anything is sent. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { TEARDOWNS } from '../fleet/run.ts';
import { memoOf } from './change.ts';
import { manyPlaces } from './errors.ts';

/** By the fleet's last run; one that is gone is in no place. Throws ManyPlaces. */
export function assertOnePlace(
  description: Pick<WorkflowExecutionDescription, 'memo' | 'type' | 'workflowId'>,
  asked: 'scaled' | 'changed' | 'rolled' | 'checked' | 'repaired',
): void {
  const { fleet, places } = memoOf(description);
  if (!places || TEARDOWNS.includes(description.type)) return;
  const needsOther = asked === 'changed' || asked === 'rolled';
  throw manyPlaces(
    fleet,
    asked,
    needsOther
      ? `'muster down ${fleet}' removes it, and then it can come up by another spec`
      : `'muster status ${fleet}' shows how it is in each of them`,
  );
}
