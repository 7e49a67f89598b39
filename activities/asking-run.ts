/** Which run asks: as its first answer tells it, it stays the same when the run is reset. */

import { Context } from '@temporalio/activity';

export function askingRun(): string {
  return Context.current().info.workflowExecution!.runId;
}
