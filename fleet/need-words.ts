/** What a type has to have, in words. */

import type { Need, Range } from './spec.ts';

/** `2 to 4 vCPUs and at least 8 GiB of memory`. */
export function needWords({ vcpu, memory, arch }: Need): string {
  const amounts = [
    vcpu && `${rangeWords(vcpu)} vCPUs`,
    memory && `${rangeWords(memory, memoryWords)} of memory`,
  ];
  const both = amounts.filter(Boolean).join(' and ');
  return arch === undefined ? both : `${both} (${arch})`;
}

function rangeWords({ least, most }: Range, inWords: (amount: number) => string = String): string {
  if (least === most) return inWords(least!);
  if (most === undefined) return `at least ${inWords(least!)}`;
  return least === undefined ? `at most ${inWords(most)}` : `${inWords(least)} to ${inWords(most)}`;
}

function memoryWords(mib: number): string {
  return mib % 1024 === 0 ? `${mib / 1024} GiB` : `${mib} MiB`;
}
