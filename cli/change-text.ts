/** What differs between two specs as a person reads it. */

import { changeLines } from '../fleet/change-lines.ts';
import type { SpecChange } from '../fleet/spec-change.ts';
import { counted } from '../fleet/words.ts';
import { withFile } from './file-words.ts';

/** All of them, those first that can be made in place. `file`: the spec's, as it was typed. */
export function differenceText(
  fleet: string,
  changes: readonly SpecChange[],
  { file, isAgreed = false }: { readonly file?: string; readonly isAgreed?: boolean } = {},
): string {
  const of = (how: SpecChange['how']) => changes.filter((change) => change.how === how);
  const blocks = [
    [isAgreed ? 'in place:' : `in place, with 'muster up FILE --yes':`, of('in-place')],
    [`only with other machines ('muster roll FILE'):`, of('roll')],
    [`only as another fleet:`, of('new-fleet')],
  ] as const;
  const lines = blocks.flatMap(([title, some]) =>
    some.length > 0 ? [`  ${withFile(title, file)}`, ...changeLines(some).map((line) => `    ${line}`)] : [],
  );
  const ended = changes.flatMap(({ ends }) =>
    ends ? [`  ${counted(ends, 'instance')} ${ends === 1 ? 'is' : 'are'} terminated: the newest`] : [],
  );
  return [`The spec differs from that of the fleet ${fleet}:`, ...lines, ...ended].join('\n');
}
