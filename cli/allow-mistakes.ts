/** Actions of a first spec that no policy can have meant: AWS is not known to have them. */

import { actionDataFor } from '../client/action-data.ts';
import { policyDoubts } from '../fleet/policy-mistakes.ts';

/**
 * A sentence for each, with what may have been meant. What is no action by its form the reader of specs tells. The data set
 * is read when there is something to look up.
 */
export async function allowMistakes(actions: readonly string[]): Promise<string[]> {
  const Action = actions.filter((action) => /^[\w-]+:./.test(action));
  if (Action.length === 0) return [];
  const document = {
    Version: '2012-10-17' as const,
    Statement: [{ Effect: 'Allow' as const, Action, Resource: '*' }],
  };
  const data = await actionDataFor(document);
  const unknown = policyDoubts(document, data).filter(({ kind }) => kind.startsWith('unknown'));
  return unknown.map(({ action, message, mend }) => {
    const newer = `if AWS has it newly (known are those of ${data.date}), write it into the file itself`;
    return `"${action}" ${message}; ${mend ?? newer}`;
  });
}
