/** Words that reports and progress have in common. */

/** `1 instance`, `3 instances`. */
export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** `2026-01-31T12:00:00Z`, of milliseconds since the epoch. */
export function timeWords(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** ` in eu-west-1`, where it is said which of several places it is. */
export function inWords(at: string | undefined): string {
  return at === undefined ? '' : ` in ${at}`;
}

/** `i-1, i-2 and 3 more`: the first `most` of `count`. */
export function someOf(all: readonly string[], most: number, count = all.length): string {
  const named = all.slice(0, most);
  const more = count - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
