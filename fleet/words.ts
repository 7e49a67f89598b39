/** Words that reports and progress have in common. */

/** `1 instance`, `3 instances`. */
export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** `i-1, i-2 and 3 more`: the first `most` of `count`. */
export function someOf(all: readonly string[], most: number, count = all.length): string {
  const named = all.slice(0, most);
  const more = count - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
