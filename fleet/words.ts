/** Words that reports and progress have in common. */

/** `1 instance`, `3 instances`. */
export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
