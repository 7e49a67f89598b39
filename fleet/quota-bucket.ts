/** Which of EC2's vCPU quotas a type counts into. */

/** Families of "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances" (Service Quotas, L-1216C47A). */
const STANDARD = new Set(['a', 'c', 'd', 'h', 'i', 'im', 'is', 'm', 'r', 't', 'z']);
/** "Running On-Demand G and VT instances" (L-DB2E81BA). */
const GRAPHICS = new Set(['g', 'gr', 'vt']);

/** The same word for types that share a quota. */
export function quotaBucket(type: string): string {
  const family = /^[a-z]+/.exec(type)?.[0] ?? type;
  if (STANDARD.has(family)) return 'standard';
  return GRAPHICS.has(family) ? 'graphics' : family;
}
