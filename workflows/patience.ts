/** How long one look may go on before the workflow hears of it. */

/**
 * Milliseconds: a second at first, then as long as was waited so far, ten seconds at most. The history grows with the
 * logarithm of a wait, and whoever looks at the run learns soon why it waits.
 */
export function nextSlice(waitedMs: number): number {
  return Math.min(10_000, Math.max(1_000, waitedMs));
}
